/* SPDX-License-Identifier: MIT */
/* Ways to begin an adapter (peft: init_lora_weights) that take something out of the base first:
 * what the adapter was trained over is w - c q q' w, with q (out, rank) an orthonormal basis that
 * follows from w alone. So the base can be rebuilt, and is. */
#ifndef RD_RESIDUAL_H
#define RD_RESIDUAL_H

#include "error.h"

typedef struct rd_residual_kind {
  const char *name; /* as adapter_config.json says it: "pissa", "olora" */
  bool scaled;      /* c is the adapter's scale; else 1 */
  /* q' (rank, out), orthonormal rows, from w (out, in) */
  rd_code (*basis)(float *q, const float *w, int64_t out, int64_t in, int64_t rank, rd_error *e);
} rd_residual_kind;

/* The row of a name; NULL: nothing is taken out, or it cannot be rebuilt (computed.h refuses it).
 */
const rd_residual_kind *rd_residual_named(const char *name);

/* What is added to w (out, in): b a, with a (rank, in) and b (out, rank) of rank columns. `scale`
 * is the adapter's. */
rd_code rd_residual_factors(const rd_residual_kind *kind, float *a, float *b, const float *w,
                            int64_t out, int64_t in, int64_t rank, float scale, rd_error *e);

#endif
