/* SPDX-License-Identifier: MIT */
/* Two products over one row, in bf16 as they are stored, whatever the model computes in: a draft is
 * checked, so that its last bits do not matter, and the factors are read for every drafted word. */
#include "sampler_head.h"

#include "arena.h"
#include "file.h"
#include "matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensor of a name, which must have this many rows and columns; 0 rows: any. */
static rd_code find(rd_matrix *out, const rd_tensors *t, const char *name, int64_t rows,
                    int64_t cols, rd_error *e) {
  char is[96];
  const rd_tensor *x = rd_tensors_find(t, name);
  if (!x)
    return rd_fail(e, RD_BAD_INPUT, "%s is missing", name);
  if (x->dims != 2 || x->shape[1] != cols || (rows > 0 && x->shape[0] != rows) || x->shape[0] < 1 ||
      x->format->dtype != RD_BF16)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s is %s %s; expected BF16 (%lld, %lld): fc1.weight is (R, 2 D), fc2.weight "
                   "(D, R) for a model of width D",
                   name, rd_tensor_type(x), rd_shape_text(is, sizeof is, x->shape, x->dims),
                   (long long)(rows > 0 ? rows : x->shape[0]), (long long)cols);
  *out = rd_matrix_at(x->format, x->data, x->shape[0], x->shape[1]);
  return RD_OK;
}

static rd_code read(rd_sampler_head *h, const char *path, int64_t width, rd_error *e) {
  RD_TRY(rd_safetensors_open(&h->tensors, path, e));
  RD_TRY(find(&h->fc1, &h->tensors, "fc1.weight", 0, 2 * width, e));
  RD_TRY(find(&h->fc2, &h->tensors, "fc2.weight", width, h->fc1.rows, e));
  for (size_t i = 0; i < h->tensors.count; i++)
    RD_TRY(rd_tensor_check(&h->tensors.items[i], e));
  return h->tensors.count == 2
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "%zu tensors; fc1.weight and fc2.weight are known",
                     h->tensors.count);
}

rd_code rd_sampler_head_open(rd_sampler_head *h, const char *folder, int64_t width, rd_error *e) {
  *h = (rd_sampler_head){0};
  const rd_path path = rd_path_in(folder, RD_SAMPLER_HEAD_FILE);
  rd_code code = rd_path_exists(path.text) ? read(h, path.text, width, e) : RD_OK;
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%s", path.text);
}

void rd_sampler_head_drop(rd_sampler_head *h) {
  rd_tensors_drop(&h->tensors);
  *h = (rd_sampler_head){0};
}

rd_code rd_sampler_head_copy(const char *from, const char *to, rd_error *e) {
  const rd_path there = rd_path_in(from, RD_SAMPLER_HEAD_FILE),
                here = rd_path_in(to, RD_SAMPLER_HEAD_FILE);
  return rd_path_exists(there.text) ? rd_file_copy(there.text, here.text, e) : RD_OK;
}

/* What a shift is made in. */
typedef struct workspace {
  void *both;   /* (2D) bf16: state and embedding */
  float *sums;  /* (R) */
  void *middle; /* (R) bf16 */
} workspace;

static workspace lay_out(rd_arena *a, const rd_sampler_head *h) {
  const size_t bf16 = rd_dtype_size(RD_BF16);
  workspace w = {.both = rd_arena_take(a, (size_t)h->fc1.cols, bf16)};
  w.sums = RD_TAKE(a, float, h->fc1.rows);
  w.middle = rd_arena_take(a, (size_t)h->fc1.rows, bf16);
  return w;
}

size_t rd_sampler_head_room(const rd_sampler_head *h) {
  rd_arena measure = rd_arena_measure();
  lay_out(&measure, h);
  return measure.used;
}

rd_code rd_sampler_head_shift(float *shift, const rd_sampler_head *h, const void *state,
                              rd_dtype type, const float *embedding, void *room, rd_error *e) {
  const int64_t D = h->fc2.rows, R = h->fc1.rows;
  rd_arena arena = {.base = room, .size = rd_sampler_head_room(h)};
  const workspace w = lay_out(&arena, h);
  rd_cast(w.both, RD_BF16, state, type, D);
  rd_cast(rd_at(w.both, RD_BF16, D), RD_BF16, embedding, RD_F32, D);
  rd_input in = {.x = rd_mat_rows(w.both, RD_BF16, 1, 2 * D)};
  RD_TRY(rd_matrix_multiply(rd_mat_rows(w.sums, RD_F32, 1, R), &h->fc1, &in, false, e));
  for (int64_t i = 0; i < R; i++)
    w.sums[i] /= 1 + expf(-w.sums[i]);
  rd_cast(w.middle, RD_BF16, w.sums, RD_F32, R);
  rd_input middle = {.x = rd_mat_rows(w.middle, RD_BF16, 1, R)};
  return rd_matrix_multiply(rd_mat_rows(shift, RD_F32, 1, D), &h->fc2, &middle, false, e);
}
