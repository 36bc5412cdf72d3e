/* SPDX-License-Identifier: MIT */
/* A demanded call is an object with a tool's name and its arguments by its schema: one such form
 * for each tool that may be called. */
#include "asked_form.h"

#include "table.h"

#include <stdlib.h>
#include <string.h>

/* --- response_format -------------------------------------------------------------------------- */

static rd_code set_form(char **source, const char *kind, const json_t *schema, rd_error *e) {
  char *text = schema ? rd_json_dumps(schema, JSON_COMPACT) : strdup("");
  *source = text ? rd_print(schema ? "%s:%s" : "%s%s", kind, text) : NULL;
  free(text);
  return *source ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a form");
}

static rd_code form_text(char **source, const json_t *value, rd_error *e) {
  (void)source;
  (void)value;
  (void)e;
  return RD_OK;
}

/* A schema beside the type, as llama.cpp's clients say it. */
static rd_code form_object(char **source, const json_t *value, rd_error *e) {
  const json_t *schema = json_object_get(value, "schema");
  return set_form(source, json_is_object(schema) ? "json-schema" : "json-object",
                  json_is_object(schema) ? schema : NULL, e);
}

static rd_code form_schema(char **source, const json_t *value, rd_error *e) {
  const json_t *named = json_object_get(value, "json_schema");
  const json_t *schema = json_object_get(named ? named : value, "schema");
  if (!json_is_object(schema))
    return rd_fail(e, RD_BAD_INPUT,
                   "response_format: json_schema: expected an object with a schema");
  return set_form(source, "json-schema", schema, e);
}

static const struct format {
  const char *name;
  rd_code (*set)(char **source, const json_t *value, rd_error *e);
} formats[] = {{"text", form_text}, {"json_object", form_object}, {"json_schema", form_schema}};
static const rd_table format_table = RD_TABLE("type", formats);

rd_code rd_asked_form_format(rd_asked_form *a, const json_t *value, rd_error *e) {
  if (!json_is_string(json_object_get(value, "type")))
    return rd_fail(e, RD_BAD_INPUT, "response_format: expected an object with a type");
  json_decref(a->response_format);
  a->response_format = json_incref((json_t *)(uintptr_t)value);
  return RD_OK;
}

static rd_code settle_format(char **source, const rd_asked_form *a, rd_error *e) {
  const char *type = json_string_value(json_object_get(a->response_format, "type"));
  if (!type)
    return RD_OK;
  const struct format *row = rd_table_find(&format_table, type, e);
  return row ? row->set(source, a->response_format, e) : rd_prefix(e, RD_USAGE, "response_format");
}

/* --- tool_choice ------------------------------------------------------------------------------ */

rd_code rd_asked_form_choice(rd_asked_form *a, const json_t *value, rd_error *e) {
  static const char words[] = "none auto required";
  const char *word = json_string_value(value);
  const json_t *named = json_object_get(json_object_get(value, "function"), "name");
  if (word ? !rd_name_listed(words, word) : !json_is_string(named))
    return rd_fail(e, RD_USAGE,
                   "tool_choice: expected none, auto, required, or {\"type\": \"function\", "
                   "\"function\": {\"name\": ..}}");
  json_decref(a->tool_choice);
  a->tool_choice = json_incref((json_t *)(uintptr_t)value);
  return RD_OK;
}

/* References into a schema that is now part of another: in front of them stands where it is. */
static rd_code move_refs(json_t *schema, const char *where, rd_error *e) {
  const char *key;
  json_t *value;
  size_t i;
  void *next;
  if (json_is_array(schema))
    json_array_foreach(schema, i, value)
      RD_TRY(move_refs(value, where, e));
  json_object_foreach_safe(schema, next, key, value) {
    const char *to = json_string_value(value);
    if (!to || strcmp(key, "$ref") != 0 || to[0] != '#' || (to[1] && to[1] != '/')) {
      RD_TRY(move_refs(value, where, e));
      continue;
    }
    char *moved = rd_print("%s%s", where, to + 1);
    bool set = moved && json_object_set_new(schema, key, json_string(moved)) == 0;
    free(moved);
    if (!set)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
  }
  return RD_OK;
}

/* The form of a call of one tool, as number `place` of the list. */
static rd_code add_call(json_t *list, const json_t *function, rd_error *e) {
  const json_t *given = json_object_get(function, "parameters");
  json_t *arguments =
      json_is_object(given) && json_object_size(given) > 0 ? json_deep_copy(given) : NULL;
  char *where = rd_print("#/anyOf/%zu/properties/arguments", json_array_size(list));
  if (!arguments)
    arguments = json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);
  rd_code code = where && arguments ? move_refs(arguments, where, e)
                                    : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
  free(where);
  if (code != RD_OK) {
    json_decref(arguments);
    return code;
  }
  json_t *call = json_pack("{s:s, s:{s:{s:O}, s:o}, s:[s, s], s:b}", "type", "object", "properties",
                           "name", "const", json_object_get(function, "name"), "arguments",
                           arguments, "required", "name", "arguments", "additionalProperties", 0);
  return call && json_array_append_new(list, call) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
}

/* `name` NULL: any tool. */
static rd_code demand_call(char **source, const json_t *tools, const char *name, rd_error *e) {
  json_t *list = json_array();
  rd_code code = list ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
  for (size_t i = 0; i < json_array_size(tools) && code == RD_OK; i++) {
    const json_t *function = json_object_get(json_array_get(tools, i), "function");
    if (!name || strcmp(json_string_value(json_object_get(function, "name")), name) == 0)
      code = add_call(list, function, e);
  }
  if (code == RD_OK && json_array_size(list) == 0)
    code = name ? rd_fail(e, RD_USAGE, "tool_choice: tools has no function %.60s", name)
                : rd_fail(e, RD_USAGE, "tool_choice: there are no tools to be called");
  json_t *schema = json_pack("{s:o}", "anyOf", list);
  if (code == RD_OK)
    code = schema ? set_form(source, "json-schema", schema, e)
                  : rd_fail(e, RD_NO_MEMORY, "out of memory: a call");
  json_decref(schema);
  return code;
}

rd_code rd_asked_form_settle(char **source, rd_asked_form *a, const json_t *tools, rd_error *e) {
  const json_t *choice = a->tool_choice, *function = json_object_get(choice, "function");
  const char *word = json_string_value(choice);
  *source = NULL;
  a->no_calls = word && strcmp(word, "none") == 0;
  a->must_call = choice && (!word || strcmp(word, "required") == 0);
  RD_TRY(settle_format(source, a, e));
  if (!a->must_call)
    return RD_OK;
  if (*source) {
    free(*source);
    *source = NULL;
    return rd_fail(e, RD_USAGE,
                   "response_format and a tool_choice that demands a call exclude each other: an "
                   "answer has one form");
  }
  return demand_call(source, tools, json_string_value(json_object_get(function, "name")), e);
}

void rd_asked_form_drop(rd_asked_form *a) {
  json_decref(a->response_format);
  json_decref(a->tool_choice);
  *a = (rd_asked_form){0};
}
