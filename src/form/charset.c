/* SPDX-License-Identifier: MIT */
/* Spans are gathered as they come and sorted when somebody asks. */
#include "charset.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SURROGATE = 0xD800, LAST_SURROGATE = 0xDFFF };

static rd_code add(rd_charset *set, uint32_t first, uint32_t last, rd_error *e) {
  if (first > last)
    return RD_OK;
  RD_TRY(rd_grow((void **)&set->spans, &set->capacity, set->count + 1, sizeof *set->spans, e));
  set->spans[set->count++] = (rd_points){first, last};
  return RD_OK;
}

rd_code rd_charset_add(rd_charset *set, uint32_t first, uint32_t last, rd_error *e) {
  if (first <= LAST_SURROGATE && last >= FIRST_SURROGATE) {
    if (first < FIRST_SURROGATE)
      RD_TRY(add(set, first, FIRST_SURROGATE - 1, e));
    first = LAST_SURROGATE + 1;
  }
  return add(set, first, last, e);
}

rd_code rd_charset_add_all(rd_charset *set, const rd_charset *other, rd_error *e) {
  for (size_t i = 0; i < other->count; i++)
    RD_TRY(add(set, other->spans[i].first, other->spans[i].last, e));
  return RD_OK;
}

static int by_first(const void *a, const void *b) {
  const rd_points *x = a, *y = b;
  return (x->first > y->first) - (x->first < y->first);
}

void rd_charset_sort(rd_charset *set) {
  size_t kept = 0;
  if (set->count == 0)
    return;
  qsort(set->spans, set->count, sizeof *set->spans, by_first);
  for (size_t i = 1; i < set->count; i++) {
    rd_points *last = &set->spans[kept], next = set->spans[i];
    if (next.first <= last->last + 1)
      last->last = next.last > last->last ? next.last : last->last;
    else
      set->spans[++kept] = next;
  }
  set->count = kept + 1;
}

rd_code rd_charset_invert(rd_charset *set, rd_error *e) {
  rd_charset others = {0};
  rd_code code = RD_OK;
  uint32_t next = 0;
  rd_charset_sort(set);
  for (size_t i = 0; i < set->count && code == RD_OK; i++) {
    if (set->spans[i].first > next)
      code = rd_charset_add(&others, next, set->spans[i].first - 1, e);
    next = set->spans[i].last + 1;
  }
  if (code == RD_OK && next <= RD_LAST_POINT)
    code = rd_charset_add(&others, next, RD_LAST_POINT, e);
  rd_charset_drop(set);
  *set = others;
  return code;
}

void rd_charset_keep(rd_charset *set, uint32_t first, uint32_t last) {
  size_t kept = 0;
  rd_charset_sort(set);
  for (size_t i = 0; i < set->count; i++) {
    rd_points s = set->spans[i];
    s.first = s.first < first ? first : s.first;
    s.last = s.last > last ? last : s.last;
    if (s.first <= s.last)
      set->spans[kept++] = s;
  }
  set->count = kept;
}

rd_code rd_charset_remove(rd_charset *set, uint32_t point, rd_error *e) {
  rd_charset_sort(set);
  for (size_t i = 0; i < set->count; i++) {
    rd_points *s = &set->spans[i];
    if (point < s->first || point > s->last)
      continue;
    uint32_t last = s->last;
    if (s->first < point) {
      s->last = point - 1;
      return last > point ? add(set, point + 1, last, e) : RD_OK;
    }
    s->first = point + 1;
    if (s->first > s->last)
      *s = set->spans[--set->count];
    return RD_OK;
  }
  return RD_OK;
}

bool rd_charset_has(const rd_charset *set, uint32_t point) {
  for (size_t i = 0; i < set->count; i++)
    if (point >= set->spans[i].first && point <= set->spans[i].last)
      return true;
  return false;
}

void rd_charset_drop(rd_charset *set) {
  free(set->spans);
  *set = (rd_charset){0};
}
