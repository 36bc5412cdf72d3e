/* SPDX-License-Identifier: MIT */
/* Sums of files, to know whether what arrived is what was sent. The one place that knows nettle. */
#ifndef RD_DIGEST_H
#define RD_DIGEST_H

#include "error.h"

enum { RD_DIGEST_TEXT = 65 }; /* room for a sum in hexadecimal, and a NUL */

/* The sum of the file at `path`: SHA-256, or (git) the name that git gives a file of this content,
 * which is what hubs say of files that are small. */
rd_code rd_digest_file(char text[RD_DIGEST_TEXT], const char *path, bool git, rd_error *e);

#endif
