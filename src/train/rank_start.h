/* SPDX-License-Identifier: MIT */
/* A run by several ranks, at its start: only the first reads the run's folder, which the others
 * need not even see. */
#ifndef RD_RANK_START_H
#define RD_RANK_START_H

#include "trainer.h"

/* Weights, moments and the place of the run, from the first rank to all. */
rd_code rd_rank_start(rd_trainer *t, rd_error *e);

#endif
