/* SPDX-License-Identifier: MIT */
/* Scores of a pass come row by row; of each the logarithm of its sum is taken once. */
#include "reading.h"

#include "facts.h"
#include "propose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

rd_code rd_reading_init(rd_reading *r, const rd_model *model, const int32_t *ids, int64_t count,
                        int64_t first, int64_t top, int64_t rows, rd_error *e) {
  *r = (rd_reading){.model = model,
                    .causal = rd_reads_causally(model),
                    .ids = ids,
                    .count = count,
                    .first = first,
                    .next = first > 0 ? first : 1,
                    .top = top,
                    .rows = rows > count ? rows : count};
  size_t n = (size_t)count, places = (size_t)r->rows;
  r->logs = rd_calloc(n + 1, sizeof *r->logs, "log-probabilities", e);
  r->others = rd_calloc(n * (size_t)top + 1, sizeof *r->others, "log-probabilities", e);
  r->canvases = rd_calloc(places + 1, sizeof *r->canvases, "ids of a pass", e);
  r->needs = rd_calloc(places + 1, sizeof *r->needs, "needs of a pass", e);
  r->wanted = rd_calloc(places + 1, sizeof *r->wanted, "positions of a pass", e);
  if (!r->logs || !r->others || !r->canvases || !r->needs || !r->wanted)
    return RD_NO_MEMORY;
  r->logs[0] = NAN;
  if (!r->causal && model->config.mask < 0)
    return rd_fail(
        e, RD_UNSUPPORTED,
        "logprobs: the model names no mask token, by which its likelihoods are measured");
  return RD_OK;
}

void rd_reading_drop(rd_reading *r) {
  free(r->logs);
  free(r->others);
  free(r->canvases);
  free(r->needs);
  free(r->wanted);
  *r = (rd_reading){0};
}

/* The `top` best of a row (V) that have a word, falling; ties go to the lower id. */
static void best_of(const rd_reading *r, const float *row, double sum, rd_likely *best) {
  int64_t held = 0;
  for (int32_t v = 0; v < r->model->config.vocab; v++) {
    float log = (float)((double)row[v] - sum);
    if (held == r->top && (r->top == 0 || log <= best[held - 1].log))
      continue;
    if (!rd_tokenizer_has(r->model->tokenizer, v))
      continue;
    int64_t at = held < r->top ? held++ : held - 1;
    for (; at > 0 && best[at - 1].log < log; at--)
      best[at] = best[at - 1];
    best[at] = (rd_likely){v, log};
  }
  for (; held < r->top; held++)
    best[held] = (rd_likely){-1, 0};
}

static rd_code look(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                    rd_error *e) {
  rd_reading *r = context;
  int64_t V = r->model->config.vocab;
  for (int64_t i = 0; i < count; i++) {
    const float *row = logits + i * V;
    int64_t position = r->needs[need].wanted[first + i].position;
    const double sum = rd_propose_log_sum(row, V);
    if (!isfinite(sum))
      return rd_fail(e, RD_NUMERIC, "position %lld: the scores are no numbers",
                     (long long)position);
    r->logs[position] = (float)((double)row[r->ids[position]] - sum);
    best_of(r, row, sum, r->others + position * r->top);
  }
  return RD_OK;
}

/* All of them in one pass. */
static int64_t want_all(rd_reading *r) {
  int64_t n = r->count - r->next;
  for (int64_t i = 0; i < n; i++)
    r->wanted[i] = (rd_wanted){.position = r->next + i};
  r->needs[0] = (rd_need){.canvas = r->ids,
                          .length = r->count,
                          .end = r->count,
                          .gated = rd_gate_of(r->model).answer ? r->count : 0,
                          .attention = RD_CAUSAL,
                          .shift = true,
                          .wanted = r->wanted,
                          .count = n};
  r->next = r->count;
  return 1;
}

/* One token a canvas: it and what follows is masked. */
static int64_t want_some(rd_reading *r) {
  int64_t n = 0;
  for (; r->next < r->count && (n + 1) * r->count <= r->rows; n++, r->next++) {
    int32_t *canvas = r->canvases + n * r->count;
    memcpy(canvas, r->ids, (size_t)r->count * sizeof *canvas);
    for (int64_t i = r->next; i < r->count; i++)
      canvas[i] = r->model->config.mask;
    r->wanted[n] = (rd_wanted){.position = r->next};
    r->needs[n] = (rd_need){.canvas = canvas,
                            .length = r->count,
                            .end = r->count,
                            .attention = rd_engine_attention(r->model),
                            .shift = r->model->config.shift_logits,
                            .wanted = &r->wanted[n],
                            .count = 1};
  }
  return n;
}

rd_code rd_reading_step(rd_reading *r, rd_engine *engine, rd_error *e) {
  if (r->next >= r->count)
    return RD_OK;
  int64_t n = r->causal ? want_all(r) : want_some(r);
  return engine->scores(engine, r->needs, n, look, r, e);
}
