/* SPDX-License-Identifier: MIT */
/* A chat template, and behind a NUL byte the JSON that it sees (a small conversation where there is
 * none). */
#include "jinja.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char talk[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\" S \"},{\"role\":\"user\",\"content\":\"U<s>"
    "\\u00e9\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":"
    "\"f\",\"arguments\":{\"a\":[1,2.5,null,true]}}}]}],\"tools\":null,\"documents\":null,"
    "\"add_generation_prompt\":true}";
static const char *const roles[] = {"system", "user", "assistant", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
  const char *json = nul ? (const char *)nul + 1 : talk;
  size_t json_size = nul ? size - (size_t)(nul - data) - 1 : strlen(talk);
  const struct tm now = {.tm_year = 126, .tm_mday = 2};
  rd_jinja *t;
  json_t *seen, *own = json_pack("{s:s, s:s}", "bos_token", "<s>", "eos_token", "</s>");
  rd_rendered out;
  rd_error e = {0};
  if (rd_json_parse(&seen, json, json_size, "data", &e) == RD_OK) {
    const rd_jinja_input input = {seen, own, "role", roles, &now};
    if (rd_jinja_open(&t, (const char *)data, nul ? (size_t)(nul - data) : size, &e) == RD_OK) {
      if (rd_jinja_render(&out, t, &input, &e) == RD_OK) {
        for (size_t i = 0; i < out.size; i++)
          if (out.from_data[i] != 0 && out.from_data[i] != 1)
            abort();
        rd_rendered_drop(&out);
      }
      rd_jinja_close(&t);
    }
    json_decref(seen);
  }
  json_decref(own);
  return 0;
}
