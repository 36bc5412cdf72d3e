/* SPDX-License-Identifier: MIT */
/* Working memory of a device, laid out once to measure and once to place; and the lists of a pass:
 * ids, what each row sees, tiles of queries. */
#include "device_pass.h"

#include "attention_block.h"
#include "parts.h"
#include "rope.h"

#include <stdlib.h>

static int64_t words_of(const rd_config *c) {
  return (c->vocab + 63) / 64;
}

static void take_lists(const rd_device_stack *s, rd_device_lists *l, rd_arena *a) {
  l->ids = RD_TAKE(a, int32_t, s->rows);
  l->rows = RD_TAKE(a, rd_device_row, s->rows);
  l->tiles = RD_TAKE(a, rd_device_tile, s->rows);
  l->picked = RD_TAKE(a, int32_t, s->chunk);
  l->pairs = RD_TAKE(a, rd_device_pair, s->chunk);
  l->draws = RD_TAKE(a, rd_device_draw, s->chunk);
  l->allowed = RD_TAKE(a, uint64_t, s->chunk *words_of(s->config));
  l->told = s->model->sampler_head ? RD_TAKE(a, rd_device_told, s->chunk) : NULL;
}

/* Numbers of the largest stretch of rows that is decoded at a time: 32 MB of them, or 32 rows. */
static int64_t room_of(const rd_model *m) {
  enum { NUMBERS = 1 << 24 };
  int64_t cols = 0, most = 0;
  for (const rd_weights *w = &m->weights; w; w = w->plain) {
    rd_walk p = rd_parts_of(&m->config, NULL, w, NULL);
    while (rd_parts_next(&p))
      if (p.linear && p.linear->w.format->block > 1) {
        cols = p.cols > cols ? p.cols : cols;
        most = p.rows * p.cols > most ? p.rows * p.cols : most;
      }
    if (w->head.w.format->block > 1 && w->head.w.rows * w->head.w.cols > most) {
      cols = w->head.w.cols > cols ? w->head.w.cols : cols;
      most = w->head.w.rows * w->head.w.cols;
    }
  }
  most = most < NUMBERS ? most : NUMBERS;
  return cols > 0 && most < 32 * cols ? 32 * cols : most;
}

static bool has_branches(const rd_config *c) {
  return c->post_norms || c->residual_multiplier > 0;
}

/* Parts of attention by splits: what the longest canvas needs. */
static int64_t splits_of(const rd_device_stack *s) {
  return s->type == RD_BF16 ? rd_device_splits(s->longest) : 1;
}
static int64_t split_rows(const rd_device_stack *s) {
  return s->rows < RD_SPLIT_ROWS ? s->rows : RD_SPLIT_ROWS;
}

static void layout(rd_device_stack *s, rd_arena *a) {
  const rd_config *c = s->config;
  const size_t rows = (size_t)s->rows, chunk = (size_t)s->chunk, element = rd_dtype_size(s->type);
  const size_t D = (size_t)c->width, F = (size_t)c->ff, V = (size_t)c->vocab;
  const size_t Q = (size_t)(c->heads * c->head_dim), KV = (size_t)(c->kv_heads * c->head_dim);
  const size_t rank = (size_t)rd_weights_rank(&s->model->weights, c);
  const size_t head_rank = (size_t)s->model->weights.head.a.rows;
  const size_t turned = (size_t)rd_config_turned(c) / 2, longest = (size_t)s->longest;
  s->x = RD_TAKE(a, float, rows *D);
  s->n = rd_arena_take(a, rows * D, element);
  s->q = rd_arena_take(a, rows * Q, element);
  s->k = rd_arena_take(a, rows * KV, element);
  s->v = rd_arena_take(a, rows * KV, element);
  s->att = rd_arena_take(a, rows * Q, element);
  const size_t split = splits_of(s) > 1 ? (size_t)(splits_of(s) * split_rows(s)) : 0;
  s->parts = RD_TAKE(a, float, split *Q);
  s->marks = RD_TAKE(a, float, split *(size_t)c->heads * 2);
  s->joined = RD_TAKE(a, float, rows *(Q + 2 * KV > 2 * F ? Q + 2 * KV : 2 * F));
  s->h = rd_arena_take(a, rows * F, element);
  s->made = has_branches(c) ? RD_TAKE(a, float, rows *D) : NULL;
  s->normed = c->post_norms ? RD_TAKE(a, float, rows *D) : NULL;
  s->mid = rd_arena_take(a, rows * (rank > head_rank ? rank : head_rank), element);
  s->room_numbers = room_of(s->model);
  s->room = rd_arena_take(a, (size_t)s->room_numbers, element);
  s->gathered = rd_arena_take(a, chunk * D, element);
  s->logits = RD_TAKE(a, float, (chunk + 1) * V);
  s->keys = RD_TAKE(a, uint64_t, chunk *V);
  s->slices = RD_TAKE(a, rd_device_slice, (int64_t)chunk *rd_device_slices((int64_t)V));
  s->proposals = RD_TAKE(a, rd_proposal, chunk);
  s->wordless = RD_TAKE(a, int32_t, s->model->wordless_count);
  rd_device_take_ahead(s, a);
  for (int i = 0; i < 2; i++) {
    const bool own = i == 0 || c->has_local_rope;
    s->cosines[i] = own ? RD_TAKE(a, float, longest *turned) : s->cosines[0];
    s->sines[i] = own ? RD_TAKE(a, float, longest *turned) : s->sines[0];
  }
  take_lists(s, &s->there, a);
}

/* A stack that has no memory yet. */
static rd_device_stack stack_of(const rd_model *m, int64_t rows, int64_t longest) {
  enum { NUMBERS = 1 << 25, LEAST = 16, MOST = 256 }; /* of logits: 128 MB */
  int64_t chunk = NUMBERS / m->config.vocab;
  chunk = chunk < LEAST ? LEAST : chunk > MOST ? MOST : chunk;
  return (rd_device_stack){.model = m,
                           .config = &m->config,
                           .type = m->weights.type,
                           .rows = rows,
                           .longest = longest,
                           .chunk = chunk};
}

static rd_code measure(size_t *weights, size_t *working, rd_device_stack *s, rd_error *e) {
  rd_arena arena = rd_arena_measure();
  layout(s, &arena);
  *working = arena.used;
  return rd_device_weights_size(weights, s->model, e);
}

size_t rd_device_stack_memory(const rd_model *m, int64_t rows, int64_t longest) {
  rd_device_stack s = stack_of(m, rows, longest);
  size_t weights = 0, working = 0;
  return measure(&weights, &working, &s, NULL) == RD_OK ? weights + working : 0;
}

rd_code rd_device_check(const rd_config *c, int64_t longest, rd_error *e) {
  if (c->head_dim > RD_HEAD_MOST)
    return rd_fail(e, RD_UNSUPPORTED,
                   "heads of %lld numbers; a device's attention takes up to %d: use --engine cpu",
                   (long long)c->head_dim, RD_HEAD_MOST);
  if (rd_rope_by_length(&c->rope, longest) ||
      (c->has_local_rope && rd_rope_by_length(&c->local_rope, longest)))
    return rd_fail(e, RD_UNSUPPORTED,
                   "rotary positions (%s) that depend on a sequence's length beyond %lld: a "
                   "device computes those of shorter ones; use a smaller --window or --engine cpu",
                   c->rope.kind->name, (long long)c->rope.original);
  return RD_OK;
}

rd_code rd_device_check_memory(rd_device *d, size_t weights, size_t working, int64_t rows,
                               const char *advice, rd_error *e) {
  size_t unused = 0, all = 0;
  d->memory(d, &unused, &all);
  if (weights + working <= unused)
    return RD_OK;
  return rd_fail(e, RD_NO_MEMORY,
                 "%s has %.2f GB of its %.2f GB left; the weights take %.2f GB there and passes of "
                 "%lld rows %.2f GB more: use a smaller %s, or --engine cpu",
                 d->name, (double)unused / 1e9, (double)all / 1e9, (double)weights / 1e9,
                 (long long)rows, (double)working / 1e9, advice);
}

rd_code rd_device_send_angles(rd_device *d, float *cosines, float *sines, const rd_config *c,
                              bool local, int64_t longest, rd_error *e) {
  const int64_t turned = rd_config_turned(c), n = longest * (turned / 2);
  float *tables = rd_calloc((size_t)(2 * n) + 1, sizeof *tables, "rotary tables", e);
  if (!tables)
    return RD_NO_MEMORY;
  rd_rope_tables(tables, tables + n, local ? &c->local_rope : &c->rope, turned, 0, 0, longest);
  const size_t bytes = (size_t)n * sizeof *tables;
  rd_code code = d->send(d, cosines, tables, bytes, e);
  if (code == RD_OK)
    code = d->send(d, sines, tables + n, bytes, e);
  free(tables);
  return code;
}

static rd_code fill(rd_device_stack *s, size_t working, rd_error *e) {
  rd_device *d = s->device;
  const rd_model *m = s->model;
  rd_arena lists = rd_arena_measure();
  take_lists(s, &s->here, &lists);
  RD_TRY(d->take_here(d, &s->lists, lists.used, "the lists of a pass", e));
  lists = (rd_arena){.base = s->lists, .size = lists.used};
  take_lists(s, &s->here, &lists);
  RD_TRY(d->take(d, &s->memory, working, "the working memory of a pass", e));
  rd_arena arena = {.base = s->memory, .size = working};
  layout(s, &arena);
  RD_TRY(rd_device_weights_new(&s->sent, m, d, e));
  s->weights = &s->sent->own;
  rd_device_begin_ahead(s);
  if (m->wordless_count > 0)
    RD_TRY(
        d->send(d, s->wordless, m->wordless, (size_t)m->wordless_count * sizeof *m->wordless, e));
  const rd_config *c = s->config;
  RD_TRY(rd_device_send_angles(d, s->cosines[0], s->sines[0], c, false, s->longest, e));
  return c->has_local_rope
           ? rd_device_send_angles(d, s->cosines[1], s->sines[1], c, true, s->longest, e)
           : RD_OK;
}

rd_code rd_device_stack_new(rd_device_stack **out, rd_device *d, const rd_model *m, int64_t rows,
                            int64_t longest, rd_error *e) {
  *out = NULL;
  size_t weights = 0, working = 0;
  RD_TRY(rd_device_check(&m->config, longest, e));
  rd_device_stack *s = rd_calloc(1, sizeof *s, "a device's stack", e);
  if (!s)
    return RD_NO_MEMORY;
  *s = stack_of(m, rows, longest);
  s->device = d;
  rd_code code = measure(&weights, &working, s, e);
  if (code == RD_OK)
    code = rd_device_check_memory(d, weights, working, rows, "--window, a quantised file", e);
  if (code == RD_OK)
    code = fill(s, working, e);
  if (code != RD_OK) {
    rd_device_stack_free(&s);
    return code;
  }
  *out = s;
  return RD_OK;
}

void rd_device_stack_free(rd_device_stack **stack) {
  rd_device_stack *s = stack ? *stack : NULL;
  if (!s)
    return;
  if (s->device->forget)
    s->device->forget(s->device, s);
  rd_device_weights_free(&s->sent);
  s->device->give(s->device, s->memory);
  s->device->give_here(s->device, s->lists);
  free(s);
  *stack = NULL;
}

rd_code rd_device_lane_new(rd_device_lane *out, rd_device *d, const rd_model *m, int64_t positions,
                           rd_error *e) {
  const rd_config *c = &m->config;
  const size_t row = (size_t)(c->kv_heads * c->head_dim) * rd_dtype_size(m->weights.type);
  const size_t half = (size_t)(c->layers * positions) * row;
  void *memory = NULL;
  RD_TRY(d->take(d, &memory, 2 * half, "keys and values of a canvas", e));
  *out = (rd_device_lane){memory, (unsigned char *)memory + half, positions * (int64_t)row};
  return RD_OK;
}

rd_code rd_device_lane_copy(const rd_device_lane *to, const rd_device_lane *from, rd_device *d,
                            const rd_model *m, int64_t first, int64_t count, rd_error *e) {
  const rd_config *c = &m->config;
  const int64_t row = c->kv_heads * c->head_dim * (int64_t)rd_dtype_size(m->weights.type);
  for (int64_t l = 0; l < c->layers; l++) {
    unsigned char *keys = to->k + l * to->stride + first * row;
    unsigned char *values = to->v + l * to->stride + first * row;
    const size_t bytes = (size_t)(count * row);
    RD_TRY(d->move(d, keys, from->k + l * from->stride + first * row, bytes, e));
    RD_TRY(d->move(d, values, from->v + l * from->stride + first * row, bytes, e));
  }
  return RD_OK;
}

void rd_device_lane_drop(rd_device_lane *lane, rd_device *d) {
  d->give(d, lane->k);
  *lane = (rd_device_lane){0};
}

/* --- a run ------------------------------------------------------------------------------------ */

/* What the row at `at` sees, in layers that see all and in those with a window. */
static void place_row(rd_device_stack *s, int64_t at, const rd_span *span, int64_t i, int64_t block,
                      const int32_t *positions, const rd_device_lane *lane) {
  const rd_config *c = s->config;
  const int64_t place = span->first + i;
  const int64_t bytes = c->kv_heads * c->head_dim * (int64_t)rd_dtype_size(s->type);
  rd_device_row *row = &s->here.rows[at];
  *row = (rd_device_row){.position = positions ? positions[i] : (int32_t)place};
  for (int w = 0; w < 2; w++) {
    const rd_attention a = {.block = block, .window = w ? c->window : 0};
    row->from[w] = (int32_t)rd_attention_from(&a, span, i);
    row->seen[w] = (int32_t)rd_attention_seen(&a, span, i);
  }
  if (!lane)
    return;
  row->k = lane->k + place * bytes;
  row->v = lane->v + place * bytes;
  row->stride = lane->stride;
}

/* Rows at .. at + count of a sequence as one tile. Keys before `kept` lie in the lane, and row
 * `first` of the pass would have key 0. */
static void place_tile(rd_device_stack *s, int64_t at, int64_t count, int64_t kept, int64_t first,
                       const rd_device_lane *lane) {
  const rd_device_row *rows = s->here.rows + at;
  rd_device_tile *tile = &s->here.tiles[s->tile_count++];
  *tile = (rd_device_tile){.row = (int32_t)at,
                           .count = (int32_t)count,
                           .kept = kept,
                           .first = first,
                           .k = lane ? lane->k : NULL,
                           .v = lane ? lane->v : NULL,
                           .stride = lane ? lane->stride : 0};
  for (int w = 0; w < 2; w++) {
    tile->from[w] = rows[0].from[w];
    tile->end[w] = rows[0].seen[w];
    for (int64_t i = 1; i < count; i++) {
      tile->from[w] = rows[i].from[w] < tile->from[w] ? rows[i].from[w] : tile->from[w];
      tile->end[w] = rows[i].seen[w] > tile->end[w] ? rows[i].seen[w] : tile->end[w];
    }
    s->key_end = tile->end[w] > s->key_end ? tile->end[w] : s->key_end;
  }
  s->tile_rows = count > s->tile_rows ? count : s->tile_rows;
}

/* Keys and values of branches, whose places overlap, stay in the pass: behind what the lane has. */
static void place(rd_device_stack *s, const rd_sequence *seq, const rd_device_lane *lane,
                  int64_t block) {
  const int64_t at = s->T, length = lane ? seq->length : seq->first + seq->count;
  const rd_span span = {
      .keys = length, .first = seq->first, .origin = seq->origin, .led = seq->led};
  const int64_t kept = !lane ? 0 : seq->branch ? seq->first : length;
  const int64_t own_block = seq->clean ? 1 : seq->branch ? 0 : block;
  memcpy(s->here.ids + at, seq->ids, (size_t)seq->count * sizeof *seq->ids);
  for (int64_t i = 0; i < seq->count; i++)
    place_row(s, at + i, &span, i, own_block, seq->positions, seq->branch ? NULL : lane);
  for (int64_t i = 0; i < seq->count; i += RD_TILE_MOST) {
    const int64_t left = seq->count - i;
    place_tile(s, at + i, left < RD_TILE_MOST ? left : RD_TILE_MOST, kept, at - seq->first, lane);
  }
  s->T += seq->count;
  s->clean = seq->clean ? s->T : s->clean;
}

/* A list as it lies here goes there. */
static rd_code send_list(rd_device_stack *s, void *there, const void *here, size_t bytes,
                         rd_error *e) {
  return s->device->send(s->device, there, here, bytes, e);
}

static rd_code gather(rd_device_stack *s, const rd_matrix *m, int64_t first, int64_t count,
                      rd_error *e) {
  const rd_config *c = s->config;
  const float scale = c->embedding_scale > 0 ? (float)c->embedding_scale : 1.0f;
  const rd_gather_args args = {s->x + first * c->width, s->there.ids + first,
                               rd_device_matrix_of(m), scale};
  const rd_blocks grid = rd_blocks_of_rows(s->device, count, c->width);
  return count > 0 ? RD_LAUNCH(s, gather, &grid, &args, e) : RD_OK;
}

/* From the lists to the states behind the last norm. */
static rd_code run_layers(rd_device_stack *s, rd_error *e) {
  const rd_config *c = s->config;
  const rd_weights *w = s->weights, *plain = w->plain ? w->plain : w;
  const size_t T = (size_t)s->T, tiles = (size_t)s->tile_count;
  RD_TRY(send_list(s, s->there.ids, s->here.ids, T * sizeof *s->here.ids, e));
  RD_TRY(send_list(s, s->there.rows, s->here.rows, T * sizeof *s->here.rows, e));
  RD_TRY(send_list(s, s->there.tiles, s->here.tiles, tiles * sizeof *s->here.tiles, e));
  RD_TRY(gather(s, &plain->embedding, 0, s->clean, e));
  RD_TRY(gather(s, &w->embedding, s->clean, s->T - s->clean, e));
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(rd_device_layer(s, l, e));
  return rd_device_norm(s, s->n, s->type, s->x, plain->norm, w->norm, s->T, s->clean, c->width, e);
}

static rd_code run_all(void *context, rd_error *e) {
  return run_layers(context, e);
}

rd_code rd_device_stack_run(rd_device_stack *s, const rd_sequence *sequences,
                            rd_device_lane *const *lanes, int64_t n, int64_t block, rd_error *e) {
  const rd_config *c = s->config;
  if (s->unread) /* its lists may be on their way yet */
    RD_TRY(s->device->fetch(s->device, NULL, NULL, 0, e));
  s->unread = true;
  s->T = s->clean = s->tile_count = s->tile_rows = s->key_end = 0;
  for (int64_t i = 0; i < n; i++) {
    RD_TRY(rd_sequence_check(&sequences[i], c, s->T, s->rows, e));
    place(s, &sequences[i], lanes[i], block < 0 ? c->block : block);
  }
  /* these numbers decide every launch */
  const rd_device_key key = {s,
                             {s->T, s->clean, s->tile_count, s->tile_rows, rd_device_splits_of(s)}};
  return rd_device_again(s->device, &key, run_all, s, e);
}
