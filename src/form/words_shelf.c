/* SPDX-License-Identifier: MIT */
/* Words behind a lock. */
#include "words_shelf.h"

#include <pthread.h>
#include <stdlib.h>

struct rd_words_shelf {
  pthread_mutex_t lock;
  rd_words *words;
};

rd_words_shelf *rd_words_shelf_open(rd_error *e) {
  rd_words_shelf *s = rd_calloc(1, sizeof *s, "a model", e);
  if (s)
    pthread_mutex_init(&s->lock, NULL);
  return s;
}

void rd_words_shelf_close(rd_words_shelf **shelf) {
  if (!*shelf)
    return;
  rd_words_close(&(*shelf)->words);
  pthread_mutex_destroy(&(*shelf)->lock);
  free(*shelf);
  *shelf = NULL;
}

rd_code rd_words_shelf_take(const rd_words **out, rd_words_shelf *shelf,
                            const rd_tokenizer *tokenizer, int64_t vocab, const int32_t *ends,
                            int end_count, int32_t mask, rd_error *e) {
  rd_code code = RD_OK;
  pthread_mutex_lock(&shelf->lock);
  if (!shelf->words)
    code = rd_words_open(&shelf->words, tokenizer, vocab, ends, end_count, mask, e);
  *out = shelf->words;
  pthread_mutex_unlock(&shelf->lock);
  return code;
}
