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
struct rd_model;

#define RD_NOISE_GROUP "Noise" /* of the rows that say how drafts are noised */

extern const rd_option rd_sampler_options[];
extern const size_t rd_sampler_option_count;
extern const rd_table rd_sampler_rows;          /* the same */
extern const rd_option_part rd_sampler_parts[]; /* and as the only part of an rd_params */

/* Where defaults come from, besides the rows of options and samplers. */
typedef struct rd_defaults {
  const struct rd_model *model; /* what its files name (remembered.h), and what kind it is; NULL:
                                   no model is known yet */
  const rd_options *service;    /* a table whose given rows go before the model's; or NULL */
  bool continues; /* a text is to go on: from left to right, unless a sampler is asked for, by a
                     model that was made so */
} rd_defaults;

/* After the user's options are in `o` (a table that contains rd_sampler_options' names and a
 * `given` array; `p` is where they lie): put defaults where nothing was given, and refuse what
 * makes no sense. *sampler receives the row: the one given; else the service's, one that fills gaps
 * where there are some, the one that the model's files name, `ar` for a model that was never
 * trained to refine drafts, its family's own where no adapter made it another, "lad". `verify` is
 * such a choice too, and it and gaps come from whoever gives them: the user, the service, the
 * model's files. What these name holds for the sampler that they name. `defaults` may be NULL.
 * RD_USAGE: an unknown sampler (lists them); an option without meaning for it (says which have
 * one); options that exclude each other. RD_BAD_INPUT: the model's files name no such option, or
 * contradict themselves. */
rd_code rd_params_resolve(rd_params *p, const rd_options *o, const rd_defaults *defaults,
                          const struct rd_sampler **sampler, rd_error *e);
/* Refuse options that make no sense together, before a model is known. */
rd_code rd_params_check(rd_params *p, const rd_options *o, rd_error *e);
/* The values that stand where nothing is given, for a sampler (NULL: the default one, which
 * *sampler receives) as an object {name: value} of the rows it takes. New reference, or NULL: e
 * says why. */
json_t *rd_params_defaults(const rd_defaults *defaults, const struct rd_sampler **sampler,
                           rd_error *e);

#endif
