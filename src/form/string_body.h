/* SPDX-License-Identifier: MIT */
/* What may stand inside a JSON string, byte by byte, with the quote that closes it: an automaton
 * whose states are called places. Characters are counted by those who walk it. Any string is the
 * plain one; patterns and formats have their own (schema_meet.c). */
#ifndef RD_STRING_BODY_H
#define RD_STRING_BODY_H

#include "error.h"

enum { RD_PLAIN_PLACES = 15, RD_INSIDE_SHUT = -2 /* behind the closing quote */ };

typedef struct rd_inside {
  int16_t (*next)[256]; /* (places) the place after a byte; RD_INSIDE_SHUT; -1: it may not stand */
  bool *between;        /* (places) is no character half written? */
  int32_t places;       /* a string begins at the first of them */
} rd_inside;

/* Escapes are the short ones and \uXXXX from U+0100 on without surrogates: what lies below is
 * written as it is, or short. */
rd_code rd_inside_plain(rd_inside *out, rd_error *e);
/* With so many places and no way between them yet. */
rd_code rd_inside_open(rd_inside *out, int32_t places, rd_error *e);
void rd_inside_drop(rd_inside *in);

#endif
