/* SPDX-License-Identifier: MIT */
/* Rows of data files: which keys a row has decides its form, one row of a table each. */
#include "examples_rows.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static rd_code text_of(const json_t *row, const char *key, bool needed, const char **out,
                       rd_error *e) {
  const json_t *value = json_object_get(row, key);
  *out = json_string_value(value);
  if (*out || (!needed && (!value || json_is_null(value))))
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "%s is %s, expected text", key, value ? "not text" : "missing");
}

static rd_code question(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  p->count = 2;
  p->turns[0].role = "user";
  p->turns[1].role = "assistant";
  RD_TRY(text_of(row, key, true, &p->turns[0].content, e));
  return text_of(row, "answer", true, &p->turns[1].content, e);
}

static rd_code instruction(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
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

static rd_code messages(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
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

static rd_code plain(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  RD_TRY(text_of(row, key, true, &p->text, e));
  p->size = strlen(p->text);
  return RD_OK;
}

static const struct {
  const char *key;
  rd_code (*parse)(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e);
} forms[] = {
    {"messages", messages}, {"instruction", instruction},
    {"prompt", question},   {"question", question},
    {"text", plain},
};

/* Lines on their way to rows. */
typedef struct parser {
  rd_parsed_row row;
  rd_parsed_sink *sink;
  void *context;
} parser;

static rd_code give_row(parser *p, rd_error *e) {
  const rd_parsed_row *row = &p->row;
  const char *answer = row->text ? row->text : row->turns[row->count - 1].content;
  if (rd_text_blank(answer, row->text ? row->size : strlen(answer)))
    return rd_fail(e, RD_BAD_INPUT, row->text ? "the text is empty" : "the answer is empty");
  return p->sink(p->context, row, e);
}

static rd_code parse_line(void *context, const json_t *json, size_t line, rd_error *e) {
  parser *p = context;
  size_t form = 0, count = sizeof forms / sizeof *forms;
  (void)line;
  while (form < count && !json_object_get(json, forms[form].key))
    form++;
  if (form == count)
    return rd_fail(e, RD_BAD_INPUT, "has none of messages, instruction, prompt, question, text");
  p->row.text = NULL;
  p->row.joined = NULL;
  rd_code code = forms[form].parse(json, forms[form].key, &p->row, e);
  if (code == RD_OK)
    code = give_row(p, e);
  free(p->row.joined);
  return code;
}

static rd_code read_documents(parser *p, rd_row_count *count, const char *text, size_t size,
                              const rd_row_rules *rules, rd_error *e) {
  static const char mark[] = "<|endoftext|>";
  const char *at = text, *end = text + size;
  size_t line = 1;
  while (at < end) {
    const char *stop = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
    const char *close = stop ? stop : end;
    size_t first = line;
    for (const char *c = at; c < close; c++)
      line += *c == '\n';
    while (at < close && isspace((unsigned char)*at))
      at++;
    while (close > at && isspace((unsigned char)close[-1]))
      close--;
    if (close > at) {
      rd_error why = {0};
      p->row.text = at;
      p->row.size = (size_t)(close - at);
      rd_code code = give_row(p, &why);
      RD_TRY(rd_row_judge(count, rules, first, code, &why, e));
    }
    at = stop ? stop + sizeof mark - 1 : end;
  }
  return RD_OK;
}

static bool ends_in(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}

rd_code rd_example_rows_read(rd_row_count *count, const char *text, size_t size,
                             const rd_row_rules *rules, rd_parsed_sink *sink, void *context,
                             rd_error *e) {
  parser *p = rd_calloc(1, sizeof *p, "a row", e);
  if (!p)
    return RD_NO_MEMORY;
  p->sink = sink;
  p->context = context;
  bool lines = ends_in(count->path, ".jsonl") || ends_in(count->path, ".json");
  rd_code code = lines ? rd_rows_each(count, text, size, rules, parse_line, p, e)
                       : read_documents(p, count, text, size, rules, e);
  free(p);
  return code == RD_OK ? rd_rows_finish(count, rules, e) : code;
}
