/* SPDX-License-Identifier: MIT */
/* Request bodies of each shape (chosen by the first byte), without a model. */
#include "ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_ask ask;
  rd_error e;
  if (size == 0)
    return 0;
  rd_code code = rd_ask_parse(&ask, (const char *)data + 1, size - 1, 1U << *data % 3, NULL, &e);
  if (code == RD_OK && !ask.sampler)
    __builtin_trap();
  rd_ask_drop(&ask);
  return 0;
}
