/* SPDX-License-Identifier: MIT */
/* Formats of matrices, a row each: how many bytes hold how many numbers, how they are read, made
 * and multiplied.
 *
 * The tensors of a file have a format, and so has every matrix of a model: it is used where it
 * lies, or made once in the format that its products are to run in (matrix.h). A format is a row
 * here and a file with its kernels. */
#ifndef RD_FORMAT_H
#define RD_FORMAT_H

#include "matmul.h"

typedef struct rd_format rd_format;

/* A matrix that knows its format. Read only, but for who makes it. */
typedef struct rd_matrix {
  const rd_format *format;
  void *data;   /* (rows, cols): every row in whole blocks of the format */
  void *scales; /* what the format keeps beside its blocks, or NULL */
  int64_t rows, cols;
} rd_matrix;

/* A form that rows must be brought into before a format multiplies them. */
typedef struct rd_rounding {
  size_t (*room)(int64_t rows, int64_t cols); /* bytes that it takes */
  void (*round)(void *room, rd_mat x);        /* x (rows, cols), f32 or bf16 */
} rd_rounding;

/* Rows that matrices are multiplied with: {.x = rows, .room = memory}. They are rounded into `room`
 * when the first format asks for it, once for all the matrices of one place. */
typedef struct rd_input {
  rd_mat x;                    /* (T, in) f32 or bf16 */
  void *room;                  /* for T rows of the rounding; NULL where no format rounds */
  const rd_rounding *rounding; /* what `room` holds; NULL: nothing yet, or ... */
  const rd_rounding *halves;   /* ... the first rows and the rest, each by itself (linear.c) */
} rd_input;

struct rd_format {
  const char *name; /* as safetensors and GGUF's documentation write it: "BF16", "Q4_K" */
  int gguf;         /* ggml type number, -1: not in GGUF */
  int dtype;        /* the rd_dtype of a plain array, -1: none */
  int64_t block;    /* numbers in a block; a row holds whole blocks */
  int64_t bytes;    /* of a block */
  /* rows that lie together, number by number, the last of them filled up with zeros; 0: each row
   * lies alone */
  int64_t panel;
  /* out[i], i < n; n is a multiple of block. NULL: not in files */
  void (*decode)(float *out, const unsigned char *in, int64_t n);
  /* Rows first .. first+count-1 of m to f32, out (count, cols), where they lie in panels. */
  void (*read)(float *out, const rd_matrix *m, int64_t first, int64_t count);
  /* Make rows first .. first+count-1 of m, whole panels, from x (count, cols). NULL: only read, or
   * only made from blocks. */
  void (*pack)(const rd_matrix *m, const float *x, int64_t first, int64_t count);
  /* Make all of m from a matrix whose rd_format_grouped is m's, by all threads. False, with m half
   * filled, where a number is not finite. NULL: made from numbers. */
  bool (*regroup)(const rd_matrix *m, const rd_matrix *stored);
  size_t (*scales)(const rd_matrix *m); /* bytes kept beside the blocks; NULL: none */
  const rd_rounding *rounding;          /* of the rows that it multiplies; NULL: as they are */
  /* y (T, rows) = x w' + beta y, and, for training, dx (T, cols) = dy w + beta dx; NULL: decoded or
   * packed first. `x` is rounded as the format wants it. */
  rd_code (*multiply)(rd_mat y, const rd_matrix *w, const rd_input *x, float beta, rd_error *e);
  rd_code (*multiply_back)(rd_mat dx, const rd_matrix *w, rd_mat dy, float beta, rd_error *e);
};

/* The row of a name, of a ggml type number or of plain arrays of a type (F32, BF16, F16); NULL:
 * unknown. */
const rd_format *rd_format_named(const char *name);
const rd_format *rd_format_of_gguf(uint32_t type);
const rd_format *rd_format_of(rd_dtype type);
/* The integer groups that a stored format's blocks become: with the same numbers where there is
 * such a kind, else rounded to 8 bits. */
const rd_format *rd_format_grouped(const rd_format *stored);
/* All rows, for tests and for listing; *count of them. */
const rd_format *rd_formats(size_t *count);

#endif
