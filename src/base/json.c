/* SPDX-License-Identifier: MIT */
/* jansson with messages that name the source, the key, the value and the range. */
#include "json.h"

#include "file.h"
#include "json_memory.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reals without a fraction as integers again, where a double holds them exactly. */
static json_t *integers(json_t *value) {
  const double exact = 9007199254740992.0;
  double x = json_is_real(value) ? json_real_value(value) : 0.5;
  const char *key = NULL;
  json_t *item = NULL;
  size_t i = 0;
  if (x == floor(x) && fabs(x) <= exact) {
    json_t *whole = json_integer((json_int_t)x);
    json_decref(whole ? value : NULL);
    return whole ? whole : value;
  }
  json_object_foreach(value, key, item) {
    json_object_set_new(value, key, integers(json_incref(item)));
  }
  json_array_foreach(value, i, item) {
    json_array_set_new(value, i, integers(json_incref(item)));
  }
  return value;
}

json_t *rd_json_load(const char *text, size_t size, size_t flags, json_error_t *why) {
  json_t *out = rd_json_load_safely(text, size, flags, why);
  if (!out && json_error_code(why) == json_error_null_character) /* jansson's word names its flag */
    snprintf(why->text, sizeof why->text - 1 /* the last byte is the code */,
             "\\u0000 stands in a text, which none may hold");
  if (out || json_error_code(why) != json_error_numeric_overflow)
    return out;
  out = rd_json_load_safely(text, size, flags | JSON_DECODE_INT_AS_REAL, why);
  return out ? integers(out) : NULL;
}

typedef json_t *loader(const char *text, size_t size, size_t flags, json_error_t *why);

static rd_code parse(json_t **out, loader *load, const char *text, size_t size, const char *name,
                     rd_error *e) {
  json_error_t why;
  *out = load(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
  if (*out)
    return RD_OK;
  return rd_json_wrong(&why, name, e);
}

rd_code rd_json_wrong(const json_error_t *why, const char *name, rd_error *e) {
  if (json_error_code(why) == json_error_out_of_memory)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  return rd_fail(e, RD_BAD_INPUT, "%s: not valid JSON: line %d, column %d: %s", name, why->line,
                 why->column, why->text);
}

rd_code rd_json_parse(json_t **out, const char *text, size_t size, const char *name, rd_error *e) {
  return parse(out, rd_json_load, text, size, name, e);
}

/* How Python's json writes what JSON has no numbers for. The longest first. */
static const char *const no_numbers[] = {"-Infinity", "Infinity", "NaN"};

static size_t no_number_at(const char *at, size_t left) {
  for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
    size_t n = strlen(no_numbers[i]);
    if (n <= left && memcmp(at, no_numbers[i], n) == 0)
      return n;
  }
  return 0;
}

/* The text with every bare NaN and Infinity in quotes: a key that nobody reads does no harm, one
 * that is read is refused with what stands there. NULL: there is none, or (*lacking) no memory. */
static char *quoted(const char *text, size_t size, size_t *length, bool *lacking) {
  char *out = NULL;
  size_t at = 0;
  bool in_string = false;
  for (size_t i = 0; i < size; i++) {
    size_t n = in_string ? 0 : no_number_at(text + i, size - i);
    if (n > 0 && !out) {
      out = malloc(2 * size); /* three letters become five */
      *lacking = !out;
      if (!out)
        return NULL;
      memcpy(out, text, i);
      at = i;
    }
    if (n > 0) {
      out[at++] = '"';
      memcpy(out + at, text + i, n);
      at += n;
      out[at++] = '"';
      i += n - 1;
      continue;
    }
    bool escape = in_string && text[i] == '\\' && i + 1 < size;
    in_string = text[i] == '"' ? !in_string : in_string;
    for (size_t k = 0; k < 1 + (size_t)escape && out; k++)
      out[at++] = text[i + k];
    i += escape;
  }
  *length = at;
  return out;
}

json_t *rd_json_load_file(const char *text, size_t size, size_t flags, json_error_t *why) {
  bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
  text += marked ? 3 : 0;
  size -= marked ? 3 : 0;
  json_t *out = rd_json_load(text, size, flags, why);
  size_t length = 0;
  bool lacking = !out && json_error_code(why) == json_error_out_of_memory;
  char *patched = out || lacking ? NULL : quoted(text, size, &length, &lacking);
  if (patched)
    out = rd_json_load(patched, length, flags, why);
  if (lacking)
    rd_json_no_memory(why);
  free(patched);
  return out;
}

rd_code rd_json_open(json_t **out, const char *path, rd_error *e) {
  *out = NULL;
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code =
      map.size > ((size_t)256 << 20)
          ? rd_fail(e, RD_BAD_INPUT, "%s: %zu bytes, at most 256 MB are read", path, map.size)
          : parse(out, rd_json_load_file, (const char *)map.data, map.size, path, e);
  rd_map_close(&map);
  return code;
}

rd_code rd_json_write(const char *folder, const char *name, const json_t *value, rd_error *e) {
  const rd_path path = rd_path_in(folder, name);
  char *text = value ? rd_json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
  rd_file_piece parts[] = {{text, text ? strlen(text) : 0}, {"\n", 1}};
  rd_code code = text ? rd_file_write(path.text, parts, 2, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: writing %s", name);
  free(text);
  return code;
}

static const char *type_name(const json_t *value) {
  static const char *const names[] = {"an object", "an array", "a string", "an integer",
                                      "a number",  "true",     "false",    "null"};
  return names[json_typeof(value)];
}

static json_t *member(const json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  return json_is_null(value) ? NULL : value;
}

static rd_code wrong_type(const json_t *value, const char *key, const char *wanted, rd_error *e) {
  if (json_is_string(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected %s, found a string, \"%.40s\"", key, wanted,
                   json_string_value(value));
  return rd_fail(e, RD_BAD_INPUT, "%s: expected %s, found %s", key, wanted, type_name(value));
}

bool rd_json_whole(const json_t *value, int64_t *out) {
  const double most = 9007199254740992.0; /* 2^53: beyond it reals have gaps */
  double x = json_real_value(value);
  bool real = json_is_real(value) && x >= -most && x <= most && x == (double)(int64_t)x;
  if (json_is_integer(value) || real)
    *out = real ? (int64_t)x : (int64_t)json_integer_value(value);
  return json_is_integer(value) || real;
}

rd_code rd_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                    rd_error *e) {
  const json_t *value = member(object, key);
  if (!value)
    return RD_OK;
  if (!json_is_integer(value))
    return wrong_type(value, key, "an integer", e);
  int64_t n = json_integer_value(value);
  if (n < min || n > max)
    return rd_fail(e, RD_BAD_INPUT, "%s: %lld is outside %lld..%lld", key, (long long)n,
                   (long long)min, (long long)max);
  *out = n;
  return RD_OK;
}

rd_code rd_json_real(const json_t *object, const char *key, double min, double max, double *out,
                     rd_error *e) {
  const json_t *value = member(object, key);
  if (!value)
    return RD_OK;
  if (!json_is_number(value))
    return wrong_type(value, key, "a number", e);
  double x = json_number_value(value);
  if (!(x >= min && x <= max))
    return rd_fail(e, RD_BAD_INPUT, "%s: %g is outside %g..%g", key, x, min, max);
  *out = x;
  return RD_OK;
}

rd_code rd_json_bool(const json_t *object, const char *key, bool *out, rd_error *e) {
  const json_t *value = member(object, key);
  if (!value)
    return RD_OK;
  if (!json_is_boolean(value))
    return wrong_type(value, key, "true or false", e);
  *out = json_is_true(value);
  return RD_OK;
}

void rd_json_drop_nulls(json_t *object) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(object, next, key, value) {
    if (json_is_null(value))
      json_object_del(object, key);
  }
}

bool rd_json_cut(const json_t *text) {
  return strlen(json_string_value(text)) != json_string_length(text);
}

rd_code rd_json_text(const json_t *object, const char *key, const char **out, rd_error *e) {
  const json_t *value = member(object, key);
  if (!value)
    return RD_OK;
  if (!json_is_string(value))
    return wrong_type(value, key, "a string", e);
  *out = json_string_value(value);
  return RD_OK;
}

json_t *rd_json_said(const char *text) {
  json_t *value = text ? json_string(text) : NULL;
  if (!text || value)
    return value;
  char *clean = rd_utf8_copy(text, NULL);
  value = clean ? json_string(clean) : NULL;
  free(clean);
  return value;
}
