/* SPDX-License-Identifier: MIT */
/* The weights of an open model as tensors to be written: by a family's names or GGUF's, in the
 * types wanted, those that are made in one arena. */
#ifndef RD_WRITTEN_H
#define RD_WRITTEN_H

#include "arena.h"
#include "family.h"
#include "model.h"
#include "parts.h"
#include "tensors.h"

/* What happened to types on the way into a file, for whoever wrote it to say. */
typedef struct rd_types_written {
  int64_t matrices, wide; /* all, and those that stay F32, since their rows are no whole blocks */
  int64_t cols;           /* of a row of the first of these */
  const rd_format *blocks;
  int64_t narrowed;             /* tensors whose own type is read and never written */
  const rd_format *from, *into; /* of the first of them: its type, and what it became */
} rd_types_written;

typedef struct rd_written {
  const rd_model *model;
  const rd_names *names;
  const rd_format *matrices, *vectors; /* formats that pack; NULL: each as it is stored
                                          (rd_written_type). A matrix whose rows are no whole blocks
                                          of its format is F32 */
  const rd_format *ends;               /* of embedding and head; NULL: as the other matrices */
  bool interleaved;                    /* order of the rows that are rotated: weights.h */
  const rd_tensor *more;               /* one that is no weight and comes last, or NULL */
  /* made */
  rd_tensor *tensors; /* (count) */
  size_t count;
  rd_types_written types;
  rd_arena arena;
} rd_written;

/* What is written of a stored format where nobody asks for another: itself where it is a plain one
 * that is written; else the plain one that loses least: F32 for F64, BF16 for blocks. NULL: BF16.
 */
const rd_format *rd_written_type(const rd_format *stored);
/* The format in which a place of an open model is stored; of one that is not stored by itself (a
 * head that the adapter brings) that of most numbers. */
const rd_format *rd_written_stored(const rd_model *m, const rd_walk *p);

/* Fill `tensors`. What has the wanted type already is used where it lies, so the model stays open
 * as long as they are used. Drop in either case. */
rd_code rd_written_make(rd_written *w, rd_error *e);
void rd_written_drop(rd_written *w);

/* Give `t` its numbers in the format `to`, made in `arena` (measuring, or placed). RD_NUMERIC names
 * the tensor and the first of its numbers that is NaN or infinite, or that `to` cannot hold: F16
 * ends at 65504, and so do the scales of blocks. */
rd_code rd_convert_tensor(rd_tensor *t, const rd_format *to, rd_arena *arena, rd_error *e);

#endif
