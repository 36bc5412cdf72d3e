/* SPDX-License-Identifier: MIT */
/* Error messages, the table of codes, and allocations that explain themselves. */
#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rd_code_row code_rows[] = {
    [RD_OK] = {"ok", 0, 200, ""},
    [RD_USAGE] = {"usage", 2, 400, "invalid_request_error"},
    [RD_BAD_INPUT] = {"bad input", 1, 400, "invalid_request_error"},
    [RD_IO] = {"input/output", 1, 500, "server_error"},
    [RD_NO_MEMORY] = {"out of memory", 1, 503, "server_error"},
    [RD_UNSUPPORTED] = {"unsupported", 1, 400, "invalid_request_error"},
    [RD_CANCELLED] = {"cancelled", 130, 499, "cancelled"},
    [RD_BUSY] = {"busy", 1, 429, "rate_limit_error"},
    [RD_NUMERIC] = {"numeric", 1, 500, "server_error"},
};

const char *rd_version(void) {
  return RD_VERSION;
}

const rd_code_row *rd_code_describe(rd_code code) {
  static const rd_code_row internal = {"internal", 1, 500, "server_error"};
  size_t i = (size_t)code;
  return i < sizeof code_rows / sizeof *code_rows ? &code_rows[i] : &internal;
}

rd_code rd_fail(rd_error *e, rd_code code, const char *format, ...) {
  if (!e)
    return code;
  va_list args;
  va_start(args, format);
  e->code = code;
  vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  return code;
}

rd_code rd_prefix(rd_error *e, rd_code code, const char *format, ...) {
  if (!e)
    return code;
  char inner[sizeof e->message];
  memcpy(inner, e->message, sizeof inner);
  va_list args;
  va_start(args, format);
  int n = vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  size_t at = n < 0 ? 0 : (size_t)n;
  if (at < sizeof e->message)
    snprintf(e->message + at, sizeof e->message - at, ": %s", inner);
  e->code = code;
  return code;
}

rd_code rd_given(const void *pointer, const char *function, const char *name, rd_error *e) {
  return pointer ? RD_OK
                 : rd_fail(e, RD_USAGE, "%s: %s is NULL, and must be given", function, name);
}

void *rd_calloc(size_t count, size_t size, const char *what, rd_error *e) {
  void *p = calloc(count ? count : 1, size ? size : 1);
  if (!p)
    rd_fail(e, RD_NO_MEMORY, "out of memory: %s needs %zu x %zu bytes", what, count, size);
  return p;
}

char *rd_strdup(const char *text, rd_error *e) {
  char *p = strdup(text);
  if (!p)
    rd_fail(e, RD_NO_MEMORY, "out of memory: a string of %zu bytes", strlen(text));
  return p;
}

rd_code rd_grow(void **data, size_t *capacity, size_t need, size_t element, rd_error *e) {
  if (need <= *capacity)
    return RD_OK;
  size_t wanted = *capacity < 16 ? 16 : *capacity;
  while (wanted < need)
    wanted = wanted > SIZE_MAX / 2 ? need : wanted * 2;
  void *grown = wanted > SIZE_MAX / element ? NULL : realloc(*data, wanted * element);
  if (!grown)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a list of %zu x %zu bytes", wanted, element);
  *data = grown;
  *capacity = wanted;
  return RD_OK;
}

/* Its capacity is the next power of two, so that the count alone says when it is full. */
rd_code rd_grow_one(void **data, size_t count, size_t element, rd_error *e) {
  size_t capacity = count;
  return count & (count - 1) ? RD_OK : rd_grow(data, &capacity, count + 1, element, e);
}

const char *rd_printable(char *buffer, size_t room, const char *text, size_t size) {
  size_t n = size < room - 1 ? size : room - 1;
  for (size_t i = 0; i < n; i++)
    buffer[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
  buffer[n] = '\0';
  return buffer;
}

char *rd_print(const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = NULL;
  int n = vasprintf(&text, format, args);
  va_end(args);
  return n < 0 ? NULL : text;
}
