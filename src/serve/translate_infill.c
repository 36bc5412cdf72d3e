/* SPDX-License-Identifier: MIT */
/* llama.cpp's infill: what stands before the answer comes in two parts, the lines before the
 * cursor's (input_prefix) and that line's beginning (prompt). */
#include "translate.h"

/* One part behind the other, where both came. */
static rd_code join(json_t *to, const json_t *before, const json_t *behind, rd_error *e) {
  const json_t *only = !before ? behind : !behind ? before : NULL;
  if (only)
    return rd_translate_set(to, "input_prefix", json_incref((json_t *)(uintptr_t)only), e);
  if (!json_is_string(before) || !json_is_string(behind))
    return rd_fail(e, RD_BAD_INPUT, "input_prefix and prompt: expected strings");
  return rd_translate_set(to, "input_prefix",
                          json_pack("s%+%", json_string_value(before), json_string_length(before),
                                    json_string_value(behind), json_string_length(behind)),
                          e);
}

static rd_code put_before(json_t *to, const json_t *value, rd_error *e) {
  return join(to, value, json_object_get(to, "input_prefix"), e);
}

static rd_code put_behind(json_t *to, const json_t *value, rd_error *e) {
  return join(to, json_object_get(to, "input_prefix"), value, e);
}

static const rd_renamed rows[] = {{"input_prefix", NULL, put_before, NULL},
                                  {"prompt", "input_prefix", put_behind, NULL}};
const rd_translation rd_infill_fields = {rows, sizeof rows / sizeof *rows};
