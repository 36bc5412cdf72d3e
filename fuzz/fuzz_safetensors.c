/* SPDX-License-Identifier: MIT */
/* safetensors files: what parses is read to its last number. */
#include "inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_tensors t = {0};
  rd_error e;
  if (rd_safetensors_parse(&t, data, size, &e) == RD_OK && rd_tensors_finish(&t, &e) == RD_OK)
    (void)rd_tensors_check(&t, &e);
  rd_tensors_drop(&t);
  return 0;
}
