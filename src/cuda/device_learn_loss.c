/* SPDX-License-Identifier: MIT */
/* From hidden states to losses, chunk by chunk, and from these back through all layers; and to
 * tokens. What has to be known here is fetched once, at the end. */
#include "device_learn_pass.h"

#include <stdlib.h>

/* Rows first .. first + n of a list, of hidden states (.., D), side by side. */
static rd_code pick(rd_device_learn *l, const void *hidden, const int32_t *rows, int64_t n,
                    rd_error *e) {
  const int64_t D = l->config->width;
  const rd_pick_args args = {l->gathered, hidden, rows, D * (int64_t)rd_dtype_size(l->type)};
  const rd_blocks grid = rd_blocks_of_rows(l->device, n, D);
  return RD_LAUNCH(l, pick, &grid, &args, e);
}

/* Logits (n, V) of rows of a half, divided and capped where the family does so. */
static rd_code logits_of(rd_device_learn *l, const rd_learn_half *h, float *logits,
                         const int32_t *rows, int64_t n, rd_error *e) {
  const rd_config *c = l->config;
  const rd_bound_args args = {.x = logits,
                              .factor = c->logits_scaling > 0 ? (float)(1 / c->logits_scaling) : 1,
                              .cap = (float)c->final_cap,
                              .n = n * c->vocab};
  const rd_blocks grid = rd_blocks_over(l->device, args.n);
  RD_TRY(pick(l, h->hidden, rows, n, e));
  RD_TRY(rd_learn_linear(l, NULL, &h->weights->head, logits, RD_F32, NULL, l->gathered, n,
                         l->head_mid, e));
  return c->logits_scaling > 0 || c->final_cap > 0 ? RD_LAUNCH(l, bound, &grid, &args, e) : RD_OK;
}

/* dhidden of a chunk's rows, which have the rest of them as zeros. */
static rd_code head_back(rd_device_learn *l, const rd_gradient *gradient, int64_t first, int64_t n,
                         rd_error *e) {
  const int64_t D = l->config->width;
  const rd_put_args args = {l->dhidden, l->dgathered, l->losing.rows + first,
                            D * (int64_t)sizeof *l->dhidden};
  const rd_blocks grid = rd_blocks_of_rows(l->device, n, D);
  RD_TRY(rd_learn_linear_back(l, NULL, &l->own.weights->head, &gradient->head, l->dgathered, RD_F32,
                              false, l->dlogits, l->gathered, n, l->head_mid, e));
  return RD_LAUNCH(l, put, &grid, &args, e);
}

/* The parents' logits come first: those of the rows leave in `gathered` what their way back reads.
 */
static rd_code chunk_losses(rd_device_learn *l, const rd_device_losses *w, int64_t first, int64_t n,
                            rd_error *e) {
  const rd_config *c = l->config;
  const rd_loss_lists *lists = &l->losing;
  const rd_loss_args args = {.dlogits = w->gradient ? l->dlogits : NULL,
                             .logits = l->logits,
                             .goals = w->parent ? l->goals : NULL,
                             .weights = lists->weights + first,
                             .targets = lists->targets + first,
                             .losses = l->losses + first,
                             .V = c->vocab,
                             .factor = c->logits_scaling > 0 ? (float)(1 / c->logits_scaling) : 1,
                             .cap = (float)c->final_cap,
                             .type = (int32_t)l->type};
  const rd_blocks grid = rd_blocks_of_rows(l->device, n, c->vocab);
  if (w->parent)
    RD_TRY(logits_of(l, &l->clean, l->goals, lists->parents + first, n, e));
  RD_TRY(logits_of(l, &l->own, l->logits, lists->rows + first, n, e));
  RD_TRY(RD_LAUNCH(l, loss, &grid, &args, e));
  return w->gradient ? head_back(l, w->gradient, first, n, e) : RD_OK;
}

static rd_code align(rd_device_learn *l, const rd_device_losses *w, rd_error *e) {
  const int64_t D = l->config->width;
  const rd_align_args args = {.dx = w->gradient ? l->dhidden : NULL,
                              .apart = l->apart,
                              .x = l->own.hidden,
                              .own = l->clean.hidden,
                              .rows = l->losing.rows,
                              .parents = l->losing.parents,
                              .weights = l->losing.weights,
                              .D = D,
                              .weight = w->align,
                              .type = (int32_t)l->type};
  const rd_blocks grid = rd_blocks_of_rows(l->device, w->count, D);
  return RD_LAUNCH(l, align, &grid, &args, e);
}

static rd_code send_losing(rd_device_learn *l, const rd_device_losses *w, rd_error *e) {
  rd_device *d = l->device;
  const rd_loss_lists *lists = &l->losing;
  const size_t count = (size_t)w->count;
  RD_TRY(d->send(d, lists->rows, w->rows, count * sizeof *w->rows, e));
  RD_TRY(d->send(d, lists->targets, w->targets, count * sizeof *w->targets, e));
  RD_TRY(d->send(d, lists->weights, w->weights, count * sizeof *w->weights, e));
  return w->parents ? d->send(d, lists->parents, w->parents, count * sizeof *w->parents, e) : RD_OK;
}

static rd_code clear(rd_device_learn *l, float *x, int64_t n, rd_error *e) {
  const rd_clear_args args = {x, n};
  const rd_blocks grid = rd_blocks_over(l->device, n);
  return RD_LAUNCH(l, clear, &grid, &args, e);
}

rd_code rd_device_learn_losses(rd_device_learn *l, const rd_device_losses *w, rd_error *e) {
  rd_device *d = l->device;
  if (l->own.T == 0 || w->count == 0)
    return RD_OK;
  RD_TRY(send_losing(l, w, e));
  if (w->gradient)
    RD_TRY(clear(l, l->dhidden, l->own.T * l->config->width, e));
  for (int64_t first = 0; first < w->count; first += l->chunk)
    RD_TRY(chunk_losses(l, w, first, w->count - first < l->chunk ? w->count - first : l->chunk, e));
  if (w->align > 0)
    RD_TRY(align(l, w, e));
  if (w->gradient)
    RD_TRY(rd_learn_back(l, w->gradient, e));
  if (w->align > 0)
    RD_TRY(d->fetch(d, w->apart, l->apart, (size_t)w->count * sizeof *w->apart, e));
  return d->fetch(d, w->losses, l->losses, (size_t)w->count * sizeof *w->losses, e);
}

/* --- back ------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Rows in the order of their ids, so that each row of the table is added to by one block, in the
 * order of the pass. */
static rd_code look_up_back(rd_device_learn *l, const float *table, rd_error *e) {
  rd_device *d = l->device;
  const rd_config *c = l->config;
  const int64_t T = l->own.T;
  int32_t *ids = l->sorted_lists, *starts = ids + T, *order = starts + T + 1;
  int64_t count = 0;
  for (int64_t t = 0; t < T; t++)
    l->sorted[t] = (uint64_t)l->own.here.ids[t] << 32 | (uint64_t)t;
  qsort(l->sorted, (size_t)T, sizeof *l->sorted, by_number);
  for (int64_t i = 0; i < T; i++) {
    order[i] = (int32_t)(l->sorted[i] & UINT32_MAX);
    if (i == 0 || l->sorted[i] >> 32 != l->sorted[i - 1] >> 32) {
      ids[count] = (int32_t)(l->sorted[i] >> 32);
      starts[count++] = (int32_t)i;
    }
  }
  starts[count] = (int32_t)T;
  RD_TRY(d->send(d, l->looked_ids, ids, (size_t)count * sizeof *ids, e));
  RD_TRY(d->send(d, l->looked_starts, starts, (size_t)(count + 1) * sizeof *starts, e));
  RD_TRY(d->send(d, l->order, order, (size_t)T * sizeof *order, e));
  const rd_look_up_back_args args = {.table = rd_learn_gradient(l, table),
                                     .dx = l->dx,
                                     .ids = l->looked_ids,
                                     .starts = l->looked_starts,
                                     .order = l->order,
                                     .D = c->width,
                                     .scale =
                                         c->embedding_scale > 0 ? (float)c->embedding_scale : 1.0f};
  const rd_blocks grid = rd_blocks_of_rows(d, count, c->width);
  return RD_LAUNCH(l, look_up_back, &grid, &args, e);
}

typedef struct going_back {
  rd_device_learn *l;
  const rd_gradient *g;
} going_back;

static rd_code layers_back(void *context, rd_error *e) {
  const going_back *b = context;
  rd_device_learn *l = b->l;
  const rd_gradient *g = b->g;
  const rd_config *c = l->config;
  RD_TRY(rd_learn_norm_back(l, l->dx, RD_F32, false, c->width, c->width, l->dhidden, l->own.x,
                            RD_F32, l->own.weights->norm, g->norm, l->own.rstd, l->own.T, c->width,
                            e));
  for (int64_t index = c->layers - 1; index >= 0; index--) {
    if (l->own.keep == RD_STACK_INPUTS && index + 1 < c->layers)
      RD_TRY(rd_learn_forward(l, &l->own, index, e));
    RD_TRY(rd_learn_backward(l, index, &g->layers[index], e));
  }
  return RD_OK;
}

rd_code rd_learn_back(rd_device_learn *l, const rd_gradient *g, rd_error *e) {
  going_back b = {l, g};
  const rd_device_key key = {
      l, {RD_LEARN_BACK, l->own.T, l->own.tile_count, (int64_t)(intptr_t)g->layers}};
  RD_TRY(rd_device_again(l->device, &key, layers_back, &b, e));
  return g->embedding ? look_up_back(l, g->embedding, e) : RD_OK;
}

/* --- tokens ----------------------------------------------------------------------------------- */

rd_code rd_device_learn_guess(rd_device_learn *l, const int32_t *rows, const int32_t *positions,
                              int64_t count, const rd_propose_rule *rule, uint32_t iteration,
                              int32_t *ids, rd_error *e) {
  rd_device *d = l->device;
  const int64_t V = l->config->vocab;
  const rd_choose_args args = {.out = l->proposals,
                               .logits = l->logits,
                               .keys = l->keys,
                               .slices = l->slices,
                               .draws = l->draws,
                               .V = V};
  RD_TRY(d->send(d, l->losing.rows, rows, (size_t)count * sizeof *rows, e));
  for (int64_t first = 0, n = 0; first < count; first += n) {
    n = count - first < l->guesses ? count - first : l->guesses;
    for (int64_t i = 0; i < n; i++) {
      const rd_device_choice choice = {.row = i,
                                       .draw = {rule, iteration, (uint32_t)positions[first + i]}};
      l->draws_here[i] = rd_device_draw_of(&choice, NULL);
    }
    RD_TRY(logits_of(l, &l->own, l->logits, l->losing.rows + first, n, e));
    RD_TRY(d->send(d, l->draws, l->draws_here, (size_t)n * sizeof *l->draws, e));
    RD_TRY(rd_device_choose(d, &args, n, e));
    RD_TRY(d->fetch(d, l->proposals_here, l->proposals, (size_t)n * sizeof *l->proposals, e));
    for (int64_t i = 0; i < n; i++) {
      ids[first + i] = l->proposals_here[i].id;
      const rd_propose_row draw = {rule, iteration, (uint32_t)positions[first + i]};
      if (ids[first + i] < 0)
        return rd_propose_fail(&draw, e);
    }
  }
  return RD_OK;
}
