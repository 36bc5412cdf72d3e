/* SPDX-License-Identifier: MIT */
/* A cursor over the text takes a field at a time; the fields of a record lie one after another in
 * one buffer, which every record uses again. */
#include "rows_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 1024 };

typedef struct table {
  const char *at, *end;
  size_t line;
  char separator;
  char *fields;                /* those of the record, a NUL behind each; as large as the text */
  size_t used;                 /* of `fields` */
  size_t starts[MOST_COLUMNS]; /* (count) where each begins */
  size_t count;
} table;

/* Take one field; *last: the record ends behind it. */
static rd_code take_field(table *t, bool *last, rd_error *e) {
  size_t from = t->line;
  bool quoted = t->at < t->end && *t->at == '"';
  t->at += quoted;
  for (;; t->at++) {
    char c = t->at < t->end ? *t->at : '\0';
    if (t->at == t->end && quoted)
      return rd_fail(e, RD_BAD_INPUT, "line %zu: a quote is opened and never closed", from);
    if (c == '"' && quoted && t->at + 1 < t->end && t->at[1] == '"')
      t->at++;
    else if (c == '"' && quoted) {
      quoted = false;
      continue;
    }
    bool ends =
        t->at == t->end || c == '\n' || (c == '\r' && (t->at + 1 == t->end || t->at[1] == '\n'));
    if (!quoted && (ends || c == t->separator)) {
      *last = ends;
      t->at += c == '\r' ? 2 : t->at < t->end;
      t->at = t->at > t->end ? t->end : t->at;
      t->line += ends;
      t->fields[t->used++] = '\0';
      return RD_OK;
    }
    t->line += c == '\n';
    t->fields[t->used++] = c;
  }
}

static rd_code take_record(table *t, rd_error *e) {
  t->used = t->count = 0;
  for (bool last = false; !last;) {
    if (t->count == MOST_COLUMNS)
      return rd_fail(e, RD_BAD_INPUT, "line %zu: more than %d columns", t->line, MOST_COLUMNS);
    t->starts[t->count++] = t->used;
    RD_TRY(take_field(t, &last, e));
  }
  return RD_OK;
}

static bool blank(const table *t) {
  return t->count == 1 && t->fields[0] == '\0';
}

/* The header as an array of names. */
static rd_code take_header(table *t, const char *separators, json_t **names, rd_error *e) {
  const char *stop = memchr(t->at, '\n', (size_t)(t->end - t->at));
  size_t size = (size_t)((stop ? stop : t->end) - t->at);
  t->separator = *separators;
  for (const char *s = separators; *s; s++)
    if (memchr(t->at, *s, size)) {
      t->separator = *s;
      break;
    }
  RD_TRY(take_record(t, e));
  *names = json_array();
  json_t *seen = json_object();
  rd_code code = *names && seen ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the header");
  for (size_t i = 0; i < t->count && code == RD_OK; i++) {
    const char *name = t->fields + t->starts[i];
    if (json_object_get(seen, name))
      code = rd_fail(e, RD_BAD_INPUT, "the header names the column %.60s twice", name);
    else if (json_array_append_new(*names, json_string(name)) != 0 ||
             json_object_set_new(seen, name, json_true()) != 0)
      code = rd_fail(e, RD_BAD_INPUT, "the header is not UTF-8: `iconv -t UTF-8` makes it so");
  }
  json_decref(seen);
  return code;
}

/* The record as an object. */
static rd_code make_row(const table *t, const json_t *names, json_t **row, rd_error *e) {
  size_t columns = json_array_size(names);
  *row = NULL;
  if (t->count != columns)
    return rd_fail(e, RD_BAD_INPUT, "%zu columns, the header names %zu", t->count, columns);
  *row = json_object();
  for (size_t i = 0; i < columns && *row; i++) {
    size_t next = i + 1 < t->count ? t->starts[i + 1] : t->used;
    json_t *text = json_stringn(t->fields + t->starts[i], next - t->starts[i] - 1);
    if (!text)
      return rd_fail(e, RD_BAD_INPUT, "column %s is not UTF-8",
                     json_string_value(json_array_get(names, i)));
    if (json_object_set_new(*row, json_string_value(json_array_get(names, i)), text) != 0)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
  }
  return *row ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
}

static rd_code each_record(table *t, const json_t *names, rd_csv_more *more, rd_csv_sink *sink,
                           void *context, rd_error *e) {
  while (t->at < t->end && more(context)) {
    size_t line = t->line;
    rd_error why = {0};
    json_t *row = NULL;
    RD_TRY(take_record(t, e));
    if (blank(t))
      continue;
    rd_code code = make_row(t, names, &row, &why);
    code = sink(context, row, line, code == RD_OK ? NULL : &why, e);
    json_decref(row);
    RD_TRY(code);
  }
  return RD_OK;
}

rd_code rd_csv_each(const char *text, size_t size, const char *separators, rd_csv_more *more,
                    rd_csv_sink *sink, void *context, rd_error *e) {
  table *t = rd_calloc(1, sizeof *t, "a table", e);
  json_t *names = NULL;
  if (!t)
    return RD_NO_MEMORY;
  *t = (table){.at = text, .end = text + size, .line = 1};
  t->fields = rd_calloc(size + 1, 1, "a table's record", e);
  rd_code code = t->fields ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK)
    code = take_header(t, separators, &names, e);
  if (code == RD_OK)
    code = each_record(t, names, more, sink, context, e);
  json_decref(names);
  free(t->fields);
  free(t);
  return code;
}
