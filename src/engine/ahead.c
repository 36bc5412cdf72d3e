/* SPDX-License-Identifier: MIT */
/* A sampler head changes the state of a row once the word before is chosen, and with it all of the
 * row's scores. Multiplying the head for every word would cost a fifth of a small model's
 * pass, so the scores of the likeliest words alone are corrected: by the product of their rows of
 * the head with what the state changed by. That is exact for these words; the others keep the
 * scores that they had before. */
#include "ahead.h"

#include "inspect.h"
#include "matrix.h"
#include "sampler_head.h"

#include <math.h>

enum { LIKELIEST = 64 };

static int64_t looked_at(const rd_model *m) {
  return m->config.vocab < LIKELIEST ? m->config.vocab : LIKELIEST;
}

void rd_ahead_take(rd_ahead *a, rd_arena *arena, void *workspace) {
  const rd_sampler_head *head = a->model->sampler_head;
  a->workspace = workspace;
  if (!head)
    return;
  a->ids = RD_TAKE(arena, int32_t, looked_at(a->model));
  a->scores = RD_TAKE(arena, float, looked_at(a->model));
  a->more = RD_TAKE(arena, float, looked_at(a->model));
  a->rows = RD_TAKE(arena, float, looked_at(a->model) * a->model->config.width);
  a->shift = RD_TAKE(arena, float, a->model->config.width);
  a->room = rd_arena_take(arena, rd_sampler_head_room(head), 1);
}

rd_code rd_ahead_tell(const rd_ahead *a, float *logits, const void *state, int32_t word,
                      rd_error *e) {
  const rd_model *m = a->model;
  const rd_config *c = &m->config;
  const rd_weights *plain = m->weights.plain ? m->weights.plain : &m->weights;
  const rd_row_query query = {.best = a->ids, .best_scores = a->scores, .best_count = looked_at(m)};
  const float scale = c->logits_scaling > 0 ? (float)(1 / c->logits_scaling) : 1.0f;
  rd_matrix_decode(a->rows, &plain->embedding, word, 1);
  RD_TRY(rd_sampler_head_shift(a->shift, m->sampler_head, state, m->weights.type, a->rows, a->room,
                               e));
  rd_query_row(&query, logits, c->vocab);
  rd_matrix_gather(a->rows, &m->weights.head.w, a->ids, query.best_count);
  const rd_mat rows = rd_mat_rows(a->rows, RD_F32, query.best_count, c->width);
  RD_TRY(rd_matmul(rd_mat_rows(a->more, RD_F32, 1, query.best_count),
                   rd_mat_rows(a->shift, RD_F32, 1, c->width), rd_mat_transposed(rows), 0, e));
  for (int64_t i = 0; i < query.best_count; i++)
    logits[a->ids[i]] += scale * a->more[i];
  return RD_OK;
}

bool rd_ahead_counts(const rd_packing *p, const rd_row_use *use) {
  const rd_need *need = &p->needs[use->need];
  rd_branches *b = need->branches;
  if (use->index == 0)
    b->taken = rd_need_branch(need);
  return use->index / b->masks == b->taken;
}

int32_t rd_ahead_before(const rd_packing *p, const rd_row_use *use) {
  const rd_need *need = &p->needs[use->need];
  const rd_branches *b = need->branches;
  const int64_t i = use->index % b->masks;
  return i > 0 ? b->out[i - 1].id : need->out[use->index / b->masks].id;
}

rd_propose_row rd_ahead_draw(const rd_packing *p, const rd_row_use *use) {
  const rd_branches *b = p->needs[use->need].branches;
  const uint32_t ahead = (uint32_t)(use->index / b->masks + use->index % b->masks);
  return (rd_propose_row){b->draw.rule, b->draw.iteration + ahead, b->draw.position + ahead};
}

rd_proposal *rd_ahead_out(const rd_packing *p, const rd_row_use *use) {
  const rd_branches *b = p->needs[use->need].branches;
  return &b->out[use->index % b->masks];
}

rd_code rd_ahead_row(const rd_ahead *a, const rd_packing *p, const rd_row_use *use, float *logits,
                     const void *state, rd_error *e) {
  const rd_model *m = a->model;
  const rd_propose_row draw = rd_ahead_draw(p, use);
  if (!rd_ahead_counts(p, use))
    return RD_OK;
  if (m->sampler_head)
    RD_TRY(rd_ahead_tell(a, logits, state, rd_ahead_before(p, use), e));
  for (int64_t k = 0; k < m->wordless_count; k++)
    logits[m->wordless[k]] = -INFINITY;
  const rd_code code =
      rd_propose(rd_ahead_out(p, use), logits, 1, m->config.vocab, &draw, a->workspace, e);
  return code == RD_NUMERIC ? rd_model_blame(m, e) : code;
}
