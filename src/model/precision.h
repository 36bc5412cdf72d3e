/* SPDX-License-Identifier: MIT */
/* Precisions by name: what the products of a model run in. */
#ifndef RD_PRECISION_H
#define RD_PRECISION_H

#include "table.h"
#include "tensors.h"

typedef struct rd_precision {
  const char *name; /* as options take it: "bf16" */
  /* The type of activations for a model of these tensors; NULL: one without files. */
  rd_dtype (*type)(const rd_tensors *stored);
  const char
      *format; /* of the matrices that are multiplied; NULL (auto): plain ones of that type */
  rd_dtype arithmetic; /* what the machine multiplies, whose peak is the limit */
} rd_precision;

/* The precisions; those that training knows. */
extern const rd_table rd_precision_table, rd_train_precision_table;

/* The row of a name (NULL: auto). RD_USAGE names the choices. */
rd_code rd_precision_find(const rd_precision **out, const char *name, rd_error *e);
/* The row that a model of these tensors gets for a name, never auto, and its type of activations.
 */
rd_code rd_precision_choose(const rd_precision **out, rd_dtype *type, const char *name,
                            const rd_tensors *stored, rd_error *e);

#endif
