/* SPDX-License-Identifier: MIT */
/* Tokenizer files of every format (chosen by the first byte), and text through what opens. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_tokenizer *t;
  rd_error e;
  const char *format = size ? rd_tokenizer_format_name(*data % 6) : NULL;
  if (!format || rd_tokenizer_open_memory(&t, format, data + 1, size - 1, &e) != RD_OK)
    return 0;
  int32_t *ids;
  char *text;
  size_t count, length = size < 512 ? size : 512;
  if (rd_tokenizer_encode(t, (const char *)data + size - length, length, RD_TOK_SPECIAL, &ids,
                          &count, &e) == RD_OK) {
    if (rd_tokenizer_decode(t, ids, count, RD_TOK_REPLACE, &text, &length, &e) == RD_OK)
      free(text);
    free(ids);
  }
  rd_tokenizer_close(&t);
  return 0;
}
