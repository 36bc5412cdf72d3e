/* SPDX-License-Identifier: MIT */
/* The keys of config.json about rotary positions. */
#ifndef RD_CONFIG_ROPE_H
#define RD_CONFIG_ROPE_H

#include "config.h"

/* Read rope_theta, rope_scaling or rope_parameters (which may be nested by kind of layer),
 * rope_local_base_freq and partial_rotary_factor. The sizes are known. */
rd_code rd_config_read_rope(rd_config *c, const json_t *config, rd_error *e);
/* The same keys as they are read back; for a family with local angles nested. */
void rd_config_write_rope(const rd_config *c, json_t *out);
/* The attention factor that follows from a factor, where the file does not say. */
double rd_yarn_attention(double factor, double mscale);
double rd_longrope_attention(double factor, int64_t original);

#endif
