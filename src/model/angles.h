/* SPDX-License-Identifier: MIT */
/* The cosines and sines of a run: a table by position that grows as runs go further, and the rows
 * that the tokens of the run have. */
#ifndef RD_ANGLES_H
#define RD_ANGLES_H

#include "arena.h"
#include "rope.h"

typedef struct rd_angles {
  const rd_rotary *rope;
  int64_t turned;
  float *table_cos, *table_sin; /* (longest, turned/2) */
  int64_t known;                /* positions whose rows of the tables are filled */
  float *cosines, *sines;       /* (rows, turned/2) */
} rd_angles;

/* Take tables and rows. */
void rd_angles_take(rd_angles *a, rd_arena *arena, const rd_rotary *rope, int64_t turned,
                    int64_t longest, int64_t rows);
/* Rows `at` .. at + count - 1 become those of positions first .. of a sequence of `length`. */
void rd_angles_place(rd_angles *a, int64_t at, int64_t first, int64_t count, int64_t length);

#endif
