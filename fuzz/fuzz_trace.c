/* SPDX-License-Identifier: MIT */
/* Traces: what parses is written as JSON again, and that reads back as the same events. Text and
 * pieces are left out of it: a traced event has no vocabulary, so they are written empty. */
#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines of all events, a new string. */
static char *written(const rd_trace *trace, size_t *size) {
  char *text = NULL;
  FILE *out = open_memstream(&text, size);
  for (size_t i = 0; out && i < trace->count; i++) {
    char *line = rd_event_json(&trace->events[i].event);
    if (!line || strchr(line, '\n'))
      abort();
    (void)fprintf(out, "%s\n", line);
    free(line);
  }
  if (!out || fclose(out) != 0)
    abort();
  return text;
}

/* Ids, positions or confidences, numbers of four bytes; what an event does not have is NULL. */
static bool same_numbers(const void *a, int64_t n, const void *b, int64_t m) {
  return n == m && (n == 0 || (a && b ? memcmp(a, b, 4 * (size_t)n) == 0 : a == b));
}

static bool same_names(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same(const rd_event *a, const rd_event *b) {
  return a->kind == b->kind && same_names(a->model, b->model) &&
         same_names(a->sampler, b->sampler) && same_names(a->stopped, b->stopped) &&
         same_names(a->warning, b->warning) && a->seed == b->seed && a->window == b->window &&
         a->iterations == b->iterations && a->iteration == b->iteration && a->passes == b->passes &&
         a->drafted == b->drafted && a->accepted == b->accepted && a->rejected == b->rejected &&
         a->sure == b->sure && a->converged == b->converged &&
         same_numbers(a->prompt_ids, a->prompt_count, b->prompt_ids, b->prompt_count) &&
         same_numbers(a->eos_ids, a->eos_count, b->eos_ids, b->eos_count) &&
         same_numbers(a->ids, a->count, b->ids, b->count) &&
         same_numbers(a->confidence, a->count, b->confidence, b->count) &&
         same_numbers(a->masked, a->masked_count, b->masked, b->masked_count) &&
         same_numbers(a->changed, a->changed_count, b->changed, b->changed_count) &&
         same_numbers(a->retained, a->retained_count, b->retained, b->retained_count) &&
         same_numbers(a->locked, a->locked_count, b->locked, b->locked_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_trace trace, again;
  rd_error e;
  if (rd_trace_parse(&trace, (const char *)data, size, "trace", &e) != RD_OK)
    return 0;
  if (trace.count == 0 || trace.events[0].event.kind != RD_EVENT_START)
    abort();
  size_t length;
  char *text = written(&trace, &length);
  if (rd_trace_parse(&again, text, length, "what was written", &e) != RD_OK ||
      again.count != trace.count)
    abort();
  for (size_t i = 0; i < trace.count; i++)
    if (!same(&trace.events[i].event, &again.events[i].event))
      abort();
  rd_trace_drop(&again);
  free(text);
  rd_trace_drop(&trace);
  return 0;
}
