/* SPDX-License-Identifier: MIT */
/* The rows of options say which words are fields. The first word of a message may be one without
 * its dashes. */
#include "said.h"

#include "decide.h"
#include "params.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_field(const char *name, size_t size) {
  char word[64];
  if (size == 0 || size >= sizeof word)
    return false;
  snprintf(word, sizeof word, "%.*s", (int)size, name);
  return rd_table_row(&rd_sampler_rows, word) || rd_table_row(&rd_decide_rows, word);
}

void rd_said_fields(char *text) {
  char *to = text;
  for (const char *from = text; *from;) {
    size_t dashes = strncmp(from, "--", 2) == 0 ? 2 : 0;
    size_t n = strspn(from + dashes, "abcdefghijklmnopqrstuvwxyz-");
    bool field = (dashes || from == text) && is_field(from + dashes, n);
    from += field ? dashes : 0;
    for (const char *end = from + (field ? n : 1); from < end; from++)
      *to++ = field && *from == '-' ? '_' : *from;
  }
  *to = '\0';
}

json_t *rd_said(const char *message) {
  char *text = rd_utf8_copy(message, NULL);
  if (!text)
    return NULL;
  rd_said_fields(text);
  json_t *said = json_string(text);
  free(text);
  return said;
}
