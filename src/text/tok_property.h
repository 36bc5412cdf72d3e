/* SPDX-License-Identifier: MIT */
/* Properties of characters by the names that Oniguruma has for them, in the words of PCRE2's
 * classes. */
#ifndef RD_TOK_PROPERTY_H
#define RD_TOK_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>

/* The characters of [members], or all others. */
typedef struct rd_set {
  char members[96];
  bool negated;
} rd_set;

/* The word characters, as a class has them; outside of classes there are also..  */
#define RD_WORD_SET "\\p{alpha}\\p{M}\\p{Nd}\\p{Pc}"
/* ..the small digits and fractions of Latin-1. */
#define RD_WORD_LATIN "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"

/* The set of \p{name}, or with `bracket` of [:name:]; `name` (size) may begin with ^. False: PCRE2
 * calls it the same, or knows no such name. */
bool rd_set_named(rd_set *set, const char *name, size_t size, bool bracket);

#endif
