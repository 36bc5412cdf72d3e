/* SPDX-License-Identifier: MIT */
/* adapter_config.json: what is read is written and read back alike. */
#include "adapter.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *json = NULL;
  rd_error e;
  rd_adapter_config config, again;
  int64_t rank = 0;
  float scale = 0;
  if (rd_json_parse(&json, (const char *)data, size, "adapter_config.json", &e) != RD_OK)
    return 0;
  if (rd_adapter_config_read(&config, json, &e) == RD_OK) {
    json_t *written = rd_adapter_config_json(&config, "base");
    if (rd_adapter_config_read(&again, written, &e) != RD_OK || again.rank != config.rank)
      abort();
    json_decref(written);
    (void)rd_adapter_module(&config, "model.layers.0.self_attn.q_proj", &rank, &scale, &e);
  }
  json_decref(json);
  return 0;
}
