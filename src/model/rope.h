/* SPDX-License-Identifier: MIT */
/* Rotary position tables of a model, with its frequency scaling. */
#ifndef RD_ROPE_H
#define RD_ROPE_H

#include "config.h"

/* Inverse frequencies (hd/2): theta^(-2i/hd), then the scaling of config.json's rope_scaling. */
void rd_rope_frequencies(const rd_config *config, double *out);
/* cos and sin of position x frequency for positions first .. first+count-1: (count, hd/2) each. */
void rd_rope_tables(const rd_config *config, int64_t first, int64_t count, float *cosines,
                    float *sines);

/* Rows of rotated heads in the other order of their pairs: from (i, i + hd/2) to (2i, 2i+1) with
 * `interleave`, else back. `size` bytes a row; out may not be in. */
void rd_rope_reorder(void *out, const void *in, int64_t rows, int64_t hd, size_t size,
                     bool interleave);

#endif
