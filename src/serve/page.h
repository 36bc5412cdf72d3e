/* SPDX-License-Identifier: MIT */
/* The web page and its Content-Security-Policy, as web/dist holds them, inside the program. */
#ifndef RD_PAGE_H
#define RD_PAGE_H

#include <stddef.h>

/* The page's bytes, *size of them. */
const char *rd_page_html(size_t *size);
/* The policy: one line without its newline, at most `room` - 1 bytes, written to `out`. */
void rd_page_policy(char *out, size_t room);

#endif
