/* SPDX-License-Identifier: MIT */
/* What a draft is told, checked, and the rule by which its tokens are chosen. */
#ifndef RD_DRAFT_SETUP_H
#define RD_DRAFT_SETUP_H

#include "engine.h"
#include "sampler.h"

/* Text of ids, for events. Both give new strings, NULL when memory is out. */
typedef struct rd_speller {
  char *(*text)(const void *context, const int32_t *ids, int64_t n); /* special tokens left out */
  char *(*piece)(const void *context, int32_t id); /* special tokens by their names */
  const void *context;
  int32_t mask;
  const int32_t *ends; /* (end_count) */
  int end_count;
} rd_speller;

/* How the caller gives a position of the answer region. */
typedef enum rd_place { RD_PLACE_MASKED, RD_PLACE_EDITABLE, RD_PLACE_LOCKED } rd_place;

/* A request without its model: all that a draft must be told. */
typedef struct rd_draft_setup {
  const rd_params *params;   /* resolved; borrowed for the draft's life */
  const rd_sampler *sampler; /* from rd_params_resolve */
  const char *model;         /* name, for the start event */
  const int32_t *prompt;     /* (prompt_count) copied */
  int64_t prompt_count;
  bool prompt_spaced; /* the prompt has one token more, a space that the first gap took */
  const int32_t
      *ids; /* (count) the region's ids, those of masked places unread; NULL: all masked */
  const uint8_t *places; /* (count) rd_place */
  /* For samplers that search: (count) 1: a gap begins here whose first word brings a space, or
   * NULL; (ceil(vocab / 64)) bits of the words that gaps may have, and of those of them that bring
   * a space. */
  const uint8_t *spaced;
  const uint64_t *words;
  const uint64_t *spaced_words;
  int64_t count; /* answer positions; canvas.h computes them */
  int64_t window;
  int32_t mask;
  const char *lost_mask;      /* rd_tokenizer_lost_mask, or NULL */
  int32_t ends[RD_MOST_ENDS]; /* [0] pads */
  int end_count;
  int64_t vocab;
  int64_t most;          /* of them are given back; 0: all. What follows completes a block */
  int64_t attention;     /* rd_engine_attention, for samplers without one of their own */
  int64_t stride;        /* rd_config.stride */
  bool untrained;        /* the model was never trained for such a sampler: warn */
  bool shift_logits;     /* row i - 1 predicts position i */
  rd_gate gate;          /* of the model's adapter */
  uint64_t seed;         /* the one to use */
  struct rd_form *form;  /* of the answer, given over to the draft, on failure too; or NULL */
  rd_speller speller;    /* its mask and ends are those above; without functions: no text */
  rd_observer *observer; /* or NULL */
  void *context;
} rd_draft_setup;

typedef struct rd_draft rd_draft;

/* Room for an answer, a mask where one is needed, ids inside the vocabulary: the errors are those
 * of rd_draft_new. */
rd_code rd_draft_setup_check(const rd_draft_setup *setup, rd_error *e);
/* How proposals are drawn from logits. */
rd_propose_rule rd_draft_rule(const rd_draft_setup *setup);

#endif
