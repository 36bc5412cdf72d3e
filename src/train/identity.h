/* SPDX-License-Identifier: MIT */
/* What the numbers of a run come from beside its settings and its training files: the model and the
 * adapter that were opened, the chat template, the ids that the data came to, the validation files,
 * and the arithmetic that was found. A checkpoint holds it, so that nothing of this changes between
 * a run's halves without a word. */
#ifndef RD_IDENTITY_H
#define RD_IDENTITY_H

#include "trainer.h"

/* As keys of a checkpoint's state, a new reference. */
rd_code rd_identity_find(json_t **out, const rd_trainer *t, rd_error *e);
/* Is it what `state` says? RD_USAGE or RD_BAD_INPUT names what is another. A key that the state
 * does not have, since it is older than the key, is not compared. */
rd_code rd_identity_same(const rd_trainer *t, const json_t *state, rd_error *e);

/* The files of examples as a list for a checkpoint; RD_BAD_INPUT names the first that is not what
 * the list says. */
json_t *rd_identity_files(const rd_examples *x);
rd_code rd_identity_same_files(const rd_examples *x, const json_t *before, rd_error *e);

#endif
