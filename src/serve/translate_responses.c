/* SPDX-License-Identifier: MIT */
/* OpenAI's responses: `input` is a text or a list of items, messages among them; tools and forms
 * lie flatter than in chat completions. Nothing is stored, so what refers to earlier answers is
 * refused. */
#include "translate.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

/* --- input -------------------------------------------------------------------------------------
 */

static json_t *call_of(const json_t *item) {
  return json_pack("{s:s, s:n, s:[{s:s, s:s, s:{s:s, s:s}}]}", "role", "assistant", "content",
                   "tool_calls", "id", text_of(item, "call_id"), "type", "function", "function",
                   "name", text_of(item, "name"), "arguments", text_of(item, "arguments"));
}

static json_t *result_of(const json_t *item) {
  json_t *output = json_object_get(item, "output");
  return json_pack("{s:s, s:s, s:O}", "role", "tool", "tool_call_id", text_of(item, "call_id"),
                   "content", output ? output : json_null());
}

/* Without what it has beside role and content: ids, status, the item's type. */
static json_t *message_of(const json_t *item) {
  json_t *role = json_object_get(item, "role"), *content = json_object_get(item, "content");
  return json_pack("{s:O, s:O}", "role", role ? role : json_null(), "content",
                   content ? content : json_null());
}

static const struct kind {
  const char *name;
  json_t *(*message)(const json_t *item); /* NULL: nothing is said */
} kinds[] = {{"message", message_of},
             {"function_call", call_of},
             {"function_call_output", result_of},
             {"reasoning", NULL}};

static rd_code add_item(json_t *messages, const json_t *item, size_t number, rd_error *e) {
  const char *type = json_string_value(json_object_get(item, "type"));
  type = type ? type : "message";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, type) == 0)
      return !kinds[i].message || json_array_append_new(messages, kinds[i].message(item)) == 0
               ? RD_OK
               : rd_fail(e, RD_NO_MEMORY, "out of memory: input");
  return rd_fail(e, RD_USAGE, "input: number %zu: an item of the type %.40s is not read here",
                 number, type);
}

static rd_code put_input(json_t *to, const json_t *value, rd_error *e) {
  json_t *messages = json_array();
  rd_code code = RD_OK;
  if (json_is_string(value))
    json_array_append_new(messages, json_pack("{s:s, s:O}", "role", "user", "content", value));
  else if (!json_is_array(value))
    code = rd_fail(e, RD_BAD_INPUT, "input: expected a string or a list of items");
  for (size_t i = 0; code == RD_OK && i < json_array_size(value); i++)
    code = add_item(messages, json_array_get(value, i), i, e);
  if (code == RD_OK)
    return rd_translate_set(to, "messages", messages, e);
  json_decref(messages);
  return code;
}

/* --- the rest ----------------------------------------------------------------------------------
 */

/* {"format": {"type": "json_schema", "name", "schema", ..}}, or another type alone. */
static rd_code put_text(json_t *to, const json_t *value, rd_error *e) {
  json_t *format = json_object_get(value, "format");
  if (!json_is_object(value))
    return rd_fail(e, RD_BAD_INPUT, "text: expected an object");
  if (!format)
    return RD_OK;
  json_t *schema = json_object_get(format, "schema");
  return schema ? rd_translate_schema(to, schema, e)
                : rd_translate_set(to, "response_format", json_incref(format), e);
}

static rd_code put_tools(json_t *to, const json_t *value, rd_error *e) {
  if (!json_is_array(value))
    return rd_fail(e, RD_BAD_INPUT, "tools: expected a list");
  json_t *tools = json_array();
  rd_code code = RD_OK;
  for (size_t i = 0; code == RD_OK && i < json_array_size(value); i++) {
    const json_t *tool = json_array_get(value, i);
    const char *type = text_of(tool, "type");
    if (strcmp(type, "function") != 0)
      code = rd_fail(e, RD_USAGE, "tools: number %zu: %.40s is not a function, and not here", i,
                     *type ? type : "what has no type");
    else if (json_array_append_new(
                 tools, json_pack("{s:s, s:O}", "type", "function", "function", tool)) != 0)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: tools");
  }
  if (code == RD_OK)
    return rd_translate_set(to, "tools", tools, e);
  json_decref(tools);
  return code;
}

static rd_code put_tool_choice(json_t *to, const json_t *value, rd_error *e) {
  json_t *name = json_object_get(value, "name");
  json_t *choice = name ? json_pack("{s:s, s:{s:O}}", "type", "function", "function", "name", name)
                        : json_incref((json_t *)(uintptr_t)value);
  return rd_translate_set(to, "tool_choice", choice, e);
}

/* What else an answer is to have in it. Log-probabilities are there; the rest is what other servers
 * have of tools and of thoughts of their own, and is not missed. */
static rd_code put_include(json_t *to, const json_t *value, rd_error *e) {
  bool likely = false;
  if (!json_is_array(value))
    return rd_fail(e, RD_BAD_INPUT, "include: expected a list of texts");
  for (size_t i = 0; i < json_array_size(value); i++) {
    const char *what = json_string_value(json_array_get(value, i));
    likely = likely || (what && strcmp(what, "message.output_text.logprobs") == 0);
  }
  return likely ? rd_translate_set(to, "logprobs", json_true(), e) : RD_OK;
}

static rd_code refuse_stored(json_t *to, const json_t *value, rd_error *e) {
  (void)to;
  return json_is_false(value)
           ? RD_OK
           : rd_fail(e, RD_USAGE,
                     "previous_response_id, conversation and background: nothing is stored here; "
                     "send the whole conversation as input");
}

static const rd_renamed rows[] = {
    {"input", "messages", put_input, NULL},
    {"instructions", "system", NULL, NULL},
    {"max_output_tokens", "max_tokens", NULL, NULL},
    {"text", "response_format", put_text, NULL},
    {"include", NULL, put_include, NULL},
    {"tools", NULL, put_tools, NULL},
    {"tool_choice", NULL, put_tool_choice, NULL},
    {"previous_response_id", NULL, refuse_stored, NULL},
    {"conversation", NULL, refuse_stored, NULL},
    {"background", NULL, refuse_stored, NULL},
};
const rd_translation rd_responses_fields = {rows, sizeof rows / sizeof *rows};
