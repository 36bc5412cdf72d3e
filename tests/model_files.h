/* SPDX-License-Identifier: MIT */
/* One pass over a model, for the tests that damage or write its files. */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include "distance.h"
#include "model.h"
#include "scratch_files.h"
#include "stack.h"
#include "tensors.h"

/* One pass of a few ids: logits (5, V), freed by the caller. */
typedef struct logits_copy {
  float *out;
  int64_t vocab;
} logits_copy;

static inline rd_code keep_logits(void *context, float *logits, int64_t first, int64_t count,
                                  rd_error *e) {
  (void)e;
  const logits_copy *c = context;
  memcpy(c->out + first * c->vocab, logits, (size_t)(count * c->vocab) * sizeof *logits);
  return RD_OK;
}

static inline float *logits_of(const rd_model_options *options, int64_t *count) {
  static const int32_t ids[5] = {1, 65, 30, 200, 17}, wanted[5] = {0, 1, 2, 3, 4};
  rd_model *m = NULL;
  rd_stack *pass = NULL;
  rd_error e = {0};
  if (rd_model_open(&m, options, &e) != RD_OK)
    fail_msg("%s", e.message);
  logits_copy copy = {calloc((size_t)(5 * m->config.vocab), sizeof(float)), m->config.vocab};
  rd_sequence sequence = {.ids = ids, .count = 5};
  if (rd_stack_new(&pass, &m->config, &m->weights, &(rd_stack_sizes){.rows = 5, .longest = 5},
                   &e) != RD_OK ||
      rd_stack_run(pass, &sequence, 1, 0, &e) != RD_OK ||
      rd_stack_logits(pass, wanted, 5, keep_logits, &copy, &e) != RD_OK)
    fail_msg("%s", e.message);
  *count = 5 * m->config.vocab;
  rd_stack_free(&pass);
  rd_model_close(&m);
  return copy.out;
}

#endif
