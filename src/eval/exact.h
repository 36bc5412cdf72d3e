/* SPDX-License-Identifier: MIT */
/* When do two answers say the same? */
#ifndef RD_EXACT_H
#define RD_EXACT_H

#include <stdbool.h>

/* Case, white space and punctuation at the ends of words do not count. */
bool rd_exact_same(const char *a, const char *b);
/* Are the last numbers in them the same? Separators of thousands do not count. */
bool rd_exact_same_number(const char *a, const char *b);

#endif
