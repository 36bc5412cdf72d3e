/* SPDX-License-Identifier: MIT */
/* Words of branches in a model with a sampler head (engine/ahead.c is the processor's): each is
 * told the one before, which is known on the device alone until all of them have been chosen. */
#include "device_pass.h"
#include "sampler_head.h"

void rd_device_take_ahead(rd_device_stack *s, rd_arena *a) {
  const rd_sampler_head *head = s->model->sampler_head;
  const int64_t n = s->chunk, D = s->config->width;
  if (!head)
    return;
  s->ahead = (rd_ahead_args){.R = head->fc1.rows};
  s->ahead.likely = RD_TAKE(a, uint64_t, n *RD_AHEAD_LIKELY);
  s->ahead.both = RD_TAKE(a, uint16_t, n * 2 * D);
  s->ahead.sums = RD_TAKE(a, float, n *s->ahead.R);
  s->ahead.middle = RD_TAKE(a, uint16_t, n *s->ahead.R);
  s->ahead.shift = RD_TAKE(a, float, n *D);
}

/* The words before are looked up in the plain weights: they are the base's, or stand before a gate.
 */
void rd_device_begin_ahead(rd_device_stack *s) {
  const rd_config *c = s->config;
  const rd_weights *plain = s->weights->plain ? s->weights->plain : s->weights;
  rd_ahead_args *a = &s->ahead;
  if (a->R == 0)
    return;
  a->logits = s->logits;
  a->keys = s->keys;
  a->told = s->there.told;
  a->chosen = s->proposals;
  a->states = s->n;
  a->embedding = rd_device_matrix_of(&plain->embedding);
  a->head = rd_device_matrix_of(&s->weights->head.w);
  a->V = c->vocab;
  a->D = c->width;
  a->scale = c->logits_scaling > 0 ? (float)(1 / c->logits_scaling) : 1.0f;
  a->type = (int32_t)s->type;
}

/* y (n, N) = x (n, K) w' for a factor of the head, a few rows at a time. */
static rd_code factor(rd_device_stack *s, const rd_matrix *w, const float *y, const uint16_t *x,
                      int64_t n, rd_error *e) {
  for (int64_t first = 0; first < n; first += RD_FEW_MOST) {
    rd_few_args args = {.x = x + first * w->cols,
                        .T = n - first < RD_FEW_MOST ? n - first : RD_FEW_MOST,
                        .y_stride = w->rows,
                        .alpha = 1,
                        .count = 1,
                        .y_type = RD_F32,
                        .x_type = RD_BF16};
    args.parts[0].y = (void *)(uintptr_t)(y + first * w->rows);
    args.parts[0].w = rd_device_matrix_of(w);
    const rd_blocks grid = rd_few_blocks(s->device, &args);
    RD_TRY(RD_LAUNCH(s, few, &grid, &args, e));
  }
  return RD_OK;
}

/* Words first .. first + n, none of which is told of another of them. */
static rd_code choose_told(rd_device_stack *s, int64_t first, int64_t n, rd_error *e) {
  const rd_device *d = s->device;
  rd_ahead_args a = s->ahead;
  const rd_choose_args choices = rd_device_choices(s, first);
  const rd_blocks rows = rd_blocks_of_rows(d, n, a.D), numbers = rd_blocks_over(d, n * a.R);
  const rd_blocks likely = {
      .blocks = RD_AHEAD_LIKELY, .sides = n, .threads = 2 * RD_WARP_SIZE, .shared = rows.shared};
  a.likely += first * RD_AHEAD_LIKELY;
  a.told += first;
  a.n = n;
  RD_TRY(RD_LAUNCH(s, tell, &rows, &a, e));
  RD_TRY(factor(s, &s->sent->fc1, a.sums, a.both, n, e));
  RD_TRY(RD_LAUNCH(s, soften, &numbers, &a, e));
  RD_TRY(factor(s, &s->sent->fc2, a.shift, a.middle, n, e));
  RD_TRY(RD_LAUNCH(s, correct, &likely, &a, e));
  return rd_device_choose(s->device, &choices, n, e);
}

rd_code rd_device_stack_ahead(rd_device_stack *s, rd_proposal *out, const rd_device_choice *choices,
                              const rd_device_told *told, int64_t count, rd_error *e) {
  rd_device *d = s->device;
  const rd_blocks grid = rd_blocks_of_rows(d, count, s->config->vocab);
  memcpy(s->here.told, told, (size_t)count * sizeof *told);
  RD_TRY(rd_device_send_choices(s, choices, count, e));
  RD_TRY(d->send(d, s->there.told, s->here.told, (size_t)count * sizeof *told, e));
  RD_TRY(RD_LAUNCH(s, likeliest, &grid, &s->ahead, e));
  for (int64_t first = 0, n; first < count; first += n) {
    for (n = 1; first + n < count && told[first + n].before < first; n++)
      ;
    RD_TRY(choose_told(s, first, n, e));
  }
  s->unread = false;
  return d->fetch(d, out, s->proposals, (size_t)count * sizeof *out, e);
}
