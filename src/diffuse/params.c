/* SPDX-License-Identifier: MIT */
/* The option rows of generation, and what may be given together. */
#include "params.h"

#include "reuse.h"
#include "sampler.h"

#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(rd_params, member)
#define DRAFT "Draft"
#define CHOICE "Choice of tokens"
#define NOISE "Noise"
#define FILLING "Filling of masks"
#define REGION "Fixed text"

const rd_option rd_sampler_options[] = {
    {"sampler", 0, RD_CHOICE, "lad", 0, 0, NULL, DRAFT, "NAME",
     "how drafts are refined; 'help' lists the samplers", AT(sampler)},
    {"iterations", 'n', RD_INT, "64", 1, 512, NULL, DRAFT, "N", "drafts at most", AT(iterations)},
    {"window", 0, RD_INT, "0", 0, 1048576, NULL, DRAFT, "N",
     "canvas: tokens of prompt and answer together; 0: the model's own, or 256", AT(window)},
    {"tokens", 0, RD_INT, "0", 0, 1048576, NULL, DRAFT, "N",
     "answer tokens at most; 0: to the end of the window", AT(tokens)},
    {"patience", 0, RD_INT, "3", 0, 1000, NULL, DRAFT, "N",
     "stop after N identical drafts; 0: never", AT(patience)},
    {"deadline", 0, RD_REAL, "0", 0, 86400, NULL, DRAFT, "SECONDS",
     "stop with the best draft so far after this time; 0: none", AT(deadline)},
    {"grow", 0, RD_INT, "256", 1, 256, NULL, DRAFT, "N", "answer positions added at each iteration",
     AT(grow)},
    {"reuse", 0, RD_CHOICE, "exact", 0, 0, NULL, DRAFT, "NAME",
     "which keys and values are kept between passes; 'help' lists the ways", AT(reuse)},
    {"seed", 0, RD_INT, "-1", -1, 9007199254740992.0, NULL, DRAFT, "N",
     "of all random numbers; -1: drawn, and reported", AT(seed)},
    {"temperature", 't', RD_REAL, "1", 0, 10, NULL, CHOICE, "F", "0: always the best token",
     AT(temperature)},
    {"top-k", 'k', RD_INT, "3", 0, 1000, NULL, CHOICE, "N",
     "choose among the N best tokens; 0: among all", AT(top_k)},
    {"top-p", 0, RD_REAL, "1", 0.001, 1, NULL, CHOICE, "F",
     "choose among the best tokens that make up this probability", AT(top_p)},
    {"eos-bias", 0, RD_REAL, "0", -5, 5, NULL, CHOICE, "F",
     "added to the logit of the end token: negative makes longer answers", AT(eos_bias)},
    {"noise-start", 0, RD_REAL, "0.5", 0, 1, NULL, NOISE, "F",
     "share of the answer masked again at first", AT(noise_start)},
    {"sharpness", 0, RD_REAL, "1", 1, 20, NULL, NOISE, "F",
     "how fast the noise falls: larger is earlier", AT(sharpness)},
    {"no-noise", 0, RD_FLAG, NULL, 0, 0, NULL, NOISE, NULL,
     "disable intermediate noising: the draft is refined from itself", AT(no_noise)},
    {"confidence-noise", 0, RD_FLAG, NULL, 0, 0, NULL, NOISE, NULL,
     "mask the least confident positions first", AT(confidence_noise)},
    {"noise-clip", 0, RD_REAL, "0.01", 0.01, 1, NULL, NOISE, "F",
     "least weight of a position in confidence noise", AT(noise_clip)},
    {"keep", 0, RD_FLAG, NULL, 0, 0, NULL, NOISE, NULL,
     "permanent unmasking: what was left unmasked once is not masked again", AT(keep)},
    {"noise-level", 0, RD_REAL, "0.5", 0, 1, NULL, NOISE, "F",
     "share of the answer masked again, falling to 0", AT(noise_level)},
    {"retention", 0, RD_CHOICE, "none", 0, 0, "none|retained|locked", NOISE, NULL,
     "sure positions: none kept, retained (tokens may change) or locked", AT(retention)},
    {"proportional", 0, RD_FLAG, "true", 0, 0, NULL, NOISE, NULL,
     "retain before and after the first end token in proportion", AT(proportional)},
    {"eos-last", 0, RD_FLAG, NULL, 0, 0, NULL, NOISE, NULL,
     "end tokens get the least confidence: length is decided last", AT(eos_last)},
    {"block-length", 0, RD_INT, "0", 0, 1048576, NULL, FILLING, "N",
     "fill in blocks of N from left to right; 0: one block", AT(block_length)},
    {"cfg-scale", 0, RD_REAL, "0", 0, 100, NULL, FILLING, "F",
     "classifier-free guidance: how much the prompt is stressed", AT(cfg_scale)},
    {"no-eos", 0, RD_FLAG, NULL, 0, 0, NULL, FILLING, NULL, "never choose the end token",
     AT(no_eos)},
    {"threshold", 0, RD_REAL, "0.9", 0, 1, NULL, FILLING, "F",
     "fill every position at least this confident", AT(threshold)},
    {"factor", 0, RD_REAL, "1", 0, 1000, NULL, FILLING, "F",
     "fill rank r when its confidence is at least 1 - F/(r+1)", AT(factor)},
    {"alg-temp", 0, RD_REAL, "0", 0, 100, NULL, FILLING, "F",
     "draw the positions by softmax(confidence / F); 0: the surest", AT(alg_temp)},
    {"prefix", 0, RD_TEXT, NULL, 0, 0, NULL, REGION, "TEXT", "the answer begins with this",
     AT(prefix)},
    {"suffix", 0, RD_TEXT, NULL, 0, 0, NULL, REGION, "TEXT",
     "the answer ends with this, after --tokens gap", AT(suffix)},
    {"template", 0, RD_TEXT, NULL, 0, 0, NULL, REGION, "TEXT",
     "fixed text with gaps: \"The capital of {mask:3} is Paris.\"", AT(gaps)},
};
const size_t rd_sampler_option_count = sizeof rd_sampler_options / sizeof *rd_sampler_options;

static rd_code without_meaning(const rd_sampler *s, const char *option, rd_error *e) {
  char names[400] = "";
  for (size_t i = 0; i < rd_sampler_count; i++)
    if (rd_sampler_takes(&rd_samplers[i], option)) {
      size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", rd_samplers[i].name);
    }
  return rd_fail(e, RD_USAGE, "--%s means nothing to --sampler %s; it is for %s", option, s->name,
                 names);
}

/* Set what the user did not give, without calling it given. */
static rd_code set_default(const rd_options *o, const char *name, const char *value, rd_error *e) {
  const rd_option *row = rd_option_find(o, name);
  if (!row || rd_option_given(o, name))
    return RD_OK;
  if (!value)
    return rd_option_set_json(o, row, json_null(), e);
  RD_TRY(rd_option_set(o, row, value, e));
  if (o->given)
    o->given[row - o->rows] = false;
  return RD_OK;
}

rd_code rd_params_resolve(rd_params *p, const rd_options *o, const rd_sampler **sampler,
                          rd_error *e) {
  RD_TRY(rd_sampler_find(sampler, p->sampler ? p->sampler : "lad", e));
  const rd_sampler *s = *sampler;
  const rd_reuse *reuse;
  RD_TRY(rd_reuse_find(&reuse, p->reuse, RD_CAUSAL, e));
  for (size_t i = 0; i < rd_sampler_option_count; i++) {
    const char *name = rd_sampler_options[i].name;
    if (rd_option_given(o, name) && !rd_sampler_takes(s, name))
      return without_meaning(s, name, e);
    if (i > 0) /* what an earlier sampler preferred; row 0 is the sampler itself */
      RD_TRY(set_default(o, name, NULL, e));
  }
  const size_t most = sizeof s->defaults / sizeof *s->defaults;
  for (const rd_override *d = s->defaults; d < s->defaults + most && d->option; d++)
    RD_TRY(set_default(o, d->option, d->value, e));
  if (p->gaps && (p->prefix || p->suffix))
    return rd_fail(e, RD_USAGE,
                   "--template says where the fixed text stands: it goes without "
                   "--prefix and --suffix");
  if (p->suffix && p->tokens == 0)
    return rd_fail(e, RD_USAGE, "--suffix needs --tokens: how long the gap before it is");
  if (p->no_noise && (rd_option_given(o, "noise-start") || rd_option_given(o, "sharpness") ||
                      p->confidence_noise || p->keep))
    return rd_fail(e, RD_USAGE,
                   "--no-noise switches noising off: the other noise options mean "
                   "nothing beside it");
  return RD_OK;
}
