/* SPDX-License-Identifier: MIT */
/* Reading rows one after another; each is parsed once, and kept as jansson made it. */
#include "rows.h"

#include "file.h"
#include "rows_csv.h"

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
  RD_TRY(rd_grow_one((void **)&rows->items, rows->count, sizeof row, e));
  RD_TRY(rd_grow_one((void **)&rows->lines, rows->count, sizeof line, e));
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

static rd_code give_object(const rd_row_rules *rules, json_t *row, size_t line, rd_row_sink *sink,
                           void *context, rd_error *e) {
  if (!json_is_object(row))
    return rd_fail(e, RD_BAD_INPUT, "a row must be a JSON object");
  rd_json_drop_nulls(row); /* as tables that were made of several have them */
  if (rules->columns)
    RD_TRY(rd_row_columns_put(row, rules->columns, rules->found, e));
  if (rules->mend)
    RD_TRY(rules->mend(row, e));
  return sink(context, row, line, e);
}

/* Beyond 64 bits integers become reals; a row that says a key twice is no row. */
static rd_code give_line(const rd_row_rules *rules, const char *text, size_t size, size_t line,
                         rd_row_sink *sink, void *context, rd_error *e) {
  json_error_t at;
  json_t *row = rd_json_load(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
  if (!row && json_error_code(&at) == json_error_out_of_memory)
    return rd_json_wrong(&at, "a row", e);
  if (!row)
    return rd_fail(e, RD_BAD_INPUT, "not JSON: %s at column %d", at.text, at.column);
  rd_code code = give_object(rules, row, line, sink, context, e);
  json_decref(row);
  return code;
}

static bool wants_more(const rd_row_count *count, const rd_row_rules *rules) {
  return !rules->limit || count->good < rules->limit;
}

static rd_code each_line(rd_row_count *count, const char *text, size_t size,
                         const rd_row_rules *rules, rd_row_sink *sink, void *context, rd_error *e) {
  const char *at = text, *end = text + size;
  for (size_t line = 1; at < end && wants_more(count, rules); line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t n = (size_t)((stop ? stop : end) - at);
    if (!rd_text_blank(at, n)) {
      rd_error why = {0};
      rd_code code = give_line(rules, at, n, line, sink, context, &why);
      RD_TRY(rd_row_judge(count, rules, line, code, &why, e));
    }
    at += n + (stop != NULL);
  }
  return RD_OK;
}

/* Step over white space; lines are counted. */
static const char *skip_blank(const char *at, const char *end, size_t *line) {
  for (; at < end && isspace((unsigned char)*at); at++)
    *line += *at == '\n';
  return at;
}

/* One JSON array, an element at a time, so that there is never a tree of the whole file. */
static rd_code each_element(rd_row_count *count, const char *text, size_t size,
                            const rd_row_rules *rules, rd_row_sink *sink, void *context,
                            rd_error *e) {
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
  const char *end = text + size;
  size_t line = 1;
  const char *at = skip_blank(skip_blank(text, end, &line) + 1, end, &line); /* behind the [ */
  while (at < end && *at != ']' && wants_more(count, rules)) {
    json_error_t where;
    json_t *row = rd_json_load(at, (size_t)(end - at), flags, &where);
    if (!row && json_error_code(&where) == json_error_out_of_memory)
      return rd_json_wrong(&where, count->path, e);
    if (!row)
      return rd_fail(e, RD_BAD_INPUT, "%s:%zu: not JSON: %s; the rows before it were read",
                     count->path, line + (size_t)(where.line > 0 ? where.line - 1 : 0), where.text);
    rd_error why = {0};
    rd_code code = give_object(rules, row, line, sink, context, &why);
    json_decref(row);
    RD_TRY(rd_row_judge(count, rules, line, code, &why, e));
    for (const char *stop = at + where.position; at < stop; at++)
      line += *at == '\n';
    at = skip_blank(at, end, &line);
    if (at < end && *at != ',' && *at != ']')
      return rd_fail(e, RD_BAD_INPUT, "%s:%zu: not JSON: a comma or ] is missing behind a row",
                     count->path, line);
    at = at < end && *at == ',' ? skip_blank(at + 1, end, &line) : at;
  }
  if (at == end)
    return rd_fail(e, RD_BAD_INPUT, "%s: the array is cut off: its ] is missing", count->path);
  if (*at == ']' && skip_blank(at + 1, end, &line) < end)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s:%zu: more text behind the array; rows are one array, or one a line",
                   count->path, line);
  return RD_OK;
}

bool rd_rows_end_in(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  n -= n >= 4 && strcasecmp(path + n - 4, ".zst") == 0 ? 4 : 0;
  return n >= m && strncasecmp(path + n - m, end, m) == 0;
}

bool rd_rows_named(const char *path) {
  return rd_rows_end_in(path, ".jsonl") || rd_rows_end_in(path, ".json") ||
         rd_rows_end_in(path, ".csv") || rd_rows_end_in(path, ".tsv");
}

/* A line of a table on its way to the rows. */
typedef struct table_sink {
  rd_row_count *count;
  const rd_row_rules *rules;
  rd_row_sink *sink;
  void *context;
} table_sink;

static rd_code take_record(void *context, json_t *row, size_t line, const rd_error *bad,
                           rd_error *e) {
  const table_sink *t = context;
  line -= t->rules->header != NULL; /* that was put in front */
  rd_error why = bad ? *bad : (rd_error){0};
  rd_code code = bad ? bad->code : give_object(t->rules, row, line, t->sink, t->context, &why);
  return rd_row_judge(t->count, t->rules, line, code, &why, e);
}

static bool wants_record(const void *context) {
  const table_sink *t = context;
  return wants_more(t->count, t->rules);
}

static rd_code each_record(table_sink *t, const char *text, size_t size, rd_error *e) {
  bool tabs = rd_rows_end_in(t->count->path, ".tsv");
  rd_code code = rd_csv_each(text, size, tabs ? "\t" : ",;\t", wants_record, take_record, t, e);
  return code == RD_OK ? code : rd_prefix(e, code, "%s", t->count->path);
}

/* A table without names gets them as its first line. */
static rd_code each_nameless(table_sink *t, const char *text, size_t size, rd_error *e) {
  size_t n = strlen(t->rules->header);
  char *named = rd_calloc(n + 1 + size, 1, "a table", e);
  if (!named)
    return RD_NO_MEMORY;
  memcpy(named, t->rules->header, n);
  named[n] = '\n';
  memcpy(named + n + 1, text, size);
  rd_code code = each_record(t, named, n + 1 + size, e);
  free(named);
  return code;
}

/* The next line's text under the next of the names. */
static rd_code take_part(json_t *row, const char **name, const char *text, size_t size,
                         rd_error *e) {
  size_t n = strcspn(*name, ",");
  size -= size > 0 && text[size - 1] == '\r';
  json_t *value = json_stringn(text, size);
  rd_code code = value ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%.*s is not UTF-8", (int)n, *name);
  if (code == RD_OK && json_object_setn(row, *name, n, value) != 0)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
  json_decref(value);
  *name += n + ((*name)[n] == ',');
  return code;
}

/* Rows of several lines each; what is left at the end is none. */
static rd_code each_group(rd_row_count *count, const char *text, size_t size,
                          const rd_row_rules *rules, rd_row_sink *sink, void *context,
                          rd_error *e) {
  const char *at = text, *end = text + size;
  for (size_t line = 1; at < end && wants_more(count, rules); line += rules->lines) {
    const char *name = rules->header;
    json_t *row = json_object();
    rd_error why = {0};
    rd_code code = row ? RD_OK : rd_fail(&why, RD_NO_MEMORY, "out of memory: a row");
    for (size_t i = 0; i < rules->lines; i++) {
      const char *stop = memchr(at, '\n', (size_t)(end - at));
      size_t n = (size_t)((stop ? stop : end) - at);
      if (code == RD_OK)
        code = at < end ? take_part(row, &name, at, n, &why)
                        : rd_fail(&why, RD_BAD_INPUT, "%zu of its %zu lines are missing",
                                  rules->lines - i, rules->lines);
      at += n + (stop != NULL);
    }
    code = code == RD_OK ? give_object(rules, row, line, sink, context, &why) : code;
    json_decref(row);
    RD_TRY(rd_row_judge(count, rules, line, code, &why, e));
  }
  return RD_OK;
}

rd_code rd_rows_each(rd_row_count *count, const char *text, size_t size, const rd_row_rules *rules,
                     rd_row_sink *sink, void *context, rd_error *e) {
  table_sink t = {count, rules, sink, context};
  size_t line = 1;
  if (rules->lines > 0)
    return each_group(count, text, size, rules, sink, context, e);
  if (rd_rows_end_in(count->path, ".csv") || rd_rows_end_in(count->path, ".tsv"))
    return (rules->header ? each_nameless : each_record)(&t, text, size, e);
  const char *first = skip_blank(text, text + size, &line);
  bool array = first < text + size && *first == '[';
  return (array ? each_element : each_line)(count, text, size, rules, sink, context, e);
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
  const char *text = (const char *)map.data;
  size_t size = map.size;
  char *unpacked = NULL;
  rd_code code = rd_rows_unpack(path, &text, &size, &unpacked, e);
  if (code == RD_OK)
    code = rd_rows_plain(path, &text, &size, e);
  if (code == RD_OK)
    code = rd_rows_each(&count, text, size, rules, gather, &g, e);
  rd_map_close(&map);
  free(unpacked);
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

void rd_rows_keep(rd_rows *rows, const bool *fits) {
  size_t kept = 0;
  for (size_t i = 0; i < rows->count; i++)
    if (fits[i]) {
      rows->lines[kept] = rows->lines[i];
      rows->items[kept++] = rows->items[i];
    } else {
      json_decref(rows->items[i]);
    }
  rows->bad += rows->count - kept;
  rows->count = kept;
}

rd_code rd_row_text(const json_t *row, const char *key, const char **out, rd_error *e) {
  *out = NULL;
  RD_TRY(rd_json_text(row, key, out, e));
  if (!*out)
    return rd_fail(e, RD_BAD_INPUT, "%s is missing", key);
  return rd_text_blank(*out, strlen(*out)) ? rd_fail(e, RD_BAD_INPUT, "%s is empty", key) : RD_OK;
}

rd_code rd_row_prompt(const json_t *row, const char **out, rd_error *e) {
  static const char *const keys[] = {"prompt", "question", "query", "context"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (json_object_get(row, keys[i]))
      return rd_row_text(row, keys[i], out, e);
  return rd_fail(e, RD_BAD_INPUT, "has none of prompt, question, query, context");
}

/* A value's text of that number. */
static const json_t *text_among(const json_t *value, size_t number) {
  const json_t *list = json_is_object(value) ? json_object_get(value, "text") : value;
  const json_t *first = json_object_get(value, "value");
  if (first && number == 0)
    return first;
  if (first)
    return json_array_get(json_object_get(value, "aliases"), number - 1);
  return json_is_array(list) ? json_array_get(list, number) : number == 0 ? list : NULL;
}

rd_code rd_row_answer(const json_t *row, size_t number, const char **out, rd_error *e) {
  static const char *const keys[] = {"answer",   "answers", "completion",
                                     "response", "output",  "continuation"};
  *out = NULL;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const json_t *value = json_object_get(row, keys[i]);
    if (!value || json_is_null(value))
      continue;
    const json_t *text = text_among(value, number);
    *out = json_string_value(text);
    if (*out ? rd_text_blank(*out, strlen(*out)) : text || number == 0)
      return rd_fail(e, RD_BAD_INPUT, "%s is %s", keys[i],
                     *out ? "empty" : "neither text nor a list of texts");
    return RD_OK;
  }
  return rd_fail(e, RD_BAD_INPUT,
                 "has none of answer, answers, completion, response, output, continuation");
}
