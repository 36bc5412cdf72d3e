/* SPDX-License-Identifier: MIT */
/* The names that torch's pickles may ask for, as roles of torch_file.c's rows. */
#ifndef RD_TORCH_NAMES_H
#define RD_TORCH_NAMES_H

#include "format.h"
#include "pickle.h"

enum { RD_TORCH_DIMS = 64 }; /* torch's own limit */

/* A tensor as the pickle describes it: numbers of a storage, counted in elements. */
typedef struct rd_torch_view {
  const rd_pickle_value *place; /* the storage's persistent id */
  const char *type;             /* NULL: as the storage's class says */
  int64_t offset;
  int dims;
  int64_t size[RD_TORCH_DIMS], stride[RD_TORCH_DIMS];
} rd_torch_view;

/* What a name of the table means: a function that makes a tensor, or a type of numbers. */
typedef struct rd_torch_role {
  /* the view that a call with these arguments (a LIST) would give; `depth` calls may still nest */
  rd_code (*build)(rd_torch_view *out, const rd_pickle_value *arguments, int depth, rd_error *e);
  const char *type; /* as format.h and unread.h call it; NULL: bytes of no type */
} rd_torch_role;

extern const rd_pickle_name rd_torch_names[];
extern const size_t rd_torch_name_count;

/* The role of a NAME, or of the function that a RECORD called; NULL: none. */
const rd_torch_role *rd_torch_role_of(const rd_pickle_value *v);
/* The view that a RECORD of a tensor describes. */
rd_code rd_torch_view_of(rd_torch_view *out, const rd_pickle_value *record, int depth, rd_error *e);

#endif
