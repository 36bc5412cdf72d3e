/* SPDX-License-Identifier: MIT */
/* Forms of answers ("regex:..", "json-schema:..") over a small vocabulary: what opens has a text,
 * and the programme finds one as long as it says. */
#include "form_path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vocabulary[] =
    "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false},"
    "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{"
    "\"<end>\":0,\"a\":1,\"b\":2,\"\\\"\":3,\"{\":4,\"}\":5,\":\":6,\",\":7,\"0\":8,\"1\":9,\"[\":"
    "10,\"]\":11,\"ab\":12,\"\\\":\":13,\"a\\\"\":14,\"true\":15,\"-\":16,\"c\":17,\"\xC3\x83\":18,"
    "\"\xC2\xA9\":19,\"\\\\\":20,\"n\":21}}}";

static rd_words *open_words(void) {
  rd_tokenizer *t = NULL;
  rd_words *words = NULL;
  const int32_t end = 0;
  if (rd_tokenizer_open_memory(&t, "tokenizer.json", vocabulary, strlen(vocabulary), NULL) !=
          RD_OK ||
      rd_words_open(&words, t, 22, &end, 1, -1, NULL) != RD_OK)
    abort();
  return words;
}

static void find_text(const rd_form *f) {
  enum { ROOM = 40 };
  rd_form_path *path = NULL;
  int32_t ids[ROOM], least = rd_form_least(f, rd_form_start(f)), state = rd_form_start(f);
  float logs[ROOM];
  if (least > ROOM || rd_form_path_open(&path, f, least, NULL) != RD_OK)
    return;
  for (int32_t i = 0; i < least; i++)
    rd_form_path_any(path);
  if (!rd_form_path_settle(path, ids, logs))
    abort();
  for (int32_t i = 0; i < least; i++)
    state = rd_form_next(f, state, ids[i]);
  if (!rd_form_accepts(f, state))
    abort();
  rd_form_path_close(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static rd_words *words;
  rd_form *f = NULL;
  rd_error e = {0};
  if (!words)
    words = open_words();
  char *source = malloc(size + 1);
  if (!source)
    return 0;
  memcpy(source, data, size);
  source[size] = '\0';
  rd_code code = rd_form_open(&f, source, words, &e);
  if ((code == RD_OK) != (f != NULL) || (code != RD_OK && !e.message[0]))
    abort();
  if (f)
    find_text(f);
  rd_form_close(&f);
  free(source);
  return 0;
}
