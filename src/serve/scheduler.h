/* SPDX-License-Identifier: MIT */
/* One thread that shares each model pass between all drafts under way. A finished one leaves at
 * once. Where not all fit, one pass is filled from those who have waited longest, and the next from
 * those who had the fewest passes: short drafts end soon, however many long ones there are, and no
 * long one waits for ever. */
#ifndef RD_SCHEDULER_H
#define RD_SCHEDULER_H

#include "job.h"
#include "metrics.h"

typedef struct rd_scheduler rd_scheduler;

/* Passes of at most `rows` tokens, at most `most` drafts under way. Model and metrics are borrowed.
 */
rd_code rd_scheduler_open(rd_scheduler **out, const rd_model *model, int64_t rows, int64_t most,
                          rd_metrics *metrics, rd_error *e);
/* Hand over a job that has begun; the scheduler holds it until rd_job_end. RD_BUSY: no room.
 * RD_USAGE: its canvas does not fit in a pass. RD_NO_MEMORY: no room for what it reuses. */
rd_code rd_scheduler_submit(rd_scheduler *s, rd_job *job, rd_error *e);
/* Something to be done on a model's engine between two passes. */
typedef rd_code rd_errand(void *context, rd_engine *engine, rd_error *e);
/* Do it on the scheduler's thread, in turn with others and with the passes of drafts; returns when
 * it is done, with what it returned. RD_BUSY: too many wait, or the scheduler is stopping. */
rd_code rd_scheduler_do(rd_scheduler *s, rd_errand *errand, void *context, rd_error *e);
/* A reader took bytes: a draft that waited for it may go on. */
void rd_scheduler_wake(rd_scheduler *s);
/* Refuse new drafts; those under way may finish within `grace` seconds, or until *hurry (NULL:
 * never), then they are stopped. Called once; returns when all are over. */
void rd_scheduler_stop(rd_scheduler *s, double grace, const atomic_bool *hurry);
/* After rd_scheduler_stop, when nobody can submit or wake any more. */
void rd_scheduler_close(rd_scheduler **s);

#endif
