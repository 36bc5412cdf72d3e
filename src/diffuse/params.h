/* SPDX-License-Identifier: MIT */
/* Every option of generation as one struct and one table of option rows, shared by the command
 * line, the JSON API and the web form.
 *
 * Use: put rd_params first in the caller's struct, so that the offsets of rd_sampler_options hold
 * in a larger table too; rd_options_default; set what the user gave; rd_params_resolve. */
#ifndef RD_PARAMS_H
#define RD_PARAMS_H

#include "option.h"

struct rd_sampler;

typedef struct rd_params {
  char *sampler; /* name of a row of rd_samplers */
  int64_t iterations, window, tokens, seed;
  int64_t top_k, grow, patience, block_length;
  double temperature, top_p, eos_bias;
  double noise_start, sharpness, noise_clip, noise_level;
  double cfg_scale, threshold, factor, alg_temp, deadline;
  bool no_noise, confidence_noise, keep, proportional, eos_last, no_eos;
  char *retention, *reuse;
  char *prefix, *suffix, *gaps; /* --template */
} rd_params;

extern const rd_option rd_sampler_options[];
extern const size_t rd_sampler_option_count;

/* After the user's options are in `o` (a table that contains rd_sampler_options' names and a
 * `given` array; `p` is where they lie): put the sampler's own defaults where nothing was given,
 * and refuse what makes no sense. *sampler receives the row. RD_USAGE: an unknown sampler (lists
 * them); an option without meaning for it (says which have one); options that exclude each other.
 */
rd_code rd_params_resolve(rd_params *p, const rd_options *o, const struct rd_sampler **sampler,
                          rd_error *e);

#endif
