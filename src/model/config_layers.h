/* SPDX-License-Identifier: MIT */
/* The keys of config.json that say what each layer is: windows, and positions or none. */
#ifndef RD_CONFIG_LAYERS_H
#define RD_CONFIG_LAYERS_H

#include "config.h"

/* Read use_sliding_window, sliding_window, layer_types, no_rope_layers and what belongs to them. */
rd_code rd_config_read_layers(rd_config *c, const json_t *config, rd_error *e);
void rd_config_write_layers(const rd_config *c, json_t *out);
/* The kinds of the layers by the family's facts alone, of a model that has a window. */
void rd_config_default_layers(rd_config *c, int64_t first, int64_t whole_every);

#endif
