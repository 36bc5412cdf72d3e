/* SPDX-License-Identifier: MIT */
/* Ollama's chat and generate: options of generation lie in an object of their own, and a form is a
 * field `format`. */
#include "translate.h"

#include <string.h>

static rd_code put_most(json_t *to, const json_t *value, rd_error *e) {
  int64_t most = 0;
  if (!rd_json_whole(value, &most))
    return rd_fail(e, RD_BAD_INPUT, "num_predict: expected a whole number");
  return rd_translate_set(to, "max_tokens", json_integer(most < 0 ? -1 : most), e);
}

static rd_code put_format(json_t *to, const json_t *value, rd_error *e) {
  const char *word = json_string_value(value);
  if (word && !*word)
    return RD_OK;
  if (word && strcmp(word, "json") == 0)
    return rd_translate_set(to, "response_format", json_pack("{s:s}", "type", "json_object"), e);
  return json_is_object(value)
           ? rd_translate_schema(to, value, e)
           : rd_fail(e, RD_BAD_INPUT, "format: expected \"json\" or a JSON schema");
}

static rd_code refuse_images(json_t *to, const json_t *value, rd_error *e) {
  (void)to;
  return json_array_size(value) == 0 ? RD_OK
                                     : rd_fail(e, RD_USAGE, "images: only text is read here");
}

static rd_code put_messages(json_t *to, const json_t *value, rd_error *e) {
  for (size_t i = 0; i < json_array_size(value); i++)
    RD_TRY(refuse_images(to, json_object_get(json_array_get(value, i), "images"), e));
  return rd_translate_set(to, "messages", json_incref((json_t *)(uintptr_t)value), e);
}

static const rd_renamed options[] = {{"num_predict", NULL, put_most}, {"num_ctx", "window", NULL}};

static rd_code put_options(json_t *to, const json_t *value, rd_error *e) {
  json_t *inner = NULL;
  if (!json_is_object(value))
    return rd_fail(e, RD_BAD_INPUT, "options: expected an object");
  rd_code code = rd_translate(value, options, sizeof options / sizeof *options, &inner, e);
  if (code == RD_OK && json_object_update_missing(to, inner) != 0)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: options");
  json_decref(inner);
  return code;
}

static const rd_renamed rows[] = {{"options", NULL, put_options},
                                  {"format", NULL, put_format},
                                  {"messages", NULL, put_messages},
                                  {"images", NULL, refuse_images}};

rd_code rd_translate_ollama(const json_t *body, json_t **out, rd_error *e) {
  return rd_translate(body, rows, sizeof rows / sizeof *rows, out, e);
}
