/* SPDX-License-Identifier: MIT */
/* Names of precisions, and rounding weights to integers. */
#include "precision.h"

#include "ops.h"

#include <string.h>

static const struct {
  const char *name;
  rd_precision precision;
} rows[] = {{"auto", RD_AUTO},
            {"f32", RD_PRECISION_F32},
            {"bf16", RD_PRECISION_BF16},
            {"int8", RD_PRECISION_INT8}};

rd_code rd_precision_find(rd_precision *out, const char *name, rd_error *e) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, name) == 0) {
      *out = rows[i].precision;
      return RD_OK;
    }
  return rd_fail(e, RD_USAGE, "precision is one of " RD_PRECISION_NAMES ", not %s", name);
}

const char *rd_model_precision(const rd_model *m) {
  return m->weights.head8.q ? "int8" : rd_dtype_name(m->weights.type);
}

static rd_integers integers(const void *w, rd_dtype type, int64_t out, int64_t in,
                            rd_arena *arena) {
  int8_t *q = RD_TAKE(arena, int8_t, out * in);
  float *scale = RD_TAKE(arena, float, out);
  if (arena->base)
    rd_quantize_rows(q, scale, w, type, out, in);
  return (rd_integers){q, scale};
}

void rd_quantize_weights(rd_weights *w, const rd_config *c, rd_arena *arena) {
  w->head8 = integers(w->head, w->type, c->vocab, c->width, arena);
  for (int64_t l = 0; l < c->layers; l++)
    for (int p = 0; p < RD_PROJECTIONS; p++) {
      rd_linear *x = &w->layers[l].p[p];
      x->w8 = integers(x->w, w->type, x->out, x->in, arena);
    }
}
