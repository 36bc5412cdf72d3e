/* SPDX-License-Identifier: MIT */
/* Reading rows line by line; each is parsed once, and kept as jansson made it. */
#include "rows.h"

#include "file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_ROWS = 20 };

bool rd_text_blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!isspace((unsigned char)text[i]))
      return false;
  return true;
}

static rd_code add(rd_rows *rows, json_t *row, size_t line, rd_error *e) {
  if ((rows->count & (rows->count + 1)) == 0) { /* at 0, 1, 3, 7, ...: twice the room */
    size_t room = 2 * rows->count + 2;
    json_t **items = realloc(rows->items, room * sizeof(json_t *));
    if (items)
      rows->items = items;
    size_t *lines = items ? realloc(rows->lines, room * sizeof *lines) : NULL;
    if (!lines)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: %zu rows", rows->count);
    rows->lines = lines;
  }
  rows->lines[rows->count] = line;
  rows->items[rows->count++] = json_incref(row);
  return RD_OK;
}

void rd_row_note(const rd_row_rules *rules, const char *path, size_t line, size_t nth,
                 const char *why, const char *outcome) {
  if (!rules->note || nth > NAMED_ROWS)
    return;
  char *message = rd_print("%s:%zu: %s; %s%s", path, line, why, outcome,
                           nth == NAMED_ROWS ? " (more are counted, not named)" : "");
  if (message)
    rules->note(rules->context, message);
  free(message);
}

rd_code rd_row_judge(rd_row_count *count, const rd_row_rules *rules, size_t line, rd_code code,
                     const rd_error *why, rd_error *e) {
  count->good += code == RD_OK;
  if (code == RD_OK)
    return RD_OK;
  if (code != RD_BAD_INPUT)
    return rd_fail(e, code, "%s:%zu: %s", count->path, line, why->message);
  rd_row_note(rules, count->path, line, ++count->bad, why->message, "skipped");
  return RD_OK;
}

/* Beyond 64 bits integers become reals; a row that says a key twice is no row. */
static rd_code give_line(const char *text, size_t size, size_t line, rd_row_sink *sink,
                         void *context, rd_error *e) {
  json_error_t at;
  json_t *row = rd_json_load(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
  if (!row)
    return rd_fail(e, RD_BAD_INPUT, "not JSON: %s at column %d", at.text, at.column);
  rd_code code = json_is_object(row) ? sink(context, row, line, e)
                                     : rd_fail(e, RD_BAD_INPUT, "a row must be a JSON object");
  json_decref(row);
  return code;
}

rd_code rd_rows_each(rd_row_count *count, const char *text, size_t size, const rd_row_rules *rules,
                     rd_row_sink *sink, void *context, rd_error *e) {
  const char *at = text, *end = text + size;
  for (size_t line = 1; at < end && (!rules->limit || count->good < rules->limit); line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t n = (size_t)((stop ? stop : end) - at);
    if (!rd_text_blank(at, n)) {
      rd_error why = {0};
      rd_code code = give_line(at, n, line, sink, context, &why);
      RD_TRY(rd_row_judge(count, rules, line, code, &why, e));
    }
    at += n + (stop != NULL);
  }
  return RD_OK;
}

rd_code rd_rows_finish(const rd_row_count *count, const rd_row_rules *rules, rd_error *e) {
  size_t rows = count->good + count->bad;
  if (rows == 0)
    return rd_fail(e, RD_BAD_INPUT, "%s: no rows", count->path);
  if (count->bad * 100 > rows && !rules->allow_bad)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: %zu of %zu rows are bad, more than 1%%; mend them, or --allow-bad",
                   count->path, count->bad, rows);
  return RD_OK;
}

/* Rows on their way into a list. */
typedef struct gathering {
  rd_rows *rows;
  rd_row_check *check;
} gathering;

static rd_code gather(void *context, const json_t *row, size_t line, rd_error *e) {
  const gathering *g = context;
  RD_TRY(g->check(row, e));
  return add(g->rows, (json_t *)(uintptr_t)row, line, e);
}

rd_code rd_rows_read(rd_rows *rows, const char *path, const rd_row_rules *rules, rd_error *e) {
  *rows = (rd_rows){0};
  gathering g = {rows, rules->check};
  rd_row_count count = {.path = path};
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code = rd_rows_each(&count, (const char *)map.data, map.size, rules, gather, &g, e);
  rd_map_close(&map);
  if (code == RD_OK)
    code = rd_rows_finish(&count, rules, e);
  if (code == RD_OK && rows->count == 0)
    code = rd_fail(e, RD_BAD_INPUT, "%s: no rows", path);
  rows->bad = count.bad;
  if (code != RD_OK)
    rd_rows_drop(rows);
  return code;
}

void rd_rows_drop(rd_rows *rows) {
  for (size_t i = 0; i < rows->count; i++)
    json_decref(rows->items[i]);
  free(rows->items);
  free(rows->lines);
  *rows = (rd_rows){0};
}

rd_code rd_row_text(const json_t *row, const char *key, const char **out, rd_error *e) {
  *out = NULL;
  RD_TRY(rd_json_text(row, key, out, e));
  if (!*out)
    return rd_fail(e, RD_BAD_INPUT, "%s is missing", key);
  return rd_text_blank(*out, strlen(*out)) ? rd_fail(e, RD_BAD_INPUT, "%s is empty", key) : RD_OK;
}

rd_code rd_row_prompt(const json_t *row, const char **out, rd_error *e) {
  static const char *const keys[] = {"prompt", "question", "query"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (json_object_get(row, keys[i]))
      return rd_row_text(row, keys[i], out, e);
  return rd_fail(e, RD_BAD_INPUT, "has none of prompt, question, query");
}
