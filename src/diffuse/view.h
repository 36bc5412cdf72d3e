/* SPDX-License-Identifier: MIT */
/* What a policy sees: plain arrays. Policies, schedules and noises are pure functions of it: no
 * model, no allocation, no clock; random numbers come from counters.
 *
 * Random numbers (rng.h): the iteration word counts passes from 1, the position word is the answer
 * position from 0 unless said. Sampling: stream SAMPLE (propose.h). Noise: stream NOISE, plain
 * draws and weighted draws use the number k of the draw as position word; draws a position use the
 * position. Random transfer: stream UNMASK at the position. */
#ifndef RD_VIEW_H
#define RD_VIEW_H

#include "draft_params.h"
#include "propose.h"
#include "table.h"

enum { RD_MOST_ENDS = 8 }; /* EOS ids of one model */

/* What a policy says of a position. */
typedef enum rd_mark {
  RD_KEEP,    /* stays as the model saw it */
  RD_COMMIT,  /* takes the proposal */
  RD_RENOISE, /* is masked again for the next pass */
  RD_LOCK,    /* takes the proposal and is never wanted again */
} rd_mark;

/* A policy's memory of a position, all 0 at the start. */
enum { RD_SETTLED = 1, /* not to be noised again */ RD_LOCKED = 2 /* nor to be wanted again */ };

typedef struct rd_view {
  int64_t n;                       /* answer positions in the canvas now */
  const int32_t *ids;              /* (n) what the model saw */
  const uint8_t *fixed;            /* (n) 1: locked by the caller; never marked */
  const uint8_t *proposed;         /* (n) 1: wanted, so that there is a proposal */
  const rd_proposal *proposals;    /* (n) */
  const int32_t *draft;            /* (n) for noises: ids with the proposals taken in */
  uint8_t *settled;                /* (n) RD_SETTLED | RD_LOCKED */
  int64_t iteration;               /* passes made, this one included: from 1 */
  int64_t iterations;              /* at most */
  int64_t block_first, block_end;  /* the block being written: [first, end) */
  int64_t block_origin;            /* where it begins, below 0 with the end of the prompt in it */
  int64_t block_size;              /* how long a whole one is */
  int64_t block_masks;             /* masks it had when it was begun */
  int64_t block_step, block_steps; /* this pass in the block, from 0; passes planned for it */
  bool anew;                       /* schedules run over the passes of each block */
  int32_t mask;
  const int32_t *ends; /* (end_count) EOS ids; [0] is the one that pads */
  int end_count;
  uint64_t seed;
  const rd_params *params;
  int32_t *order; /* (n) scratch */
  double *weight; /* (n) scratch */
} rd_view;

/* Which positions a policy wants proposals for: called before the pass. */
typedef bool rd_wants(const rd_view *v, int64_t position);
/* How many positions this iteration; may be fractional, the policy or noise rounds as its source
 * does. */
typedef double rd_schedule(const rd_view *v);
/* marks (n) come in as RD_KEEP; set RD_COMMIT or RD_LOCK where proposed. */
typedef void rd_policy(const rd_view *v, double quota, uint8_t *marks);
/* marks (n) come in as RD_KEEP; set RD_RENOISE, never where fixed. Not called after the last pass.
 */
typedef void rd_noise(const rd_view *v, double quota, uint8_t *marks);

/* What the rows are made of; doc/METHOD.md has the rules. Schedules: */
rd_schedule rd_schedule_lad;     /* f(i) * open positions * noise start (LAD) */
rd_schedule rd_schedule_falling; /* noise level (1 - i/N) * open positions (LAD generic) */
rd_schedule rd_schedule_even;    /* the block's masks split evenly over its passes (LLaDA) */
rd_schedule
    rd_schedule_linear;        /* masks left (1 - s/t), t from 1 to 1e-3; all in the last (Dream) */
rd_schedule rd_schedule_block; /* a whole block's places split evenly over its passes (SDAR) */
rd_schedule
    rd_schedule_rounded;      /* masks left / passes left, rounded; passes with 0 are none (dLLM) */
rd_schedule rd_schedule_none; /* 0: no quota */
/* Policies: */
rd_policy rd_policy_all;            /* every proposal is taken */
rd_policy rd_policy_low_confidence; /* the `quota` most probable */
rd_policy rd_policy_random;         /* `quota` at random */
rd_policy rd_policy_threshold;      /* all at or above params.threshold, the best always */
rd_policy rd_policy_sure;           /* the same, of the block while it has any */
rd_policy rd_policy_dynamic;        /* all above params.threshold, if `quota` are, else the best */
rd_policy rd_policy_leading;        /* those before the first not above params.threshold, or it */
rd_policy
    rd_policy_near; /* entropy + params.distance a place below params.entropy_bound, or the least */
rd_policy rd_policy_factor;  /* the leading run of ranks r with p >= 1 - factor / (r + 1) */
rd_policy rd_policy_origin;  /* each with probability quota / masks */
rd_policy rd_policy_maskgit; /* floor(quota) by probability, or drawn at alg-temp > 0 */
rd_policy rd_policy_margin;  /* the same by margin */
rd_policy rd_policy_entropy; /* the same by entropy, lowest first */
/* Noises: */
rd_noise rd_noise_lad;     /* plain, confidence-guided, keep (LAD) */
rd_noise rd_noise_generic; /* retention none, retained, locked (LAD generic) */

/* What becomes of the positions that the row lad-generic is sure of. */
typedef struct rd_retention {
  const char *name;
  bool settles; /* they are not masked again */
  bool locks;   /* nor wanted again */
} rd_retention;
extern const rd_table rd_retention_table;

/* `count` distinct positions of order[0..n) drawn one after the other in proportion to
 * weight[position], draw k using the uniform at (seed, stream, iteration, first + k) against the
 * weights left summed in the order given. The drawn ones get `mark`. Shared by noises, policies and
 * their tests. */
void rd_draw_weighted(const rd_view *v, int stream, int64_t count, int64_t first, int32_t *order,
                      int64_t n, double *weight, uint8_t mark, uint8_t *marks);
/* Sort order[0..n) by falling score[position], ties to the lower position. */
void rd_rank(int32_t *order, int64_t n, const double *score);
bool rd_is_end(const rd_view *v, int32_t id);

#endif
