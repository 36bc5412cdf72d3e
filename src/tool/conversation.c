/* SPDX-License-Identifier: MIT */
/* Turns in order. Trimming drops whole exchanges from the front, measuring after each. */
#include "conversation.h"

#include "file.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_conversation_add(rd_conversation *c, const char *role, const char *content,
                            rd_error *e) {
  RD_TRY(rd_grow_one((void **)&c->turns, c->count, sizeof *c->turns, e));
  char *copy = rd_strdup(content, e);
  if (!copy)
    return RD_NO_MEMORY;
  c->turns[c->count++] = (rd_message){role, copy};
  return RD_OK;
}

void rd_conversation_pop(rd_conversation *c, size_t count) {
  for (; count > 0 && c->count > 0; count--)
    free((char *)(uintptr_t)c->turns[--c->count].content);
}

void rd_conversation_drop(rd_conversation *c) {
  rd_conversation_pop(c, c->count);
  free(c->turns);
  memset(c, 0, sizeof *c);
}

rd_code rd_conversation_fit(const rd_conversation *c, const char *system, int64_t limit,
                            rd_measure *measure, void *context, rd_message **messages,
                            size_t *count, size_t *left_out, rd_error *e) {
  rd_message *list = rd_calloc(c->count + 1, sizeof *list, "messages", e);
  *messages = list;
  if (!list)
    return RD_NO_MEMORY;
  size_t head = system ? 1 : 0;
  list[0] = (rd_message){"system", system};
  for (size_t from = 0;; from += 2) {
    memcpy(list + head, c->turns + from, (c->count - from) * sizeof *list);
    *count = head + c->count - from;
    *left_out = from;
    int64_t tokens = 0;
    RD_TRY(measure(context, list, *count, &tokens, e));
    if (tokens <= limit || from + 2 >= c->count)
      return RD_OK;
  }
}

rd_code rd_conversation_save(const rd_conversation *c, const char *system, const char *path,
                             rd_error *e) {
  json_t *messages = json_array();
  if (system)
    json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "system", "content", system));
  for (size_t i = 0; i < c->count; i++)
    json_array_append_new(messages, json_pack("{s:s, s:s}", "role", c->turns[i].role, "content",
                                              c->turns[i].content));
  json_t *row = json_pack("{s:o}", "messages", messages);
  char *text = row ? rd_json_dumps(row, JSON_COMPACT) : NULL;
  json_decref(row);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "no memory to save %zu turns", c->count);
  const rd_file_piece parts[] = {{text, strlen(text)}, {"\n", 1}};
  rd_code code = rd_file_write(path, parts, 2, e);
  free(text);
  return code;
}
