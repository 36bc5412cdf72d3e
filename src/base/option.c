/* SPDX-License-Identifier: MIT */
/* Option rows at work: defaults, checked setting from text and JSON, and listing. */
#include "option.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {[RD_FLAG] = "flag",
                                         [RD_INT] = "int",
                                         [RD_REAL] = "real",
                                         [RD_TEXT] = "text",
                                         [RD_CHOICE] = "choice"};

static void *slot(const rd_options *o, const rd_option *row) {
  return (unsigned char *)o->params + row->offset;
}

static bool same_name(const char *a, const char *b) {
  for (; *a && *b; a++, b++)
    if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
      return false;
  return *a == *b;
}

static rd_code store_text(char **slot_text, const char *text, rd_error *e) {
  char *copy = text ? rd_strdup(text, e) : NULL;
  if (text && !copy)
    return RD_NO_MEMORY;
  free(*slot_text);
  *slot_text = copy;
  return RD_OK;
}

static rd_code check_range(const rd_option *row, double x, const char *text, rd_error *e) {
  bool ranged = row->min < row->max;
  if (isfinite(x) && (!ranged || (x >= row->min && x <= row->max)))
    return RD_OK;
  if (!ranged)
    return rd_fail(e, RD_USAGE, "--%s: %s is not a finite number", row->name, text);
  return rd_fail(e, RD_USAGE, "--%s: %s is outside %g..%g", row->name, text, row->min, row->max);
}

/* Is `text` one of "a|b|c"? */
static bool is_choice(const char *choices, const char *text) {
  size_t n = strlen(text);
  for (const char *p = choices; p && *p;) {
    size_t m = strcspn(p, "|");
    if (m == n && memcmp(p, text, n) == 0)
      return true;
    p += m + (p[m] == '|');
  }
  return false;
}

static rd_code set_value(const rd_options *o, const rd_option *row, const char *text, rd_error *e) {
  void *at = slot(o, row);
  char *end = NULL;
  errno = 0;
  if (row->kind == RD_FLAG) {
    bool yes = text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
    if (text && !yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
      return rd_fail(e, RD_USAGE, "--%s: expected true or false, found %s", row->name, text);
    *(bool *)at = yes;
  } else if (row->kind == RD_INT) {
    long long n = text ? strtoll(text, &end, 10) : 0;
    if (text && (end == text || *end != '\0' || errno))
      return rd_fail(e, RD_USAGE, "--%s: expected a whole number, found %s", row->name, text);
    if (text)
      RD_TRY(check_range(row, (double)n, text, e));
    *(int64_t *)at = n;
  } else if (row->kind == RD_REAL) {
    double x = text ? strtod(text, &end) : 0;
    if (text && (end == text || *end != '\0'))
      return rd_fail(e, RD_USAGE, "--%s: expected a number, found %s", row->name, text);
    if (text)
      RD_TRY(check_range(row, x, text, e));
    *(double *)at = x;
  } else {
    if (text && row->kind == RD_CHOICE && row->choices && !is_choice(row->choices, text))
      return rd_fail(e, RD_USAGE, "--%s: expected one of %s, found %s", row->name, row->choices,
                     text);
    return store_text(at, text, e);
  }
  return RD_OK;
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
    if (o->rows[i].kind == RD_TEXT || o->rows[i].kind == RD_CHOICE)
      store_text(slot(o, &o->rows[i]), NULL, NULL);
}

const rd_option *rd_option_find(const rd_options *o, const char *name) {
  for (size_t i = 0; i < o->count; i++)
    if (same_name(o->rows[i].name, name))
      return &o->rows[i];
  return NULL;
}

/* Edit distance, cut at small words: option names are short. */
static size_t edit_distance(const char *a, const char *b) {
  enum { MOST = 40 };
  size_t row[MOST + 1], n = strlen(b);
  if (strlen(a) > MOST || n > MOST)
    return MOST;
  for (size_t j = 0; j <= n; j++)
    row[j] = j;
  for (size_t i = 1; a[i - 1]; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t change = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      size_t least = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
      row[j] = change < least ? change : least;
    }
  }
  return row[n];
}

const rd_option *rd_option_nearest(const rd_options *o, const char *name) {
  const rd_option *best = NULL;
  size_t least = 4;
  for (size_t i = 0; i < o->count; i++) {
    size_t d = edit_distance(name, o->rows[i].name);
    if (d < least) {
      least = d;
      best = &o->rows[i];
    }
  }
  return best;
}

rd_code rd_option_set(const rd_options *o, const rd_option *row, const char *text, rd_error *e) {
  RD_TRY(set_value(o, row, text, e));
  if (o->given)
    o->given[row - o->rows] = true;
  return RD_OK;
}

rd_code rd_option_set_json(const rd_options *o, const rd_option *row, const json_t *value,
                           rd_error *e) {
  if (json_is_null(value))
    return set_value(o, row, row->fallback, e);
  bool number = row->kind == RD_INT || row->kind == RD_REAL;
  bool text = row->kind == RD_TEXT || row->kind == RD_CHOICE;
  bool fits = (row->kind == RD_FLAG && json_is_boolean(value)) || (text && json_is_string(value)) ||
              (row->kind == RD_INT && json_is_integer(value)) ||
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
  if (json_is_integer(value))
    snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
  else
    snprintf(digits, sizeof digits, "%.17g", json_real_value(value));
  return rd_option_set(o, row, digits, e);
}

bool rd_option_given(const rd_options *o, const char *name) {
  const rd_option *row = rd_option_find(o, name);
  return row && o->given && o->given[row - o->rows];
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

static json_t *choices_json(const char *choices) {
  json_t *array = json_array();
  for (const char *p = choices; p && *p;) {
    size_t m = strcspn(p, "|");
    json_array_append_new(array, json_stringn(p, m));
    p += m + (p[m] == '|');
  }
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
        json_pack("{s:s, s:s, s:o, s:s, s:s}", "name", row->name, "kind", kind_names[row->kind],
                  "default", default_json(row), "group", row->group, "help", row->help);
    if (row->min < row->max) {
      json_object_set_new(entry, "min", json_real(row->min));
      json_object_set_new(entry, "max", json_real(row->max));
    }
    if (row->choices)
      json_object_set_new(entry, "choices", choices_json(row->choices));
    json_array_append_new(array, entry);
  }
  return array;
}
