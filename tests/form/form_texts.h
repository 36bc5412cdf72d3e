/* SPDX-License-Identifier: MIT */
/* Which texts have a form and which do not, over tini's vocabulary, however they are cut into
 * words. */
#ifndef FORM_TEXTS_H
#define FORM_TEXTS_H

#include "form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rd_tokenizer *tokenizer;
static rd_words *words;

static inline int setup(void **state) {
  rd_error e = {0};
  (void)state;
  if (rd_tokenizer_open(&tokenizer, RD_SOURCE_DIR "/models/tini", &e) != RD_OK)
    fail_msg("%s", e.message);
  size_t count = 0;
  const int32_t *ends = rd_tokenizer_eos(tokenizer, &count);
  int32_t mask = rd_tokenizer_mask(tokenizer);
  assert_int_equal(rd_words_open(&words, tokenizer, (int64_t)rd_tokenizer_size(tokenizer), ends,
                                 (int)count, mask, &e),
                   RD_OK);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  rd_words_close(&words);
  rd_tokenizer_close(&tokenizer);
  return 0;
}

static inline int32_t after_text(const rd_form *f, int32_t state, const char *text, size_t size) {
  int32_t *ids;
  size_t count;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_encode(tokenizer, text, size, RD_TOK_CONTINUE, &ids, &count, &e),
                   RD_OK);
  for (size_t i = 0; i < count; i++)
    state = rd_form_next(f, state, ids[i]);
  free(ids);
  return state;
}

/* Has the text the form, as the tokenizer cuts it, and in two halves wherever it is cut? */
static inline bool fits(const rd_form *f, const char *text) {
  size_t size = strlen(text);
  bool whole = rd_form_accepts(f, after_text(f, rd_form_start(f), text, size));
  for (size_t cut = 1; cut<size; cut += size> 60 ? 7 : 1) {
    int32_t state = after_text(f, rd_form_start(f), text, cut);
    state = after_text(f, state, text + cut, size - cut);
    assert_int_equal(rd_form_accepts(f, state), whole);
  }
  return whole;
}

/* A form, texts that have it, and texts that have not. */
enum { MOST = 10 };
typedef struct form_case {
  const char *source;
  const char *yes[MOST], *no[MOST];
} form_case;

static inline void check_cases(const struct form_case *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rd_form *f;
    rd_error e = {0};
    if (rd_form_open(&f, list[i].source, words, &e) != RD_OK)
      fail_msg("%s: %s", list[i].source, e.message);
    for (int k = 0; k < MOST && list[i].yes[k]; k++)
      if (!fits(f, list[i].yes[k]))
        fail_msg("%s refuses %s", list[i].source, list[i].yes[k]);
    for (int k = 0; k < MOST && list[i].no[k]; k++)
      if (fits(f, list[i].no[k]))
        fail_msg("%s takes %s", list[i].source, list[i].no[k]);
    rd_form_close(&f);
  }
}

#endif
