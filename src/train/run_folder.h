/* SPDX-License-Identifier: MIT */
/* Whose is the folder of a run? One process at a time writes into it, and what an earlier run left
 * there is gone on with or given up because somebody said so, never by accident. */
#ifndef RD_RUN_FOLDER_H
#define RD_RUN_FOLDER_H

#include "settings.h"

/* The highest N <= `limit` with a folder checkpoint-N in `out`; -1: none. */
int64_t rd_run_newest(const char *out, int64_t limit);
/* The highest N of a checkpoint-N.damaged, put aside by rd_checkpoint_read; -1: none. */
int64_t rd_run_damaged(const char *out);
/* RD_USAGE, naming what is there: the run begins with what it would take the place of (a model in
 * `final`, say); the folder holds a run, and neither `resume` nor `overwrite` is set; or `resume`
 * is, and a finished run has left no checkpoint. RD_BAD_INPUT: `resume` is, and
 * only damaged ones are left. */
rd_code rd_run_folder_check(const rd_train_settings *s, rd_error *e);
/* Make the folder, lock it (rd_folder_lock) and check it. RD_BUSY: another process trains there. */
rd_code rd_run_folder_claim(const rd_train_settings *s, int *lock, rd_error *e);
/* Take away what a run left in the folder: checkpoints, best, final, metrics, settings. */
rd_code rd_run_folder_clear(const char *out, rd_error *e);

#endif
