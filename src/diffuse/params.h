/* SPDX-License-Identifier: MIT */
/* Every option of generation as one table of option rows over rd_params, shared by the command
 * line, the JSON API and the web form.
 *
 * Use: put rd_params first in the caller's struct, so that the offsets of rd_sampler_options hold
 * in a larger table too; rd_options_default; set what the user gave; rd_params_resolve. */
#ifndef RD_PARAMS_H
#define RD_PARAMS_H

#include "draft_params.h"
#include "option.h"

struct rd_sampler;

#define RD_NOISE_GROUP "Noise" /* of the rows that say how drafts are noised */

extern const rd_option rd_sampler_options[];
extern const size_t rd_sampler_option_count;
extern const rd_table rd_sampler_rows;          /* the same */
extern const rd_option_part rd_sampler_parts[]; /* and as the only part of an rd_params */

/* After the user's options are in `o` (a table that contains rd_sampler_options' names and a
 * `given` array; `p` is where they lie), and p->own is set where the model is known: take the
 * model's own sampler where none was given, put the sampler's and the model's own defaults where
 * nothing was given, and refuse what makes no sense. *sampler receives the row. RD_USAGE: an
 * unknown sampler (lists them); an option without meaning for it (says which have one); options
 * that exclude each other.
 */
rd_code rd_params_resolve(rd_params *p, const rd_options *o, const struct rd_sampler **sampler,
                          rd_error *e);

#endif
