/* SPDX-License-Identifier: MIT */
/* What follows of a step's number is computed once, in f64. */
#include "adamw.h"

#include <math.h>

rd_adamw_factors rd_adamw_factors_of(const rd_adamw_step *s) {
  const double step = (double)s->step;
  return (rd_adamw_factors){
      .step = (float)((double)s->lr / (1.0 - pow((double)s->beta1, step))),
      .root = (float)(1.0 / sqrt(1.0 - pow((double)s->beta2, step))),
      .eps = s->eps,
      .decay = s->lr * s->weight_decay,
      .beta1 = s->beta1,
      .beta2 = s->beta2,
      .scale = s->grad_scale,
  };
}
