/* SPDX-License-Identifier: MIT */
/* Needs packed into passes. Causal and other sequences go in different passes, because attention is
 * one kind a pass. A guided need is two sequences whose wanted rows alternate: with the prompt,
 * without; the sink combines each pair, carrying a first half over from one chunk to the next. */
#include "denoiser.h"

#include "arena.h"
#include "cpu.h"
#include "inspect.h"
#include "pass.h"
#include "profile.h"

#include <stdlib.h>
#include <string.h>

/* What a wanted row of logits is for. */
typedef struct wanted {
  rd_propose_row where;
  double guidance;
  enum { PLAIN, WITH_PROMPT, WITHOUT_PROMPT } part;
} wanted;

typedef struct model_denoiser {
  rd_denoiser base;
  const rd_model *model;
  rd_pass *pass;
  rd_arena arena;
  int64_t rows, longest;
  rd_sequence *sequences; /* (rows) */
  int32_t *indices;       /* (rows) into the packed pass */
  wanted *wants;          /* (rows) */
  rd_propose_row *where;  /* (rows) of the chunk being proposed */
  rd_proposal *out;       /* (rows) */
  float *carry;           /* (V) */
  void *workspace;
  int64_t made; /* proposals of the pass so far */
} model_denoiser;

static void layout(model_denoiser *d, rd_arena *a) {
  size_t n = (size_t)d->rows, V = (size_t)d->model->config.vocab;
  d->sequences = RD_TAKE(a, rd_sequence, n);
  d->indices = RD_TAKE(a, int32_t, n);
  d->wants = RD_TAKE(a, wanted, n);
  d->where = RD_TAKE(a, rd_propose_row, n);
  d->out = RD_TAKE(a, rd_proposal, n);
  d->carry = RD_TAKE(a, float, V);
  d->workspace = RD_TAKE(a, unsigned char, rd_propose_workspace((int64_t)V));
}

/* Pairs become one row each, moved together at the front of the chunk; then all are proposed. */
static rd_code take_logits(void *context, float *logits, int64_t first, int64_t count,
                           rd_error *e) {
  model_denoiser *d = context;
  int64_t V = d->model->config.vocab, kept = 0;
  size_t bytes = (size_t)V * sizeof *logits;
  for (int64_t i = 0; i < count; i++) {
    const wanted *w = &d->wants[first + i];
    float *row = logits + i * V;
    if (w->part == WITH_PROMPT) {
      memcpy(d->carry, row, bytes);
      continue;
    }
    if (w->part == WITHOUT_PROMPT) {
      rd_propose_guide(d->carry, row, w->guidance, V);
      memcpy(logits + kept * V, d->carry, bytes);
    } else if (kept != i) {
      memcpy(logits + kept * V, row, bytes);
    }
    d->where[kept++] = w->where;
  }
  rd_code code = rd_propose(d->out + d->made, logits, kept, V, d->where, d->workspace, e);
  if (code != RD_OK)
    return code == RD_NUMERIC ? rd_model_blame(d->model, e) : code;
  rd_profile_lap("proposal");
  d->made += kept;
  return RD_OK;
}

static int64_t rows_of(const rd_need *need) {
  return need->count * (need->unguided ? 2 : 1);
}

/* Sequences and wanted rows of one need, from packed row `at` on; returns the rows it took. */
static int64_t pack(model_denoiser *d, const rd_need *need, int64_t at, int64_t *sequences,
                    int64_t *wants) {
  d->sequences[(*sequences)++] = (rd_sequence){need->ids, need->count, need->first, need->cache};
  if (need->unguided)
    d->sequences[(*sequences)++] = (rd_sequence){need->unguided, need->count, need->first, NULL};
  for (int64_t i = 0; i < need->row_count; i++) {
    int32_t row = (int32_t)(at + need->rows[i]);
    d->indices[*wants] = row;
    d->wants[(*wants)++] =
        (wanted){need->where[i], need->guidance, need->unguided ? WITH_PROMPT : PLAIN};
    if (!need->unguided)
      continue;
    d->indices[*wants] = row + (int32_t)need->count;
    d->wants[(*wants)++] = (wanted){need->where[i], need->guidance, WITHOUT_PROMPT};
  }
  return rows_of(need);
}

/* A product of a shape not met before costs a millisecond to prepare, and drafts of many lengths
 * come and go: passes over several are filled up to one of a few sizes in each doubling. */
static void fill(model_denoiser *d, int64_t rows, int64_t *sequences) {
  enum { LEAST = 16, MOST = 256 };
  static const int32_t filler[MOST] = {0};
  int64_t step = LEAST;
  while (step < MOST && 16 * step <= rows)
    step *= 2;
  int64_t lacking = (step - rows % step) % step;
  if (lacking > 0 && lacking <= d->rows - rows && lacking <= d->longest)
    d->sequences[(*sequences)++] = (rd_sequence){.ids = filler, .count = lacking};
}

/* One pass over needs[first..) of a kind, as many as fit; *next is the first one left. */
static rd_code run_pass(model_denoiser *d, const rd_need *needs, int64_t n, int64_t first,
                        int64_t *next, rd_error *e) {
  bool causal = needs[first].causal;
  int64_t rows = 0, sequences = 0, wants = 0, end = first, own = d->model->config.block;
  for (; end < n; end++) {
    if (needs[end].causal != causal)
      continue;
    if (rows_of(&needs[end]) > d->rows - rows)
      break;
    rows += pack(d, &needs[end], rows, &sequences, &wants);
  }
  if (rows == 0)
    return rd_fail(e, RD_USAGE, "a sequence of %lld tokens does not fit in a pass of %lld",
                   (long long)rows_of(&needs[first]), (long long)d->rows);
  if (sequences > 1 && !causal)
    fill(d, rows, &sequences);
  RD_TRY(rd_pass_run(d->pass, d->sequences, sequences, causal ? 1 : own > 1 ? own : 0, e));
  d->made = 0;
  RD_TRY(rd_pass_logits(d->pass, d->indices, wants, take_logits, d, e));
  const rd_proposal *from = d->out;
  *next = end;
  for (int64_t i = first; i < end; i++) {
    if (needs[i].causal != causal)
      continue;
    memcpy(needs[i].out, from, (size_t)needs[i].row_count * sizeof *from);
    from += needs[i].row_count;
  }
  return RD_OK;
}

static rd_code run(rd_denoiser *self, const rd_need *needs, int64_t n, rd_error *e) {
  model_denoiser *d = (model_denoiser *)self;
  for (int causal = 0; causal < 2; causal++)
    for (int64_t at = 0; at < n;)
      if (needs[at].causal != (bool)causal)
        at++;
      else
        RD_TRY(run_pass(d, needs, n, at, &at, e));
  return RD_OK;
}

rd_code rd_denoiser_open(rd_denoiser **out, const rd_model *model, int64_t rows, int64_t longest,
                         rd_error *e) {
  *out = NULL;
  int64_t positions = model->config.positions;
  if (positions > 0 && longest > positions) /* a guided need has two sequences of its length */
    longest = positions;
  model_denoiser *d = rd_calloc(1, sizeof *d, "a denoiser", e);
  if (!d)
    return RD_NO_MEMORY;
  d->base.run = run;
  d->model = model;
  d->rows = rows;
  d->longest = longest;
  rd_arena measure = rd_arena_measure();
  layout(d, &measure);
  rd_denoiser *base = &d->base;
  rd_code code = rd_arena_init(&d->arena, measure.used, "proposals", e);
  if (code == RD_OK) {
    layout(d, &d->arena);
    code = rd_pass_new(&d->pass, model, rows, longest, 0, e);
  }
  if (code != RD_OK) {
    rd_denoiser_close(&base);
    return code;
  }
  *out = base;
  return RD_OK;
}

void rd_denoiser_close(rd_denoiser **denoiser) {
  if (!denoiser || !*denoiser)
    return;
  model_denoiser *d = (model_denoiser *)*denoiser;
  rd_pass_free(&d->pass);
  rd_arena_drop(&d->arena);
  free(d);
  *denoiser = NULL;
}

size_t rd_denoiser_memory(const rd_model *model, int64_t rows, int64_t longest) {
  model_denoiser d = {.model = model, .rows = rows};
  rd_arena measure = rd_arena_measure();
  layout(&d, &measure);
  return measure.used + sizeof d + rd_pass_memory(model, rows, longest, 0);
}
