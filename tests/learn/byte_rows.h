/* SPDX-License-Identifier: MIT */
/* Rows of data files as examples, with a coder of one id a byte. */
#ifndef BYTE_ROWS_H
#define BYTE_ROWS_H

#include "examples.h"
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EOS = 1, MASK = 2, USER = 3, ASSISTANT = 4 };

static inline rd_code text(const void *context, const char *bytes, size_t size, rd_id_list *ids,
                           rd_error *e) {
  (void)context;
  for (size_t i = 0; i < size; i++) {
    int32_t id = (unsigned char)bytes[i];
    RD_TRY(rd_id_list_add(ids, &id, 1, e));
  }
  return RD_OK;
}

static inline rd_code prompt(const void *context, const rd_message *turns, size_t count,
                             rd_id_list *ids, rd_error *e) {
  const int32_t user = USER, assistant = ASSISTANT;
  for (size_t i = 0; i < count; i++) {
    RD_TRY(rd_id_list_add(ids, &user, 1, e));
    RD_TRY(text(context, turns[i].content, strlen(turns[i].content), ids, e));
  }
  return rd_id_list_add(ids, &assistant, 1, e);
}

static const rd_text_coder coder = {NULL, text, prompt, EOS};

/* The path of a new file. */
static inline char *data_file(const char *name, const char *content) {
  char *path = rd_print("/tmp/rd_data_%d_%s", (int)getpid(), name);
  rd_file_piece part = {content, strlen(content)};
  assert_non_null(path);
  assert_int_equal(rd_file_write(path, &part, 1, NULL), RD_OK);
  return path;
}

static inline rd_code read_text(rd_examples *x, const char *name, const char *content,
                                int64_t window, bool truncate, bool allow_bad, rd_error *e) {
  char *path = data_file(name, content);
  rd_data_source source = {path, 1.0};
  rd_data_sources sources = {&source, 1};
  rd_read_rules rules = {
      .window = window, .room_for_eos = true, .truncate = truncate, .allow_bad = allow_bad};
  rd_code code = rd_examples_read(x, &sources, &coder, &rules, e);
  unlink(path);
  free(path);
  return code;
}

#endif
