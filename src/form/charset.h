/* SPDX-License-Identifier: MIT */
/* Sets of characters as ranges of code points, for classes of regular expressions. */
#ifndef RD_CHARSET_H
#define RD_CHARSET_H

#include "error.h"

enum { RD_LAST_POINT = 0x10FFFF };

typedef struct rd_points {
  uint32_t first, last; /* code points, both of the set */
} rd_points;

typedef struct rd_charset {
  rd_points *spans; /* (count) rising and apart once rd_charset_sort has run */
  size_t count, capacity;
} rd_charset;

/* Surrogates, which are no characters, are left out. */
rd_code rd_charset_add(rd_charset *set, uint32_t first, uint32_t last, rd_error *e);
rd_code rd_charset_add_all(rd_charset *set, const rd_charset *other, rd_error *e);
/* Bring the spans in order; done by those below too. */
void rd_charset_sort(rd_charset *set);
/* What is not in the set takes its place. */
rd_code rd_charset_invert(rd_charset *set, rd_error *e);
/* What is not in [first, last] leaves. */
void rd_charset_keep(rd_charset *set, uint32_t first, uint32_t last);
/* `point` leaves. */
rd_code rd_charset_remove(rd_charset *set, uint32_t point, rd_error *e);
bool rd_charset_has(const rd_charset *set, uint32_t point);
void rd_charset_drop(rd_charset *set);

#endif
