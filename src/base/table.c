/* SPDX-License-Identifier: MIT */
/* Rows by name. Tables are short, so that every search goes through all of them. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rd_table_name(const rd_table *t, size_t index) {
  return index < t->count ? *(const char *const *)((const char *)t->rows + index * t->stride)
                          : NULL;
}

static bool same_letter(char a, char b) {
  return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

bool rd_name_same(const char *a, const char *b) {
  while (*a && same_letter(*a, *b)) {
    a++;
    b++;
  }
  return *a == *b;
}

const void *rd_table_row(const rd_table *t, const char *name) {
  for (size_t i = 0; i < t->count; i++)
    if (rd_name_same(rd_table_name(t, i), name))
      return (const char *)t->rows + i * t->stride;
  return NULL;
}

const void *rd_table_find(const rd_table *t, const char *name, rd_error *e) {
  const void *row = rd_table_row(t, name);
  char *names = row ? NULL : rd_table_names(t, ", ", " and ");
  if (!row)
    rd_fail(e, RD_USAGE, "unknown %s %.60s; there %s %s", t->what, name,
            t->count == 1 ? "is" : "are", names ? names : "others");
  free(names);
  return row;
}

/* Levenshtein's distance by rows, cut at small words: names are short. */
static size_t edit_distance(const char *a, const char *b) {
  enum { MOST = 40 };
  size_t row[MOST + 1], n = strlen(b);
  if (strlen(a) > MOST || n > MOST)
    return MOST;
  for (size_t j = 0; j <= n; j++)
    row[j] = j;
  for (size_t i = 1; a[i - 1]; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t change = corner + !same_letter(a[i - 1], b[j - 1]);
      corner = row[j];
      size_t least = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
      row[j] = change < least ? change : least;
    }
  }
  return row[n];
}

/* A name that goes on where a word of two letters or more ends is as near as one wrong letter. */
static size_t distance(const char *name, const char *row) {
  size_t n = 0;
  while (name[n] && same_letter(name[n], row[n]))
    n++;
  return n >= 2 && !name[n] ? 1 : edit_distance(name, row);
}

const char *rd_table_nearest(const rd_table *t, const char *name) {
  const char *best = NULL;
  size_t half = (strlen(name) + 1) / 2, least = half < 3 ? half + 1 : 4; /* half of it stays */
  for (size_t i = 0; i < t->count; i++) {
    size_t d = distance(name, rd_table_name(t, i));
    if (d < least) {
      least = d;
      best = rd_table_name(t, i);
    }
  }
  return best;
}

char *rd_table_names(const rd_table *t, const char *between, const char *last) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  for (size_t i = 0; out && i < t->count; i++)
    fprintf(out, "%s%s", i == 0 ? "" : i + 1 == t->count ? last : between, rd_table_name(t, i));
  if (out && fclose(out) == 0)
    return text;
  free(text);
  return NULL;
}

bool rd_name_listed(const char *names, const char *name) {
  size_t n = strlen(name);
  for (const char *p = names; *p;) {
    size_t m = strcspn(p, " ");
    if (m == n && memcmp(p, name, n) == 0)
      return true;
    p += m + (p[m] == ' ');
  }
  return false;
}
