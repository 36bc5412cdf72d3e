/* SPDX-License-Identifier: MIT */
/* OpenAI's clients send the arguments of a call as text that is JSON; templates are written for the
 * value itself. */
#include "turn.h"

#include <string.h>

static bool has_quoted(const char *text, const char *word) {
  size_t n = strlen(word);
  for (const char *at = text; at && (at = strstr(at, word)); at++)
    if (at > text && (at[-1] == '\'' || at[-1] == '"') && at[n] == at[-1])
      return true;
  return false;
}

bool rd_turn_role(const char *role, const rd_model *model) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (rd_name_listed("system user assistant tool", role))
    return true;
  if (!*role || role[strspn(role, letters)])
    return false;
  const char *chosen = model->remembered.chat_template;
  return chosen ? has_quoted(chosen, role)
                : has_quoted(rd_tokenizer_chat_template(model->tokenizer), role) ||
                      has_quoted(rd_tokenizer_tool_template(model->tokenizer), role);
}

bool rd_turn_rich(const json_t *message) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)message, key, value) {
    if (!json_is_null(value) && !rd_name_listed("role content", key))
      return true;
  }
  return false;
}

static rd_code read_arguments(json_t *function, rd_error *e) {
  const json_t *given = json_object_get(function, "arguments");
  json_t *value = NULL;
  if (!json_is_string(given))
    return RD_OK;
  size_t size = json_string_length(given);
  if (size == 0)
    value = json_object();
  else
    RD_TRY(rd_json_parse(&value, json_string_value(given), size,
                         "messages: tool_calls: function: arguments", e));
  return json_object_set_new(function, "arguments", value) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
}

/* A call as OpenAI's older clients write it is the one of a list. */
static bool list_call(json_t *turn) {
  json_t *call = json_object_get(turn, "function_call");
  if (!call || json_object_get(turn, "tool_calls"))
    return true;
  json_t *calls = json_pack("[{s:s, s:O}]", "type", "function", "function", call);
  return json_object_set_new(turn, "tool_calls", calls) == 0 &&
         json_object_del(turn, "function_call") == 0;
}

rd_code rd_turn_add(json_t *turns, const json_t *message, const char *role, const char *content,
                    rd_error *e) {
  json_t *turn = message ? json_deep_copy(message) : json_object();
  rd_json_drop_nulls(turn); /* templates ask whether a key is there */
  if (!turn || !list_call(turn) || json_object_set_new(turn, "role", json_string(role)) != 0 ||
      json_object_set_new(turn, "content", json_string(content)) != 0 ||
      json_array_append(turns, turn) != 0) {
    json_decref(turn);
    return rd_fail(e, RD_NO_MEMORY, "out of memory: messages");
  }
  json_decref(turn); /* the list's */
  json_t *calls = json_object_get(turn, "tool_calls");
  if (calls && !json_is_array(calls))
    return rd_fail(e, RD_BAD_INPUT, "messages: tool_calls: expected a list");
  for (size_t i = 0; i < json_array_size(calls); i++) {
    json_t *function = json_object_get(json_array_get(calls, i), "function");
    if (!json_is_string(json_object_get(function, "name")))
      return rd_fail(e, RD_BAD_INPUT, "messages: tool_calls: number %zu names no function", i);
    RD_TRY(read_arguments(function, e));
  }
  return RD_OK;
}
