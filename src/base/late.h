/* SPDX-License-Identifier: MIT */
/* Shared libraries that few runs need, opened by whoever needs one: with all of them the program
 * would take four times as long to start. CMake's rd_late gives a layer a library's headers and, as
 * RD_LATE_NAME, the file that it is at run time. What is called of it is a list:
 *
 *   #define FUNCTIONS(F) F(zip_open) F(zip_close)
 *   static struct { FUNCTIONS(RD_LATE_MEMBER) } lib;
 *   static rd_late late = RD_LATE(RD_LATE_ZIP, "libzip4", "a PyTorch file", FUNCTIONS, &lib);
 *
 *   RD_TRY(rd_late_open(&late, e));
 *   lib.zip_open(...);
 */
#ifndef RD_LATE_H
#define RD_LATE_H

#include "error.h"

#define RD_LATE_MEMBER(function) __typeof__(function) *function;
#define RD_LATE_NAME(function) #function,
#define RD_LATE(file, package, purpose, functions, to)                                             \
  { file, package, purpose, (const char *const[]){functions(RD_LATE_NAME) NULL}, to, false }

typedef struct rd_late {
  const char *file, *package; /* the library's, and Debian's that brings it */
  const char *purpose;        /* what needs it, for messages */
  const char *const *names;   /* of the functions; NULL: no more */
  void *functions;            /* a struct of pointers to them, in this order */
  bool open;
} rd_late;

/* Make the functions callable, from any thread; once they are, this costs a lock. The library stays
 * open. RD_UNSUPPORTED: it is not installed. */
rd_code rd_late_open(rd_late *library, rd_error *e);

#endif
