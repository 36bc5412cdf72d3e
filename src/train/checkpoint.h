/* SPDX-License-Identifier: MIT */
/* Checkpoints: out/checkpoint-N holds tensors.safetensors (masters and moments) and state.json
 * (place, data files, settings, what it is of), sealed (seal.h). A folder is written under another
 * name and renamed when it is whole and on disk, so a kill or a full disk leaves the ones before.
 */
#ifndef RD_CHECKPOINT_H
#define RD_CHECKPOINT_H

#include "trainer.h"

/* Write out/checkpoint-UPDATE, then remove those before it but the newest settings->keep - 1. */
rd_code rd_checkpoint_write(const rd_trainer *t, rd_error *e);
/* Take the newest whole checkpoint in out: weights, moments and place; a damaged one is renamed
 * checkpoint-N.damaged, and the watcher told. RD_BAD_INPUT when none is left whole, or a data file
 * or what else it is of (identity.h) changed, RD_USAGE when a setting did; *found false when there
 * is none. Call with parameters placed and examples read; the order is set anew. */
rd_code rd_checkpoint_read(rd_trainer *t, bool *found, rd_error *e);

/* The present update came to no number: the checkpoint that it began from, if the update before
 * wrote one, is taken away where an older one is left. */
void rd_checkpoint_retreat(const rd_trainer *t);

#endif
