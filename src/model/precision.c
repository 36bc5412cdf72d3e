/* SPDX-License-Identifier: MIT */
/* The table of precisions. */
#include "precision.h"

#include "cpu.h"

#include <string.h>

static rd_dtype f32(const rd_tensors *stored) {
  (void)stored;
  return RD_F32;
}

static rd_dtype bf16(const rd_tensors *stored) {
  (void)stored;
  return RD_BF16;
}

static rd_dtype fast(const rd_tensors *stored) {
  (void)stored;
  return rd_bf16_fast() ? RD_BF16 : RD_F32;
}

/* bf16 where the matrices are stored in 16 bits or fewer and the machine multiplies bf16; else
 * f32: a file of f32 keeps its numbers. */
static rd_dtype as_stored(const rd_tensors *t) {
  size_t narrow = 0, wide = 0;
  for (size_t i = 0; t && i < t->count; i++)
    if (t->items[i].dims == 2 && t->items[i].format->decode)
      *(t->items[i].format->bytes >= 4 * t->items[i].format->block ? &wide : &narrow) +=
          t->items[i].size;
  return !t || narrow > wide ? fast(t) : RD_F32;
}

static const rd_precision rows[] = {{"auto", as_stored, NULL, RD_F32},
                                    {"f32", f32, "F32", RD_F32},
                                    {"bf16", bf16, "BF16", RD_BF16},
                                    {"int8", fast, "int8", RD_I8}};
enum { TRAINED = 3 }; /* the first rows: whose formats have a way back */

const rd_table rd_precision_table = RD_TABLE("precision", rows);
const rd_table rd_train_precision_table = {"precision", rows, TRAINED, sizeof *rows};

rd_code rd_precision_find(const rd_precision **out, const char *name, rd_error *e) {
  *out = name ? rd_table_find(&rd_precision_table, name, e) : rows;
  return *out ? RD_OK : RD_USAGE;
}

rd_code rd_precision_choose(const rd_precision **out, rd_dtype *type, const char *name,
                            const rd_tensors *stored, rd_error *e) {
  RD_TRY(rd_precision_find(out, name, e));
  *type = (*out)->type(stored);
  return (*out)->format ? RD_OK : rd_precision_find(out, rd_dtype_name(*type), e);
}
