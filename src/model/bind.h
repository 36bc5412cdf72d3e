/* SPDX-License-Identifier: MIT */
/* From tensors in a file to the weights of a pass: looked up by name, checked for shape, used in
 * place where the stored type is the wanted one, else converted once into an arena. */
#ifndef RD_BIND_H
#define RD_BIND_H

#include "arena.h"
#include "family.h"
#include "tensors.h"

typedef struct rd_binder {
  const rd_tensors *tensors;
  const rd_tensor_names *names; /* the family's, or GGUF's */
  rd_arena *arena;              /* measuring, or placed: the same calls are made in both runs */
} rd_binder;

/* The tensor called `name` as `type`, whose shape must be (rows, cols), or (cols) when rows is 0.
 * Errors name the tensor, the shape expected and found, and the first NaN or infinity met while
 * converting. With `optional` a missing tensor gives NULL. */
rd_code rd_bind(const rd_binder *b, const char *name, rd_dtype type, int64_t rows, int64_t cols,
                bool optional, const void **out, rd_error *e);
/* All weights of a model; w->layers has room for every layer. */
rd_code rd_bind_weights(const rd_binder *b, const rd_config *c, rd_dtype type, rd_weights *w,
                        rd_error *e);

#endif
