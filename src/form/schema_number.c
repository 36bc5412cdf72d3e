/* SPDX-License-Identifier: MIT */
/* Numbers between bounds, digit by digit: while all digits were those of a bound the next may not
 * go beyond it; afterwards every digit may stand. Of multiples the rest so far is remembered, as
 * far as the digits that are still to come leave it any meaning: of multiples of 1000 only in front
 * of the last three. */
#include "schema_reader.h"

#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 15, FREE_FRACTION = 6, MOST_UNITS = 1000 };

/* Multiples of `units` times 10^-decimals. */
typedef struct multiple {
  int units, decimals; /* 0: any number */
} multiple;

/* A bound from 0 on as its digits. */
typedef struct bound {
  bool is;
  bool excluded; /* the number itself is not meant */
  char whole[MOST_DIGITS + 2], fraction[MOST_DIGITS + 2];
  int whole_size, fraction_size;
} bound;

typedef struct digits {
  rd_nfa *nfa;
  const bound *low, *high;
  multiple of;
  int size;    /* digits before the point */
  int longest; /* digits behind it at most */
  int32_t next;
  int32_t *known; /* (2 * MOST_DIGITS + 1, 2, 2, units) by the number of digits that may still come,
                     on the lower bound, on the upper, and the rest; 0: not yet, else node + 1 */
} digits;

static int digit_of(const bound *b, int place, int size, int otherwise) {
  if (place < size)
    return b->whole[place] - '0';
  place -= size;
  return place < b->fraction_size ? b->fraction[place] - '0' : b->is ? 0 : otherwise;
}

/* Are all digits of the bound from `place` on zero? */
static bool rest_is_zero(const bound *b, int place, int size) {
  for (; place < size + b->fraction_size; place++)
    if (digit_of(b, place, size, 0) != 0)
      return false;
  return true;
}

/* May the number end here? What is not written is zeros. */
static bool may_end(const digits *d, int place, bool low, bool high) {
  if (low && (!rest_is_zero(d->low, place, d->size) || d->low->excluded))
    return false;
  return !high || !rest_is_zero(d->high, place, d->size) || !d->high->excluded;
}

/* What a rest is worth in front of the digits behind `place`: x and y are one where x 10^k and
 * y 10^k, k digits before the last that counts, have the same rest. */
static int rest_at(const digits *d, int place, int rest) {
  int units = d->of.units > 0 ? d->of.units : 1;
  for (int k = d->size + d->of.decimals - place; k > 0 && units > 1; k--) {
    int common = 10, other = units;
    while (other > 0) {
      int left = common % other;
      common = other;
      other = left;
    }
    units /= common;
  }
  return rest % units;
}

static int32_t build_digits(digits *d, int place, bool low, bool high, int rest);

/* Digits [from, to] at `place`, none of which is apart from the others by a bound. */
static int32_t build_free_digits(digits *d, int place, int from, int to, int rest) {
  rd_nfa *n = d->nfa;
  int32_t all = -1;
  if (rest_at(d, place + 1, 1) == 0) /* the rest has no meaning any more */
    return rd_nfa_range(n, (uint8_t)('0' + from), (uint8_t)('0' + to),
                        build_digits(d, place + 1, false, false, 0));
  for (int digit = from; digit <= to; digit++) {
    uint8_t byte = (uint8_t)('0' + digit);
    int32_t more = build_digits(d, place + 1, false, false, 10 * rest + digit);
    all = rd_nfa_either(n, rd_nfa_range(n, byte, byte, more), all);
  }
  return all;
}

/* The digits that may stand at `place`, with what follows each. */
static int32_t build_choice(digits *d, int place, bool low, bool high, int rest) {
  int first = low ? digit_of(d->low, place, d->size, 0) : place == 0 && d->size > 1;
  int last = high ? digit_of(d->high, place, d->size, 9) : 9, from = first, to = last;
  int32_t all = -1;
  rd_nfa *n = d->nfa;
  if (first > last)
    return rd_nfa_nothing(n);
  if (low || (high && first == last)) {
    uint8_t byte = (uint8_t)('0' + first);
    all = rd_nfa_range(n, byte, byte,
                       build_digits(d, place + 1, low, high && first == last, 10 * rest + first));
    from++;
  }
  if (high && to >= from) {
    uint8_t byte = (uint8_t)('0' + to);
    int32_t more = build_digits(d, place + 1, false, true, 10 * rest + to--);
    all = rd_nfa_either(n, rd_nfa_range(n, byte, byte, more), all);
  }
  if (to >= from)
    all = rd_nfa_either(n, build_free_digits(d, place, from, to, rest), all);
  return all;
}

/* What stands from `place` on: digits before the point, then the point or the end, digits behind
 * it. */
static int32_t build_digits(digits *d, int place, bool low, bool high, int rest) {
  int behind = place - d->size, units = d->of.units > 0 ? d->of.units : 1;
  int32_t all = -1;
  rd_nfa *n = d->nfa;
  if (n->code != RD_OK) /* nothing that is built now is remembered */
    return -1;
  rest = rest_at(d, place, rest);
  int32_t *known =
      &d->known[(((d->longest - behind) * 2 + low) * 2 + high) * (int64_t)units + rest];
  if (*known && place > 0) /* the first digit alone may not be 0 */
    return *known - 1;
  bool end = behind >= 0 && rest == 0 && may_end(d, place, low, high);
  if (end)
    all = d->next;
  if (behind < d->longest) {
    int32_t more = build_choice(d, place, low, high, rest);
    if (behind == 0)
      more = rd_nfa_range(n, '.', '.', more);
    all = rd_nfa_either(n, more, all);
  }
  if (all < 0)
    all = rd_nfa_nothing(n);
  if (place > 0)
    *known = all + 1;
  return all;
}

/* All numbers from 0 on between two bounds. What follows where no bound holds any more is the same
 * whatever the number of digits, and what follows on a bound has this bound's number of them: so
 * numbers of all sizes share what is known. */
static int32_t build_between(rd_nfa *n, const bound *low, const bound *high, multiple of,
                             bool integer, int32_t next) {
  int32_t all = -1, units = of.units > 0 ? of.units : 1;
  int least = low->is ? low->whole_size : 1, most = high->is ? high->whole_size : MOST_DIGITS;
  int longest = low->fraction_size > high->fraction_size ? low->fraction_size : high->fraction_size;
  longest = longest + FREE_FRACTION < MOST_DIGITS ? longest + FREE_FRACTION : MOST_DIGITS;
  longest = of.units > 0 && of.decimals < longest ? of.decimals : longest;
  digits d = {.nfa = n, .low = low, .high = high, .of = of, .next = next};
  d.longest = integer ? 0 : longest;
  d.known =
      rd_calloc((2 * MOST_DIGITS + 2) * 4 * (size_t)units, sizeof *d.known, "a form", &n->error);
  if (!d.known) {
    n->code = RD_NO_MEMORY;
    return -1;
  }
  for (d.size = least; d.size <= most; d.size++) {
    int32_t one = build_digits(&d, 0, low->is && d.size == low->whole_size,
                               high->is && d.size == high->whole_size, 0);
    all = rd_nfa_either(n, one, all);
  }
  free(d.known);
  return all < 0 ? rd_nfa_nothing(n) : all;
}

/* 1 to `most` digits, then `next`. */
static int32_t build_run(rd_nfa *n, int most, int32_t next) {
  int32_t run = rd_nfa_range(n, '0', '9', next);
  for (int i = 1; i < most && run >= 0; i++)
    run = rd_nfa_range(n, '0', '9', rd_nfa_either(n, next, run));
  return run;
}

/* All numbers, without looking at bounds: the same digits as above in far fewer nodes. */
static int32_t build_free(rd_nfa *n, bool integer, int32_t next) {
  int32_t fraction = integer ? -1 : rd_nfa_range(n, '.', '.', build_run(n, MOST_DIGITS, next));
  int32_t end = rd_nfa_either(n, fraction, next);
  int32_t more = rd_nfa_either(n, build_run(n, MOST_DIGITS - 1, end), end);
  int32_t from_1 = rd_nfa_range(n, '1', '9', more);
  int32_t below = rd_nfa_either(n, from_1, rd_nfa_range(n, '0', '0', fraction)); /* no -0 */
  int32_t all = rd_nfa_either(n, rd_nfa_range(n, '-', '-', below), rd_nfa_range(n, '0', '0', end));
  return rd_nfa_either(n, all, from_1);
}

/* --- bounds of a schema ----------------------------------------------------------------------- */

/* Both ends of a range, signed. */
typedef struct limits {
  double low, high; /* infinite: none */
  bool low_excluded, high_excluded;
} limits;

static bound bound_of(double x, bool excluded, bool upper) {
  bound b = {.is = isfinite(x), .excluded = excluded};
  char text[64];
  if (!b.is)
    return b;
  rd_number_print(text, sizeof text, "%.*f", MOST_DIGITS, x);
  double written =
      rd_number_read(text, NULL); /* a bound finer than that is the next number inside */
  b.excluded = excluded || (upper ? written > x : written < x);
  char *point = strchr(text, '.');
  b.whole_size = (int)(point - text);
  memcpy(b.whole, text, (size_t)b.whole_size);
  b.fraction_size = MOST_DIGITS;
  while (b.fraction_size > 0 && point[b.fraction_size] == '0')
    b.fraction_size--;
  memcpy(b.fraction, point + 1, (size_t)b.fraction_size);
  return b;
}

static bool take_limit(rd_schema_reader *r, const json_t *schema, const char *key, bool upper,
                       bool excluded, limits *out) {
  const json_t *value = json_object_get(schema, key);
  const double largest = 999999999999999.0;
  double x = json_number_value(value);
  if (!value)
    return true;
  if (excluded && json_is_boolean(value)) { /* of the bound beside it, in older schemas */
    bool *beside = upper ? &out->high_excluded : &out->low_excluded;
    *beside = *beside || json_is_true(value);
    return true;
  }
  if (!json_is_number(value))
    return rd_schema_fail(r, RD_BAD_INPUT, "%s: expected a number", key) > 0;
  if (upper ? x > largest : x < -largest) /* as good as none: no number has more digits */
    return true;
  if (fabs(x) > largest)
    return rd_schema_fail(r, RD_UNSUPPORTED, "%s: %g is beyond %.0f", key, x, largest) > 0;
  double *at = upper ? &out->high : &out->low;
  bool *open = upper ? &out->high_excluded : &out->low_excluded;
  if ((upper ? x < *at : x > *at) || (x == *at && excluded)) {
    *at = x;
    *open = excluded;
  }
  return true;
}

static bool take_limits(rd_schema_reader *r, const json_t *schema, limits *out) {
  *out = (limits){-INFINITY, INFINITY, false, false};
  return take_limit(r, schema, "minimum", false, false, out) &&
         take_limit(r, schema, "exclusiveMinimum", false, true, out) &&
         take_limit(r, schema, "maximum", true, false, out) &&
         take_limit(r, schema, "exclusiveMaximum", true, true, out);
}

/* multipleOf in decimal digits. */
static bool take_multiple(rd_schema_reader *r, const json_t *schema, multiple *out) {
  const json_t *value = json_object_get(schema, "multipleOf");
  double x = json_number_value(value);
  char text[64], *end = text;
  *out = (multiple){0, 0};
  if (!value)
    return true;
  if (!json_is_number(value) || !(x > 0))
    return rd_schema_fail(r, RD_BAD_INPUT, "multipleOf: expected a number above 0") > 0;
  if (x < 1e9) {
    rd_number_print(text, sizeof text, "%.9f", x);
    for (end = text + strlen(text); end[-1] == '0';)
      *--end = '\0';
    char *point = strchr(text, '.');
    out->decimals = (int)(end - point) - 1;
    memmove(point, point + 1, strlen(point));
  }
  long units = strtol(text, NULL, 10);
  if (end == text || units < 1 || units > MOST_UNITS ||
      fabs((double)units - x * pow(10, out->decimals)) > 1e-9 * (double)units)
    return rd_schema_fail(r, RD_UNSUPPORTED,
                          "multipleOf %g: up to %d, or up to %d units of its last decimal place, "
                          "are supported",
                          x, MOST_UNITS, MOST_UNITS) > 0;
  out->units = (int)units;
  return true;
}

static int32_t build_limits(rd_schema_reader *r, const limits *l, multiple of, bool integer,
                            int32_t next) {
  rd_nfa *n = r->nfa;
  int32_t all = -1;
  if (l->high >= 0) {
    bool above = l->low > 0;
    bound low = bound_of(above ? l->low : 0, l->low >= 0 && l->low_excluded, false);
    bound high = bound_of(l->high, l->high_excluded, true);
    all = build_between(n, &low, &high, of, integer, next);
  }
  if (l->low < 0) { /* a minus sign and what lies between the bounds' opposites; 0 has no sign */
    bool below = l->high < 0;
    bound low = bound_of(below ? -l->high : 0, !below || l->high_excluded, false);
    bound high = bound_of(-l->low, l->low_excluded, true);
    int32_t below_0 = build_between(n, &low, &high, of, integer, next);
    all = rd_nfa_either(n, rd_nfa_text(n, "-", 1, below_0), all);
  }
  return all < 0 ? rd_nfa_nothing(n) : all;
}

static int32_t build_number(rd_schema_reader *r, const json_t *schema, bool integer, int32_t next) {
  limits l;
  multiple of;
  if (!take_limits(r, schema, &l) || !take_multiple(r, schema, &of) || next < 0)
    return -1;
  if (isinf(l.low) && isinf(l.high) && of.units == 0)
    return build_free(r->nfa, integer, next);
  if (integer) { /* whole bounds, both of them inside */
    l.low = l.low_excluded && l.low == floor(l.low) ? l.low + 1 : ceil(l.low);
    l.high = l.high_excluded && l.high == floor(l.high) ? l.high - 1 : floor(l.high);
    l.low_excluded = l.high_excluded = false;
  }
  if (l.low > l.high || (l.low == l.high && (l.low_excluded || l.high_excluded)))
    return rd_schema_none(r, "no number lies between %g and %g", l.low, l.high);
  return build_limits(r, &l, of, integer, next);
}

int32_t rd_schema_integer(rd_schema_reader *r, const json_t *schema, int32_t next) {
  return build_number(r, schema, true, next);
}

int32_t rd_schema_number(rd_schema_reader *r, const json_t *schema, int32_t next) {
  return build_number(r, schema, false, next);
}
