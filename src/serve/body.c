/* SPDX-License-Identifier: MIT */
/* Fields of bodies as rows. What is no field of the body's shape is an option of generation, or
 * unknown. */
#include "body.h"

#include "idle.h"
#include "prompts.h"
#include "translate.h"
#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `name`: the field, as the body calls it. */
typedef rd_code take_field(rd_body *body, const char *name, const json_t *value, rd_error *e);

/* --- text --------------------------------------------------------------------------------------
 */

static rd_code plain_text(const json_t *value, const char *what, const char **out, rd_error *e) {
  if (!json_is_string(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a string", what);
  if (rd_json_cut(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: holds a NUL character", what);
  *out = json_string_value(value);
  return RD_OK;
}

static rd_code add_message(rd_body *body, const char *role, const char *content, rd_error *e) {
  RD_TRY(rd_grow_one((void **)&body->messages, body->message_count, 2 * sizeof(char *), e));
  char **at = body->messages + 2 * body->message_count++;
  at[0] = rd_strdup(role, e);
  at[1] = rd_strdup(content, e);
  return at[0] && at[1] ? RD_OK : RD_NO_MEMORY;
}

/* A content in parts: the text parts, one after the other. */
static rd_code add_parts(rd_body *body, const char *role, const json_t *parts, rd_error *e) {
  size_t i, size = 1;
  json_t *part;
  json_array_foreach(parts, i, part) {
    const char *text = NULL, *type = json_string_value(json_object_get(part, "type"));
    if (!json_object_get(part, "text"))
      return rd_fail(e, RD_BAD_INPUT, "content: a part of the type %.40s: only text is read here",
                     type ? type : "that is not said");
    RD_TRY(plain_text(json_object_get(part, "text"), "content: text", &text, e));
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
  RD_TRY(plain_text(json_object_get(message, "role"), "role", &role, e));
  if (strcmp(role, "developer") == 0) /* OpenAI's newer name */
    role = "system";
  if (strcmp(role, "function") == 0) /* and the older one of the role tool */
    role = "tool";
  const json_t *said = json_object_get(message, "content");
  if (json_is_array(said))
    return add_parts(body, role, said, e);
  const json_t *calls = json_object_get(message, "tool_calls"),
               *refusal = json_object_get(message, "refusal");
  if ((!said || json_is_null(said)) && json_is_string(refusal)) /* takes the content's place */
    said = refusal;
  if (!calls || json_is_null(calls)) /* OpenAI's older clients make one */
    calls = json_object_get(message, "function_call");
  if ((said && !json_is_null(said)) || !calls || json_is_null(calls))
    RD_TRY(plain_text(said, "content", &content, e));
  return add_message(body, role, content, e);
}

/* Kept for the template, where that does anything with them. */
static rd_code take_tools(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  if (!json_is_array(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a list", name);
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *tool = json_array_get(value, i), *function = json_object_get(tool, "function");
    if (!json_is_string(json_object_get(function, "name")))
      return rd_fail(e, RD_BAD_INPUT, "%s: number %zu names no function", name, i);
  }
  body->tools = json_array_size(value) ? json_incref((json_t *)(uintptr_t)value) : NULL;
  return RD_OK;
}

static rd_code take_messages(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  if (!json_is_array(value) || json_array_size(value) == 0)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a list of at least one message", name);
  if (body->asked)
    return rd_fail(e, RD_USAGE, "give prompt or messages, not both");
  size_t i;
  json_t *message;
  bool rich = false;
  json_array_foreach(value, i, message) {
    const char *role = json_string_value(json_object_get(message, "role"));
    rd_code code = take_message(body, message, e);
    if (code != RD_OK)
      return rd_prefix(e, code, "%s: number %zu (%.20s)", name, i, role ? role : "no role");
    rich = rich || rd_turn_rich(message);
  }
  if (rich)
    body->turns = json_incref((json_t *)(uintptr_t)value);
  return RD_OK;
}

/* Kept until the number of answers is known. */
static rd_code take_prompt(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  int64_t count;
  if (body->message_count > 0)
    return rd_fail(e, RD_USAGE, "give prompt or messages, not both");
  RD_TRY(rd_prompts_count(value, name, &count, e));
  json_decref(body->asked); /* - and _ are alike in names: input-prefix beside input_prefix */
  body->asked_as = name;
  body->asked = json_incref((json_t *)(uintptr_t)value);
  return RD_OK;
}

/* The prompt's ids, and their text where that is echoed. */
static rd_code pick_ids(rd_body *body, const json_t *item, rd_error *e) {
  const rd_model *model = body->service ? rd_body_model(body) : NULL;
  RD_TRY(rd_prompt_ids(item, body->asked_as, model ? model->config.vocab : INT64_MAX, &body->prompt,
                       &body->prompt_count, e));
  size_t size;
  return model && body->echo
           ? rd_tokenizer_decode(model->tokenizer, body->prompt, (size_t)body->prompt_count,
                                 RD_TOK_REPLACE, &body->said, &size, e)
           : RD_OK;
}

/* The prompt of this answer: ids, or a message of its own. */
static rd_code pick_prompt(rd_body *body, const rd_shape *shape, rd_error *e) {
  int64_t prompts = 1;
  body->choices = body->n;
  if (!body->asked)
    return RD_OK;
  RD_TRY(rd_prompts_count(body->asked, body->asked_as, &prompts, e));
  if (prompts > 1 && !shape->object)
    return rd_fail(e, RD_USAGE, "%s: %lld prompts; answers to several are those of /v1/completions",
                   body->asked_as, (long long)prompts);
  body->choices *= prompts;
  if (body->choice >= body->choices)
    return rd_fail(e, RD_USAGE, "answer %lld of %lld is asked for", (long long)body->choice,
                   (long long)body->choices);
  const json_t *item = rd_prompts_item(body->asked, body->choice / body->n);
  if (!json_is_string(item))
    return pick_ids(body, item, e);
  const char *text = NULL;
  RD_TRY(plain_text(item, body->asked_as, &text, e));
  if (!(body->said = rd_strdup(text, e)))
    return RD_NO_MEMORY;
  return add_message(body, "user", text, e);
}

static rd_code take_system(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  const char *text = NULL;
  RD_TRY(plain_text(value, name, &text, e));
  if (*text && !(body->system = rd_strdup(text, e)))
    return RD_NO_MEMORY;
  return RD_OK;
}

/* --- the draft ---------------------------------------------------------------------------------
 */

static rd_code take_draft(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  static const struct state {
    const char *name;
    rd_place place;
  } states[] = {{"mask", RD_PLACE_MASKED}, {"edit", RD_PLACE_EDITABLE}, {"lock", RD_PLACE_LOCKED}};
  static const rd_table table = RD_TABLE("state", states);
  const json_t *list = json_object_get(value, "state");
  RD_TRY(rd_prompt_ids(json_object_get(value, "ids"), "draft: ids", INT64_MAX, &body->ids,
                       &body->count, e)); /* of which model is not known yet */
  if (json_array_size(list) != (size_t)body->count)
    return rd_fail(e, RD_BAD_INPUT, "%s: %lld ids and %zu states; they must be equally many", name,
                   (long long)body->count, json_array_size(list));
  body->places = rd_calloc((size_t)body->count, 1, "draft: state", e);
  if (!body->places)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < (size_t)body->count; i++) {
    const char *word = json_string_value(json_array_get(list, i));
    const struct state *state = rd_table_find(&table, word ? word : "that is no text", e);
    if (!state)
      return rd_prefix(e, RD_BAD_INPUT, "%s: number %zu", name, i);
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

static rd_code take_stream(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  return take_flag(value, name, &body->stream, e);
}

static rd_code take_diffusing(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  return take_flag(value, name, &body->diffusing, e);
}

static rd_code take_stream_options(rd_body *body, const char *name, const json_t *value,
                                   rd_error *e) {
  if (!json_is_object(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected an object", name);
  return rd_json_bool(value, "include_usage", &body->usage, e);
}

static rd_code take_raw(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  return take_flag(value, name, &body->raw, e);
}

static rd_code take_most(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  int64_t most = 0;
  if (!rd_json_whole(value, &most) || most < -1)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a whole number, or -1 for no limit", name);
  body->silent = most == 0;
  body->unlimited = most < 0;
  if (most < 1)
    return RD_OK;
  const rd_option *row = rd_option_find(&body->options, "tokens");
  json_t *number = json_integer(most > (int64_t)row->max ? (json_int_t)row->max : most);
  rd_code code = rd_option_set_json(&body->options, row, number, e);
  json_decref(number);
  return code;
}

/* What the answer is to lead to; nothing is as good as no suffix. */
static rd_code take_suffix(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  const char *text = NULL;
  RD_TRY(plain_text(value, name, &text, e));
  return *text
           ? rd_option_set_json(&body->options, rd_option_find(&body->options, "suffix"), value, e)
           : RD_OK;
}

static rd_code take_deadline(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  const rd_option *row = rd_option_find(&body->options, "deadline");
  double most = row->max * 1000, asked = json_number_value(value);
  if (!json_is_number(value) || !(asked >= 0 && asked <= most))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a number of milliseconds up to %.0f", name, most);
  json_t *seconds = json_real(asked / 1000);
  rd_code code = seconds ? rd_option_set_json(&body->options, row, seconds, e)
                         : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  json_decref(seconds);
  return code;
}

static rd_code take_count(const json_t *value, const char *what, int64_t most, int64_t *out,
                          rd_error *e) {
  if (!rd_json_whole(value, out) || *out < 0 || *out > most)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a whole number up to %lld", what,
                   (long long)most);
  return RD_OK;
}

static rd_code take_n(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  RD_TRY(take_count(value, name, RD_MOST_ANSWERS, &body->n, e));
  return body->n > 0 ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: expected at least one answer", name);
}

static rd_code take_best_of(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  return take_count(value, name, RD_MOST_ANSWERS, &body->best_of, e);
}

static rd_code take_echo(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  return take_flag(value, name, &body->echo, e);
}

static rd_code add_stop(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  const char *text = NULL;
  RD_TRY(plain_text(value, name, &text, e));
  if (!*text) /* asks for nothing */
    return RD_OK;
  body->stops[body->stop_count] = rd_strdup(text, e);
  return body->stops[body->stop_count++] ? RD_OK : RD_NO_MEMORY;
}

static rd_code take_stop(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  size_t i;
  json_t *one;
  body->stops = rd_calloc(json_array_size(value) + 1, sizeof *body->stops, name, e);
  if (!body->stops)
    return RD_NO_MEMORY;
  if (!json_is_array(value))
    return add_stop(body, name, value, e);
  json_array_foreach(value, i, one)
    RD_TRY(add_stop(body, name, one, e));
  return RD_OK;
}

/* OpenAI's two shapes: a flag beside top_logprobs, or a number of alternatives. */
static rd_code take_logprobs(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  body->likely = !json_is_false(value);
  body->likely_said = true;
  return json_is_boolean(value) ? RD_OK : take_count(value, name, RD_MOST_TOP, &body->top, e);
}

static rd_code take_top_logprobs(rd_body *body, const char *name, const json_t *value,
                                 rd_error *e) {
  return take_count(value, name, RD_MOST_TOP, &body->top, e);
}

static rd_code take_response_format(rd_body *body, const char *name, const json_t *value,
                                    rd_error *e) {
  (void)name;
  return rd_asked_form_format(&body->form, value, e);
}

static rd_code take_tool_choice(rd_body *body, const char *name, const json_t *value, rd_error *e) {
  (void)name;
  return rd_asked_form_choice(&body->form, value, e);
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
    {"n_predict", take_most},
    {"input_prefix", take_prompt},
    {"suffix", take_suffix},
    {"input_suffix", take_suffix},
    {"deadline_ms", take_deadline},
    {"stop", take_stop},
    {"logprobs", take_logprobs},
    {"top_logprobs", take_top_logprobs},
    {"echo", take_echo},
    {"n", take_n},
    {"best_of", take_best_of},
    {"response_format", take_response_format},
    {"tool_choice", take_tool_choice},
};
static const rd_table field_table = RD_TABLE("field", fields);
static const char EVERYWHERE[] = "deadline_ms"; /* fields that every shape has */

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
  if (field && (rd_name_listed(EVERYWHERE, name) || rd_name_listed(shape->fields, field->name)))
    return field->take(body, field->name, value, e);
  const rd_option *row = rd_option_find(&body->options, name);
  if (!row) {
    rd_unknown_see(&body->unknown, name, value);
    return RD_OK;
  }
  json_t *meant = rd_meant_value(name, value);
  rd_code code = meant ? rd_option_set_json(&body->options, row, meant, e)
                       : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  json_decref(meant);
  return code;
}

static rd_code check_roles(const rd_body *body, rd_error *e) {
  for (size_t i = 0; i < body->message_count; i++)
    if (!rd_turn_role(body->messages[2 * i], rd_body_model(body)))
      return rd_fail(e, RD_BAD_INPUT,
                     "messages: number %zu: unknown role %.40s; there are system (developer), "
                     "user, assistant and tool (function)",
                     i, body->messages[2 * i]);
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
static bool rich(rd_body *body, const rd_model *model) {
  bool tools =
      !body->raw && model->chat_template && rd_chat_template_takes_tools(model->chat_template);
  if (body->tools && !tools) {
    if (!body->form.must_call)
      rd_unknown_add(&body->unknown, "tools");
    json_decref(body->tools);
    body->tools = NULL;
  }
  return !body->raw && model->chat_template && (body->tools || body->turns);
}

static rd_code encode_prompt(rd_body *body, const rd_shape *shape, rd_error *e) {
  RD_TRY(pick_prompt(body, shape, e));
  size_t n = body->message_count, lead = body->system != NULL;
  body->raw = body->raw || shape->raw;
  if (body->prompt || !body->service)
    return RD_OK;
  if (n == 0)
    return rd_fail(e, RD_USAGE, "give %s", shape->needs);
  RD_TRY(check_roles(body, e));
  bool blank = !body->turns && rd_prompt_blank(body->messages[2 * n - 1]);
  if (!body->raw && !body->ids && blank)
    return rd_fail(e, RD_USAGE, "the prompt is empty: there is nothing to answer");
  if (rich(body, rd_body_model(body)))
    return encode_turns(body, rd_body_model(body), e);
  rd_message *list = rd_calloc(n + 1, sizeof *list, "messages", e);
  if (!list)
    return RD_NO_MEMORY;
  list[0] = (rd_message){"system", body->system};
  for (size_t i = 0; i < n; i++)
    list[lead + i] = (rd_message){body->messages[2 * i], body->messages[2 * i + 1]};
  rd_code code = rd_model_prompt(&body->prompt, &body->prompt_count, rd_body_model(body), list,
                                 lead + n, body->raw, e);
  free(list);
  return code;
}

bool rd_body_causal(const rd_body *body) {
  return rd_sampler_causal(body->sampler) && body->service->causal;
}

const rd_model *rd_body_model(const rd_body *body) {
  return rd_body_causal(body) ? body->service->causal : body->service->model;
}

rd_request rd_body_request(const rd_body *body) {
  return (rd_request){.model = rd_body_model(body),
                      .params = &body->params,
                      .sampler = body->sampler,
                      .prompt = body->prompt,
                      .prompt_count = body->prompt_count,
                      .ids = body->ids,
                      .places = body->places,
                      .count = body->count,
                      .goes_on = body->raw};
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

/* Answers of one prompt have seeds that follow one another. */
static rd_code settle_answers(rd_body *body, rd_error *e) {
  if (body->best_of > 0 && body->best_of != body->n)
    return rd_fail(e, RD_USAGE, "best_of: %lld answers, of which n would be %lld: all are given",
                   (long long)body->best_of, (long long)body->n);
  if (body->params.seed >= 0)
    body->params.seed += body->choice % body->n;
  return RD_OK;
}

/* The form that the fields come to is the option `grammar`; who wants no call has no tools. */
static rd_code settle_form(rd_body *body, rd_error *e) {
  const rd_options *o = &body->options;
  char *source = NULL;
  RD_TRY(rd_asked_form_settle(&source, &body->form, body->tools, e));
  rd_code code = RD_OK;
  if (source && rd_option_given(o, "grammar"))
    code = rd_fail(e, RD_USAGE,
                   "grammar excludes response_format and a tool_choice that demands a call: an "
                   "answer has one form");
  else if (source)
    code = rd_option_set(o, rd_option_find(o, "grammar"), source, e);
  free(source);
  if (body->form.no_calls) {
    json_decref(body->tools);
    body->tools = NULL;
  }
  return code;
}

static rd_code read_body(rd_body *out, const json_t *body, const rd_shape *shape,
                         const rd_catalog *catalog, rd_error *e) {
  const char *name;
  json_t *value;
  if (!json_is_object(body))
    return rd_fail(e, RD_BAD_INPUT, "the body: expected an object");
  json_object_foreach((json_t *)(uintptr_t)body, name, value)
    RD_TRY(take_any(out, name, value, shape, catalog, e));
  out->likely = out->likely_said ? out->likely : out->top > 0;
  if (out->unlimited && !rd_option_given(&out->options, "suffix")) /* a gap has a length */
    RD_TRY(rd_option_set(&out->options, rd_option_find(&out->options, "tokens"), "0", e));
  RD_TRY(settle_form(out, e));
  RD_TRY(resolve(out, shape, catalog, e));
  const int64_t longest = out->service ? rd_body_model(out)->config.positions : INT64_MAX;
  if (shape->lowers && out->params.window > longest)
    out->params.window = longest;
  out->behind = shape->inserts ? out->params.suffix : NULL;
  RD_TRY(settle_answers(out, e));
  RD_TRY(encode_prompt(out, shape, e));
  out->calls = out->form.must_call || out->tools;
  out->too_long = out->service && out->prompt_count >= rd_config_window(&rd_body_model(out)->config,
                                                                        out->params.window);
  return RD_OK;
}

rd_code rd_body_read(rd_body *out, const json_t *body, int64_t choice, const rd_shape *shape,
                     const rd_catalog *catalog, rd_error *e) {
  *out = (rd_body){.n = 1, .choice = choice, .stream = shape->streams};
  RD_TRY(rd_options_open(&out->options, rd_sampler_parts, &out->params, e));
  RD_TRY(rd_options_default(&out->options, e));
  if (!shape->translation)
    return read_body(out, body, shape, catalog, e);
  json_t *translated = NULL;
  rd_code code = rd_translate(body, shape->translation, &translated, e);
  if (code == RD_OK)
    code = read_body(out, translated, shape, catalog, e);
  if (code != RD_OK)
    rd_translate_error(body, shape->translation, e);
  json_decref(translated);
  return code;
}

rd_code rd_body_parse(rd_body *out, const char *text, size_t size, const rd_shape *shape,
                      const rd_catalog *catalog, rd_error *e) {
  json_t *body = NULL;
  *out = (rd_body){0};
  RD_TRY(rd_json_parse(&body, text, size, "the body", e));
  rd_code code = rd_body_read(out, body, 0, shape, catalog, e);
  json_decref(body);
  return code;
}

/* A call that is demanded is whole: what it is written as is nobody's text. */
static size_t stops_of(const rd_body *body) {
  return body->form.must_call ? 0 : body->stop_count;
}

size_t rd_body_cut(const rd_body *body, const char *text, bool *found) {
  size_t size = strlen(text), behind = body->behind ? strlen(body->behind) : 0;
  if (behind <= size && strcmp(text + size - behind, body->behind ? body->behind : "") == 0)
    size -= behind;
  size_t least = size;
  for (size_t i = 0; i < stops_of(body); i++) {
    const char *at = strstr(text, body->stops[i]);
    if (at && (size_t)(at - text) < least)
      least = (size_t)(at - text);
  }
  if (found)
    *found = least < size;
  return least;
}

size_t rd_body_whole(const char *text) {
  size_t n = strlen(text);
  while (n >= 3 && memcmp(text + n - 3, "\xEF\xBF\xBD", 3) == 0)
    n -= 3;
  return n;
}

size_t rd_body_doubtful(const rd_body *body, const char *text, size_t size) {
  size_t most = 0;
  for (size_t i = 0; i < stops_of(body); i++) {
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
  json_decref(body->asked);
  json_decref(body->turns);
  json_decref(body->tools);
  rd_asked_form_drop(&body->form);
  free(body->said);
  free(body->system);
  for (size_t i = 0; i < body->stop_count; i++)
    free(body->stops[i]);
  free(body->stops);
  free(body->prompt);
  free(body->ids);
  free(body->places);
  *body = (rd_body){0};
}
