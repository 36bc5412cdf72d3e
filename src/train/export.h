/* SPDX-License-Identifier: MIT */
/* What a run leaves: a PEFT adapter (low-rank factors) or a Hugging Face folder (all weights). */
#ifndef RD_EXPORT_H
#define RD_EXPORT_H

#include "trainer.h"

/* Write the model as trained so far to out/NAME ("best", "final"), whole or not at all. */
rd_code rd_trainer_export(const rd_trainer *t, const char *name, rd_error *e);

#endif
