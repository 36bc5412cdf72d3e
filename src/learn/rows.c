/* SPDX-License-Identifier: MIT */
/* Reading rows line by line; each is parsed once and kept as jansson made it. */
#include "rows.h"

#include "file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_ROWS = 20 };

static bool blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!isspace((unsigned char)text[i]))
      return false;
  return true;
}

static rd_code add(rd_rows *rows, json_t *row, size_t line, rd_error *e) {
  if ((rows->count & (rows->count + 1)) == 0) { /* at 0, 1, 3, 7, ...: twice the room */
    size_t room = 2 * rows->count + 2;
    json_t **items = realloc(rows->items, room * sizeof(json_t *));
    rows->items = items ? items : rows->items;
    size_t *lines = realloc(rows->lines, room * sizeof *lines);
    rows->lines = lines ? lines : rows->lines;
    if (!items || !lines)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: %zu rows", rows->count);
  }
  rows->lines[rows->count] = line;
  rows->items[rows->count++] = json_incref(row);
  return RD_OK;
}

static rd_code read_row(rd_rows *rows, const rd_row_rules *rules, const char *text, size_t size,
                        size_t line, rd_error *e) {
  json_t *row = NULL;
  RD_TRY(rd_json_parse(&row, text, size, "row", e));
  rd_code code = json_is_object(row) ? rules->check(row, e)
                                     : rd_fail(e, RD_BAD_INPUT, "a row must be a JSON object");
  if (code == RD_OK)
    code = add(rows, row, line, e);
  json_decref(row);
  return code;
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

static rd_code read_lines(rd_rows *rows, const rd_map *map, const char *path,
                          const rd_row_rules *rules, rd_error *e) {
  const char *at = (const char *)map->data, *end = at + map->size;
  for (size_t line = 1; at < end && (!rules->limit || rows->count < rules->limit); line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    rd_error why = {0};
    rd_code code = blank(at, size) ? RD_OK : read_row(rows, rules, at, size, line, &why);
    if (code == RD_BAD_INPUT) {
      rows->bad++;
      rd_row_note(rules, path, line, rows->bad, why.message, "skipped");
    } else if (code != RD_OK) {
      return rd_fail(e, code, "%s:%zu: %s", path, line, why.message);
    }
    at += size + (stop != NULL);
  }
  if (rows->bad * 100 > rows->bad + rows->count && !rules->allow_bad)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: %zu of %zu rows are bad, more than 1%%; mend them, or --allow-bad", path,
                   rows->bad, rows->bad + rows->count);
  return rows->count ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: no rows", path);
}

rd_code rd_rows_read(rd_rows *rows, const char *path, const rd_row_rules *rules, rd_error *e) {
  *rows = (rd_rows){0};
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code = read_lines(rows, &map, path, rules, e);
  rd_map_close(&map);
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
  return blank(*out, strlen(*out)) ? rd_fail(e, RD_BAD_INPUT, "%s is empty", key) : RD_OK;
}

rd_code rd_row_prompt(const json_t *row, const char **out, rd_error *e) {
  static const char *const keys[] = {"prompt", "question", "query"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (json_object_get(row, keys[i]))
      return rd_row_text(row, keys[i], out, e);
  return rd_fail(e, RD_BAD_INPUT, "has none of prompt, question, query");
}
