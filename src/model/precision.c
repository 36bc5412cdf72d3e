/* SPDX-License-Identifier: MIT */
/* The table of precisions, and what auto takes: the products that are fastest among those that lose
 * nothing beyond what the file has lost. */
#include "precision.h"

#include "cpu.h"

#include <string.h>

static rd_dtype f32(void) {
  return RD_F32;
}

static rd_dtype bf16(void) {
  return RD_BF16;
}

static rd_dtype fast(void) {
  return rd_bf16_fast() ? RD_BF16 : RD_F32;
}

static const rd_precision rows[] = {{"auto", fast, NULL, 0, RD_F32},
                                    {"f32", f32, "F32", 0, RD_F32},
                                    {"bf16", bf16, "BF16", 0, RD_BF16},
                                    {"int8", fast, NULL, 0, RD_I8},
                                    {"q4", fast, NULL, 4, RD_I8}};
enum { TRAINED = 3 }; /* the first rows: whose formats have a way back */

const rd_table rd_precision_table = RD_TABLE("precision", rows);
const rd_table rd_train_precision_table = {"precision", rows, TRAINED, sizeof *rows};

rd_code rd_precision_find(const rd_precision **out, const char *name, rd_error *e) {
  *out = name ? rd_table_find(&rd_precision_table, name, e) : rows;
  return *out ? RD_OK : RD_USAGE;
}

/* A training step multiplies many rows at a time: that f32 numbers are longer to read costs it
 * little. */
rd_dtype rd_precision_trained(const rd_precision *p, bool device) {
  return p == rows && !device && !rd_bf16_faster() ? RD_F32 : p->type();
}

static bool is_matrix(const rd_tensor *t) {
  return t->dims == 2 && t->format->decode;
}

/* Whether integer groups keep the numbers of a stored format: groups that are rounded are packed
 * from numbers. */
static bool exact(const rd_format *stored) {
  return !rd_format_grouped(stored)->pack;
}

/* Widths of numbers as auto tells them apart: blocks that are groups, other blocks and plain
 * numbers that bf16 holds well, wider ones. */
typedef enum width { BLOCKS, SIXTEEN, WIDE, WIDTHS } width;

/* The width of most numbers in matrices. */
static width most_stored(const rd_tensors *t) {
  int64_t count[WIDTHS] = {0};
  for (size_t i = 0; i < t->count; i++) {
    const rd_format *f = t->items[i].format;
    if (is_matrix(&t->items[i]))
      count[exact(f)                  ? BLOCKS
            : f->bytes < 4 * f->block ? SIXTEEN
                                      : WIDE] += rd_tensor_count(&t->items[i]);
  }
  width most = WIDE;
  for (int w = BLOCKS; w < WIDTHS; w++)
    if (count[w] > count[most])
      most = (width)w;
  return most;
}

/* What auto means for a model. Without vector instructions integers are no faster than numbers. */
static const char *automatic(const rd_tensors *stored, const char **why) {
  const char *plain = rd_dtype_name(fast());
  *why = fast() == RD_BF16 ? "this processor multiplies bf16" : "this processor multiplies no bf16";
  const width most = stored ? most_stored(stored) : SIXTEEN;
  if (most == BLOCKS && rd_cpu_level() >= RD_CPU_AVX2) {
    *why = "the file stores integers in groups: multiplied as they are";
    return "int8";
  }
  if (most == WIDE) {
    *why = "the file stores 32 bits or more: its numbers are kept";
    return "f32";
  }
  return plain;
}

static bool has_bits(const rd_tensors *t, int bits) {
  for (size_t i = 0; t && i < t->count; i++) {
    const rd_format *f = is_matrix(&t->items[i]) ? rd_format_grouped(t->items[i].format) : NULL;
    if (f && 8 * f->bytes == bits * f->block)
      return true;
  }
  return false;
}

rd_code rd_precision_choose(rd_precision_choice *out, const char *name, const rd_tensors *stored,
                            rd_error *e) {
  RD_TRY(rd_precision_find(&out->row, name, e));
  out->why = "asked for";
  if (out->row == rows)
    RD_TRY(rd_precision_find(&out->row, automatic(stored, &out->why), e));
  out->type = out->row->type();
  if (out->row->bits && !has_bits(stored, out->row->bits))
    return rd_fail(e, RD_USAGE,
                   "precision %s: there are no matrices of %d bits whose numbers it could multiply "
                   "(Q4_0, Q4_1, Q4_K); int8 takes any",
                   out->row->name, out->row->bits);
  return RD_OK;
}

const rd_format *rd_precision_format(const rd_precision *p, const rd_format *stored) {
  return p->format ? rd_format_named(p->format) : rd_format_grouped(stored);
}
