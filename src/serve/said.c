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

/* Does an option begin here, with the first `size` letters of `name`? */
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
    size_t no = dashes && n > 3 && strncmp(from + dashes, "no-", 3) == 0 ? 3 : 0;
    bool field = (dashes || from == text) && is_field(from + dashes, n);
    if (!field && no && is_field(from + dashes + no, n - no)) { /* a flag that is taken back */
      field = true;
      dashes += no;
      n -= no;
    }
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
