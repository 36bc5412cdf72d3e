/* SPDX-License-Identifier: MIT */
/* config.json (used as generation_config.json too): what is read passes its own check, and is read
 * back alike after writing. */
#include "config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *json = NULL;
  rd_error e;
  rd_config config, again;
  if (rd_json_parse(&json, (const char *)data, size, "config.json", &e) != RD_OK)
    return 0;
  if (rd_config_read(&config, json, json, &e) == RD_OK) {
    json_t *written = rd_config_json(&config, RD_F32);
    if (rd_config_check(&config, &e) != RD_OK ||
        rd_config_read(&again, written, NULL, &e) != RD_OK || again.width != config.width)
      abort();
    json_decref(written);
  }
  json_decref(json);
  return 0;
}
