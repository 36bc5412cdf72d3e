/* SPDX-License-Identifier: MIT */
/* Precisions by name, and 8-bit integers: every matrix product of a pass in integers, weights with
 * a scale for each output made once, activations with a scale for each token made as they come
 * (Dettmers et al. 2022, "LLM.int8()", section 2.1, without its outliers). */
#ifndef RD_PRECISION_H
#define RD_PRECISION_H

#include "arena.h"
#include "model.h"

/* The options' choices, "auto|f32|bf16|int8". */
#define RD_PRECISION_NAMES "auto|f32|bf16|int8"

/* RD_USAGE names the choices. */
rd_code rd_precision_find(rd_precision *out, const char *name, rd_error *e);
/* What an open model's products run in: "f32", "bf16" or "int8". */
const char *rd_model_precision(const rd_model *m);

/* Integers for every projection and the head, taken from `arena` (measuring, or placed: then made
 * from the matrices, which must be there). Adapters beside the matrices stay as they are. */
void rd_quantize_weights(rd_weights *w, const rd_config *c, rd_arena *arena);

#endif
