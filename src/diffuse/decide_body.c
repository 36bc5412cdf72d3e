/* SPDX-License-Identifier: MIT */
/* Two fields and a table of options. */
#include "decide_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rd_option_part parts[] = {{&rd_decide_rows, 0}, {NULL, 0}};

rd_code rd_decide_body_init(rd_decide_body *b, rd_error *e) {
  *b = (rd_decide_body){0};
  RD_TRY(rd_options_open(&b->options, parts, &b->settings, e));
  return rd_options_default(&b->options, e);
}

static rd_code read_state(rd_decide_body *b, const json_t *value, rd_error *e) {
  if (!value || json_is_null(value))
    return rd_fail(e, RD_BAD_INPUT,
                   "state: give the text that the questions are about; \"\" is "
                   "none");
  rd_code code = rd_content_text(&b->state, value, e);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "state");
}

static rd_code read_options(rd_decide_body *b, const json_t *object, rd_error *e) {
  const char *name;
  json_t *value;
  double milliseconds = 0;
  json_object_foreach((json_t *)(uintptr_t)object, name, value) {
    const rd_option *row = rd_option_find(&b->options, name);
    if (row && !json_is_null(value))
      RD_TRY(rd_option_set_json(&b->options, row, value, e));
  }
  RD_TRY(rd_json_real(object, "deadline_ms", 0, 86400e3, &milliseconds, e));
  if (milliseconds > 0)
    b->settings.deadline = milliseconds / 1000;
  return RD_OK;
}

rd_code rd_decide_body_read(rd_decide_body *b, const json_t *object, rd_error *e) {
  if (!json_is_object(object))
    return rd_fail(e, RD_BAD_INPUT, "expected an object with state and questions");
  if (json_object_get(object, "assets"))
    return rd_fail(e, RD_USAGE, "assets: the models here read text alone, no pictures");
  RD_TRY(read_state(b, json_object_get(object, "state"), e));
  RD_TRY(rd_questions_read(&b->questions, json_object_get(object, "questions"), e));
  return read_options(b, object, e);
}

static const char OWN[] = "state questions deadline_ms", QUESTION[] = "type instructions criteria";

static void add_stray(FILE *out, bool *any, const char *question, const char *name) {
  fprintf(out, "%s%.60s%s%.60s", *any ? ", " : "", question, *question ? ": " : "", name);
  *any = true;
}

rd_code rd_decide_body_strays(char **out, const rd_decide_body *b, const json_t *object,
                              rd_error *e) {
  const char *name, *key;
  json_t *question, *value;
  size_t size = 0;
  bool any = false;
  *out = NULL;
  FILE *text = open_memstream(out, &size);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: keys");
  json_object_foreach((json_t *)(uintptr_t)object, name, value)
    if (!rd_name_listed(OWN, name) && !rd_option_find(&b->options, name))
      add_stray(text, &any, "", name);
  json_object_foreach(json_object_get(object, "questions"), name, question)
    json_object_foreach(question, key, value)
      if (!rd_name_listed(QUESTION, key))
        add_stray(text, &any, name, key);
  return fclose(text) == 0 ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: keys");
}

void rd_decide_body_drop(rd_decide_body *b) {
  rd_options_drop(&b->options);
  rd_options_close(&b->options);
  rd_questions_drop(&b->questions);
  free(b->state);
  b->state = NULL;
}
