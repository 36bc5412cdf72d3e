/* SPDX-License-Identifier: MIT */
/* One walk over a body's fields, in their order. */
#include "translate.h"

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

static rd_code put_field(json_t *to, const char *name, const json_t *value, const rd_renamed *rows,
                         size_t count, rd_error *e) {
  json_t *same = (json_t *)(uintptr_t)value;
  for (size_t i = 0; i < count; i++)
    if (strcmp(rows[i].name, name) == 0)
      return rows[i].put ? rows[i].put(to, value, e)
                         : rd_translate_set(to, rows[i].as, json_incref(same), e);
  return rd_translate_set(to, name, json_incref(same), e);
}

rd_code rd_translate(const json_t *body, const rd_renamed *rows, size_t count, json_t **out,
                     rd_error *e) {
  const char *name;
  json_t *value;
  if (!json_is_object(body))
    return rd_fail(e, RD_BAD_INPUT, "the body: expected an object");
  *out = json_object();
  if (!*out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a body");
  json_object_foreach((json_t *)(uintptr_t)body, name, value)
    if (!json_is_null(value))
      RD_TRY(put_field(*out, name, value, rows, count, e));
  return RD_OK;
}
