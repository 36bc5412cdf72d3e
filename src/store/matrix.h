/* SPDX-License-Identifier: MIT */
/* Matrices in their formats: made once by all threads, read row by row, multiplied. */
#ifndef RD_MATRIX_H
#define RD_MATRIX_H

#include "arena.h"
#include "format.h"

/* The matrix whose rows lie at `data`. */
rd_matrix rd_matrix_at(const rd_format *format, const void *data, int64_t rows, int64_t cols);
/* Bytes of one row, without scales beside it; in a panel, its share. */
size_t rd_matrix_row(const rd_matrix *m);
/* Rows first .. first+count-1 as f32: out (count, cols). */
void rd_matrix_decode(float *out, const rd_matrix *m, int64_t first, int64_t count);

/* Room for a matrix in a format that packs. */
rd_matrix rd_matrix_take(const rd_format *format, int64_t rows, int64_t cols, rd_arena *arena);
/* Gives rows first .. first+count-1 into out (count, cols); `room` is as large. Called by several
 * threads at once. */
typedef rd_code rd_row_source(void *context, float *out, float *room, int64_t first, int64_t count,
                              rd_error *e);
/* Make the whole matrix from the rows that `rows` gives, by all threads. An error is that of the
 * first rows that fail. */
rd_code rd_matrix_fill(const rd_matrix *m, rd_row_source *rows, void *context, rd_error *e);
/* rd_row_source of another matrix: `context` is a const rd_matrix *. */
rd_code rd_matrix_rows(void *context, float *out, float *room, int64_t first, int64_t count,
                       rd_error *e);

/* A plain matrix packed for products in both directions (rd_matmul_pack), which makes them faster
 * and takes twice its bytes; its bits stay. Where this machine has no such layout, or in an arena
 * that measures, *m stays as it is. */
rd_code rd_matrix_pack_both(rd_matrix *m, rd_arena *arena, rd_error *e);
/* A matrix in bf16 held in 12 bits (tight.h): its products have the same bits, and it is only for
 * inference. `arena` takes the matrix, `lists` numbers that do not fit. False, with *m as it is,
 * where more than one number in RD_TIGHT_MOST does not. In arenas that measure *m stays. */
enum { RD_TIGHT_MOST = 1024 };
bool rd_matrix_tighten(rd_matrix *m, rd_arena *arena, rd_arena *lists);
/* out[t] (T, cols) = row ids[t] as f32, by all threads. */
void rd_matrix_gather(float *out, const rd_matrix *m, const int32_t *ids, int64_t T);

/* y (T, rows) = x w', with `add` y += x w'; and what comes back: dx (T, cols) = dy w, or dx +=. */
rd_code rd_matrix_multiply(rd_mat y, const rd_matrix *w, rd_input *x, bool add, rd_error *e);
rd_code rd_matrix_multiply_back(rd_mat dx, const rd_matrix *w, rd_mat dy, bool add, rd_error *e);

#endif
