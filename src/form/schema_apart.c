/* SPDX-License-Identifier: MIT */
/* A few things are looked at, and what is not seen to be apart is taken to overlap. */
#include "schema_apart.h"

#include <stdlib.h>
#include <string.h>

/* What a pointer of names leads to; `pointer` begins with a slash, or is empty. */
static const json_t *walk(const json_t *root, const char *pointer) {
  char name[200];
  while (root && *pointer) { /* names with ~0, ~1 and %XX undone */
    size_t used = 0;
    if (*pointer++ != '/')
      return NULL;
    while (*pointer && *pointer != '/' && used + 1 < sizeof name) {
      char digits[3] = {0};
      bool hex = *pointer == '%' && pointer[1] && pointer[2];
      bool tilde = *pointer == '~' && (pointer[1] == '0' || pointer[1] == '1');
      if (hex)
        memcpy(digits, pointer + 1, 2);
      name[used++] = hex   ? (char)strtol(digits, NULL, 16)
                   : tilde ? (pointer[1] == '0' ? '~' : '/')
                           : *pointer;
      pointer += hex ? 3 : tilde ? 2 : 1;
    }
    name[used] = '\0';
    char *end;
    unsigned long index = strtoul(name, &end, 10);
    root = json_is_array(root) && used > 0 && !*end ? json_array_get(root, index)
                                                    : json_object_get(root, name);
  }
  return root;
}

enum { MOST_NESTED = 64, MOST_SEARCHED = 1 << 14 /* values that are looked into */ };

/* The schema somewhere in `at` that says of itself `key`: this name, or an address that ends with
 * it
 * (`address`). NULL: none. */
static const json_t *find_named(const json_t *at, const char *key, const char *name, size_t size,
                                bool address, int deep, int *left) {
  const char *own = json_string_value(json_object_get(at, key)), *member;
  size_t length = own ? strcspn(own, "#") : 0;
  bool end = own && length >= size && strncmp(own + length - size, name, size) == 0;
  json_t *value;
  size_t i;
  if (--*left < 0)
    return NULL;
  if (end && (length == size || (address && own[length - size - 1] == '/')))
    return at;
  const json_t *found = NULL;
  json_object_foreach((json_t *)(uintptr_t)at, member, value)
    if (!found && deep < MOST_NESTED)
      found = find_named(value, key, name, size, address, deep + 1, left);
  json_array_foreach(at, i, value)
    if (!found && deep < MOST_NESTED)
      found = find_named(value, key, name, size, address, deep + 1, left);
  return found;
}

const json_t *rd_schema_resolve(const json_t *root, const char *pointer) {
  size_t size = strcspn(pointer, "#");
  int left = MOST_SEARCHED;
  const char *fragment = pointer + size + (pointer[size] == '#');
  if (size > 0)
    root = find_named(root, "$id", pointer, size, true, 0, &left);
  if (!*fragment || *fragment == '/')
    return walk(root, fragment);
  return find_named(root, "$anchor", fragment, strlen(fragment), false, 0, &left);
}

/* The schema that a chain of references ends at. */
static const json_t *follow(const json_t *root, const json_t *schema) {
  for (int i = 0; i < 10 && json_object_get(schema, "$ref"); i++) {
    const char *pointer = json_string_value(json_object_get(schema, "$ref"));
    schema = pointer && strncmp(pointer, "#/", 2) == 0 ? rd_schema_resolve(root, pointer) : NULL;
  }
  return schema;
}

/* 1 and 1.0 are one number, inside of values too. */
static bool same_value(const json_t *a, const json_t *b) {
  const char *key;
  json_t *value;
  if (json_is_number(a) && json_is_number(b))
    return json_number_value(a) == json_number_value(b);
  if (json_typeof(a) != json_typeof(b) || json_object_size(a) != json_object_size(b) ||
      json_array_size(a) != json_array_size(b))
    return false;
  for (size_t i = 0; i < json_array_size(a); i++)
    if (!same_value(json_array_get(a, i), json_array_get(b, i)))
      return false;
  json_object_foreach((json_t *)(uintptr_t)a, key, value) {
    const json_t *other = json_object_get(b, key);
    if (!other || !same_value(value, other))
      return false;
  }
  return json_is_array(a) || json_is_object(a) || json_equal(a, b);
}

bool rd_schema_listed(const json_t *list, const json_t *value) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (same_value(json_array_get(list, i), value))
      return true;
  return false;
}

/* The values of const or enum: the number of them, 0 where there are none. */
static size_t values_of(const json_t *schema, const json_t **list) {
  const json_t *one = json_object_get(schema, "const");
  *list = one ? one : json_object_get(schema, "enum");
  return one ? 1 : json_array_size(*list);
}

static const json_t *value_at(const json_t *schema, const json_t *list, size_t i) {
  return json_object_get(schema, "const") ? list : json_array_get(list, i);
}

static bool values_apart(const json_t *a, const json_t *b) {
  const json_t *of_a, *of_b;
  size_t count_a = values_of(a, &of_a), count_b = values_of(b, &of_b);
  for (size_t i = 0; i < count_a; i++)
    for (size_t k = 0; k < count_b; k++)
      if (same_value(value_at(a, of_a, i), value_at(b, of_b, k)))
        return false;
  return count_a > 0 && count_b > 0;
}

static bool types_apart(const json_t *a, const json_t *b) {
  const char *x = json_string_value(json_object_get(a, "type"));
  const char *y = json_string_value(json_object_get(b, "type"));
  bool numbers = x && y && strstr("integer number", x) && strstr("integer number", y);
  return x && y && !numbers && strcmp(x, y) != 0;
}

/* required and properties say nothing of what is no object. */
static bool types_are_objects(const json_t *a, const json_t *b) {
  const char *x = json_string_value(json_object_get(a, "type"));
  const char *y = json_string_value(json_object_get(b, "type"));
  return x && y && strcmp(x, "object") == 0 && strcmp(y, "object") == 0;
}

static bool required(const json_t *schema, const char *name) {
  const json_t *list = json_object_get(schema, "required");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text && strcmp(text, name) == 0)
      return true;
  }
  return false;
}

/* Does a require a property that b, which names all that there may be, does not name? */
static bool shut_out(const json_t *a, const json_t *b) {
  const json_t *list = json_object_get(a, "required"), *named = json_object_get(b, "properties");
  bool shut = json_is_false(json_object_get(b, "additionalProperties")) &&
              !json_object_get(b, "patternProperties");
  for (size_t i = 0; i < json_array_size(list) && shut; i++) {
    const char *name = json_string_value(json_array_get(list, i));
    if (name && !json_object_get(named, name))
      return true;
  }
  return false;
}

bool rd_schemas_apart(const json_t *root, bool objects, const json_t *a, const json_t *b) {
  const char *name;
  json_t *value;
  a = follow(root, a);
  b = follow(root, b);
  if (types_apart(a, b) || values_apart(a, b))
    return true;
  if (!objects && !types_are_objects(a, b))
    return false;
  if (shut_out(a, b) || shut_out(b, a))
    return true;
  const json_t *others = json_object_get(b, "properties");
  json_object_foreach(json_object_get(a, "properties"), name, value) {
    const json_t *mine = follow(root, value), *other = follow(root, json_object_get(others, name));
    if (other && required(a, name) && required(b, name) &&
        (types_apart(mine, other) || values_apart(mine, other)))
      return true;
  }
  return false;
}
