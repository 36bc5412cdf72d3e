/* SPDX-License-Identifier: MIT */
/* What a run will take, said before it is taken. */
#ifndef RD_ESTIMATE_H
#define RD_ESTIMATE_H

#include "trainer.h"

/* What a run needs. */
typedef struct rd_train_estimate {
  int64_t parameters, trained; /* in the model; trained */
  size_t program_bytes, data_bytes, model_bytes, packed_bytes, master_bytes, state_bytes,
      pass_bytes, draft_bytes;
  int64_t updates, tokens_per_update;
  double flops_per_update, flops_per_second; /* counted; measured by a product */
} rd_train_estimate;

/* For a trainer that was opened: nothing large has been taken yet. */
rd_code rd_trainer_estimate(rd_trainer *t, rd_train_estimate *estimate, rd_error *e);

#endif
