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
/* The same of the stored tensors, those of the adapter and of its sampler head. */
rd_code rd_model_check(const rd_model *m, rd_error *e);
/* Of the adapter and its sampler head alone; a model without one is well. */
rd_code rd_model_check_adapter(const rd_model *m, rd_error *e);
/* Number of parameters without adapters: rd_parameter_count with those biases that the files need
 * not have and have. */
int64_t rd_model_parameters(const rd_model *m);
/* When a model's results turned out to be no finite numbers (RD_NUMERIC, in `e`): look through its
 * stored tensors and the adapter's (rd_model_check), and put the one to blame in front of the
 * message. Returns RD_NUMERIC. */
rd_code rd_model_blame(const rd_model *m, rd_error *e);

#endif
