/* SPDX-License-Identifier: MIT */
/* Option rows at work: defaults, checked setting from text and JSON, and listing. */
#include "option.h"

#include "file.h"
#include "number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_name(const rd_option *row) {
  static const char *const names[] = {
      [RD_FLAG] = "flag", [RD_INT] = "int", [RD_REAL] = "real", [RD_TEXT] = "text"};
  return row->choices ? "choice" : names[row->kind];
}

static void *slot(const rd_options *o, const rd_option *row) {
  return (unsigned char *)o->params + row->offset;
}

static rd_table table_of(const rd_options *o) {
  return (rd_table){"option", o->rows, o->count, sizeof *o->rows};
}

static rd_code store_text(char **slot_text, const char *text, rd_error *e) {
  char *copy = text ? rd_strdup(text, e) : NULL;
  if (text && !copy)
    return RD_NO_MEMORY;
  free(*slot_text);
  *slot_text = copy;
  return RD_OK;
}

static bool ranged(const rd_option *row) {
  return row->min < row->max;
}

static rd_code outside(const rd_option *row, const char *text, rd_error *e) {
  char min[RD_NUMBER], max[RD_NUMBER];
  return rd_fail(e, RD_USAGE, "--%s: %s is outside %s..%s", row->name, text,
                 rd_number_show(min, row->min), rd_number_show(max, row->max));
}

static rd_code check_range(const rd_option *row, double x, const char *text, rd_error *e) {
  if (isfinite(x) && (!ranged(row) || (x >= row->min && x <= row->max)))
    return RD_OK;
  return ranged(row) ? outside(row, text, e)
                     : rd_fail(e, RD_USAGE, "--%s: %s is not a finite number", row->name, text);
}

/* As whole numbers, of which a double does not tell large ones apart. */
static rd_code check_whole(const rd_option *row, int64_t n, const char *text, rd_error *e) {
  bool fits = !ranged(row) || (n >= (int64_t)row->min && n <= (int64_t)row->max);
  return fits ? RD_OK : outside(row, text, e);
}

static rd_code check_choice(const rd_option *row, const char *text, rd_error *e) {
  if (!row->choices || (row->files && rd_path_exists(text)) ||
      (row->lists && strcmp(text, "help") == 0) || rd_table_find(row->choices, text, e))
    return RD_OK;
  return rd_prefix(e, RD_USAGE, "--%s", row->name);
}

bool rd_option_is_path(const rd_option *row) {
  const char *word = row->value ? row->value : "";
  return strstr(word, "PATH") || strstr(word, "FILE") || strstr(word, "DIR");
}

static rd_code check_path(const rd_option *row, const char *text, rd_error *e) {
  return *text || !rd_option_is_path(row)
           ? RD_OK
           : rd_fail(e, RD_USAGE, "--%s: an empty path; name %s, or leave the option away",
                     row->name, row->value);
}

static rd_code set_value(const rd_options *o, const rd_option *row, const char *text, rd_error *e) {
  void *at = slot(o, row);
  char *end = NULL;
  errno = 0;
  if (row->kind == RD_FLAG) {
    bool yes = text && rd_name_listed("true True TRUE yes Yes YES on On ON 1", text);
    if (text && !yes && !rd_name_listed("false False FALSE no No NO off Off OFF 0", text))
      return rd_fail(e, RD_USAGE, "--%s: expected true or false, found %s", row->name, text);
    *(bool *)at = yes;
  } else if (row->kind == RD_INT) {
    long long n = text ? strtoll(text, &end, 10) : 0;
    if (text && (end == text || *end != '\0' || errno))
      return rd_fail(e, RD_USAGE, "--%s: expected a whole number, found %s", row->name, text);
    if (text)
      RD_TRY(check_whole(row, n, text, e));
    *(int64_t *)at = n;
  } else if (row->kind == RD_REAL) {
    double x = text ? rd_number_read(text, &end) : 0;
    if (text && (end == text || *end != '\0'))
      return rd_fail(e, RD_USAGE, "--%s: expected a number, found %s", row->name, text);
    if (text)
      RD_TRY(check_range(row, x, text, e));
    *(double *)at = x;
  } else {
    if (text) {
      RD_TRY(check_choice(row, text, e));
      RD_TRY(check_path(row, text, e));
    }
    return store_text(at, text, e);
  }
  return RD_OK;
}

rd_code rd_options_open(rd_options *o, const rd_option_part *parts, void *params, rd_error *e) {
  size_t most = 0;
  for (const rd_option_part *part = parts; part->table; part++)
    most += part->table->count;
  rd_option *rows = rd_calloc(most, sizeof *rows, "options", e);
  bool *given = rd_calloc(most, sizeof *given, "options", e);
  *o = (rd_options){rows, 0, params, given};
  if (!rows || !given)
    return RD_NO_MEMORY;
  for (const rd_option_part *part = parts; part->table; part++)
    for (size_t i = 0; i < part->table->count; i++) {
      const rd_option *row = (const rd_option *)part->table->rows + i;
      if (rd_option_find(o, row->name))
        continue;
      rows[o->count] = *row;
      rows[o->count++].offset += part->at;
    }
  return RD_OK;
}

void rd_options_close(rd_options *o) {
  free((void *)(uintptr_t)o->rows);
  free(o->given);
  *o = (rd_options){0};
}

rd_code rd_options_default(const rd_options *o, rd_error *e) {
  for (size_t i = 0; i < o->count; i++) {
    RD_TRY(set_value(o, &o->rows[i], o->rows[i].fallback, e));
    if (o->given)
      o->given[i] = false;
  }
  return RD_OK;
}

void rd_options_drop(const rd_options *o) {
  for (size_t i = 0; i < o->count; i++)
    if (o->rows[i].kind == RD_TEXT)
      store_text(slot(o, &o->rows[i]), NULL, NULL);
}

const rd_option *rd_option_find(const rd_options *o, const char *name) {
  const rd_table table = table_of(o);
  return rd_table_row(&table, name);
}

const char *rd_option_nearest(const rd_options *o, const char *name) {
  const rd_table table = table_of(o);
  return rd_table_nearest(&table, name);
}

/* A line more to what was given before. */
static rd_code add_line(const rd_options *o, const rd_option *row, const char *text, rd_error *e) {
  char **at = slot(o, row), *both = rd_print("%s\n%s", *at, text);
  if (!both)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: --%s", row->name);
  free(*at);
  *at = both;
  return RD_OK;
}

rd_code rd_option_set(const rd_options *o, const rd_option *row, const char *text, rd_error *e) {
  bool before = o->given && o->given[row - o->rows];
  if (row->many && before && text)
    return add_line(o, row, text, e);
  RD_TRY(set_value(o, row, text, e));
  if (o->given)
    o->given[row - o->rows] = true;
  return RD_OK;
}

rd_code rd_option_unset(const rd_options *o, const rd_option *row, rd_error *e) {
  RD_TRY(set_value(o, row, row->fallback, e));
  if (o->given)
    o->given[row - o->rows] = false;
  return RD_OK;
}

rd_code rd_option_set_json(const rd_options *o, const rd_option *row, const json_t *value,
                           rd_error *e) {
  if (json_is_null(value))
    return set_value(o, row, row->fallback, e);
  bool number = row->kind == RD_INT || row->kind == RD_REAL;
  int64_t whole = 0;
  bool fits = (row->kind == RD_FLAG && json_is_boolean(value)) ||
              (row->kind == RD_TEXT && json_is_string(value)) ||
              (row->kind == RD_INT && rd_json_whole(value, &whole)) ||
              (row->kind == RD_REAL && json_is_number(value));
  if (!fits)
    return rd_fail(e, RD_USAGE, "%s: expected %s", row->name,
                   number                 ? (row->kind == RD_INT ? "a whole number" : "a number")
                   : row->kind == RD_FLAG ? "true or false"
                                          : "a string");
  if (json_is_string(value))
    return rd_option_set(o, row, json_string_value(value), e);
  if (json_is_boolean(value))
    return rd_option_set(o, row, json_is_true(value) ? "true" : "false", e);
  char digits[64];
  if (rd_json_whole(value, &whole))
    snprintf(digits, sizeof digits, "%lld", (long long)whole);
  else
    rd_number_print(digits, sizeof digits, "%.17g", json_real_value(value));
  return rd_option_set(o, row, digits, e);
}

bool rd_option_given(const rd_options *o, const char *name) {
  const rd_option *row = rd_option_find(o, name);
  return row && o->given && o->given[row - o->rows];
}

bool rd_options_given(const rd_options *o, const char *group) {
  for (size_t i = 0; i < o->count; i++)
    if (o->given && o->given[i] && strcmp(o->rows[i].group, group) == 0)
      return true;
  return false;
}

json_t *rd_option_value(const rd_options *o, const rd_option *row) {
  const void *at = slot(o, row);
  if (row->kind == RD_FLAG)
    return json_boolean(*(const bool *)at);
  if (row->kind == RD_INT)
    return json_integer(*(const int64_t *)at);
  if (row->kind == RD_REAL)
    return json_real(*(const double *)at);
  const char *text = *(char *const *)at;
  return text ? json_string(text) : json_null();
}

char *rd_option_text(const rd_options *o, const rd_option *row) {
  json_t *value = rd_option_value(o, row);
  const char *text = json_string_value(value);
  char *out = text                ? strdup(text)
            : json_is_null(value) ? NULL
                                  : rd_json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
  json_decref(value);
  return out;
}

json_t *rd_choices_json(const rd_table *choices) {
  json_t *array = json_array();
  for (size_t i = 0; i < choices->count; i++)
    json_array_append_new(array, json_string(rd_table_name(choices, i)));
  return array;
}

/* The default as JSON, made by setting it on a scratch slot large enough for any kind. */
static json_t *default_json(const rd_option *row) {
  union {
    bool flag;
    int64_t integer;
    double real;
    char *text;
  } scratch = {.text = NULL};
  rd_option moved = *row;
  moved.offset = 0;
  rd_options o = {.rows = &moved, .count = 1, .params = &scratch, .given = NULL};
  set_value(&o, &moved, row->fallback, NULL);
  json_t *value = rd_option_value(&o, &moved);
  rd_options_drop(&o);
  return value;
}

json_t *rd_options_json(const rd_options *o) {
  json_t *array = json_array();
  for (size_t i = 0; i < o->count; i++) {
    const rd_option *row = &o->rows[i];
    json_t *entry =
        json_pack("{s:s, s:s, s:o, s:s, s:s}", "name", row->name, "kind", kind_name(row), "default",
                  default_json(row), "group", row->group, "help", row->help);
    if (row->min < row->max) {
      json_object_set_new(entry, "min", json_real(row->min));
      json_object_set_new(entry, "max", json_real(row->max));
    }
    if (row->choices)
      json_object_set_new(entry, "choices", rd_choices_json(row->choices));
    json_array_append_new(array, entry);
  }
  return array;
}
