/* SPDX-License-Identifier: MIT */
/* Precisions by name: what the products of a model run in. */
#ifndef RD_PRECISION_H
#define RD_PRECISION_H

#include "tensors.h"
#include "weights.h"

typedef struct rd_precision {
  const char *name; /* as options take it: "bf16" */
  /* The type of activations for a model of these tensors; NULL: one without files. */
  rd_dtype (*type)(const rd_tensors *stored);
  const char *format;  /* of the matrices that are multiplied; NULL: plain ones of that type */
  rd_dtype arithmetic; /* what the machine multiplies, whose peak is the limit */
} rd_precision;

/* The options' choices, "auto|f32|bf16|int8". */
#define RD_PRECISION_NAMES "auto|f32|bf16|int8"

/* The row of a name (NULL: auto). RD_USAGE names the choices. */
rd_code rd_precision_find(const rd_precision **out, const char *name, rd_error *e);
/* The format of products where activations are of `type`. */
const rd_format *rd_precision_format(const rd_precision *p, rd_dtype type);
/* What a model's products run in: never auto. */
const rd_precision *rd_weights_precision(const rd_weights *w);

#endif
