/* SPDX-License-Identifier: MIT */
/* Ollama's chat and generate: options of generation lie in an object of their own, and a form is a
 * field `format`. */
#include "translate.h"

#include "params.h"

#include <string.h>

static rd_code put_most(json_t *to, const json_t *value, rd_error *e) {
  int64_t most = 0;
  if (!rd_json_whole(value, &most))
    return rd_fail(e, RD_BAD_INPUT, "num_predict: expected a whole number");
  return rd_translate_set(to, "max_tokens", json_integer(most < 0 ? -1 : most), e);
}

/* However large: the shape lowers it to what the model has. */
static rd_code put_window(json_t *to, const json_t *value, rd_error *e) {
  const rd_option *row = rd_table_row(&rd_sampler_rows, "window");
  int64_t asked = 0;
  if (!rd_json_whole(value, &asked))
    return rd_fail(e, RD_BAD_INPUT, "num_ctx: expected a whole number");
  asked = (double)asked > row->max ? (int64_t)row->max : asked;
  return rd_translate_set(to, "window", json_integer(asked), e);
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

/* Ollama's is a prompt's, of Go; redraft's has gaps. */
static rd_code put_template(json_t *to, const json_t *value, rd_error *e) {
  const char *text = json_string_value(value);
  if (text && !*text)
    return RD_OK;
  if (text && strstr(text, "{{"))
    return rd_fail(e, RD_USAGE,
                   "template: templates of prompts come with the model here; leave it out");
  return rd_translate_set(to, "template", json_incref((json_t *)(uintptr_t)value), e);
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

static const rd_renamed options[] = {{"num_predict", "max_tokens", put_most, NULL},
                                     {"num_ctx", "window", put_window, NULL}};
static const rd_translation option_fields = {options, sizeof options / sizeof *options};

static const rd_renamed rows[] = {{"options", NULL, NULL, &option_fields},
                                  {"format", "response_format", put_format, NULL},
                                  {"template", NULL, put_template, NULL},
                                  {"messages", NULL, put_messages, NULL},
                                  {"images", NULL, refuse_images, NULL}};
const rd_translation rd_ollama_fields = {rows, sizeof rows / sizeof *rows};
