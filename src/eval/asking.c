/* SPDX-License-Identifier: MIT */
/* The same solved rows stand before every question, in the order of their file, but for the
 * question itself: so no row is told its own answer. They come from the data whole, whatever
 * --limit keeps of them as questions. */
#include "asking.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rd_code rd_shots_open(rd_shots *shots, const rd_eval *eval, const rd_rows *rows,
                      rd_row_check *check, rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  *shots = (rd_shots){.eval = eval, .rows = rows};
  if (s->shots == 0 || (!s->shots_from && s->limit == 0))
    return RD_OK;
  rd_eval_settings from = *s;
  from.data = s->shots_from ? s->shots_from : s->data;
  from.limit = s->shots + 1; /* the question may be among them */
  rd_eval reader = *eval;
  reader.settings = &from;
  return rd_eval_rows(&shots->own, &reader, check, e);
}

void rd_shots_drop(rd_shots *shots) {
  rd_rows_drop(&shots->own);
}

void rd_asking_drop(rd_asking *asking) {
  free(asking->messages);
  free(asking->text);
  *asking = (rd_asking){0};
}

/* What a solved row shows. */
static rd_code shown(const json_t *row, const char **prompt, const char **answer, rd_error *e) {
  *answer = json_string_value(json_object_get(row, "worked"));
  if (rd_choice_shown(row, prompt, answer))
    return RD_OK;
  RD_TRY(rd_row_prompt(row, prompt, e));
  return *answer ? RD_OK : rd_row_answer(row, 0, answer, e);
}

/* The solved rows for row `i`, as pairs of messages. */
static rd_code gather(rd_asking *asking, const rd_shots *shots, size_t i, rd_error *e) {
  const rd_rows *from = shots->own.count > 0 ? &shots->own : shots->rows;
  size_t wanted = (size_t)shots->eval->settings->shots;
  for (size_t k = 0; k < from->count && asking->count < 2 * wanted; k++) {
    rd_message *pair = asking->messages + asking->count;
    if (json_equal(from->items[k], shots->rows->items[i]))
      continue;
    pair[0].role = "user";
    pair[1].role = "assistant";
    RD_TRY(shown(from->items[k], &pair[0].content, &pair[1].content, e));
    asking->count += 2;
  }
  return asking->count == 2 * wanted
           ? RD_OK
           : rd_fail(e, RD_USAGE, "--shots %zu: the file has %zu other rows", wanted,
                     asking->count / 2);
}

/* All messages as one text, which becomes the only one. */
static rd_code join(rd_asking *asking, rd_error *e) {
  size_t size;
  FILE *out = open_memstream(&asking->text, &size);
  for (size_t i = 0; out && i < asking->count; i++) {
    const char *text = asking->messages[i].content, *next = asking->messages[i | 1].content;
    bool solved = i + 1 < asking->count, question = i % 2 == 0;
    size_t n = strlen(text);
    bool apart = n > 0 && !isspace((unsigned char)text[n - 1]) && !isspace((unsigned char)*next);
    fputs(text, out);
    if (solved)
      fputs(!question ? "\n\n" : apart ? " " : "", out);
  }
  if (!out || fclose(out) != 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a prompt");
  asking->messages[0].content = asking->text;
  asking->count = 1;
  return RD_OK;
}

rd_code rd_asking_make(rd_asking *asking, const rd_shots *shots, size_t i, const char *prompt,
                       rd_error *e) {
  const rd_eval_settings *s = shots->eval->settings;
  *asking = (rd_asking){0};
  asking->messages = rd_calloc(2 * (size_t)s->shots + 2, sizeof *asking->messages, "a prompt", e);
  if (!asking->messages)
    return RD_NO_MEMORY;
  if (s->shots > 0)
    RD_TRY(gather(asking, shots, i, e));
  asking->messages[asking->count++] = (rd_message){"user", prompt};
  asking->messages[asking->count].content = ""; /* behind the last one, for join */
  return s->raw ? join(asking, e) : RD_OK;
}
