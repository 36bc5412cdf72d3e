/* SPDX-License-Identifier: MIT */
/* Fields of bodies as rows. What is no field of the body's shape is an option of generation, or
 * unknown. */
#include "body.h"

#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef rd_code take_field(rd_body *body, const json_t *value, rd_error *e);

enum { MOST_DRAFT = 1 << 20 };

/* --- text --------------------------------------------------------------------------------------
 */

static rd_code plain_text(const json_t *value, const char *what, const char **out, rd_error *e) {
  if (!json_is_string(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a string", what);
  if (strlen(json_string_value(value)) != json_string_length(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: holds a NUL character", what);
  *out = json_string_value(value);
  return RD_OK;
}

static rd_code add_message(rd_body *body, const char *role, const char *content, rd_error *e) {
  char **more = realloc(body->messages, (body->message_count + 1) * 2 * sizeof *more);
  if (!more)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: messages");
  body->messages = more;
  char **at = more + 2 * body->message_count++;
  at[0] = rd_strdup(role, e);
  at[1] = rd_strdup(content, e);
  return at[0] && at[1] ? RD_OK : RD_NO_MEMORY;
}

/* A content in parts: the text parts, one after the other. */
static rd_code add_parts(rd_body *body, const char *role, const json_t *parts, rd_error *e) {
  size_t i, size = 1;
  json_t *part;
  json_array_foreach(parts, i, part) {
    const char *text = NULL;
    RD_TRY(plain_text(json_object_get(part, "text"), "messages: content: text", &text, e));
    size += strlen(text);
  }
  char *joined = rd_calloc(size, 1, "a message", e), *to = joined;
  if (!joined)
    return RD_NO_MEMORY;
  json_array_foreach(parts, i, part)
    to = stpcpy(to, json_string_value(json_object_get(part, "text")));
  rd_code code = add_message(body, role, joined, e);
  free(joined);
  return code;
}

static rd_code take_message(rd_body *body, const json_t *message, rd_error *e) {
  const char *role = NULL, *content = "";
  RD_TRY(plain_text(json_object_get(message, "role"), "messages: role", &role, e));
  if (strcmp(role, "developer") == 0) /* OpenAI's newer name */
    role = "system";
  const json_t *said = json_object_get(message, "content");
  if (json_is_array(said))
    return add_parts(body, role, said, e);
  bool silent = (!said || json_is_null(said)) && json_object_get(message, "tool_calls");
  if (!silent)
    RD_TRY(plain_text(said, "messages: content", &content, e));
  return add_message(body, role, content, e);
}

/* Kept for the template, where that does anything with them. */
static rd_code take_tools(rd_body *body, const json_t *value, rd_error *e) {
  if (!json_is_array(value))
    return rd_fail(e, RD_BAD_INPUT, "tools: expected a list");
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *tool = json_array_get(value, i), *function = json_object_get(tool, "function");
    if (!json_is_string(json_object_get(function, "name")))
      return rd_fail(e, RD_BAD_INPUT, "tools: number %zu names no function", i);
  }
  body->tools = json_array_size(value) ? json_incref((json_t *)(uintptr_t)value) : NULL;
  return RD_OK;
}

static rd_code take_messages(rd_body *body, const json_t *value, rd_error *e) {
  if (!json_is_array(value) || json_array_size(value) == 0)
    return rd_fail(e, RD_BAD_INPUT, "messages: expected a list of at least one message");
  if (body->message_count > 0 || body->prompt)
    return rd_fail(e, RD_USAGE, "give prompt or messages, not both");
  size_t i;
  json_t *message;
  bool rich = false;
  json_array_foreach(value, i, message) {
    RD_TRY(take_message(body, message, e));
    rich = rich || rd_turn_rich(message);
  }
  if (rich)
    body->turns = json_incref((json_t *)(uintptr_t)value);
  return RD_OK;
}

static rd_code take_ids(const json_t *array, const char *what, int32_t **out, int64_t *count,
                        rd_error *e) {
  size_t n = json_array_size(array);
  if (!json_is_array(array) || n == 0 || n > MOST_DRAFT)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a list of 1 to %d token ids", what, MOST_DRAFT);
  *out = rd_calloc(n, sizeof **out, what, e);
  if (!*out)
    return RD_NO_MEMORY;
  *count = (int64_t)n;
  for (size_t i = 0; i < n; i++) {
    const json_t *id = json_array_get(array, i);
    json_int_t x = json_integer_value(id);
    if (!json_is_integer(id) || x < 0 || x > INT32_MAX)
      return rd_fail(e, RD_BAD_INPUT, "%s: number %zu is no token id", what, i);
    (*out)[i] = (int32_t)x;
  }
  return RD_OK;
}

/* A string; or, as OpenAI has it, a list of one string or of token ids. */
static rd_code take_prompt(rd_body *body, const json_t *value, rd_error *e) {
  if (body->message_count > 0)
    return rd_fail(e, RD_USAGE, "give prompt or messages, not both");
  if (json_is_array(value) && json_is_integer(json_array_get(value, 0)))
    return take_ids(value, "prompt", &body->prompt, &body->prompt_count, e);
  if (json_is_array(value) && json_array_size(value) == 1)
    value = json_array_get(value, 0);
  const char *text = NULL;
  RD_TRY(plain_text(value, "prompt", &text, e));
  return add_message(body, "user", text, e);
}

static rd_code take_system(rd_body *body, const json_t *value, rd_error *e) {
  const char *text = NULL;
  RD_TRY(plain_text(value, "system", &text, e));
  if (*text && !(body->system = rd_strdup(text, e)))
    return RD_NO_MEMORY;
  return RD_OK;
}

/* --- the draft ---------------------------------------------------------------------------------
 */

static rd_code take_draft(rd_body *body, const json_t *value, rd_error *e) {
  static const struct state {
    const char *name;
    rd_place place;
  } states[] = {{"mask", RD_PLACE_MASKED}, {"edit", RD_PLACE_EDITABLE}, {"lock", RD_PLACE_LOCKED}};
  static const rd_table table = RD_TABLE("state", states);
  const json_t *list = json_object_get(value, "state");
  RD_TRY(take_ids(json_object_get(value, "ids"), "draft: ids", &body->ids, &body->count, e));
  if (json_array_size(list) != (size_t)body->count)
    return rd_fail(e, RD_BAD_INPUT, "draft: %lld ids and %zu states; they must be equally many",
                   (long long)body->count, json_array_size(list));
  body->places = rd_calloc((size_t)body->count, 1, "draft: state", e);
  if (!body->places)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < (size_t)body->count; i++) {
    const char *name = json_string_value(json_array_get(list, i));
    const struct state *state = rd_table_find(&table, name ? name : "that is no text", e);
    if (!state)
      return rd_prefix(e, RD_BAD_INPUT, "draft: number %zu", i);
    body->places[i] = (uint8_t)state->place;
  }
  return RD_OK;
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static rd_code take_flag(const json_t *value, const char *what, bool *out, rd_error *e) {
  if (!json_is_boolean(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected true or false", what);
  *out = json_is_true(value);
  return RD_OK;
}

static rd_code take_stream(rd_body *body, const json_t *value, rd_error *e) {
  return take_flag(value, "stream", &body->stream, e);
}

static rd_code take_diffusing(rd_body *body, const json_t *value, rd_error *e) {
  return take_flag(value, "diffusing", &body->diffusing, e);
}

static rd_code take_stream_options(rd_body *body, const json_t *value, rd_error *e) {
  if (!json_is_object(value))
    return rd_fail(e, RD_BAD_INPUT, "stream_options: expected an object");
  return rd_json_bool(value, "include_usage", &body->usage, e);
}

static rd_code take_raw(rd_body *body, const json_t *value, rd_error *e) {
  return take_flag(value, "raw", &body->raw, e);
}

static rd_code take_most(rd_body *body, const json_t *value, rd_error *e) {
  if (!json_is_integer(value) || json_integer_value(value) < 1)
    return rd_fail(e, RD_BAD_INPUT, "max_tokens: expected a whole number from 1");
  return rd_option_set_json(&body->options, rd_option_find(&body->options, "tokens"), value, e);
}

static rd_code take_n(rd_body *body, const json_t *value, rd_error *e) {
  (void)body;
  if (!json_is_integer(value) || json_integer_value(value) != 1)
    return rd_fail(e, RD_USAGE, "n: one answer a request is written; ask again for another");
  return RD_OK;
}

static rd_code add_stop(rd_body *body, const json_t *value, rd_error *e) {
  const char *text = NULL;
  RD_TRY(plain_text(value, "stop", &text, e));
  if (!*text)
    return rd_fail(e, RD_BAD_INPUT, "stop: expected text, found an empty string");
  if (body->stop_count == RD_MOST_STOPS)
    return rd_fail(e, RD_USAGE, "stop: %d strings at most", RD_MOST_STOPS);
  body->stops[body->stop_count] = rd_strdup(text, e);
  return body->stops[body->stop_count++] ? RD_OK : RD_NO_MEMORY;
}

static rd_code take_stop(rd_body *body, const json_t *value, rd_error *e) {
  size_t i;
  json_t *one;
  if (!json_is_array(value))
    return add_stop(body, value, e);
  json_array_foreach(value, i, one)
    RD_TRY(add_stop(body, one, e));
  return RD_OK;
}

/* Wanted only when true, or a count from 0: OpenAI's two shapes. */
static rd_code take_logprobs(rd_body *body, const json_t *value, rd_error *e) {
  (void)body;
  if (json_is_false(value))
    return RD_OK;
  if (!json_is_true(value) && !json_is_integer(value))
    return rd_fail(e, RD_BAD_INPUT, "logprobs: expected true, false or a number");
  return rd_fail(e, RD_USAGE,
                 "logprobs: not given here, where a draft is revised as a whole; the "
                 "events of /api/denoise have the probability of every token");
}

/* What asks for an answer that only a program can read: not here. */
static rd_code refuse_form(const char *what, rd_error *e) {
  return rd_fail(e, RD_USAGE,
                 "%s: answers are plain text here; a form or a call cannot be promised", what);
}

static rd_code take_response_format(rd_body *body, const json_t *value, rd_error *e) {
  (void)body;
  const char *type = json_string_value(json_object_get(value, "type"));
  if (!type)
    return rd_fail(e, RD_BAD_INPUT, "response_format: expected an object with a type");
  return strcmp(type, "text") == 0 ? RD_OK : refuse_form("response_format", e);
}

/* "auto" and "none" leave the answer free to be prose. */
static rd_code take_tool_choice(rd_body *body, const json_t *value, rd_error *e) {
  (void)body;
  const char *word = json_string_value(value);
  bool prose = word && (strcmp(word, "auto") == 0 || strcmp(word, "none") == 0);
  return prose ? RD_OK : refuse_form("tool_choice", e);
}

static const struct field {
  const char *name;
  take_field *take;
} fields[] = {
    {"prompt", take_prompt},
    {"messages", take_messages},
    {"tools", take_tools},
    {"system", take_system},
    {"raw", take_raw},
    {"draft", take_draft},
    {"stream", take_stream},
    {"stream_options", take_stream_options},
    {"diffusing", take_diffusing},
    {"max_tokens", take_most},
    {"max_completion_tokens", take_most},
    {"stop", take_stop},
    {"logprobs", take_logprobs},
    {"n", take_n},
    {"response_format", take_response_format},
    {"tool_choice", take_tool_choice},
};
static const rd_table field_table = RD_TABLE("field", fields);

/* Names go into a header: what is no plain character is shown as a question mark. */
static void note_unknown(rd_body *body, const char *name) {
  size_t used = strlen(body->unknown), room = sizeof body->unknown;
  if (used + 4 < room)
    snprintf(body->unknown + used, room - used, "%s%.40s", used ? ", " : "", name);
  for (char *p = body->unknown + used; *p; p++)
    if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
      *p = '?';
}

static rd_code take_model(rd_body *body, const json_t *value, const rd_catalog *catalog,
                          rd_error *e) {
  const char *wanted = NULL;
  RD_TRY(plain_text(value, "model", &wanted, e));
  body->service = catalog ? rd_catalog_find(catalog, wanted) : NULL;
  body->no_model = catalog && !body->service;
  return body->no_model ? rd_catalog_missing(catalog, wanted, e) : RD_OK;
}

static rd_code take_any(rd_body *body, const char *name, const json_t *value, const rd_shape *shape,
                        const rd_catalog *catalog, rd_error *e) {
  if (json_is_null(value))
    return RD_OK;
  if (strcmp(name, "model") == 0)
    return take_model(body, value, catalog, e);
  const struct field *field = rd_table_row(&field_table, name);
  if (field && rd_name_listed(shape->fields, field->name))
    return field->take(body, value, e);
  const rd_option *row = rd_option_find(&body->options, name);
  if (row)
    return rd_option_set_json(&body->options, row, value, e);
  note_unknown(body, name);
  return RD_OK;
}

/* All that was said, for a template that speaks of tools. */
static rd_code encode_turns(rd_body *body, const rd_model *model, rd_error *e) {
  json_t *turns = json_array();
  rd_code code = turns ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: messages");
  if (code == RD_OK && body->system &&
      json_array_append_new(
          turns, json_pack("{s:s, s:s}", "role", "system", "content", body->system)) != 0)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: messages");
  for (size_t i = 0; i < body->message_count && code == RD_OK; i++) {
    const json_t *message = json_array_get(body->turns, i);
    code = rd_turn_add(turns, message, body->messages[2 * i], body->messages[2 * i + 1], e);
  }
  const rd_prompter prompter = rd_model_prompter(model);
  if (code == RD_OK)
    code = rd_prompt_encode_turns(&body->prompt, &body->prompt_count, &prompter, turns, body->tools,
                                  e);
  json_decref(turns);
  return code;
}

/* Is there more to say than roles and texts, and a template to say it with? */
static bool rich(rd_body *body, const rd_model *model, bool raw) {
  bool tools = !raw && model->chat_template && rd_chat_template_takes_tools(model->chat_template);
  if (body->tools && !tools) {
    note_unknown(body, "tools");
    json_decref(body->tools);
    body->tools = NULL;
  }
  return !raw && model->chat_template && (body->tools || body->turns);
}

static rd_code encode_prompt(rd_body *body, const rd_shape *shape, rd_error *e) {
  size_t n = body->message_count, lead = body->system != NULL;
  if (body->prompt || !body->service)
    return RD_OK;
  if (n == 0)
    return rd_fail(e, RD_USAGE, "give %s", shape->needs);
  bool raw = body->raw || shape->raw;
  bool blank = !body->turns && rd_prompt_blank(body->messages[2 * n - 1]);
  if (!raw && !body->ids && blank)
    return rd_fail(e, RD_USAGE, "the prompt is empty: there is nothing to answer");
  if (rich(body, rd_body_model(body), raw))
    return encode_turns(body, rd_body_model(body), e);
  rd_message *list = rd_calloc(n + 1, sizeof *list, "messages", e);
  if (!list)
    return RD_NO_MEMORY;
  list[0] = (rd_message){"system", body->system};
  for (size_t i = 0; i < n; i++)
    list[lead + i] = (rd_message){body->messages[2 * i], body->messages[2 * i + 1]};
  rd_code code = rd_model_prompt(&body->prompt, &body->prompt_count, rd_body_model(body), list,
                                 lead + n, raw, e);
  free(list);
  return code;
}

bool rd_body_causal(const rd_body *body) {
  return rd_sampler_causal(body->sampler) && body->service->causal;
}

const rd_model *rd_body_model(const rd_body *body) {
  return rd_body_causal(body) ? body->service->causal : body->service->model;
}

/* Messages of the command line say --name; here a field is a name. */
static rd_code as_field(rd_code code, rd_error *e) {
  if (code != RD_OK && e && strncmp(e->message, "--", 2) == 0)
    memmove(e->message, e->message + 2, strlen(e->message + 2) + 1);
  return code;
}

static rd_code resolve(rd_body *body, const rd_shape *shape, const rd_catalog *catalog,
                       rd_error *e) {
  if (catalog && !body->service)
    body->service = rd_catalog_find(catalog, NULL);
  const rd_defaults defaults = {.model = body->service ? body->service->model : NULL,
                                .service = catalog ? catalog->chosen : NULL,
                                .continues = shape->raw};
  return rd_params_resolve(&body->params, &body->options, &defaults, &body->sampler, e);
}

rd_code rd_body_parse(rd_body *out, const char *text, size_t size, const rd_shape *shape,
                      const rd_catalog *catalog, rd_error *e) {
  *out = (rd_body){0};
  json_t *body = NULL, *value;
  const char *name;
  RD_TRY(rd_options_open(&out->options, rd_sampler_parts, &out->params, e));
  RD_TRY(rd_options_default(&out->options, e));
  RD_TRY(rd_json_parse(&body, text, size, "the body", e));
  rd_code code =
      json_is_object(body) ? RD_OK : rd_fail(e, RD_BAD_INPUT, "the body: expected an object");
  json_object_foreach(body, name, value)
    if (code == RD_OK)
      code = take_any(out, name, value, shape, catalog, e);
  json_decref(body);
  if (code == RD_OK)
    code = resolve(out, shape, catalog, e);
  if (code == RD_OK)
    code = encode_prompt(out, shape, e);
  return as_field(code, e);
}

size_t rd_body_cut(const rd_body *body, const char *text, bool *found) {
  size_t size = strlen(text), least = size;
  for (size_t i = 0; i < body->stop_count; i++) {
    const char *at = strstr(text, body->stops[i]);
    if (at && (size_t)(at - text) < least)
      least = (size_t)(at - text);
  }
  if (found)
    *found = least < size;
  return least;
}

size_t rd_body_doubtful(const rd_body *body, const char *text, size_t size) {
  size_t most = 0;
  for (size_t i = 0; i < body->stop_count; i++) {
    size_t n = strlen(body->stops[i]) - 1;
    n = n < size ? n : size;
    while (n > most && memcmp(text + size - n, body->stops[i], n) != 0)
      n--;
    most = n > most ? n : most;
  }
  return most;
}

void rd_body_drop(rd_body *body) {
  body->options.params = &body->params; /* the body may have been moved */
  rd_options_drop(&body->options);
  rd_options_close(&body->options);
  for (size_t i = 0; i < 2 * body->message_count; i++)
    free(body->messages[i]);
  free(body->messages);
  json_decref(body->turns);
  json_decref(body->tools);
  free(body->system);
  for (size_t i = 0; i < body->stop_count; i++)
    free(body->stops[i]);
  free(body->prompt);
  free(body->ids);
  free(body->places);
  *body = (rd_body){0};
}
