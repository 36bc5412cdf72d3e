/* SPDX-License-Identifier: MIT */
/* Branches: rows ahead of every position where a check may end. They are the rows that the same
 * masks have alone behind that position; what is checked beside them is as without them; and they
 * leave nothing in the lane. With a sampler head each word is chosen knowing the one before. All of
 * that on every engine, and with the same words. */
#include "cpu.h"
#include "engine.h"
#include "matrix.h"
#include "sampler_head.h"
#include "scratch_files.h"

#include <math.h>

enum { LEAD = 11, MOST = 4, LENGTH = 32, ROWS = 100, MASK = 9, R = 24 };

static const struct pair {
  const char *model, *adapter;
  int64_t width;
} pairs[] = {{"llama-mha", "llama-mha-norms", 32},
             {"train-tiny", "train-tiny-seven", 16},
             {"qwen3", "qwen3-seven", 32}};
static const char *const precisions[] = {"f32", "bf16"};

/* A device multiplies few rows by another kernel than many, so that the last bits may differ. */
static const struct engine_row {
  const char *name;
  float bounds[2]; /* of probabilities, by precision */
} engines[] = {{"cpu", {0, 0}}, {"emulated", {1e-5f, 2e-2f}}};
enum { ENGINES = sizeof engines / sizeof *engines };

static const char gate[] = "{\"gate\":\"answer\",\"mask_token_id\":9,\"shift\":true,\"block\":8}";
static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json", RD_SAMPLER_HEAD_FILE};
static const int32_t masks[MOST] = {MASK, MASK, MASK, MASK};
static const rd_propose_rule greedy = {.top_p = 1, .eos = -1};

static rd_bf16 *numbers(int64_t n, float scale, uint32_t state) {
  rd_bf16 *x = malloc((size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++) {
    state = state * 1664525 + 1013904223;
    const float y = scale * ((float)(state >> 8) / (float)(1 << 23) - 1);
    rd_cast(x + i, RD_BF16, &y, RD_F32, 1);
  }
  return x;
}

/* A head of random numbers for states of this width, whose second factor is `rows` high. */
static void write_head(const char *path, int64_t width, int64_t rows) {
  rd_error e = {0};
  rd_bf16 *fc1 = numbers(R * 2 * width, 0.3f, 5), *fc2 = numbers(rows * R, 0.1f, 6);
  const rd_format *bf16 = rd_format_of(RD_BF16);
  const rd_tensor tensors[] = {{.name = (char[]){"fc1.weight"},
                                .format = bf16,
                                .dims = 2,
                                .shape = {R, 2 * width},
                                .data = (const unsigned char *)fc1,
                                .size = (size_t)(R * 2 * width) * sizeof *fc1},
                               {.name = (char[]){"fc2.weight"},
                                .format = bf16,
                                .dims = 2,
                                .shape = {rows, R},
                                .data = (const unsigned char *)fc2,
                                .size = (size_t)(rows * R) * sizeof *fc2}};
  if (rd_safetensors_write(path, tensors, 2, &e) != RD_OK)
    fail_msg("%s", e.message);
  free(fc1), free(fc2);
}

/* `width` 0: without a sampler head. */
static rd_code open_pair(rd_model **m, const struct pair *pair, const char *precision,
                         int64_t width, int64_t rows, rd_error *e) {
  char folder[64], path[400];
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, GOLDEN "adapters/%s/%s", pair->adapter, files[i]);
    copy_file(path, in(folder, files[i]));
  }
  write_bytes(in(folder, files[2]), gate, strlen(gate));
  if (width > 0)
    write_head(in(folder, files[3]), width, rows);
  snprintf(path, sizeof path, GOLDEN "models/%s", pair->model);
  const rd_model_options o = {.path = path, .adapter = folder, .precision = precision};
  rd_code code = rd_model_open(m, &o, e);
  sweep(folder, files, width > 0 ? 4 : 3);
  return code;
}

/* A canvas whose last `drafted` words are to be checked. */
typedef struct scene {
  int32_t canvas[LENGTH];
  rd_wanted wanted[MOST + 1];
  rd_proposal out[MOST + 1], ahead[MOST];
  rd_branches branches;
  rd_need need;
} scene;

static void init(scene *s, rd_lane *lane, int64_t drafted, int64_t ahead) {
  *s = (scene){.branches = {.count = drafted + 1,
                            .masks = ahead,
                            .ids = masks,
                            .draw = {&greedy, 1, 1},
                            .out = s->ahead}};
  for (int i = 0; i < LEAD; i++)
    s->canvas[i] = 33 + 17 * i % 200;
  s->need = (rd_need){.lane = lane,
                      .canvas = s->canvas,
                      .length = LEAD + drafted,
                      .end = LEAD + drafted,
                      .gated = LEAD + drafted,
                      .attention = RD_CAUSAL,
                      .stepwise = LEAD - 1,
                      .shift = true,
                      .wanted = s->wanted,
                      .count = drafted + 1,
                      .out = s->out,
                      .branches = ahead > 0 ? &s->branches : NULL};
  for (int64_t i = 0; i <= drafted; i++)
    s->wanted[i] = (rd_wanted){.position = LEAD + i, .draw = {&greedy, 1, 1}};
}

static void propose(rd_engine *engine, const rd_need *needs, int64_t n) {
  rd_error e = {0};
  if (engine->propose(engine, needs, n, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void assert_equal(const rd_proposal *a, const rd_proposal *b, int64_t n, float bound,
                         const char *what) {
  for (int64_t i = 0; i < n; i++)
    if (a[i].id != b[i].id || !(fabsf(a[i].probability - b[i].probability) <= bound))
      fail_msg("%s: word %lld is %d (%.9g), alone %d (%.9g)", what, (long long)i, a[i].id,
               (double)a[i].probability, b[i].id, (double)b[i].probability);
}

/* A model with its engine and two lanes. */
typedef struct bench {
  float bound; /* of probabilities */
  rd_model *model;
  rd_engine *engine;
  rd_lane *lane, *other;
} bench;

static void set_up(bench *b, const struct engine_row *engine, const struct pair *pair,
                   int precision, bool told) {
  const int64_t width = told ? pair->width : 0;
  rd_error e = {0};
  b->bound = engine->bounds[precision];
  if (open_pair(&b->model, pair, precisions[precision], width, width, &e) != RD_OK ||
      rd_engine_open(&b->engine, engine->name, b->model, ROWS, LENGTH, &e) != RD_OK ||
      rd_lane_open(&b->lane, b->engine, LENGTH, &e) != RD_OK ||
      rd_lane_open(&b->other, b->engine, LENGTH, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void take_down(bench *b) {
  rd_lane_close(&b->lane);
  rd_lane_close(&b->other);
  rd_engine_close(&b->engine);
  rd_model_close(&b->model);
}

/* The canvas with `right` of `drafted` words the base's own, and the next one wrong. */
static void draft(scene *s, const bench *b, int64_t drafted, int64_t right, int64_t ahead) {
  init(s, b->lane, 0, 0);
  for (int64_t i = 0; i <= drafted; i++) {
    s->need.length = s->need.end = s->need.gated = LEAD + i;
    s->wanted[0].position = LEAD + i;
    propose(b->engine, &s->need, 1);
    s->canvas[LEAD + i] = i < right ? s->out[0].id : (s->out[0].id + 1) % 100;
  }
  int32_t canvas[LENGTH];
  memcpy(canvas, s->canvas, sizeof canvas);
  init(s, b->lane, drafted, ahead);
  memcpy(s->canvas, canvas, sizeof canvas);
}

/* The branch behind the words that stand, as a draft of its own behind a gate: its rows alone. */
static void alone(scene *s, const bench *b, const scene *checked, int64_t right, int64_t ahead) {
  const int64_t stands = LEAD + right;
  init(s, b->other, ahead, 0);
  memcpy(s->canvas, checked->canvas, sizeof s->canvas);
  for (int64_t i = 0; i < ahead; i++) {
    s->canvas[stands + i] = MASK;
    s->wanted[i].position = stands + 1 + i;
  }
  s->need.length = s->need.end = stands + ahead;
  s->need.gated = stands;
  s->need.attention = RD_BIDIRECTIONAL;
  s->need.count = ahead;
}

static void check(const bench *b, int64_t drafted, int64_t right, int64_t ahead) {
  static scene with, without, own;
  draft(&without, b, drafted, right, 0);
  propose(b->engine, &without.need, 1);
  rd_lane_forget(b->lane, 0, LENGTH);
  draft(&with, b, drafted, right, ahead);
  rd_lane_forget(b->lane, LEAD - 1, LENGTH);
  with.need.first = LEAD - 1;
  propose(b->engine, &with.need, 1);
  assert_equal(with.out, without.out, drafted + 1, b->bound, "checked beside branches");
  assert_int_equal(with.branches.taken, right);
  alone(&own, b, &with, right, ahead);
  propose(b->engine, &own.need, 1);
  assert_equal(with.ahead, own.out, ahead, b->bound, "a branch");
  /* what the lane knows now serves as well as what is computed anew */
  with.need.branches = NULL;
  with.need.first = with.need.end - 1;
  with.need.count = 1;
  with.wanted[0].position = with.need.end;
  propose(b->engine, &with.need, 1);
  assert_equal(with.out, without.out + drafted, 1, b->bound, "behind branches");
  assert_int_equal(rd_lane_changed(b->lane, with.canvas, LENGTH), LEAD + drafted);
}

static void rows_are_those_that_a_branch_has_alone(void **state) {
  (void)state;
  for (size_t i = 0; i < ENGINES * sizeof pairs / sizeof *pairs; i++)
    for (int p = 0; p < 2; p++) {
      bench b;
      set_up(&b, &engines[i % ENGINES], &pairs[i / ENGINES], p, false);
      for (int64_t drafted = 0; drafted <= MOST; drafted++)
        for (int64_t right = 0; right <= drafted; right++) {
          rd_threads_set(1 + (int)(drafted + right) % 2);
          check(&b, drafted, right, 1 + (drafted + right) % MOST);
        }
      rd_threads_set(2);
      take_down(&b);
    }
}

/* Two canvases in a pass, each with its branches. */
static void share_a_pass(const struct engine_row *engine, bool told) {
  static scene first, second, one, other;
  bench b;
  set_up(&b, engine, &pairs[0], 0, told);
  assert_int_equal(b.model->sampler_head != NULL, told);
  draft(&one, &b, 2, 1, 3);
  draft(&other, &b, 1, 0, 2);
  propose(b.engine, &one.need, 1);
  propose(b.engine, &other.need, 1);
  draft(&first, &b, 2, 1, 3);
  draft(&second, &b, 1, 0, 2);
  second.need.lane = b.other;
  const rd_need both[] = {first.need, second.need};
  propose(b.engine, both, 2);
  assert_equal(first.ahead, one.ahead, 3, b.bound, "the first of two");
  assert_equal(second.ahead, other.ahead, 2, b.bound, "the second of two");
  take_down(&b);
}

static void several_share_a_pass(void **state) {
  (void)state;
  for (size_t k = 0; k < 2 * ENGINES; k++)
    share_a_pass(&engines[k / 2], k % 2);
}

/* --- the sampler head ------------------------------------------------------------------------- */

typedef struct rows {
  float logits[MOST][512], states[MOST][256];
  int64_t V, D;
} rows;

static rd_code keep_scores(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                           rd_error *e) {
  rows *r = context;
  (void)need, (void)e;
  for (int64_t i = 0; i < count; i++)
    memcpy(r->logits[first + i], logits + i * r->V, (size_t)r->V * sizeof *logits);
  return RD_OK;
}

static rd_code keep_state(void *context, int64_t need, int64_t index, const float *state,
                          rd_error *e) {
  rows *r = context;
  (void)need, (void)e;
  memcpy(r->states[index], state, (size_t)r->D * sizeof *state);
  return RD_OK;
}

static float number(const rd_bf16 *x, int64_t i) {
  float y;
  rd_cast(&y, RD_F32, x + i, RD_BF16, 1);
  return y;
}

/* head (h + fc2 silu(fc1 [h ; e])), term by term; returns the best word. */
static int32_t best_by_hand(const rd_model *m, const rows *r, int64_t row, int32_t word) {
  const rd_bf16 *fc1 = m->sampler_head->fc1.data, *fc2 = m->sampler_head->fc2.data;
  const rd_weights *plain = m->weights.plain;
  const int64_t D = r->D;
  float e[256], middle[R], head[256];
  rd_matrix_decode(e, &plain->embedding, word, 1);
  for (int64_t i = 0; i < R; i++) {
    double sum = 0;
    for (int64_t k = 0; k < D; k++)
      sum += (double)number(fc1, i * 2 * D + k) * (double)r->states[row][k] +
             (double)number(fc1, i * 2 * D + D + k) * (double)e[k];
    middle[i] = (float)(sum / (1 + exp(-sum)));
  }
  int32_t best = 0;
  double most = -INFINITY;
  for (int32_t w = 0; w < r->V; w++) {
    double score = (double)r->logits[row][w];
    rd_matrix_decode(head, &m->weights.head.w, w, 1);
    for (int64_t k = 0; k < D; k++)
      for (int64_t i = 0; i < R; i++)
        score += (double)head[k] * (double)number(fc2, k * R + i) * (double)middle[i];
    bool known = true;
    for (int64_t k = 0; k < m->wordless_count; k++)
      known &= m->wordless[k] != w;
    if (known && score > most) {
      most = score;
      best = w;
    }
  }
  return best;
}

static void each_word_knows_the_one_before(void **state) {
  (void)state;
  static scene with, own;
  static rows r;
  int64_t changed = 0;
  for (size_t k = 0; k < ENGINES * sizeof pairs / sizeof *pairs; k++) {
    const struct pair *pair = &pairs[k / ENGINES];
    bench b;
    rd_error e = {0};
    set_up(&b, &engines[k % ENGINES], pair, 0, true);
    r.D = b.model->config.width;
    r.V = b.model->config.vocab;
    assert_true(r.D <= 256 && r.V <= 512);
    for (int64_t right = 0; right <= 2; right++) {
      draft(&with, &b, 2, right, MOST);
      propose(b.engine, &with.need, 1);
      alone(&own, &b, &with, right, MOST);
      propose(b.engine, &own.need, 1);
      assert_int_equal(b.engine->scores(b.engine, &own.need, 1, keep_scores, &r, &e), RD_OK);
      assert_int_equal(b.engine->states(b.engine, &own.need, 1, keep_state, &r, &e), RD_OK);
      int32_t word = with.out[right].id;
      for (int64_t i = 0; i < MOST; i++) {
        assert_int_equal(with.ahead[i].id, best_by_hand(b.model, &r, i, word));
        changed += with.ahead[i].id != own.out[i].id;
        word = with.ahead[i].id;
      }
    }
    take_down(&b);
  }
  assert_true(changed > 0); /* else the head did nothing */
}

static void what_makes_no_sense_is_said(void **state) {
  (void)state;
  static scene s;
  rd_error e = {0};
  rd_model *m = NULL;
  bench b;
  set_up(&b, &engines[0], &pairs[0], 0, false);
  assert_null(b.model->sampler_head);
  const int64_t width = b.model->config.width;
  draft(&s, &b, 2, 1, 2);
  s.need.shift = false;
  assert_int_equal(b.engine->propose(b.engine, &s.need, 1, &e), RD_USAGE);
  s.need.shift = true;
  s.branches.masks = LENGTH;
  assert_int_equal(b.engine->propose(b.engine, &s.need, 1, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "need a lane that has it"));
  take_down(&b);
  assert_int_equal(open_pair(&m, &pairs[0], "f32", width + 1, width + 1, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "fc1.weight is BF16 (24, "));
  assert_int_equal(open_pair(&m, &pairs[0], "f32", width, width - 1, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "fc2.weight is BF16"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_those_that_a_branch_has_alone),
      cmocka_unit_test(several_share_a_pass),
      cmocka_unit_test(each_word_knows_the_one_before),
      cmocka_unit_test(what_makes_no_sense_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
