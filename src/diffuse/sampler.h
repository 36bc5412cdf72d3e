/* SPDX-License-Identifier: MIT */
/* Samplers: rows that combine what is wanted, a schedule, a policy and a noise; the loop knows no
 * name. */
#ifndef RD_SAMPLER_H
#define RD_SAMPLER_H

#include "engine.h"
#include "view.h"

typedef struct rd_override {
  const char *option, *value;
} rd_override;

typedef struct rd_sampler {
  const char *name, *help;
  rd_wants *wants;
  rd_schedule *schedule;
  rd_policy *policy;
  rd_noise *noise; /* NULL: what is filled stays */
  const char
      *options; /* names that mean something to it besides the common ones, space separated */
  rd_override defaults[8]; /* its own defaults, ended by a NULL option */
  int64_t attention;       /* of its passes: RD_CAUSAL; 0: the model's own */
  int64_t grow;            /* places that an iteration adds; 0: as many as --grow says */
  bool ahead;   /* a token is wanted for the last place before anything stands there, by the row
                   before it: no   mask is needed, and only the answer's beginning can be given */
  bool checks;  /* the base checks what stands, and it stays as far as it is the base's own */
  bool drafts;  /* with `checks`: the adapter drafts, else the base's guesses of the pass before are
                   what is checked */
  bool strides; /* with `checks`: masks behind the guesses are the next guesses, as long as none was
                   wrong */
  bool searches; /* words for gaps are tried, and the base says how likely the text is with them */
  bool inserts;  /* gaps begin short, and masks are put into them: growth.h */
  bool leads;    /* with `ahead`: block-length masks stand ahead of what is written. They and the
                    word before them see one another, everything before that looks back only */
  bool sorts;    /* block-length masks from the first on stand behind all that is written, wherever
                    that has its position, and attention looks back only: sorted.c */
  bool own_blocks; /* attention is in blocks of block-length, which begin with the answer */
  bool whole;      /* the answer's last block is a whole one, and is cut off afterwards */
  bool ends;       /* EOS ends it, once all before it is written */
  bool revises; /* filled positions may change: stops by patience instead of when nothing is masked
                 */
  bool gumbel;  /* choice and confidence as LLaDA's */
  bool nucleus_first; /* limits of the choice as Dream's */
  bool counts;        /* `iterations` is its plan; else it runs until nothing is masked */
} rd_sampler;

extern const rd_sampler rd_samplers[];
extern const size_t rd_sampler_count;
extern const rd_table rd_sampler_table; /* the same */

/* The row called `name`; RD_USAGE lists them. */
rd_code rd_sampler_find(const rd_sampler **out, const char *name, rd_error *e);
/* Does an option of rd_sampler_options mean something to this sampler? */
bool rd_sampler_takes(const rd_sampler *s, const char *option);

/* Does it ask for passes of its own (checked.h, gap_search.h)? */
static inline bool rd_sampler_asks(const rd_sampler *s) {
  return s->checks || s->searches;
}

/* Does it find out how long gaps are? */
static inline bool rd_sampler_fits(const rd_sampler *s) {
  return s->searches || s->inserts;
}

/* Does its region end with a number of masks, whatever is written before them? */
static inline bool rd_sampler_slides(const rd_sampler *s) {
  return s->leads || s->sorts;
}

/* Does it run a model from left to right? Then it belongs on the model without its adapter. */
static inline bool rd_sampler_causal(const rd_sampler *s) {
  return s->attention == RD_CAUSAL;
}

#endif
