/* SPDX-License-Identifier: MIT */
/* A look into an open model's files: its stored tensors, their precision, what its arithmetic is,
 * and a scan of every number. */
#ifndef RD_INSPECT_H
#define RD_INSPECT_H

#include "model.h"
#include "tensors.h"

/* The tensors of the model's files, sorted by name. Empty for a random model. */
const rd_tensors *rd_model_tensors(const rd_model *m);
/* The format that holds most of the numbers; NULL without tensors. */
const rd_format *rd_tensors_format(const rd_tensors *t);
/* Keys of the arithmetic into `out`: positions, activation, norms, windows, multipliers, caps. */
void rd_config_arithmetic(const rd_config *c, json_t *out);
/* Read every number that can be decoded: RD_NUMERIC names the first tensor with NaN or infinity,
 * and where. Opening scans only norms, biases and what it converts, so that mapped files open
 * without being read. */
rd_code rd_tensors_check(const rd_tensors *t, rd_error *e);
/* When a model's results turned out to be no finite numbers (RD_NUMERIC, in `e`): look through its
 * stored tensors and the adapter's, and put the one to blame in front of the message. Returns
 * RD_NUMERIC. */
rd_code rd_model_blame(const rd_model *m, rd_error *e);

#endif
