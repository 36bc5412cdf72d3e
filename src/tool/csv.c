/* SPDX-License-Identifier: MIT */
/* Fields are quoted where RFC 4180 asks for it; a line is written in one piece. */
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_field(FILE *out, const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"')
      fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

static void put_value(FILE *out, const json_t *value) {
  char *text =
      json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
  if (json_is_string(value))
    put_field(out, json_string_value(value));
  else if (text)
    put_field(out, text);
  free(text);
}

/* Keys, or values, as a line: a new string, NULL when memory is out. */
static char *line_of(const json_t *row, bool keys) {
  char *line = NULL;
  size_t size;
  const char *key;
  json_t *value;
  FILE *out = open_memstream(&line, &size);
  bool begun = false;
  if (!out)
    return NULL;
  json_object_foreach((json_t *)(uintptr_t)row, key, value) {
    fputs(begun ? "," : "", out);
    begun = true;
    if (keys)
      put_field(out, key);
    else
      put_value(out, value);
  }
  fputc('\n', out);
  if (fclose(out) == 0)
    return line;
  free(line);
  return NULL;
}

/* The file's first line must be these columns; *empty: it has none. */
static rd_code check_head(FILE *file, const char *path, const char *head, bool *empty,
                          rd_error *e) {
  char *line = NULL;
  size_t room = 0;
  ssize_t got = getline(&line, &room, file);
  *empty = got <= 0;
  bool same = *empty || strcmp(line, head) == 0;
  free(line);
  return same ? RD_OK
              : rd_fail(e, RD_USAGE,
                        "%s: its columns are others than those of this task; name "
                        "another file",
                        path);
}

rd_code rd_csv_append(const char *path, const json_t *row, rd_error *e) {
  char *head = line_of(row, true), *line = line_of(row, false);
  FILE *file = head && line ? fopen(path, "a+") : NULL;
  bool empty = false;
  rd_code code = head && line ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a finding");
  if (code == RD_OK && !file)
    code = rd_fail(e, RD_IO, "%s: %s", path, strerror(errno));
  if (code == RD_OK)
    code = check_head(file, path, head, &empty, e);
  if (code == RD_OK && (fputs(empty ? head : "", file) == EOF || fputs(line, file) == EOF))
    code = rd_fail(e, RD_IO, "%s: %s", path, strerror(errno));
  if (file && fclose(file) != 0 && code == RD_OK)
    code = rd_fail(e, RD_IO, "%s: %s", path, strerror(errno));
  free(head);
  free(line);
  return code;
}
