/* SPDX-License-Identifier: MIT */
/* Attention of training on a device, there and back, beside the processor's: heads, masks, packed
 * sequences, windows, caps, and first positions that lie in the past. */
#include "on_device.h"

#include "kern/attention_cases.h"

#include "attention_block.h"

enum { MOST_TILES = 64, MOST_SPANS = 3 };

/* Rows of a tensor without what lies between them; the fresh ones of each span, or the past. */
static void *compact(const scene *s, const void *x, int64_t row, int64_t stride, bool keys,
                     bool past) {
  const rd_dtype t = s->a.type;
  char *y = calloc((size_t)((s->rows + s->key_rows) * row), rd_dtype_size(t));
  int64_t at = keys ? (past ? 0 : 2) : 0, before = 0;
  for (int64_t n = 0; n < s->a.sequences; n++) {
    const rd_span *span = &s->spans[n];
    const int64_t from = keys ? span->k + (past ? 0 : span->first) : before;
    const int64_t count =
        keys && past ? span->first : span->queries + (keys ? 0 : span->q - before);
    for (int64_t i = 0; i < count; i++, at++)
      memcpy(rd_at(y, t, at * row), rd_at_const(x, t, (from + i) * stride),
             (size_t)row * rd_dtype_size(t));
    before = span->q + span->queries;
  }
  return y;
}

typedef struct device_scene {
  rd_learn_attend_args args;
  rd_device_row *rows;
  rd_learn_span spans[MOST_SPANS];
  rd_learn_tile tiles[MOST_TILES];
  int64_t tile_count;
} device_scene;

static void place(device_scene *p, const scene *s) {
  const rd_attention *a = &s->a;
  int64_t past = 0;
  p->rows = calloc((size_t)s->rows, sizeof *p->rows);
  for (int64_t n = 0; n < a->sequences; n++) {
    const rd_span *x = &s->spans[n];
    p->spans[n] = (rd_learn_span){x->q, x->queries, x->first, past};
    past += x->first;
    for (int64_t i = 0; i < x->queries; i++)
      p->rows[x->q + i] = (rd_device_row){.from = {0, (int32_t)rd_attention_from(a, x, i)},
                                          .seen = {0, (int32_t)rd_attention_seen(a, x, i)}};
    for (int64_t i = 0; i < x->queries; i += RD_LEARN_ROWS) {
      const int64_t left = x->queries - i;
      const int64_t count = left < RD_LEARN_ROWS ? left : RD_LEARN_ROWS;
      const rd_device_row *rows = p->rows + x->q + i;
      p->tiles[p->tile_count++] = (rd_learn_tile){.span = (int32_t)n,
                                                  .first = (int32_t)i,
                                                  .count = (int32_t)count,
                                                  .from = {0, rows[0].from[1]},
                                                  .end = {0, rows[count - 1].seen[1]}};
    }
  }
}

static void launch(rd_device *d, const rd_kernel *k, const device_scene *p, int64_t sides,
                   bool back, void *out, size_t bytes) {
  const rd_blocks grid = {p->tile_count, sides, RD_LEARN_WARPS * RD_WARP_SIZE,
                          rd_learn_shared(p->args.hd, (rd_dtype)p->args.type, back)};
  launch_both_ways(d, k, &grid, &p->args, out, bytes);
}

/* The fresh rows of every span. */
static void compare(const scene *s, const void *is, const void *should, int64_t row, int64_t stride,
                    bool keys, double bound, const char *what) {
  for (int64_t n = 0; n < s->a.sequences; n++) {
    const rd_span *x = &s->spans[n];
    char *wanted = calloc((size_t)(x->queries * row), rd_dtype_size(s->a.type));
    for (int64_t i = 0; i < x->queries; i++)
      memcpy(rd_at(wanted, s->a.type, i * row),
             rd_at_const(should, s->a.type, ((keys ? x->k + x->first : x->q) + i) * stride),
             (size_t)row * rd_dtype_size(s->a.type));
    assert_near(rd_at_const(is, s->a.type, x->q * row), wanted, s->a.type, x->queries * row, bound,
                what);
    free(wanted);
  }
}

/* A kernel in each of its forms: for f32, and for bf16 with heads of up to so many numbers. */
typedef struct form {
  rd_dtype type;
  int64_t most;
  const rd_kernel *keep, *queries, *keys;
} form;

static void check_layout(rd_device *d, const layout *l, const form *f) {
  const rd_dtype type = f->type;
  scene s;
  device_scene p = {0};
  scene_init(&s, l, type);
  const rd_attention *a = &s.a;
  const int64_t wide = a->heads * a->head_dim, narrow = a->kv_heads * a->head_dim;
  const size_t element = rd_dtype_size(type), bytes = (size_t)(s.rows * wide) * element;
  const size_t narrow_bytes = (size_t)(s.rows * narrow) * element;
  place(&p, &s);
  void *q = compact(&s, s.data[Q], wide, a->q_stride, false, false);
  void *d_o = compact(&s, s.data[DO], wide, a->o_stride, false, false);
  void *k = compact(&s, s.data[K], narrow, a->k_stride, true, false);
  void *v = compact(&s, s.data[V], narrow, a->v_stride, true, false);
  void *past_k = compact(&s, s.data[K], narrow, a->k_stride, true, true);
  void *past_v = compact(&s, s.data[V], narrow, a->v_stride, true, true);
  void *o = calloc(bytes, 1), *dq = calloc(bytes, 1), *dk = calloc(bytes, 1),
       *dv = calloc(bytes, 1);
  float *lse = calloc((size_t)(s.rows * a->heads), sizeof *lse);
  float *delta = calloc((size_t)(s.rows * a->heads), sizeof *delta);
  p.args = (rd_learn_attend_args){.o = o,
                                  .o_stride = wide,
                                  .dq = dq,
                                  .dk = dk,
                                  .dv = dv,
                                  .lse = lse,
                                  .delta = delta,
                                  .q = q,
                                  .k = k,
                                  .v = v,
                                  .d_o = d_o,
                                  .past_k = past_k,
                                  .past_v = past_v,
                                  .tiles = p.tiles,
                                  .spans = p.spans,
                                  .rows = p.rows,
                                  .T = s.rows,
                                  .heads = (int32_t)a->heads,
                                  .kv_heads = (int32_t)a->kv_heads,
                                  .hd = (int32_t)a->head_dim,
                                  .window = 1,
                                  .type = (int32_t)type,
                                  .scale = a->scale,
                                  .cap = a->cap};
  launch(d, f->keep, &p, a->heads, false, o, bytes);
  const rd_blocks every = {(s.rows * a->heads + 1) / 2, 1, 64, 0};
  launch_both_ways(d, &d->kernels->attend_delta, &every, &p.args, delta,
                   (size_t)(s.rows * a->heads) * sizeof *delta);
  launch(d, f->queries, &p, a->heads, true, dq, bytes);
  launch(d, f->keys, &p, a->kv_heads, true, dk, narrow_bytes);
  launch(d, f->keys, &p, a->kv_heads, true, dv, narrow_bytes);
  if (rd_attention_forward(a, s.data[O], s.lse, s.data[Q], s.data[K], s.data[V], s.workspace,
                           NULL) ||
      rd_attention_backward(a, s.data[DQ], s.data[DK], s.data[DV], s.data[DO], s.data[O], s.lse,
                            s.data[Q], s.data[K], s.data[V], s.workspace, NULL))
    fail_msg("the processor's attention");
  const double bound = type == RD_F32 ? 2e-5 : 3e-2;
  compare(&s, o, s.data[O], wide, a->o_stride, false, bound, "attention");
  compare(&s, dq, s.data[DQ], wide, a->q_stride, false, bound, "what comes back to queries");
  compare(&s, dk, s.data[DK], narrow, a->k_stride, true, bound, "what comes back to keys");
  compare(&s, dv, s.data[DV], narrow, a->v_stride, true, bound, "what comes back to values");
  void *all[] = {q, d_o, k, v, past_k, past_v, o, dq, dk, dv, lse, delta, p.rows};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
  scene_drop(&s);
}

/* Layouts whose keys end with the queries, as those of training do. */
static bool trained(const layout *l) {
  for (int64_t n = 0; n < l->sequences; n++)
    if (l->first[n] + l->queries[n] != l->keys[n])
      return false;
  return true;
}

static void attention_comes_back_as_the_processors(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  int found = 0;
#define FORM(type, most, end)                                                                      \
  {                                                                                                \
    type, most, &d->kernels->attend_keep##end, &d->kernels->attend_back_queries##end,              \
        &d->kernels->attend_back_keys##end                                                         \
  }
  const form forms[] = {FORM(RD_F32, 256, ), FORM(RD_BF16, 64, _64), FORM(RD_BF16, 128, _128),
                        FORM(RD_BF16, 256, _256)};
  const layout wide[] = {{2, 1, 80, 1, 2, {40, 9}, {40, 20}, {0, 11}, 0, 0},
                         {2, 2, 136, 0, 1, {35}, {35}, {0}, 0, 0}};
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++)
    for (int i = 0; i < LAYOUTS + 2; i++) {
      const layout *l = i < LAYOUTS ? &layouts[i] : &wide[i - LAYOUTS];
      if (!trained(l) || l->head_dim > forms[k].most)
        continue;
      check_layout(d, l, &forms[k]);
      found++;
    }
  assert_true(found > 40);
  rd_device_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(attention_comes_back_as_the_processors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
