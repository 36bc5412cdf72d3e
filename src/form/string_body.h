/* SPDX-License-Identifier: MIT */
/* The inside of a JSON string, byte by byte: where in a character it stands. Characters are counted
 * by those who walk it. Escapes are the short ones and \uXXXX from U+0100 on without surrogates:
 * what lies below is written as it is, or short. */
#ifndef RD_STRING_BODY_H
#define RD_STRING_BODY_H

#include <stdint.h>

enum { RD_STRING_PLACES = 15, RD_STRING_BETWEEN = 0 /* two characters */ };

/* The place after a byte at `place`, or -1: no such byte may stand there. The closing quote is not
 * of the inside. A character is complete where the place comes back to RD_STRING_BETWEEN. */
int rd_string_next(int place, uint8_t byte);

#endif
