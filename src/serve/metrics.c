/* SPDX-License-Identifier: MIT */
/* Counters as rows; answer times as a histogram. */
#include "metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
  const char *name, *type, *help;
  size_t at;
  double scale;
} rows[] = {
    {"requests_total", "counter", "Requests received", offsetof(rd_metrics, requests), 1},
    {"refused_total", "counter", "Requests refused because the queue was full",
     offsetof(rd_metrics, refused), 1},
    {"failed_total", "counter", "Drafts that ended with an error", offsetof(rd_metrics, failed), 1},
    {"cancelled_total", "counter", "Drafts whose client went away", offsetof(rd_metrics, cancelled),
     1},
    {"queue", "gauge", "Drafts under way", offsetof(rd_metrics, queue), 1},
    {"passes_total", "counter", "Model passes", offsetof(rd_metrics, passes), 1},
    {"sequences_total", "counter", "Drafts that took part in passes",
     offsetof(rd_metrics, sequences), 1},
    {"pass_tokens_total", "counter", "Tokens that went through passes",
     offsetof(rd_metrics, pass_tokens), 1},
    {"tokens_total", "counter", "Answer tokens", offsetof(rd_metrics, tokens), 1},
    {"iterations_total", "counter", "Drafts made for finished answers",
     offsetof(rd_metrics, iterations), 1},
    {"drafted_total", "counter", "Words that an adapter drafted for the model to check",
     offsetof(rd_metrics, drafted), 1},
    {"accepted_total", "counter", "Of them, words that the model writes itself",
     offsetof(rd_metrics, accepted), 1},
    {"pass_seconds_total", "counter", "Seconds spent in passes",
     offsetof(rd_metrics, pass_nanoseconds), 1e-9},
};
static const double bounds[RD_METRIC_BUCKETS] = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};

void rd_metrics_answer(rd_metrics *m, double seconds) {
  int i = 0;
  while (i < RD_METRIC_BUCKETS && seconds > bounds[i])
    i++;
  atomic_fetch_add(&m->buckets[i], 1);
  atomic_fetch_add(&m->answer_nanoseconds, (int64_t)(seconds * 1e9));
}

char *rd_metrics_text(const rd_metrics *m) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const _Atomic int64_t *x = (const void *)((const char *)m + rows[i].at);
    fprintf(out, "# HELP redraft_%s %s\n# TYPE redraft_%s %s\nredraft_%s %.17g\n", rows[i].name,
            rows[i].help, rows[i].name, rows[i].type, rows[i].name,
            (double)atomic_load(x) * rows[i].scale);
  }
  fputs("# HELP redraft_answer_seconds From request to the end of the answer\n"
        "# TYPE redraft_answer_seconds histogram\n",
        out);
  int64_t all = 0;
  for (int i = 0; i < RD_METRIC_BUCKETS; i++) {
    all += atomic_load(&m->buckets[i]);
    fprintf(out, "redraft_answer_seconds_bucket{le=\"%g\"} %lld\n", bounds[i], (long long)all);
  }
  all += atomic_load(&m->buckets[RD_METRIC_BUCKETS]);
  fprintf(out,
          "redraft_answer_seconds_bucket{le=\"+Inf\"} %lld\nredraft_answer_seconds_sum %.9g\n"
          "redraft_answer_seconds_count %lld\n",
          (long long)all, (double)atomic_load(&m->answer_nanoseconds) * 1e-9, (long long)all);
  if (fclose(out) == 0)
    return text;
  free(text);
  return NULL;
}
