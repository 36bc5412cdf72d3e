/* SPDX-License-Identifier: MIT */
/* Training configurations in YAML: what is accepted is written out, read again, and says the same.
 */
#include "settings.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rd_code read_settings(rd_train_settings *s, const char *text, size_t size) {
  json_t *json = NULL;
  rd_error e;
  memset(s, 0, sizeof *s);
  rd_code code = rd_yaml_parse(&json, text, size, "config.yaml", &e);
  if (code == RD_OK)
    code = rd_train_settings_default(s, &e);
  if (code == RD_OK)
    code = rd_train_settings_read(s, json, &e);
  if (code == RD_OK)
    code = rd_train_settings_finish(s, &e);
  json_decref(json);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_train_settings s, again = {0};
  if (read_settings(&s, (const char *)data, size) == RD_OK) {
    char *yaml = rd_train_settings_yaml(&s);
    json_t *before = rd_train_settings_json(&s);
    rd_error e = {0};
    if (!yaml || !before || read_settings(&again, yaml, strlen(yaml)) != RD_OK ||
        rd_train_settings_same(&again, before, &e) != RD_OK)
      abort();
    json_decref(before);
    free(yaml);
    rd_train_settings_drop(&again);
  }
  rd_train_settings_drop(&s);
  return 0;
}
