/* SPDX-License-Identifier: MIT */
/* Row operations as cases, and the sizes at which they are run: one list for three uses. test_ops
 * checks numbers at these sizes, test_gradients checks every way back against differences of the
 * operation itself, bench/op_times.c times both. */
#ifndef OP_CASES_H
#define OP_CASES_H

#include "activation.h"
#include "ops.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows and columns. Odd ones, so that vector tails run; those of tini, and of wider models. */
static const int64_t op_sizes[][2] = {{1, 1},    {3, 7},    {5, 64},    {2, 33},  {17, 288},
                                      {130, 99}, {9, 1024}, {256, 288}, {4, 2040}};
enum { OP_SIZES = sizeof op_sizes / sizeof *op_sizes, OP_INPUTS = 2, OP_TABLE = 5 };

/* The arrays of an operation under way. */
typedef struct op_data {
  rd_dtype type;
  int64_t T, D;
  void *in[OP_INPUTS], *out;
  void *din[OP_INPUTS], *dout; /* the gradients of the same */
  int32_t *ids;                /* (T) below OP_TABLE and below D */
  float *rstd;                 /* (4 T) */
  float *cosines, *sines;      /* (T, D) at least */
} op_data;

typedef struct op_array {
  int64_t (*count)(int64_t T, int64_t D); /* NULL: the operation has none */
  bool f32, gradient_f32;                 /* else of the type under test */
} op_array;

typedef struct op_case {
  const char *name;
  op_array in[OP_INPUTS], out;
  void (*forward)(op_data *o);  /* from in to out */
  void (*backward)(op_data *o); /* from dout to din, which was 0; after forward. NULL: none */
} op_case;

static inline int64_t op_all(int64_t T, int64_t D) {
  return T * D;
}
static inline int64_t op_rows(int64_t T, int64_t D) {
  (void)D;
  return T;
}
static inline int64_t op_columns(int64_t T, int64_t D) {
  (void)T;
  return D;
}
static inline int64_t op_head(int64_t T, int64_t D) {
  (void)T;
  return D % 4 == 0 ? D / 4 : D;
}
static inline int64_t op_table(int64_t T, int64_t D) {
  (void)T;
  return OP_TABLE * D;
}

static inline size_t op_bytes(const op_data *o) {
  return (size_t)(o->T * o->D) * rd_dtype_size(o->type);
}

static inline void op_rmsnorm(op_data *o) {
  rd_rmsnorm(o->out, o->type, o->rstd, o->in[0], o->in[1], o->T, o->D, 1e-5f);
}
static inline void op_rmsnorm_back(op_data *o) {
  rd_rmsnorm_backward(o->din[0], o->din[1], o->dout, o->in[0], o->in[1], o->rstd, o->T, o->D);
}

static inline void op_headnorm(op_data *o) {
  const int64_t hd = op_head(o->T, o->D);
  memcpy(o->out, o->in[0], op_bytes(o));
  rd_headnorm(o->out, o->type, o->rstd, o->in[1], o->T, o->D / hd, hd, o->D, 1e-6f);
}
static inline void op_headnorm_back(op_data *o) {
  const int64_t hd = op_head(o->T, o->D);
  memcpy(o->din[0], o->dout, op_bytes(o));
  rd_headnorm_backward(o->din[0], o->din[1], o->in[0], o->type, o->in[1], o->rstd, o->T, o->D / hd,
                       hd, o->D, o->D);
}

/* One head of an even number of columns, at most 1024; the others stay. */
static inline int64_t op_rotated(const op_data *o) {
  return (o->D < 1024 ? o->D : 1024) / 2 * 2;
}
static inline void op_rope(op_data *o) {
  memcpy(o->out, o->in[0], op_bytes(o));
  if (op_rotated(o) > 0)
    rd_rope(o->out, o->type, o->T, 1, op_rotated(o), op_rotated(o), o->D, o->cosines, o->sines,
            false, false);
}
static inline void op_rope_back(op_data *o) {
  memcpy(o->din[0], o->dout, op_bytes(o));
  if (op_rotated(o) > 0)
    rd_rope(o->din[0], o->type, o->T, 1, op_rotated(o), op_rotated(o), o->D, o->cosines, o->sines,
            false, true);
}

static inline void op_bias(op_data *o) {
  memcpy(o->out, o->in[0], op_bytes(o));
  rd_bias(o->out, o->type, o->in[1], o->T, o->D, o->D);
}
static inline void op_bias_back(op_data *o) {
  memcpy(o->din[0], o->dout, op_bytes(o));
  rd_bias_backward(o->din[1], o->dout, o->type, o->T, o->D, o->D);
}

static inline const rd_activation *op_activation(const char *name) {
  return rd_table_row(&rd_activation_table, name);
}
/* One for each curve; relu's slope has a step, which differences cannot take. */
#define OP_GATED(name)                                                                             \
  static inline void op_##name(op_data *o) {                                                       \
    rd_gated(op_activation(#name), o->out, o->in[0], o->in[1], o->type, o->T, o->D, o->D);         \
  }                                                                                                \
  static inline void op_##name##_back(op_data *o) {                                                \
    rd_gated_backward(op_activation(#name), o->din[0], o->din[1], o->dout, o->in[0], o->in[1],     \
                      o->type, o->T, o->D, o->D);                                                  \
  }
OP_GATED(silu)
OP_GATED(gelu)
OP_GATED(gelu_pytorch_tanh)
OP_GATED(quick_gelu)
OP_GATED(relu2)

/* Capped at 1.5 of 0.75 x. */
static inline void op_cap(op_data *o) {
  memcpy(o->out, o->in[0], (size_t)(o->T * o->D) * sizeof(float));
  rd_cap(o->out, 0.5f, 1.5f, o->T * o->D);
}
static inline void op_cap_back(op_data *o) {
  memcpy(o->din[0], o->dout, (size_t)(o->T * o->D) * sizeof(float));
  rd_cap_backward(o->din[0], RD_F32, o->out, 0.5f, 1.5f, o->T * o->D);
}

/* Rows are looked up by whoever knows their format (store/matrix.h); plain ones are cast. */
static inline void op_embed(op_data *o) {
  for (int64_t t = 0; t < o->T; t++)
    rd_cast((float *)o->out + t * o->D, RD_F32, rd_at_const(o->in[0], o->type, o->ids[t] * o->D),
            o->type, o->D);
}
static inline void op_embed_back(op_data *o) {
  rd_embed_backward(o->din[0], o->dout, o->ids, o->T, o->D);
}

/* out: the loss of each row; so what comes back for it is the row's weight. */
static inline void op_cross_entropy(op_data *o) {
  double loss = 0;
  rd_cross_entropy(&loss, o->out, NULL, o->type, o->in[0], o->ids, NULL, o->T, o->D);
}
static inline void op_cross_entropy_back(op_data *o) {
  double loss = 0;
  rd_cross_entropy(&loss, NULL, o->din[0], o->type, o->in[0], o->ids, o->dout, o->T, o->D);
}

static inline void op_add(op_data *o) {
  memcpy(o->out, o->in[0], (size_t)(o->T * o->D) * sizeof(float));
  rd_add(o->out, o->in[1], o->type, 0.75f, o->T * o->D);
}

static const op_case op_cases[] = {
    {.name = "rmsnorm",
     .in = {{.count = op_all, .f32 = true}, {.count = op_columns, .f32 = true}},
     .out = {.count = op_all, .gradient_f32 = true},
     .forward = op_rmsnorm,
     .backward = op_rmsnorm_back},
    {.name = "headnorm",
     .in = {{.count = op_all}, {.count = op_head, .f32 = true}},
     .out = {.count = op_all},
     .forward = op_headnorm,
     .backward = op_headnorm_back},
    {.name = "rope",
     .in = {{.count = op_all}},
     .out = {.count = op_all},
     .forward = op_rope,
     .backward = op_rope_back},
    {.name = "bias",
     .in = {{.count = op_all}, {.count = op_columns, .f32 = true}},
     .out = {.count = op_all},
     .forward = op_bias,
     .backward = op_bias_back},
    {.name = "silu",
     .in = {{.count = op_all}, {.count = op_all}},
     .out = {.count = op_all},
     .forward = op_silu,
     .backward = op_silu_back},
    {.name = "gelu",
     .in = {{.count = op_all}, {.count = op_all}},
     .out = {.count = op_all},
     .forward = op_gelu,
     .backward = op_gelu_back},
    {.name = "gelu_pytorch_tanh",
     .in = {{.count = op_all}, {.count = op_all}},
     .out = {.count = op_all},
     .forward = op_gelu_pytorch_tanh,
     .backward = op_gelu_pytorch_tanh_back},
    {.name = "quick_gelu",
     .in = {{.count = op_all}, {.count = op_all}},
     .out = {.count = op_all},
     .forward = op_quick_gelu,
     .backward = op_quick_gelu_back},
    {.name = "relu2",
     .in = {{.count = op_all}, {.count = op_all}},
     .out = {.count = op_all},
     .forward = op_relu2,
     .backward = op_relu2_back},
    {.name = "cap",
     .in = {{.count = op_all, .f32 = true}},
     .out = {.count = op_all, .f32 = true},
     .forward = op_cap,
     .backward = op_cap_back},
    {.name = "embed",
     .in = {{.count = op_table, .gradient_f32 = true}},
     .out = {.count = op_all, .f32 = true},
     .forward = op_embed,
     .backward = op_embed_back},
    {.name = "cross-entropy",
     .in = {{.count = op_all, .f32 = true}},
     .out = {.count = op_rows, .f32 = true},
     .forward = op_cross_entropy,
     .backward = op_cross_entropy_back},
    {.name = "add",
     .in = {{.count = op_all, .f32 = true}, {.count = op_all}},
     .out = {.count = op_all, .f32 = true},
     .forward = op_add},
};
enum { OP_CASES = sizeof op_cases / sizeof *op_cases };

/* NULL: there is none. */
static inline const op_case *op_case_named(const char *name) {
  for (int i = 0; i < OP_CASES; i++)
    if (strcmp(op_cases[i].name, name) == 0)
      return &op_cases[i];
  return NULL;
}

static inline int64_t op_count(const op_array *a, const op_data *o) {
  return a->count ? a->count(o->T, o->D) : 0;
}
static inline rd_dtype op_type(const op_array *a, const op_data *o) {
  return a->f32 ? RD_F32 : o->type;
}
static inline rd_dtype op_gradient_type(const op_array *a, const op_data *o) {
  return a->f32 || a->gradient_f32 ? RD_F32 : o->type;
}

/* n values in [-2, 2). */
static inline void *op_values(rd_dtype type, int64_t n, uint32_t which) {
  float *values = malloc((size_t)n * sizeof *values + 64);
  void *data = malloc((size_t)n * rd_dtype_size(type) + 64);
  rd_rng rng = rd_rng_at(13, RD_STREAM_INIT, which, 0);
  for (int64_t i = 0; i < n; i++)
    values[i] = (float)(rd_rng_uniform(&rng) * 4 - 2);
  rd_cast(data, type, values, RD_F32, n);
  free(values);
  return data;
}

/* All arrays of a case: values in what is read and in dout, zeros in what is added to. */
static inline void op_init(op_data *o, const op_case *c, rd_dtype type, int64_t T, int64_t D) {
  *o = (op_data){.type = type, .T = T, .D = D};
  for (int i = 0; i < OP_INPUTS; i++) {
    const int64_t n = op_count(&c->in[i], o);
    o->in[i] = op_values(op_type(&c->in[i], o), n, (uint32_t)i);
    o->din[i] = calloc((size_t)n + 16, rd_dtype_size(op_gradient_type(&c->in[i], o)));
  }
  const int64_t n = op_count(&c->out, o);
  o->out = calloc((size_t)n + 16, rd_dtype_size(op_type(&c->out, o)));
  o->dout = op_values(op_gradient_type(&c->out, o), n, OP_INPUTS);
  o->ids = malloc((size_t)T * sizeof *o->ids);
  o->rstd = calloc((size_t)(4 * T), sizeof *o->rstd);
  o->cosines = op_values(RD_F32, T * D, 4);
  o->sines = op_values(RD_F32, T * D, 5);
  for (int64_t i = 0; i < T; i++)
    o->ids[i] = (int32_t)(i * i % (D < OP_TABLE ? D : OP_TABLE));
  for (int64_t i = 0; i < T * D; i++) {
    const float angle = o->cosines[i];
    o->cosines[i] = cosf(angle);
    o->sines[i] = sinf(angle);
  }
}

static inline void op_drop(op_data *o) {
  for (int i = 0; i < OP_INPUTS; i++) {
    free(o->in[i]);
    free(o->din[i]);
  }
  free(o->out);
  free(o->dout);
  free(o->ids);
  free(o->rstd);
  free(o->cosines);
  free(o->sines);
}

#endif
