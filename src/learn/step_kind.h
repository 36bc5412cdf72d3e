/* SPDX-License-Identifier: MIT */
/* What a kind of training passes is made of. Kinds put an rd_step first in their own struct. */
#ifndef RD_STEP_KIND_H
#define RD_STEP_KIND_H

#include "step.h"

/* step.h says what each does. */
typedef struct rd_step_calls {
  rd_code (*run)(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                 const int32_t *targets, const float *weights, rd_gradient *gradient, double *loss,
                 float *row_loss, rd_error *e);
  rd_code (*guess)(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                   const int32_t *rows, int64_t count, const rd_propose_rule *rule,
                   uint32_t iteration, int32_t *ids, rd_error *e);
  void (*aim)(rd_step *step, const rd_aim *aim);
  rd_code (*clear)(rd_step *step, rd_error *e);
  rd_code (*gather)(rd_step *step, rd_error *e);
  rd_code (*refresh)(rd_step *step, rd_error *e);
  /* NULL where the caller changes what is trained */
  rd_code (*norm)(rd_step *step, double scale, double *norm, rd_error *e);
  rd_code (*update)(rd_step *step, const rd_adamw_step *how, rd_error *e);
  rd_code (*add)(rd_step *step, rd_error *e);
  rd_code (*sum)(rd_step *step, rd_error *e);
  rd_code (*spread)(rd_step *step, rd_error *e);
  rd_code (*bring)(rd_step *step, rd_error *e);
  void (*close)(rd_step *step);
} rd_step_calls;

struct rd_step {
  const rd_step_calls *calls;
  rd_step_plan plan;
};

rd_code rd_step_cpu_open(rd_step **out, const rd_step_plan *plan, rd_error *e);
size_t rd_step_cpu_memory(const rd_step_plan *plan);
rd_code rd_step_cuda_open(rd_step **out, const rd_step_plan *plan, rd_error *e);
rd_code rd_step_emulated_open(rd_step **out, const rd_step_plan *plan, rd_error *e);
rd_code rd_step_cpu_speed(double *flops, rd_dtype type, rd_error *e);
rd_code rd_step_cuda_speed(double *flops, rd_dtype type, rd_error *e);
rd_code rd_step_emulated_speed(double *flops, rd_dtype type, rd_error *e);

#endif
