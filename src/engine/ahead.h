/* SPDX-License-Identifier: MIT */
/* Words of a branch (rd_branches), chosen one after the other from scores that a pass has made. */
#ifndef RD_AHEAD_H
#define RD_AHEAD_H

#include "arena.h"
#include "packing.h"

/* What choosing works in, for one model. */
typedef struct rd_ahead {
  const rd_model *model;
  int32_t *ids;    /* words whose scores are looked at again */
  float *scores;   /* of those */
  float *more;     /* and what is added to them */
  float *rows;     /* (those, D) of the head; before that the embedding of a word */
  float *shift;    /* (D) */
  void *room;      /* of the sampler head */
  void *workspace; /* of rd_propose */
} rd_ahead;

/* Does the row of a branch of which `use` says the place count, once what is wanted of its need is
 * in `out`? And the word before its own, where that is known; how it is chosen; where to. */
bool rd_ahead_counts(const rd_packing *p, const rd_row_use *use);
int32_t rd_ahead_before(const rd_packing *p, const rd_row_use *use);
rd_propose_row rd_ahead_draw(const rd_packing *p, const rd_row_use *use);
rd_proposal *rd_ahead_out(const rd_packing *p, const rd_row_use *use);

/* The memory of one whose model is set. `workspace` is rd_propose's, for one row or more. */
void rd_ahead_take(rd_ahead *a, rd_arena *arena, void *workspace);
/* A row is told the word before its own: its logits (V) become those with it, by its state (D) of
 * the activations' type. The model has a sampler head. */
rd_code rd_ahead_tell(const rd_ahead *a, float *logits, const void *state, int32_t word,
                      rd_error *e);
/* A row of a branch of which `use` says the place: its logits (V), which are overwritten, and its
 * state (D) of the activations' type. Rows come in order, once what is wanted of the need is in
 * `out`; those of branches that are not taken do nothing. */
rd_code rd_ahead_row(const rd_ahead *a, const rd_packing *p, const rd_row_use *use, float *logits,
                     const void *state, rd_error *e);

#endif
