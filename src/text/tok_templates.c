/* SPDX-License-Identifier: MIT */
/* The chat templates of a folder, those of files before those of tokenizer_config.json and
 * chat_template.json. */
#include "file.h"
#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_template_check(const char *text, size_t size, const char *name, rd_error *e) {
  const char *nul = size ? memchr(text, '\0', size) : NULL;
  return nul ? rd_fail(e, RD_BAD_INPUT, "%s: byte %zu is NUL; a chat template is text", name,
                       (size_t)(nul - text))
             : RD_OK;
}

rd_code rd_template_read(char **out, const char *path, size_t limit, rd_error *e) {
  size_t size = 0;
  *out = NULL;
  RD_TRY(rd_file_read(path, limit, out, &size, e));
  rd_code code = rd_template_check(*out, size, path, e);
  if (code == RD_OK)
    return RD_OK;
  free(*out);
  *out = NULL;
  return code;
}

static rd_code keep(char **place, const json_t *text, rd_error *e) {
  if (!json_is_string(text) || *place)
    return RD_OK;
  *place = rd_strdup(json_string_value(text), e);
  return *place ? RD_OK : RD_NO_MEMORY;
}

/* A template that is neither the usual one nor that of tools is only named. */
static rd_code keep_name(char **names, const char *name, rd_error *e) {
  char *longer = rd_print("%s%s%s", *names ? *names : "", *names ? ", " : "", name);
  free(*names);
  *names = longer;
  return longer ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: chat templates");
}

/* Text, or [{"name": "default", "template": text}, {"name": "tool_use", ..}, ..], where no earlier
 * file had one. */
static rd_code read_value(rd_tokenizer *t, const json_t *config, rd_error *e) {
  const json_t *value = json_object_get(config, "chat_template");
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *row = json_array_get(value, i), *text = json_object_get(row, "template");
    const char *name = json_string_value(json_object_get(row, "name"));
    if (!name)
      continue;
    if (strcmp(name, "default") == 0)
      RD_TRY(keep(&t->chat_template, text, e));
    else
      RD_TRY(keep_name(&t->template_names, name, e));
    if (strcmp(name, "tool_use") == 0)
      RD_TRY(keep(&t->tool_template, text, e));
  }
  return keep(&t->chat_template, value, e);
}

static rd_code read_file(char **place, const char *folder, const char *name, rd_error *e) {
  const rd_path path = rd_path_in(folder, name);
  return *place || !rd_path_exists(path.text) ? RD_OK
                                              : rd_template_read(place, path.text, 1 << 24, e);
}

rd_code rd_tok_read_templates(rd_tokenizer *t, const char *folder, const json_t *config,
                              rd_error *e) {
  json_t *processor = NULL;
  RD_TRY(read_file(&t->chat_template, folder, "additional_chat_templates/default.jinja", e));
  RD_TRY(read_file(&t->chat_template, folder, "chat_template.jinja", e));
  RD_TRY(read_file(&t->tool_template, folder, "additional_chat_templates/tool_use.jinja", e));
  if (t->tool_template)
    RD_TRY(keep_name(&t->template_names, "tool_use", e));
  RD_TRY(read_value(t, config, e));
  RD_TRY(rd_tok_open_beside(folder, "chat_template.json", &processor, e));
  rd_code code = read_value(t, processor, e);
  json_decref(processor);
  return code;
}
