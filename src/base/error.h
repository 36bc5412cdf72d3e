/* SPDX-License-Identifier: MIT */
/* Errors: a code to act on and one message with the numbers in it. */
#ifndef RD_ERROR_H
#define RD_ERROR_H

#include "redraft.h"

/* What a code means to the outside: process exit status, HTTP status, OpenAI error type. */
typedef struct rd_code_row {
  const char *name;
  int exit_status;
  int http_status;
  const char *http_type;
} rd_code_row;

/* The row of a code; unknown codes get the row of an internal failure. Never NULL. */
const rd_code_row *rd_code_describe(rd_code code);

/* Write the message (printf rules; cut at the buffer's end) and return `code`. `e` may be NULL. */
rd_code rd_fail(rd_error *e, rd_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before the message already in `e` and return `code`. `e` may be NULL. */
rd_code rd_prefix(rd_error *e, rd_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Return from the calling function with the code of `call` unless it is RD_OK. */
#define RD_TRY(call)                                                                               \
  do {                                                                                             \
    rd_code rd_try_code = (call);                                                                  \
    if (rd_try_code != RD_OK)                                                                      \
      return rd_try_code;                                                                          \
  } while (0)

/* The same, for functions that clean up: stores the code in `code` and goes to `label`. */
#define RD_TRY_GOTO(code, label, call)                                                             \
  do {                                                                                             \
    (code) = (call);                                                                               \
    if ((code) != RD_OK)                                                                           \
      goto label;                                                                                  \
  } while (0)

/* What the library's callers give is there, or the function returns RD_USAGE, which names it. */
#define RD_GIVEN(pointer, e) RD_TRY(rd_given((pointer), __func__, #pointer, (e)))
rd_code rd_given(const void *pointer, const char *function, const char *name, rd_error *e);

/* calloc and strdup with a message that names what was wanted: NULL with `e` filled on failure.
 * The caller frees with free(). */
void *rd_calloc(size_t count, size_t size, const char *what, rd_error *e) __attribute__((malloc));
char *rd_strdup(const char *text, rd_error *e) __attribute__((malloc));
/* Room for `need` elements in an array of *capacity: at least doubled where there is too little.
 * The array stays as it was where memory is out. */
rd_code rd_grow(void **data, size_t *capacity, size_t need, size_t element, rd_error *e);
/* Room for one more behind `count` elements, in an array that grows in no other way. */
rd_code rd_grow_one(void **data, size_t count, size_t element, rd_error *e);
/* Text of a file for a message, into buffer, which is returned: cut to the room, and '?' for what
 * could move a terminal's cursor. */
const char *rd_printable(char *buffer, size_t room, const char *text, size_t size);
/* printf into a new string, freed by the caller; NULL when memory is out. */
char *rd_print(const char *format, ...) __attribute__((format(printf, 1, 2), malloc));

#endif
