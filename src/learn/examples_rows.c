/* SPDX-License-Identifier: MIT */
/* Rows of data files: which keys a row has decides its form, one row of a table each. */
#include "examples_rows.h"

#include "file.h"
#include "json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_ROWS = 20 };

/* A row taken apart: turns, the last of which is the answer; or one text. */
typedef struct parsed_row {
  rd_message turns[RD_MOST_TURNS];
  size_t count;
  const char *text;
  char *joined; /* owned: instruction and input */
} parsed_row;

static rd_code text_of(const json_t *row, const char *key, bool needed, const char **out,
                       rd_error *e) {
  const json_t *value = json_object_get(row, key);
  *out = json_string_value(value);
  if (*out || (!needed && (!value || json_is_null(value))))
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "%s is %s, expected text", key, value ? "not text" : "missing");
}

static rd_code question(const json_t *row, const char *key, parsed_row *p, rd_error *e) {
  p->count = 2;
  p->turns[0].role = "user";
  p->turns[1].role = "assistant";
  RD_TRY(text_of(row, key, true, &p->turns[0].content, e));
  return text_of(row, "answer", true, &p->turns[1].content, e);
}

static rd_code instruction(const json_t *row, const char *key, parsed_row *p, rd_error *e) {
  const char *head, *input;
  p->count = 2;
  p->turns[0].role = "user";
  p->turns[1].role = "assistant";
  RD_TRY(text_of(row, key, true, &head, e));
  RD_TRY(text_of(row, "input", false, &input, e));
  if (input && *input) {
    p->joined = rd_print("%s\n\n%s", head, input);
    if (!p->joined)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
  }
  p->turns[0].content = p->joined ? p->joined : head;
  return text_of(row, "output", true, &p->turns[1].content, e);
}

static rd_code messages(const json_t *row, const char *key, parsed_row *p, rd_error *e) {
  const json_t *list = json_object_get(row, key);
  size_t n = json_array_size(list);
  if (n < 2 || n > RD_MOST_TURNS)
    return rd_fail(e, RD_BAD_INPUT, "messages: %zu turns, expected 2 to %d", n, RD_MOST_TURNS);
  for (size_t i = 0; i < n; i++) {
    const json_t *turn = json_array_get(list, i);
    RD_TRY(text_of(turn, "role", true, &p->turns[i].role, e));
    RD_TRY(text_of(turn, "content", true, &p->turns[i].content, e));
  }
  p->count = n;
  if (strcmp(p->turns[n - 1].role, "assistant") != 0)
    return rd_fail(e, RD_BAD_INPUT, "messages: the last turn is by %s, expected assistant",
                   p->turns[n - 1].role);
  return RD_OK;
}

static rd_code plain(const json_t *row, const char *key, parsed_row *p, rd_error *e) {
  return text_of(row, key, true, &p->text, e);
}

static const struct {
  const char *key;
  rd_code (*parse)(const json_t *row, const char *key, parsed_row *p, rd_error *e);
} forms[] = {
    {"messages", messages}, {"instruction", instruction},
    {"prompt", question},   {"question", question},
    {"text", plain},
};

static bool blank(const char *text) {
  while (isspace((unsigned char)*text))
    text++;
  return *text == '\0';
}

/* One parsed row into ids. */
static rd_code encode_row(rd_examples *x, const rd_read_rules *rules, const rd_text_coder *coder,
                          rd_file_report *report, float weight, const parsed_row *p, rd_error *e) {
  size_t begin = x->list.count;
  int64_t prompt = 0;
  const char *last = p->text ? p->text : p->turns[p->count - 1].content;
  if (blank(last))
    return rd_fail(e, RD_BAD_INPUT, p->text ? "the text is empty" : "the answer is empty");
  if (!p->text) {
    RD_TRY(coder->prompt(coder->context, p->turns, p->count - 1, &x->list, e));
    prompt = (int64_t)(x->list.count - begin);
  }
  RD_TRY(coder->text(coder->context, last, strlen(last), &x->list, e));
  return rd_examples_take_row(x, rules, coder, report, weight, begin, prompt, e);
}

static rd_code json_row(rd_examples *x, const rd_read_rules *rules, const rd_text_coder *coder,
                        rd_file_report *report, float weight, const char *line, size_t size,
                        parsed_row *p, rd_error *e) {
  json_error_t at;
  json_t *row = json_loadb(line, size, 0, &at);
  rd_code code = RD_BAD_INPUT;
  size_t form = 0, count = sizeof forms / sizeof *forms;
  while (row && form < count && !json_object_get(row, forms[form].key))
    form++;
  p->count = 0;
  p->text = NULL;
  p->joined = NULL;
  if (!row)
    rd_fail(e, code, "not JSON: %s at column %d", at.text, at.column);
  else if (!json_is_object(row) || form == count)
    rd_fail(e, code, "has none of messages, instruction, prompt, question, text");
  else if ((code = forms[form].parse(row, forms[form].key, p, e)) == RD_OK)
    code = encode_row(x, rules, coder, report, weight, p, e);
  free(p->joined);
  json_decref(row);
  return code;
}

/* Count, name and undo a bad row; other failures go up. */
static rd_code judge(rd_examples *x, const rd_read_rules *rules, rd_file_report *report,
                     int64_t line, size_t ids_before, rd_code code, const rd_error *why,
                     rd_error *e) {
  report->rows++;
  if (code == RD_OK)
    return RD_OK;
  if (code != RD_BAD_INPUT) {
    if (e)
      *e = *why;
    return rd_prefix(e, code, "%s:%lld", report->path, (long long)line);
  }
  x->list.count = ids_before;
  report->bad++;
  if (!rules->note || report->bad > NAMED_ROWS)
    return RD_OK;
  char *message = rd_print("%s:%lld: %s; skipped%s", report->path, (long long)line, why->message,
                           report->bad == NAMED_ROWS ? " (more are counted, not named)" : "");
  if (message)
    rules->note(rules->context, message);
  free(message);
  return RD_OK;
}

static rd_code read_json_lines(rd_examples *x, const rd_read_rules *rules,
                               const rd_text_coder *coder, rd_file_report *report, float weight,
                               const rd_map *map, rd_error *e) {
  const char *at = (const char *)map->data, *end = at + map->size;
  parsed_row *p = rd_calloc(1, sizeof *p, "a row", e);
  rd_code code = p ? RD_OK : RD_NO_MEMORY;
  for (int64_t line = 1; code == RD_OK && at < end; line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at), spaces = 0;
    while (spaces < size && isspace((unsigned char)at[spaces]))
      spaces++;
    if (spaces < size) {
      rd_error why = {0};
      size_t before = x->list.count;
      code = json_row(x, rules, coder, report, weight, at, size, p, &why);
      code = judge(x, rules, report, line, before, code, &why, e);
    }
    at += size + (stop != NULL);
  }
  free(p);
  return code;
}

static rd_code read_documents(rd_examples *x, const rd_read_rules *rules,
                              const rd_text_coder *coder, rd_file_report *report, float weight,
                              const rd_map *map, rd_error *e) {
  static const char mark[] = "<|endoftext|>";
  const char *at = (const char *)map->data, *end = at + map->size;
  int64_t line = 1;
  while (at < end) {
    const char *stop = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
    const char *close = stop ? stop : end;
    int64_t first = line;
    for (const char *c = at; c < close; c++)
      line += *c == '\n';
    const char *begin = at;
    while (begin < close && isspace((unsigned char)*begin))
      begin++;
    while (close > begin && isspace((unsigned char)close[-1]))
      close--;
    if (close > begin) {
      rd_error why = {0};
      size_t before = x->list.count;
      rd_code code = coder->text(coder->context, begin, (size_t)(close - begin), &x->list, &why);
      if (code == RD_OK)
        code = rd_examples_take_row(x, rules, coder, report, weight, before, 0, &why);
      RD_TRY(judge(x, rules, report, first, before, code, &why, e));
    }
    at = stop ? stop + sizeof mark - 1 : end;
  }
  return RD_OK;
}

static bool ends_in(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}

static uint64_t fnv1a(const unsigned char *data, size_t size) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ data[i]) * 1099511628211u;
  return hash;
}

rd_code rd_examples_read_file(rd_examples *x, const rd_read_rules *rules,
                              const rd_text_coder *coder, rd_file_report *report, float weight,
                              rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, report->path, e));
  report->size = map.size;
  report->hash = fnv1a(map.data, map.size);
  bool lines = ends_in(report->path, ".jsonl") || ends_in(report->path, ".json");
  rd_code code =
      (lines ? read_json_lines : read_documents)(x, rules, coder, report, weight, &map, e);
  rd_map_close(&map);
  return code;
}
