/* SPDX-License-Identifier: MIT */
/* Single numbers of the arithmetic that some families have: multipliers and caps. */
#ifndef RD_CONFIG_SCALES_H
#define RD_CONFIG_SCALES_H

#include "config.h"

typedef struct rd_config_scale {
  const char *key, *gguf; /* in config.json; in GGUF behind the architecture, or NULL */
  size_t at;              /* of a double in rd_config */
  double missing;         /* its value where a family that knows the key finds none */
  bool whole;             /* transformers takes integers alone */
} rd_config_scale;

/* All of them; *count. */
const rd_config_scale *rd_config_scales(size_t *count);
double *rd_config_scale_at(const rd_config_scale *scale, rd_config *c);

/* Those that the family knows; *c has the family's own values for those that are missing. */
rd_code rd_config_read_scales(rd_config *c, const json_t *config, rd_error *e);
void rd_config_write_scales(const rd_config *c, json_t *out);
/* What follows from the numbers and the family: embedding_scale. */
void rd_config_settle_scales(rd_config *c);

#endif
