/* SPDX-License-Identifier: MIT */
/* What the model writes while it is being trained. */
#ifndef RD_SAMPLE_H
#define RD_SAMPLE_H

#include "trainer.h"

/* What the model writes now, greedily, after `prompt`; *text is new. `live` is what the
 * watcher was given. */
rd_code rd_trainer_sample(const rd_trainer *t, const rd_model *live, const int32_t *prompt,
                          int64_t count, char **text, rd_error *e);

#endif
