/* SPDX-License-Identifier: MIT */
/* What models write for a call: JSON between marks, once for each call, or an answer that is JSON
 * as a whole, an object or a list of them. Only names of tools that are there count. */
#include "calls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Marks around calls, as templates have them (Hermes, Qwen, SmolLM; Mistral, whose list has no
 * end).
 */
static const struct marks {
  const char *begin, *end; /* end NULL: to the end of the text */
} marks[] = {{"<tool_call>", "</tool_call>"}, {"[TOOL_CALLS]", NULL}, {"<|tool_call|>", NULL}};

/* Is there such a tool? Where no tools are kept, a name of a demanded call is one. */
static bool is_tool(const rd_body *body, const char *name) {
  if (body->form.must_call)
    return true;
  for (size_t i = 0; i < json_array_size(body->tools); i++) {
    const json_t *function = json_object_get(json_array_get(body->tools, i), "function");
    if (strcmp(json_string_value(json_object_get(function, "name")), name) == 0)
      return true;
  }
  return false;
}

/* The form of a demanded call puts its arguments last: where they begin, NULL where they have not.
 */
static const char *arguments_at(const char *text) {
  static const char key[] = "\"arguments\":";
  const char *at = strstr(text, key);
  if (!at)
    return NULL;
  at += sizeof key - 1;
  return at + (*at == ' ');
}

/* Arguments as they were written. */
static json_t *written_arguments(const char *text, size_t size) {
  const char *at = arguments_at(text), *end = text + size - 1;
  return at && at < end && *end == '}' ? json_stringn(at, (size_t)(end - at)) : NULL;
}

json_t *rd_calls_begun(const char *text, size_t size, size_t *arguments) {
  const char *at = arguments_at(text);
  if (!at || (size_t)(at - text) >= size)
    return NULL;
  /* what stands before them is an object but for their value */
  char *whole = rd_print("%.*s0}", (int)(at - text), text);
  json_t *value = NULL;
  rd_code code = whole ? rd_json_parse(&value, whole, strlen(whole), "a call", NULL) : RD_NO_MEMORY;
  json_t *name = code == RD_OK ? json_incref(json_object_get(value, "name")) : NULL;
  json_decref(value);
  free(whole);
  *arguments = (size_t)(at - text);
  return name;
}

void rd_calls_id(char id[RD_CALL_ID]) {
  static atomic_uint number;
  snprintf(id, RD_CALL_ID, "call_%08x%06x", (unsigned)time(NULL),
           atomic_fetch_add(&number, 1) & 0xFFFFFFU);
}

static json_t *as_text(const json_t *arguments) {
  if (json_is_string(arguments))
    return json_incref((json_t *)(uintptr_t)arguments);
  char *text = rd_json_dumps(arguments, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
  json_t *value = text ? json_string(text) : NULL;
  free(text);
  return value;
}

/* One call more, if the value is one; `arguments` is taken, NULL: as the value has them. */
static rd_code add_call(json_t *calls, const rd_body *body, const json_t *value, json_t *arguments,
                        rd_error *e) {
  const char *name = json_string_value(json_object_get(value, "name"));
  const json_t *given = json_object_get(value, "arguments");
  char id[RD_CALL_ID];
  if (!given)
    given = json_object_get(value, "parameters");
  if (!name || !given || !is_tool(body, name)) {
    json_decref(arguments);
    return RD_OK;
  }
  rd_calls_id(id);
  json_t *text = arguments ? arguments : as_text(given);
  json_t *call = json_pack("{s:s, s:s, s:{s:s, s:o}}", "id", id, "type", "function", "function",
                           "name", name, "arguments", text);
  return call && json_array_append_new(calls, call) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
}

/* Calls of a stretch that is JSON; of any other none. */
static rd_code add_calls(json_t *calls, const rd_body *body, const char *text, size_t size,
                         rd_error *e) {
  json_t *value = NULL;
  rd_code code = RD_OK;
  if (rd_json_parse(&value, text, size, "a call", NULL) != RD_OK)
    return RD_OK;
  if (body->form.must_call)
    code = add_call(calls, body, value, written_arguments(text, size), e);
  else if (json_is_object(value))
    code = add_call(calls, body, value, NULL, e);
  for (size_t i = 0; i < json_array_size(value) && code == RD_OK; i++)
    code = add_call(calls, body, json_array_get(value, i), NULL, e);
  json_decref(value);
  return code;
}

/* What stands between marks; *prose: before the first of them. */
static rd_code read_marked(json_t *calls, size_t *prose, const rd_body *body, const char *text,
                           rd_error *e) {
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    const char *at = strstr(text, marks[i].begin);
    size_t before = at ? (size_t)(at - text) : 0;
    for (; at; at = strstr(at, marks[i].begin)) {
      at += strlen(marks[i].begin);
      const char *end = marks[i].end ? strstr(at, marks[i].end) : NULL;
      RD_TRY(add_calls(calls, body, at, end ? (size_t)(end - at) : strlen(at), e));
    }
    if (json_array_size(calls) > 0) {
      while (before > 0 && strchr(" \t\r\n", text[before - 1]))
        before--;
      *prose = before;
      return RD_OK;
    }
  }
  return RD_OK;
}

rd_code rd_calls_read(json_t **out, size_t *prose, const rd_body *body, const char *text,
                      rd_error *e) {
  json_t *calls = json_array();
  *out = NULL;
  *prose = 0;
  if (!calls)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
  rd_code code = body->form.must_call ? RD_OK : read_marked(calls, prose, body, text, e);
  if (code == RD_OK && json_array_size(calls) == 0)
    code = add_calls(calls, body, text, strlen(text), e);
  if (code == RD_OK && json_array_size(calls) > 0)
    *out = json_incref(calls);
  json_decref(calls);
  return code;
}

static json_t *parsed_call(const json_t *call) {
  const json_t *function = json_object_get(call, "function");
  const json_t *text = json_object_get(function, "arguments");
  json_t *value = NULL;
  if (rd_json_parse(&value, json_string_value(text), json_string_length(text), "a call", NULL) !=
      RD_OK)
    value = json_object();
  return json_pack("{s:{s:O, s:o}}", "function", "name", json_object_get(function, "name"),
                   "arguments", value);
}

rd_code rd_calls_put(json_t *message, const json_t *calls, const char *text, size_t prose,
                     bool parsed, rd_error *e) {
  json_t *list = parsed ? json_array() : json_deep_copy(calls);
  for (size_t i = 0; parsed && i < json_array_size(calls); i++)
    if (json_array_append_new(list, parsed_call(json_array_get(calls, i))) != 0) {
      json_decref(list);
      list = NULL;
    }
  json_t *content = prose > 0 ? json_stringn(text, prose) : parsed ? json_string("") : json_null();
  bool set = list && json_object_set_new(message, "content", content) == 0 &&
             json_object_set_new(message, "tool_calls", list) == 0;
  return set ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
}
