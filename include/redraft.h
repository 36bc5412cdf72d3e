/* SPDX-License-Identifier: MIT */
/* redraft.h: the public interface and its manual.
 *
 * redraft writes text by refining a whole draft at once until it converges. A model (rd_model) is
 * opened once, is read-only afterwards and may be shared by threads. A session (rd_session) holds
 * the working memory of one generation at a time and belongs to one thread. */
#ifndef REDRAFT_H
#define REDRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RD_API __attribute__((visibility("default")))

/* What went wrong, in kinds: tools map them to exit and HTTP statuses (error.h has the table). */
typedef enum rd_code {
  RD_OK = 0,
  RD_USAGE = 1,       /* an option or argument that makes no sense */
  RD_BAD_INPUT = 2,   /* a file or request whose content is wrong */
  RD_IO = 3,          /* the operating system refused: open, read, write, disk full */
  RD_NO_MEMORY = 4,   /* an allocation failed */
  RD_UNSUPPORTED = 5, /* well-formed, but not something this build knows */
  RD_CANCELLED = 6,   /* the caller asked to stop */
  RD_BUSY = 7,        /* a limit is reached: try later */
  RD_NUMERIC = 8,     /* NaN or infinity where numbers were due */
} rd_code;

/* One message, written by the first place that failed; callers may prefix context. */
typedef struct rd_error {
  rd_code code;
  char message[1000];
} rd_error;

/* The library's version, "0.1.0". Never NULL; static storage. */
RD_API const char *rd_version(void);

#ifdef __cplusplus
}
#endif
#endif
