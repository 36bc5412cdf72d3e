/* SPDX-License-Identifier: MIT */
/* Fixed text around gaps: the template, or prefix and suffix (chosen by the first byte, with a NUL
 * between them). The region fits, fixed text is locked, gaps are masked. */
#include "canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte is a token: <0x00>.. as SentencePiece has them, and two special ones. */
static rd_tokenizer *bytes_tokenizer(void) {
  static const char head[] = "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{";
  char text[256 * 16 + 200];
  rd_tokenizer *t = NULL;
  rd_error e;
  size_t at = (size_t)snprintf(text, sizeof text, "%s", head);
  for (int i = 0; i < 256; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "%s\"<0x%02X>\":%d", i ? "," : "", i, i);
  at += (size_t)snprintf(text + at, sizeof text - at, "},\"merges\":[]}}");
  if (rd_tokenizer_open_memory(&t, "tokenizer.json", text, at, &e) != RD_OK)
    abort();
  return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static rd_tokenizer *tokenizer;
  rd_canvas canvas;
  rd_error e;
  if (!tokenizer)
    tokenizer = bytes_tokenizer();
  if (size == 0)
    return 0;
  char *text = calloc(size + 1, 1); /* two strings */
  if (!text)
    return 0;
  memcpy(text, data + 1, size - 1);
  char *second = text + strlen(text) + 1;
  rd_params p = {.window = 64, .tokens = *data / 4};
  if (*data % 2) {
    p.gaps = text;
  } else {
    p.prefix = text;
    p.suffix = second < text + size && *second ? second : NULL;
  }
  const rd_canvas_frame frame = {
      .positions = 64, .prompt_count = 8, .mask = 3, .eos = 2, .tokenizer = tokenizer};
  if (rd_canvas_init(&canvas, &p, &frame, &e) == RD_OK) {
    if (canvas.count < 1 || canvas.count > 56)
      abort();
    for (int64_t i = 0; canvas.places && i < canvas.count; i++)
      if (canvas.places[i] == RD_PLACE_LOCKED && (canvas.ids[i] < 0 || canvas.ids[i] > 255))
        abort();
    rd_canvas_drop(&canvas);
  }
  free(text);
  return 0;
}
