/* SPDX-License-Identifier: MIT */
/* What a draft is told: the options of generation as one struct, which params.h describes by rows.
 */
#ifndef RD_DRAFT_PARAMS_H
#define RD_DRAFT_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rd_params {
  char *sampler; /* name of a row of rd_samplers */
  int64_t iterations, window, tokens, seed;
  int64_t top_k, grow, room, patience, block_length, block_steps, sub_block;
  double temperature, top_p, eos_bias;
  double noise_start, sharpness, noise_clip, noise_level;
  double cfg_scale, base_weight, threshold, factor, distance, entropy_bound, end_bound, doubt,
      alg_temp, deadline;
  bool verify, base_lead, likeliest, no_noise, confidence_noise, keep, proportional, eos_last,
      no_eos;
  char *retention, *reuse;
  char *prefix, *suffix, *gaps; /* --template */
  char *grammar;                /* the form of the answer, as form.h reads it; or NULL */
} rd_params;

#endif
