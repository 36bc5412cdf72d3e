/* SPDX-License-Identifier: MIT */
/* The weights of an open model as tensors to be written: by a family's names or GGUF's, in the
 * types wanted, those that are made in one arena. */
#ifndef RD_WRITTEN_H
#define RD_WRITTEN_H

#include "arena.h"
#include "family.h"
#include "model.h"
#include "tensors.h"

typedef struct rd_written {
  const rd_model *model;
  const rd_names *names;
  const rd_format *matrices, *vectors; /* formats that pack; a matrix whose rows are no whole blocks
                                          of its format gets that of vectors */
  const rd_format *ends;               /* of embedding and head; NULL: as the other matrices */
  bool interleaved;                    /* order of the rows that are rotated: weights.h */
  const rd_tensor *more;               /* one that is no weight and comes last, or NULL */
  /* made */
  rd_tensor *tensors; /* (count) */
  size_t count;
  rd_arena arena;
} rd_written;

/* Fill `tensors`. What has the wanted type already is used where it lies, so the model stays open
 * as long as they are used. Drop in either case. */
rd_code rd_written_make(rd_written *w, rd_error *e);
void rd_written_drop(rd_written *w);

/* Give `t` its numbers in the format `to`, made in `arena` (measuring, or placed). RD_NUMERIC: one
 * of them is infinite or NaN in F16, which ends at 65504. */
rd_code rd_convert_tensor(rd_tensor *t, const rd_format *to, rd_arena *arena, rd_error *e);

#endif
