/* SPDX-License-Identifier: MIT */
/* metrics.jsonl: one row an interval, one a validation. */
#ifndef RD_RUN_LOG_H
#define RD_RUN_LOG_H

#include "trainer.h"

/* Drop rows of updates after `update`, written by a run that went on past its last checkpoint. */
rd_code rd_run_log_rewind(const char *out, int64_t update, rd_error *e);
/* Append a row, and tell the watcher. */
rd_code rd_run_log_progress(const char *out, const rd_train_watch *watch,
                            const rd_train_progress *progress, rd_error *e);
rd_code rd_run_log_validation(const char *out, const rd_train_watch *watch, int64_t update,
                              int64_t tokens, double seconds, const rd_validation *validation,
                              rd_error *e);

#endif
