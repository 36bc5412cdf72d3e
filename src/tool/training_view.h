/* SPDX-License-Identifier: MIT */
/* How a training run is shown: a bar on a terminal, plain lines elsewhere, drafts at validations.
 */
#ifndef RD_TRAINING_VIEW_H
#define RD_TRAINING_VIEW_H

#include "estimate.h"

#include <time.h>

typedef struct rd_training_view {
  const rd_trainer *trainer;
  bool terminal, quiet;
  time_t shown;
} rd_training_view;

/* What tells `view`, which must outlive the run, of a trainer. */
rd_train_watch rd_training_watch(rd_training_view *view, const rd_trainer *trainer, bool quiet);
/* The data that an opened trainer has read. */
void rd_training_data(const rd_trainer *t);
/* What a run will take, on standard output. */
void rd_training_estimate(const rd_train_estimate *x);
/* "2 h 05 min" in `buffer` (size), which is returned. */
const char *rd_duration(char *buffer, size_t size, double seconds);

#endif
