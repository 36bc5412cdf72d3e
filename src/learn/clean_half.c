/* SPDX-License-Identifier: MIT */
/* The half of a batch that is not trained. */
#include "clean_half.h"

#include <stdlib.h>

/* Rows of scores at a time, for who asks the base what it would say (step.c). */
static rd_stack_sizes sizes_of(int64_t rows, int64_t longest, int64_t chunk) {
  return (rd_stack_sizes){.rows = rows, .longest = longest, .chunk = chunk};
}

static void layout(rd_clean_half *h, rd_arena *a, const rd_config *c, const rd_weights *w,
                   int64_t rows, int64_t longest) {
  rd_halves_take(&h->halves, a, rows);
  h->targets = RD_TAKE(a, int32_t, rows);
  h->listed = RD_TAKE(a, int32_t, rows);
  h->weights = RD_TAKE(a, float, rows);
  h->losses = RD_TAKE(a, float, rows);
  rd_past_take(&h->past, a, c, w->type, rows, longest, true);
}

size_t rd_clean_half_memory(const rd_config *c, const rd_weights *w, int64_t rows, int64_t longest,
                            int64_t chunk) {
  const rd_stack_sizes sizes = sizes_of(rows, longest, chunk);
  rd_clean_half h = {0};
  rd_arena measure = rd_arena_measure();
  layout(&h, &measure, c, w, rows, longest);
  return measure.used + rd_stack_memory(c, w->plain, &sizes);
}

rd_code rd_clean_half_new(rd_clean_half **out, const rd_config *c, const rd_weights *w,
                          int64_t rows, int64_t longest, int64_t chunk, rd_error *e) {
  const rd_stack_sizes sizes = sizes_of(rows, longest, chunk);
  rd_arena measure = rd_arena_measure();
  *out = NULL;
  rd_clean_half *h = rd_calloc(1, sizeof *h, "the clean half of a batch", e);
  if (!h)
    return RD_NO_MEMORY;
  layout(h, &measure, c, w, rows, longest);
  rd_code code = rd_arena_init(&h->arena, measure.used, "the clean half of a batch", e);
  if (code == RD_OK) {
    layout(h, &h->arena, c, w, rows, longest);
    code = rd_stack_new(&h->stack, c, w->plain, &sizes, e);
  }
  if (code != RD_OK) {
    rd_clean_half_free(&h);
    return code;
  }
  h->stack->record = &h->past;
  h->past.before = h->halves.before;
  *out = h;
  return RD_OK;
}

void rd_clean_half_free(rd_clean_half **half) {
  if (!half || !*half)
    return;
  rd_stack_free(&(*half)->stack);
  rd_arena_drop(&(*half)->arena);
  free(*half);
  *half = NULL;
}

rd_code rd_clean_half_run(rd_clean_half *h, const rd_sequence *sequences, int64_t n, rd_error *e) {
  rd_halves *cut = &h->halves;
  rd_halves_cut(cut, sequences, n);
  return cut->clean_count > 0 ? rd_stack_run(h->stack, cut->clean, cut->clean_count, 1, e) : RD_OK;
}
