/* SPDX-License-Identifier: MIT */
/* Events as JSON lines (--json, --trace, server-sent events), and traces read back for replay. */
#ifndef RD_EVENTS_H
#define RD_EVENTS_H

#include "draft_setup.h"
#include "json.h"

/* One event as a line of JSON without the newline, keys as doc/COMMANDS.md has them. New string,
 * freed by the caller; NULL when memory is out. */
char *rd_event_json(const rd_event *event);
/* The same as a JSON value, new reference; NULL when memory is out. */
json_t *rd_event_value(const rd_event *event);

/* How many of n ids make whole characters together, and their text, a new string (NULL: no memory):
 * one alone, or as few halves as do; half a character that never becomes one is alone too. */
int64_t rd_event_run(const rd_speller *s, const int32_t *ids, int64_t n, char **text);
/* The texts of all tokens as rd_event_piece gives them, (count) new strings; NULL when memory
 * is out. */
char **rd_event_pieces(const rd_event *event);
void rd_event_pieces_free(char ***pieces, int64_t count);

/* An event read back: the event points into it, and pieces and text are those that were written. */
typedef struct rd_traced {
  rd_event event;
  char *text;    /* draft, done; else NULL */
  char **pieces; /* draft: (event.count); else NULL */
  void *arrays;  /* storage of the ids, positions and numbers */
  char *names;   /* storage of the model's and the sampler's name, or of the warning */
} rd_traced;

typedef struct rd_trace {
  rd_traced *events; /* (count) */
  size_t count;
} rd_trace;

/* The next line of a trace's text that has something in it: where it begins, or NULL; *at goes on
 * behind it. */
const char *rd_trace_line(const char **at, const char *end, size_t *size);
/* Read a trace. RD_BAD_INPUT names source, line and key; ids must be >= 0, positions inside the
 * region, the first event a start. An unfinished trace (no done) is fine; a last line cut short is
 * not. */
rd_code rd_trace_parse(rd_trace *out, const char *text, size_t size, const char *name, rd_error *e);
rd_code rd_trace_read(rd_trace *out, const char *path, rd_error *e);
void rd_trace_drop(rd_trace *trace);

#endif
