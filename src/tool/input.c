/* SPDX-License-Identifier: MIT */
/* Read to its end, into room that doubles. */
#include "input.h"

#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_INPUT = 64 << 20 };

rd_code rd_tool_input(char **out, const char *what, bool lines, rd_error *e) {
  char *text = NULL;
  size_t size = 0, room = 0;
  for (;;) {
    if (size + 1 >= room) {
      room = room ? 2 * room : 4096;
      char *more = room <= MOST_INPUT ? realloc(text, room) : NULL;
      if (!more) {
        free(text);
        return rd_fail(e, RD_BAD_INPUT, "standard input: %s has at most %d bytes", what,
                       MOST_INPUT);
      }
      text = more;
    }
    ssize_t n = read(STDIN_FILENO, text + size, room - size - 1);
    if (n < 0) {
      free(text);
      return errno == EINTR ? rd_fail(e, RD_CANCELLED, "interrupted")
                            : rd_fail(e, RD_IO, "standard input: %s", strerror(errno));
    }
    if (n == 0)
      break;
    size += (size_t)n;
  }
  if (!lines && size > 0 && text[size - 1] == '\n')
    size--;
  text[size] = '\0';
  *out = text;
  return strlen(text) == size
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "standard input: a NUL byte at %zu", strlen(text));
}

rd_code rd_tool_no_dash(const char *path, const char *instead, rd_error *e) {
  return path && strcmp(path, "-") == 0 ? rd_fail(e, RD_USAGE, "-: %s", instead) : RD_OK;
}

rd_code rd_tool_there(const char *path, const char *instead, rd_error *e) {
  return path && !rd_path_exists(path)
           ? rd_fail(e, RD_IO, "%.200s: no such file; %s", path, instead)
           : RD_OK;
}
