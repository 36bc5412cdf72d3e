/* SPDX-License-Identifier: MIT */
/* Fields are quoted where RFC 4180 asks for it; a line is written in one piece. */
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
      json_is_null(value) ? NULL : rd_json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
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

static rd_code other_columns(const char *path, rd_error *e) {
  return rd_fail(e, RD_USAGE, "%s: its columns are others than these rows have; name another file",
                 path);
}

static rd_code cannot_write(const char *path, rd_error *e) {
  return rd_fail(e, RD_IO, "%s: cannot write: %s", path, strerror(errno));
}

/* Does a line begin with this word, and a comma behind it? */
static bool begins(const char *line, const char *word) {
  size_t n = strlen(word);
  return strncmp(line, word, n) == 0 && line[n] == ',';
}

/* What there is of a table before a row of it is known: the names of its columns begin with `key`,
 * its first line with `value`. */
static rd_code check_lines(const rd_csv *c, const char *key, const char *value, rd_error *e) {
  const char *const words[] = {key, value};
  char *line = NULL;
  size_t room = 0;
  bool same = true;
  for (int i = 0; i < 2 && same && getline(&line, &room, c->file) > 0; i++)
    same = begins(line, words[i]);
  free(line);
  return same ? RD_OK : other_columns(c->path, e);
}

rd_code rd_csv_open(rd_csv *c, const char *path, const char *key, const char *value, rd_error *e) {
  *c = (rd_csv){.path = path};
  if (rd_file_streams(path))
    return rd_file_begin(&c->stream, path, e);
  c->made = !rd_path_exists(path);
  c->file = fopen(path, "a+e");
  if (!c->file)
    return cannot_write(path, e);
  return key ? check_lines(c, key, value, e) : RD_OK;
}

/* The file's first line must be these columns; *empty: it has none. */
static rd_code check_head(const rd_csv *c, const char *head, bool *empty, rd_error *e) {
  char *line = NULL;
  size_t room = 0;
  rewind(c->file);
  *empty = getline(&line, &room, c->file) <= 0;
  bool same = *empty || strcmp(line, head) == 0;
  free(line);
  return same ? RD_OK : other_columns(c->path, e);
}

/* At the end of the file; what went there in part is taken away. */
static rd_code grow(const rd_csv *c, const char *head, const char *line, rd_error *e) {
  bool empty;
  RD_TRY(check_head(c, head, &empty, e));
  const bool ended = empty || (fseek(c->file, -1, SEEK_END) == 0 && fgetc(c->file) == '\n');
  long size = fseek(c->file, 0, SEEK_END) == 0 ? ftell(c->file) : -1;
  if (size >= 0 &&
      fputs(empty   ? head
            : ended ? ""
                    : "\n",
            c->file) != EOF &&
      fputs(line, c->file) != EOF && fflush(c->file) == 0)
    return RD_OK;
  rd_code code = cannot_write(c->path, e);
  __fpurge(c->file);
  if (size >= 0 && ftruncate(fileno(c->file), size) != 0)
    rd_prefix(e, code, "a line in part");
  return code;
}

rd_code rd_csv_fits(const rd_csv *c, const json_t *row, rd_error *e) {
  bool empty;
  char *head = line_of(row, true);
  rd_code code = !head   ? rd_fail(e, RD_NO_MEMORY, "out of memory: a finding")
               : c->file ? check_head(c, head, &empty, e)
                         : RD_OK;
  free(head);
  return code;
}

rd_code rd_csv_append(rd_csv *c, const json_t *row, rd_error *e) {
  char *head = line_of(row, true), *line = line_of(row, false);
  rd_code code = head && line ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a finding");
  if (code == RD_OK && c->file) {
    code = grow(c, head, line, e);
  } else if (code == RD_OK) {
    const rd_file_piece parts[] = {{head, c->headed ? 0 : strlen(head)}, {line, strlen(line)}};
    code = rd_file_add(&c->stream, parts, 2, e);
    c->headed = true;
  }
  free(head);
  free(line);
  return code;
}

void rd_csv_close(rd_csv *c) {
  if (c->file && c->made && fseek(c->file, 0, SEEK_END) == 0 && ftell(c->file) == 0)
    unlink(c->path);
  if (c->file)
    fclose(c->file);
  rd_file_leave(&c->stream);
  *c = (rd_csv){0};
}
