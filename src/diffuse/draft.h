/* SPDX-License-Identifier: MIT */
/* One generation as a state machine: it says what the next pass must compute, takes the proposals,
 * moves on, and tells its observer. rd_draft_run is the loop around one; a server runs many,
 * packing what they need into one pass. Nothing is allocated between rd_draft_new and the end. */
#ifndef RD_DRAFT_H
#define RD_DRAFT_H

#include "sampler.h"

#include <stdatomic.h>

struct rd_cache;

/* Text of ids, for events. Both give new strings, NULL when memory is out. */
typedef struct rd_speller {
  char *(*text)(void *context, const int32_t *ids, int64_t n); /* special tokens left out */
  char *(*piece)(void *context, int32_t id);                   /* special tokens by their names */
  void *context;
  int32_t mask;
  const int32_t *ends; /* (end_count) */
  int end_count;
} rd_speller;

/* How the caller gives a position of the answer region. */
typedef enum rd_place { RD_PLACE_MASKED, RD_PLACE_EDITABLE, RD_PLACE_LOCKED } rd_place;

typedef struct rd_draft_setup {
  const rd_params *params;   /* resolved; borrowed for the draft's life */
  const rd_sampler *sampler; /* from rd_params_resolve */
  const char *model;         /* name, for the start event */
  const int32_t *prompt;     /* (prompt_count) copied */
  int64_t prompt_count;
  const int32_t
      *ids; /* (count) the region's ids, those of masked places unread; NULL: all masked */
  const uint8_t *places; /* (count) rd_place */
  int64_t count;         /* answer positions; canvas.h computes them */
  int64_t window;
  int32_t mask;
  int32_t ends[RD_MOST_ENDS]; /* [0] pads */
  int end_count;
  int64_t vocab;
  bool shift_logits; /* row i - 1 predicts position i */
  uint64_t seed;     /* the one to use */
  struct rd_cache
      *cache; /* causal samplers: room for prompt + count, or NULL: everything is recomputed */
  const rd_speller *speller; /* borrowed; NULL: events have no text */
  rd_observer *observer;     /* or NULL */
  void *context;
} rd_draft_setup;

/* One sequence of a pass and what is wanted of it. */
typedef struct rd_need {
  const int32_t *ids; /* (count) */
  int64_t count;
  int64_t first;           /* position of ids[0]; the ones before are in the cache */
  struct rd_cache *cache;  /* or NULL */
  bool causal;             /* else the model's own bidirectional or block attention */
  const int32_t *unguided; /* (count) the sequence without its prompt, for guidance; or NULL */
  double guidance;
  const int32_t *rows;         /* (row_count) rows of ids whose logits are wanted, rising */
  const rd_propose_row *where; /* (row_count) */
  rd_proposal *out;            /* (row_count) to be filled */
  int64_t row_count;
} rd_need;

typedef struct rd_draft rd_draft;

/* Emits start and the initial noise. RD_USAGE: no mask token, nothing to write, iterations fewer
 * than blocks. RD_BAD_INPUT: ids outside the vocabulary. An observer's refusal is returned. */
rd_code rd_draft_new(rd_draft **out, const rd_draft_setup *setup, rd_error *e);
void rd_draft_free(rd_draft **draft);
/* What the next pass must compute; false: done. Stays valid until rd_draft_take. */
bool rd_draft_need(rd_draft *draft, rd_need *need);
/* The needed proposals are filled in: move on. Emits draft, then noise or done. */
rd_code rd_draft_take(rd_draft *draft, rd_error *e);
/* Stop before the next pass: emits done, marked `why` ("cancelled", "deadline"). */
rd_code rd_draft_stop(rd_draft *draft, const char *why, rd_error *e);

typedef struct rd_outcome {
  const int32_t *region; /* (count) the last draft */
  int64_t count;
  const int32_t *answer; /* (tokens) what stands before the first EOS, trailing masks stripped */
  int64_t tokens, iterations, passes;
  const char *stopped; /* NULL: not done */
  double seconds;
} rd_outcome;
/* Pointers live as long as the draft. */
rd_outcome rd_draft_outcome(const rd_draft *draft);

/* A back-end: computes what several drafts need. */
typedef struct rd_denoiser rd_denoiser;
struct rd_denoiser {
  /* Fill needs[i].out for all i; a need's results do not depend on the others. Never allocates. */
  rd_code (*run)(rd_denoiser *self, const rd_need *needs, int64_t n, rd_error *e);
};

/* The loop for one draft. `cancelled` (or NULL) is looked at before every pass. RD_CANCELLED when
 * it was set; the outcome is then the last draft. */
rd_code rd_draft_run(rd_draft *draft, rd_denoiser *denoiser, atomic_int *cancelled, rd_error *e);

#endif
