/* SPDX-License-Identifier: MIT */
/* The public interface to a model's raw scores: one pass over given ids, every row of it. */
#include "engine.h"
#include "inspect.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

/* -1: as the model reads. */
static rd_code read_attention(const char *kind, int64_t *block, rd_error *e) {
  char *end = NULL;
  if (!kind)
    *block = -1;
  else if (strcmp(kind, "causal") == 0)
    *block = RD_CAUSAL;
  else if (strcmp(kind, "bidirectional") == 0)
    *block = RD_BIDIRECTIONAL;
  else if (strncmp(kind, "block:", 6) != 0 || (*block = strtol(kind + 6, &end, 10)) < 1 || *end)
    return rd_fail(e, RD_USAGE, "attention: expected causal, bidirectional or block:N, found %.40s",
                   kind);
  return RD_OK;
}

/* Without a gate everything is asked as the model reads; behind one it sees what `block` says, else
 * both ways. */
static rd_code set_gate(rd_need *need, const rd_model *m, int64_t block, int64_t gate,
                        rd_error *e) {
  bool gated = m->weights.plain && m->remembered.gate.answer;
  block = block > need->length ? need->length : block; /* which is all of it */
  need->attention = block < 0 ? m->config.block : block;
  if (!gated && gate >= 0)
    return rd_fail(e, RD_USAGE, "gate: %s has no adapter with a gate", m->name);
  if (!gated)
    return RD_OK;
  need->gated = gate < 0 || gate > need->length ? need->length : gate;
  if (block < 0 && need->gated < need->length)
    need->attention = rd_engine_attention(m);
  return RD_OK;
}

typedef struct table {
  float *logits; /* (T, V) */
  int64_t vocab;
} table;

static rd_code keep(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                    rd_error *e) {
  (void)need, (void)e;
  const table *t = context;
  memcpy(t->logits + first * t->vocab, logits, (size_t)(count * t->vocab) * sizeof *logits);
  return RD_OK;
}

static rd_code check_finite(const rd_model *m, const float *logits, int64_t count, rd_error *e) {
  int64_t bad = 0, V = m->config.vocab;
  if (rd_all_finite(logits, RD_F32, count * V, &bad))
    return RD_OK;
  (void)rd_fail(e, RD_NUMERIC, "logit %lld of position %lld is not a finite number",
                (long long)(bad % V), (long long)(bad / V));
  return rd_model_blame(m, e);
}

rd_code rd_model_logits(const rd_model *model, const int32_t *ids, int64_t count,
                        const char *attention, int64_t gate, float *out, rd_error *e) {
  RD_GIVEN(model, e);
  int64_t block = 0;
  table t = {out, model->config.vocab};
  rd_need need = {.canvas = ids, .length = count, .end = count, .count = count};
  if (count < 1)
    return rd_fail(e, RD_USAGE, "logits of %lld ids: give one at least", (long long)count);
  if (count > model->config.positions)
    return rd_fail(e, RD_USAGE, "%lld ids; %s has %lld positions", (long long)count, model->name,
                   (long long)model->config.positions);
  RD_GIVEN(ids, e);
  RD_GIVEN(out, e);
  RD_TRY(read_attention(attention, &block, e));
  RD_TRY(set_gate(&need, model, block, gate, e));
  rd_wanted *wanted = rd_calloc((size_t)count, sizeof *wanted, "positions", e);
  rd_engine *engine = NULL;
  rd_code code = wanted ? rd_engine_open(&engine, NULL, model, count, count, e) : RD_NO_MEMORY;
  for (int64_t i = 0; wanted && i < count; i++)
    wanted[i].position = i;
  need.wanted = wanted;
  if (code == RD_OK && need.gated > 0 && need.gated < count)
    code = rd_lane_open(&need.lane, engine, count, e);
  if (code == RD_OK)
    code = engine->scores(engine, &need, 1, keep, &t, e);
  if (code == RD_OK)
    code = check_finite(model, out, count, e);
  rd_lane_close(&need.lane);
  rd_engine_close(&engine);
  free(wanted);
  return code;
}
