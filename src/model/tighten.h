/* SPDX-License-Identifier: MIT */
/* Large models in bf16 are held in 12 bits a number (tight.h), in place of what is mapped: passes
 * of few rows, which take as long as reading the weights does, take three quarters of it, and every
 * result keeps its bits. */
#ifndef RD_TIGHTEN_H
#define RD_TIGHTEN_H

#include "model.h"

/* For a model that is only run, on the processor, before its first engine: what is written or
 * trained needs its weights as they lie. Nothing to do on processors without bf16 products, and
 * where the matrices have fewer than `worth` bytes together, or more than memory has room for.
 * `made` is told how much is done; or NULL. Counts in m->tight and m->loose. Errors: those of
 * rd_model_make. */
rd_code rd_model_tighten(rd_model *m, size_t worth, rd_weights_made *made, void *context,
                         rd_error *e);

#endif
