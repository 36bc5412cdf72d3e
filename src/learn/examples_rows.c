/* SPDX-License-Identifier: MIT */
/* Rows of data files: which keys a row has decides its form, one row of a table each. */
#include "examples_rows.h"

#include "table.h"
#include "utf8.h"

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

static rd_code add_turn(rd_parsed_row *p, const char *role, const char *content, bool silent,
                        rd_error *e) {
  if (p->count == RD_MOST_TURNS)
    return rd_fail(e, RD_BAD_INPUT, "more than %d turns", RD_MOST_TURNS);
  p->silent[p->count] = silent;
  p->turns[p->count++] = (rd_message){role, content};
  return RD_OK;
}

/* Who speaks, as ShareGPT's files and their kin write it; other names stay as they are. */
static const char *role_of(const char *name) {
  static const struct {
    const char *name, *role;
  } rows[] = {{"human", "user"},        {"gpt", "assistant"},   {"chatgpt", "assistant"},
              {"bing", "assistant"},    {"bard", "assistant"},  {"model", "assistant"},
              {"chatbot", "assistant"}, {"observation", "tool"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, name) == 0)
      return rows[i].role;
  return name;
}

/* A turn's text, also where it is a list of one part: {"type": "text", "text"}. */
static rd_code content_of(const json_t *turn, const char *key, const char **out, rd_error *e) {
  const json_t *list = json_object_get(turn, key), *part = json_array_get(list, 0);
  const char *type = json_string_value(json_object_get(part, "type"));
  bool one = json_array_size(list) == 1 && type && strcmp(type, "text") == 0;
  return text_of(one ? part : turn, one ? "text" : key, true, out, e);
}

/* What the system says beside the turns, in LLaMA-Factory's files: their first turn, where they do
 * not begin with one. */
static rd_code put_system(const json_t *row, rd_parsed_row *p, rd_error *e) {
  const char *system;
  RD_TRY(text_of(row, "system", false, &system, e));
  if (!system || !*system || strcmp(p->turns[0].role, "system") == 0)
    return RD_OK;
  if (p->count == RD_MOST_TURNS)
    return rd_fail(e, RD_BAD_INPUT, "system and %d turns: one too many", RD_MOST_TURNS);
  memmove(p->turns + 1, p->turns, p->count * sizeof *p->turns);
  memmove(p->silent + 1, p->silent, p->count * sizeof *p->silent);
  p->turns[0] = (rd_message){"system", system};
  p->silent[0] = false;
  p->count++;
  return RD_OK;
}

/* A turn whose "weight" is 0 is not learnt; there are no other weights than that and 1. */
static rd_code read_weight(const json_t *turn, bool *silent, rd_error *e) {
  const json_t *weight = json_object_get(turn, "weight");
  double value = json_number_value(weight);
  *silent = json_is_number(weight) && value == 0;
  if (*silent || !weight || json_is_null(weight) || (json_is_number(weight) && value == 1))
    return RD_OK;
  char *text = rd_json_dumps(weight, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
  rd_code code = rd_fail(e, RD_BAD_INPUT,
                         "weight of a turn is %.40s: 1 says that it is learnt, 0 that it is not",
                         text ? text : "unknown");
  free(text);
  return code;
}

/* [{"role", "content"}, ..] or ShareGPT's [{"from", "value"}, ..]. */
static rd_code add_turns(rd_parsed_row *p, const json_t *list, rd_error *e) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *turn = json_array_get(list, i);
    bool shared = json_string_value(json_object_get(turn, "from")) != NULL, silent;
    const char *role, *content;
    RD_TRY(text_of(turn, shared ? "from" : "role", true, &role, e));
    RD_TRY(content_of(turn, shared ? "value" : "content", &content, e));
    RD_TRY(read_weight(turn, &silent, e));
    RD_TRY(add_turn(p, role_of(role), content, silent, e));
  }
  return RD_OK;
}

static bool holds_turns(const json_t *value) {
  return json_is_object(json_array_get(value, 0));
}

static rd_code check_last(const rd_parsed_row *p, const char *key, rd_error *e) {
  if (p->count < 2)
    return rd_fail(e, RD_BAD_INPUT, "%s: %zu turns, expected 2 to %d", key, p->count,
                   RD_MOST_TURNS);
  const char *last = p->turns[p->count - 1].role;
  return strcmp(last, "assistant") == 0
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "%s: the last turn is by %s, expected assistant", key, last);
}

static rd_code messages(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  RD_TRY(add_turns(p, json_object_get(row, key), e));
  return check_last(p, key, e);
}

/* KTO's label, as JSON or as tables write it: is the answer one to be avoided? */
static rd_code read_label(const json_t *row, bool *avoided, rd_error *e) {
  const json_t *label = json_object_get(row, "label");
  const char *text = json_string_value(label);
  bool number = json_is_number(label);
  double value = json_number_value(label);
  *avoided = json_is_false(label) || (number && value == 0) ||
             (text && rd_name_listed("false False FALSE 0", text));
  bool wanted = !label || json_is_null(label) || json_is_true(label) || (number && value == 1) ||
                (text && rd_name_listed("true True TRUE 1", text));
  return *avoided || wanted ? RD_OK
                            : rd_fail(e, RD_BAD_INPUT,
                                      "label says neither true nor false (1, 0), which tell "
                                      "answers to be learnt from those to be avoided; call it "
                                      "otherwise where it means something else");
}

/* The answer behind what was asked: text, or turns, which may be the whole conversation again. Of
 * two answers that were compared the chosen one. */
static rd_code add_answer(const json_t *row, rd_parsed_row *p, rd_error *e) {
  static const char *const keys[] = {"chosen", "completion", "response", "answer"};
  RD_TRY(read_label(row, &p->avoided, e));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const json_t *value = json_object_get(row, keys[i]), *first = json_array_get(value, 0);
    if (!holds_turns(value))
      continue;
    const char *role = json_string_value(json_object_get(first, "role"));
    if (!role || strcmp(role, "assistant") != 0)
      p->count = 0;
    RD_TRY(add_turns(p, value, e));
    return check_last(p, keys[i], e);
  }
  const char *answer = json_string_value(json_object_get(row, "chosen"));
  if (!answer)
    RD_TRY(rd_row_answer(row, 0, &answer, e));
  return add_turn(p, "assistant", answer, false, e);
}

/* Turns before the one that is asked, in Alpaca's files and ChatGLM's: [["question", "answer"],
 * ..].
 */
static rd_code add_history(const json_t *row, rd_parsed_row *p, rd_error *e) {
  const json_t *list = json_object_get(row, "history");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *pair = json_array_get(list, i);
    const char *asked = json_string_value(json_array_get(pair, 0)),
               *answer = json_string_value(json_array_get(pair, 1));
    if (!asked || !answer || json_array_size(pair) != 2)
      return rd_fail(e, RD_BAD_INPUT, "history: turn %zu is no pair of texts", i);
    RD_TRY(add_turn(p, "user", asked, false, e));
    RD_TRY(add_turn(p, "assistant", answer, false, e));
  }
  return RD_OK;
}

static rd_code question(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  const json_t *asked = json_object_get(row, key);
  const char *text;
  if (holds_turns(asked)) {
    RD_TRY(add_turns(p, asked, e));
  } else {
    RD_TRY(text_of(row, key, true, &text, e));
    RD_TRY(add_history(row, p, e));
    RD_TRY(add_turn(p, "user", text, false, e));
  }
  return add_answer(row, p, e);
}

/* Alpaca's and Dolly's: what the instruction is about stands apart. */
static rd_code instruction(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  const char *head, *input;
  RD_TRY(text_of(row, key, true, &head, e));
  RD_TRY(text_of(row, json_object_get(row, "input") ? "input" : "context", false, &input, e));
  if (input && *input) {
    p->joined = rd_print("%s\n\n%s", head, input);
    if (!p->joined)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
  }
  RD_TRY(add_history(row, p, e));
  RD_TRY(add_turn(p, "user", p->joined ? p->joined : head, false, e));
  return add_answer(row, p, e);
}

/* The preferred conversation, where nothing says apart what was asked. */
static rd_code chosen(const json_t *row, const char *key, rd_parsed_row *p, rd_error *e) {
  if (!holds_turns(json_object_get(row, key)))
    return rd_fail(e, RD_BAD_INPUT, "chosen without prompt: expected a list of turns");
  return add_answer(row, p, e);
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
    {"messages", messages},       {"conversations", messages}, {"conversation", messages},
    {"instruction", instruction}, {"prompt", question},        {"question", question},
    {"query", question},          {"chosen", chosen},          {"text", plain},
};

/* Lines on their way to rows. */
typedef struct parser {
  rd_parsed_row row;
  rd_parsed_sink *sink;
  void *context;
  size_t avoided; /* rows whose answer is one to be avoided */
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
    return rd_fail(
        e, RD_BAD_INPUT,
        "has none of messages, conversations, instruction, prompt, question, query, "
        "chosen, text; `columns: prompt=NAME,answer=NAME` says how they are called here");
  p->row.text = NULL;
  p->row.joined = NULL;
  p->row.avoided = false;
  p->row.count = 0;
  const char *finish = json_string_value(json_object_get(json, "finish_reason"));
  p->row.cut = finish && strcmp(finish, "length") == 0;
  rd_code code = forms[form].parse(json, forms[form].key, &p->row, e);
  if (code == RD_OK && !p->row.text)
    code = put_system(json, &p->row, e);
  if (code == RD_OK && !p->row.avoided)
    code = give_row(p, e);
  p->avoided += code == RD_OK && p->row.avoided;
  free(p->row.joined);
  return code;
}

/* KTO's rows with a false label are none, and nothing is wrong with them. */
static rd_code leave_out(const parser *p, rd_row_count *count, const rd_row_rules *rules,
                         rd_error *e) {
  if (p->avoided == 0)
    return RD_OK;
  count->good -= p->avoided;
  if (count->good == 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: label is false in all of its %zu rows: answers to be avoided, which are "
                   "not learnt",
                   count->path, p->avoided);
  char *message = rd_print("%s: %zu rows have a false label, an answer to be avoided: left out",
                           count->path, p->avoided);
  if (message && rules->note)
    rules->note(rules->context, message);
  free(message);
  return RD_OK;
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
      rd_code code = rd_utf8_check(at, p->row.size, "the text", &why);
      code = code == RD_OK ? give_row(p, &why) : code;
      RD_TRY(rd_row_judge(count, rules, first, code, &why, e));
    }
    at = stop ? stop + sizeof mark - 1 : end;
  }
  return RD_OK;
}

rd_code rd_example_rows_read(rd_row_count *count, const char *text, size_t size,
                             const rd_row_rules *rules, rd_parsed_sink *sink, void *context,
                             rd_error *e) {
  parser *p = rd_calloc(1, sizeof *p, "a row", e);
  if (!p)
    return RD_NO_MEMORY;
  p->sink = sink;
  p->context = context;
  char *unpacked = NULL;
  rd_code code = rd_rows_unpack(count->path, &text, &size, &unpacked, e);
  if (code == RD_OK)
    code = rd_rows_plain(count->path, &text, &size, e);
  if (code == RD_OK)
    code = rd_rows_named(count->path) ? rd_rows_each(count, text, size, rules, parse_line, p, e)
                                      : read_documents(p, count, text, size, rules, e);
  if (code == RD_OK)
    code = leave_out(p, count, rules, e);
  free(unpacked);
  free(p);
  return code == RD_OK ? rd_rows_finish(count, rules, e) : code;
}
