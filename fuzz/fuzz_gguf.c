/* SPDX-License-Identifier: MIT */
/* GGUF files: keys, the configuration they make, and every number of the tensors. */
#include "family.h"
#include "gguf.h"
#include "inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_gguf g;
  rd_error e;
  rd_config config;
  if (rd_gguf_parse(&g, data, size, &e) != RD_OK)
    return 0;
  (void)rd_config_read_gguf(&config, &g, &e);
  (void)rd_tensors_check(&g.tensors, &e);
  rd_gguf_drop(&g);
  return 0;
}
