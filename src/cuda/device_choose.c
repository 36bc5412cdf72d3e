/* SPDX-License-Identifier: MIT */
/* From the hidden states of a run to logits, and from these to proposals, on the device. */
#include "device_pass.h"

int64_t rd_device_stack_chunk(const rd_device_stack *s, const int32_t *rows, int64_t count) {
  const rd_linear *head = &s->weights->head;
  const int64_t most = count < s->chunk ? count : s->chunk;
  int64_t n = 1;
  if (head->a.rows == 0 && !head->plain)
    return most;
  while (n < most && (rows[n] < s->clean) == (rows[0] < s->clean))
    n++;
  return n;
}

/* Logits are divided and capped where the family does so. */
static rd_code bound(rd_device_stack *s, int64_t count, rd_error *e) {
  const rd_config *c = s->config;
  const rd_bound_args args = {.x = s->logits,
                              .factor = c->logits_scaling > 0 ? (float)(1 / c->logits_scaling) : 1,
                              .cap = (float)c->final_cap,
                              .n = count * c->vocab};
  const rd_blocks grid = rd_blocks_over(s->device, args.n);
  return c->logits_scaling > 0 || c->final_cap > 0 ? RD_LAUNCH(s, bound, &grid, &args, e) : RD_OK;
}

rd_code rd_device_stack_logits(rd_device_stack *s, const int32_t *rows, int64_t count,
                               rd_error *e) {
  rd_device *d = s->device;
  const int64_t D = s->config->width;
  for (int64_t i = 0; i < count; i++)
    if (rows[i] < 0 || rows[i] >= s->T)
      return rd_fail(e, RD_USAGE, "row %d is not among the %lld of the pass", rows[i],
                     (long long)s->T);
  RD_TRY(d->send(d, s->there.picked, rows, (size_t)count * sizeof *rows, e));
  const rd_pick_args args = {s->gathered, s->n, s->there.picked,
                             D * (int64_t)rd_dtype_size(s->type)};
  const rd_blocks grid = rd_blocks_of_rows(d, count, D);
  RD_TRY(RD_LAUNCH(s, pick, &grid, &args, e));
  RD_TRY(rd_device_linear(s, &s->weights->head, s->logits, RD_F32, false, s->gathered, count,
                          rows[0] < s->clean ? count : 0, e));
  return bound(s, count, e);
}

int64_t rd_device_stack_held(const rd_device_stack *s) {
  return s->chunk;
}

rd_code rd_device_stack_hold(rd_device_stack *s, int64_t row, rd_error *e) {
  const int64_t V = s->config->vocab;
  return s->device->move(s->device, s->logits + s->chunk * V, s->logits + row * V,
                         (size_t)V * sizeof *s->logits, e);
}

rd_code rd_device_stack_guide(rd_device_stack *s, const rd_device_pair *pairs, int64_t count,
                              rd_error *e) {
  rd_device *d = s->device;
  const rd_guide_args args = {s->logits, s->there.pairs, s->config->vocab};
  if (count == 0)
    return RD_OK;
  RD_TRY(d->send(d, s->there.pairs, pairs, (size_t)count * sizeof *pairs, e));
  rd_blocks grid = rd_blocks_over(d, args.V);
  grid.sides = count;
  return RD_LAUNCH(s, guide, &grid, &args, e);
}

rd_code rd_device_stack_fetch(rd_device_stack *s, float *out, int64_t row, rd_error *e) {
  const int64_t V = s->config->vocab;
  s->unread = false;
  return s->device->fetch(s->device, out, s->logits + row * V, (size_t)V * sizeof *out, e);
}

/* A row in bf16 arrives at the end of `out`, and is widened from its beginning on. */
rd_code rd_device_stack_state(rd_device_stack *s, float *out, int64_t row, rd_error *e) {
  const int64_t D = s->config->width;
  const size_t size = rd_dtype_size(s->type), bytes = (size_t)D * size;
  s->unread = false;
  char *arrived = (char *)out + (size_t)D * sizeof *out - bytes;
  RD_TRY(s->device->fetch(s->device, arrived, rd_at_const(s->n, s->type, row * D), bytes, e));
  for (int64_t i = 0; s->type == RD_BF16 && i < D; i++) {
    rd_bf16 narrow;
    memcpy(&narrow, arrived + (size_t)i * size, sizeof narrow);
    out[i] = rd_f32_of_bf16(narrow);
  }
  return RD_OK;
}

rd_device_draw rd_device_draw_of(const rd_device_choice *choice, const uint64_t *allowed) {
  const rd_propose_rule *rule = choice->draw.rule;
  rd_device_draw d = {.temperature = rule->temperature,
                      .top_p = rule->top_p,
                      .eos_bias = rule->eos_bias,
                      .seed = rule->seed,
                      .allowed = allowed,
                      .row = choice->row,
                      .top_k = rule->top_k,
                      .eos = rule->eos,
                      .gumbel = rule->gumbel,
                      .nucleus_first = rule->nucleus_first,
                      .unsure_count = rule->unsure_count,
                      .iteration = choice->draw.iteration,
                      .position = choice->draw.position};
  memcpy(d.unsure, rule->unsure, sizeof d.unsure);
  return d;
}

int64_t rd_device_slices(int64_t V) {
  return (V + RD_CHOOSE_SLICE - 1) / RD_CHOOSE_SLICE;
}

rd_code rd_device_choose(rd_device *d, const rd_choose_args *args, int64_t count, rd_error *e) {
  const rd_blocks grid = rd_blocks_of_rows(d, count, args->V);
  const rd_blocks slices = {.blocks = rd_device_slices(args->V),
                            .sides = count,
                            .threads = grid.threads,
                            .shared = grid.shared};
  RD_TRY(d->launch(d, &d->kernels->survey, &slices, args, e));
  return d->launch(d, &d->kernels->choose, &grid, args, e);
}

rd_code rd_device_send_choices(rd_device_stack *s, const rd_device_choice *choices, int64_t count,
                               rd_error *e) {
  rd_device *d = s->device;
  const int64_t V = s->config->vocab, words = (V + 63) / 64;
  int64_t limited = 0;
  for (int64_t i = 0; i < count; i++) {
    const uint64_t *allowed = choices[i].allowed ? s->there.allowed + limited * words : NULL;
    s->here.draws[i] = rd_device_draw_of(&choices[i], allowed);
    if (allowed)
      memcpy(s->here.allowed + limited++ * words, choices[i].allowed,
             (size_t)words * sizeof *allowed);
  }
  RD_TRY(d->send(d, s->there.draws, s->here.draws, (size_t)count * sizeof *s->here.draws, e));
  return d->send(d, s->there.allowed, s->here.allowed,
                 (size_t)(limited * words) * sizeof *s->here.allowed, e);
}

rd_choose_args rd_device_choices(const rd_device_stack *s, int64_t first) {
  const int64_t V = s->config->vocab;
  return (rd_choose_args){.out = s->proposals + first,
                          .logits = s->logits,
                          .keys = s->keys + first * V,
                          .slices = s->slices + first * rd_device_slices(V),
                          .draws = s->there.draws + first,
                          .wordless = s->wordless,
                          .wordless_count = s->model->wordless_count,
                          .V = V};
}

rd_code rd_device_stack_choose(rd_device_stack *s, rd_proposal *out,
                               const rd_device_choice *choices, int64_t count, rd_error *e) {
  rd_device *d = s->device;
  const rd_choose_args args = rd_device_choices(s, 0);
  if (count == 0)
    return RD_OK;
  RD_TRY(rd_device_send_choices(s, choices, count, e));
  RD_TRY(rd_device_choose(d, &args, count, e));
  s->unread = false;
  return d->fetch(d, out, s->proposals, (size_t)count * sizeof *out, e);
}
