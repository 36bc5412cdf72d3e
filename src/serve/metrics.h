/* SPDX-License-Identifier: MIT */
/* Counters of a server, in Prometheus' text format. Any thread may add. */
#ifndef RD_METRICS_H
#define RD_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

enum { RD_METRIC_BUCKETS = 10 };

typedef struct rd_metrics {
  _Atomic int64_t requests, refused, failed, cancelled;
  _Atomic int64_t queue; /* drafts under way */
  _Atomic int64_t passes, sequences, pass_tokens, tokens, iterations, drafted, accepted;
  _Atomic int64_t pass_nanoseconds;
  _Atomic int64_t buckets[RD_METRIC_BUCKETS + 1], answer_nanoseconds;
} rd_metrics;

/* An answer took this long. */
void rd_metrics_answer(rd_metrics *m, double seconds);
/* Text for /metrics: new string, NULL when memory is out. */
char *rd_metrics_text(const rd_metrics *m);

#endif
