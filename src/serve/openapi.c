/* SPDX-License-Identifier: MIT */
/* A walk over the table of paths; what a shape takes is looked up there, what a field is in its
 * row, and options are the rows of generation. */
#include "openapi.h"

#include "exchange.h"
#include "fields.h"
#include "idle.h"
#include "params.h"
#include "shapes.h"

#include <stdlib.h>
#include <string.h>

/* A name as JSON has it: underscores. */
static char *field_name(const char *name) {
  char *copy = rd_strdup(name, NULL);
  for (char *p = copy; p && *p; p++)
    *p = *p == '-' ? '_' : *p;
  return copy;
}

/* --- values ------------------------------------------------------------------------------------
 */

static json_t *option_schema(const rd_option *row) {
  static const char *const types[] = {
      [RD_FLAG] = "boolean", [RD_INT] = "integer", [RD_REAL] = "number", [RD_TEXT] = "string"};
  json_t *schema = json_pack("{s:s, s:s}", "type", types[row->kind], "description", row->help);
  json_t *value = row->fallback && row->kind != RD_TEXT
                    ? json_loads(row->fallback, JSON_DECODE_ANY, NULL)
                    : json_string(row->fallback ? row->fallback : "");
  if (row->fallback && value)
    json_object_set(schema, "default", value);
  json_decref(value);
  if (row->min < row->max) {
    json_object_set_new(schema, "minimum", json_real(row->min));
    json_object_set_new(schema, "maximum", json_real(row->max));
  }
  if (row->choices)
    json_object_set_new(schema, "enum", rd_choices_json(row->choices));
  return schema;
}

static json_t *option_schemas(void) {
  json_t *all = json_object();
  for (size_t i = 0; i < rd_sampler_option_count; i++) {
    char *name = field_name(rd_sampler_options[i].name);
    if (name)
      json_object_set_new(all, name, option_schema(&rd_sampler_options[i]));
    free(name);
  }
  return all;
}

static void add_fields(json_t *properties, json_t *required, const char *keys) {
  bool must;
  for (const rd_field *row; (row = rd_field_next(&keys, &must));) {
    json_t *schema = json_loads(row->schema, 0, NULL);
    json_object_set_new(schema, "description", json_string(row->help));
    json_object_set_new(properties, rd_field_name(row), schema);
    if (must)
      json_array_append_new(required, json_string(rd_field_name(row)));
  }
}

/* --- paths -------------------------------------------------------------------------------------
 */

/* What a body may hold: fields of the shape, then those of the path, whose schemas are more exact;
 * what is no field is an option, or named in a warning. */
static json_t *body_schema(const rd_route *path) {
  const rd_shape *shape = rd_table_row(&rd_shape_table, path->path);
  json_t *properties = json_object(), *required = json_array();
  if (shape) {
    add_fields(properties, required, "model");
    if (!shape->translation)
      add_fields(properties, required, shape->fields);
    add_fields(properties, required, "deadline_ms");
  }
  add_fields(properties, required, path->fields);
  json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
  if (json_array_size(required) > 0)
    json_object_set(schema, "required", required);
  json_decref(required);
  if (shape) {
    json_t *options = json_pack("{s:s}", "$ref", "#/components/schemas/options");
    json_object_set_new(schema, "allOf", json_pack("[o]", options));
  }
  return schema;
}

static json_t *answers_of(const rd_route *path) {
  json_t *content = json_object();
  char *copy = rd_strdup(path->answer, NULL), *rest = copy;
  for (const char *type; copy && (type = strsep(&rest, " "));)
    json_object_set_new(content, type, json_pack("{s:{}}", "schema"));
  free(copy);
  return json_pack("{s:{s:s, s:o}, s:{s:s}}", "200", "description", "the answer", "content",
                   content, "default", "$ref",
                   path->words ? "#/components/responses/words" : "#/components/responses/error");
}

static json_t *parameter(const char *name, const char *where, bool must, const char *help) {
  return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", where, "required", must,
                   "description", help, "schema", "type", "string");
}

/* A path that takes what follows it has a name there. */
static bool open_ended(const rd_route *path) {
  size_t n = strlen(path->path);
  return n > 1 && path->path[n - 1] == '/';
}

static json_t *operation(const rd_route *path) {
  json_t *o = json_pack("{s:s, s:[s], s:o}", "summary", path->help, "tags", path->group,
                        "responses", answers_of(path));
  json_t *parameters = json_array();
  if (open_ended(path))
    json_array_append_new(parameters, parameter("name", "path", true, "which of the models"));
  if (path->query)
    json_array_append_new(parameters,
                          parameter("model", "query", false, "another model than the first"));
  if (json_array_size(parameters) > 0)
    json_object_set(o, "parameters", parameters);
  json_decref(parameters);
  if (path->fields)
    json_object_set_new(o, "requestBody",
                        json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content",
                                  "application/json", "schema", body_schema(path)));
  return o;
}

static json_t *all_paths(void) {
  json_t *all = json_object();
  for (size_t i = 0; i < rd_route_count; i++) {
    const rd_route *path = &rd_routes[i];
    char *name = rd_print("%s%s", path->path, open_ended(path) ? "{name}" : "");
    char *method = strcmp(path->method, "GET") == 0 ? "get" : "post";
    if (name && !json_object_get(all, name))
      json_object_set_new(all, name, json_object());
    if (name)
      json_object_set_new(json_object_get(all, name), method, operation(path));
    free(name);
  }
  return all;
}

static json_t *idle_fields(void) {
  const rd_idle *rows = rd_idle_table.rows;
  json_t *all = json_object();
  for (size_t i = 0; i < rd_idle_table.count; i++) {
    json_t *neutral =
        rows[i].neutral ? json_loads(rows[i].neutral, JSON_DECODE_ANY, NULL) : json_null();
    json_object_set_new(all, rows[i].name,
                        json_pack("{s:o, s:s}", "neutral", neutral, "description", rows[i].help));
  }
  return all;
}

json_t *rd_openapi(void) {
  json_t *error = json_pack("{s:s, s:{s:{s:{s:s, s:{s:{s:s, s:{s:{s:s}, s:{s:s}}}}}}}}",
                            "description", "what is wrong, in words", "content", "application/json",
                            "schema", "type", "object", "properties", "error", "type", "object",
                            "properties", "message", "type", "string", "type", "type", "string");
  json_t *words = json_pack("{s:s, s:{s:{s:{s:s, s:{s:{s:s}}}}}}", "description",
                            "what is wrong, in words", "content", "application/json", "schema",
                            "type", "object", "properties", "error", "type", "string");
  json_t *options = option_schemas();
  return json_pack(
      "{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:o, s:{s:{s:{s:s, s:O}}, s:{s:o, s:o}, s:{s:{s:s, "
      "s:s}}}, "
      "s:[{}, {s:[]}], s:o, s:o}",
      "openapi", "3.1.0", "info", "title", "redraft serve", "version", RD_VERSION, "description",
      "text by iterative refinement, over the interfaces that clients speak", "servers", "url", "/",
      "paths", all_paths(), "components", "schemas", "options", "type", "object", "properties",
      options, "responses", "error", error, "words", words, "securitySchemes", "key", "type",
      "http", "scheme", "bearer", "security", "key", "x-options", options, "x-idle", idle_fields());
}
