/* SPDX-License-Identifier: MIT */
/* One walk over a body's fields, in their order. */
#include "translate.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_translate_set(json_t *to, const char *name, json_t *value, rd_error *e) {
  return value && json_object_set_new(to, name, value) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
}

rd_code rd_translate_schema(json_t *to, const json_t *schema, rd_error *e) {
  return rd_translate_set(to, "response_format",
                          json_pack("{s:s, s:{s:s, s:O, s:b}}", "type", "json_schema",
                                    "json_schema", "name", "answer", "schema", schema, "strict", 1),
                          e);
}

/* What stands beside the object already, counts. */
static rd_code put_within(json_t *to, const rd_renamed *row, const json_t *value, rd_error *e) {
  json_t *inner = NULL;
  if (!json_is_object(value))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected an object", row->name);
  rd_code code = rd_translate(value, row->within, &inner, e);
  if (code == RD_OK && json_object_update_missing(to, inner) != 0)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: %s", row->name);
  json_decref(inner);
  return code;
}

static rd_code put_field(json_t *to, const char *name, const json_t *value, const rd_translation *t,
                         rd_error *e) {
  const rd_renamed *row = t->rows, *end = row + t->count;
  while (row < end && strcmp(row->name, name) != 0)
    row++;
  if (row < end && row->within)
    return put_within(to, row, value, e);
  if (row < end && row->put)
    return row->put(to, value, e);
  return rd_translate_set(to, row < end ? row->as : name, json_incref((json_t *)(uintptr_t)value),
                          e);
}

rd_code rd_translate(const json_t *body, const rd_translation *t, json_t **out, rd_error *e) {
  const char *name;
  json_t *value;
  if (!json_is_object(body))
    return rd_fail(e, RD_BAD_INPUT, "the body: expected an object");
  *out = json_object();
  if (!*out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a body");
  json_object_foreach((json_t *)(uintptr_t)body, name, value)
    if (!json_is_null(value))
      RD_TRY(put_field(*out, name, value, t, e));
  return RD_OK;
}

/* What the body calls the field that is `here`; NULL: the same. */
static const char *given_as(const json_t *body, const rd_translation *t, const char *here) {
  const char *inner = NULL;
  if (json_object_get(body, here))
    return NULL;
  for (const rd_renamed *row = t->rows, *end = row + t->count; row < end && !inner; row++) {
    const json_t *value = json_object_get(body, row->name);
    if (value && row->within)
      inner = given_as(value, row->within, here);
    else if (value && row->as && strcmp(row->as, here) == 0)
      inner = row->name;
  }
  return inner;
}

void rd_translate_error(const json_t *body, const rd_translation *t, rd_error *e) {
  char here[40] = "";
  const char *at = !e ? "" : strncmp(e->message, "--", 2) == 0 ? e->message + 2 : e->message;
  size_t size = strcspn(at, ":");
  if (size < sizeof here)
    memcpy(here, at, size);
  const char *name = *here ? given_as(body, t, here) : NULL;
  char *rest = name ? rd_strdup(at + size, NULL) : NULL;
  if (rest)
    rd_fail(e, e->code, "%s%s", name, rest);
  free(rest);
}
