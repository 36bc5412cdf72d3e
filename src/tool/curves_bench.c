/* SPDX-License-Identifier: MIT */
/* The CSV of bench as curves: one for each shape, precision and batch, windows across, the share of
 * the machine's peak upwards. A window measured again replaces the row before. */
#include "curves.h"

#include "file.h"
#include "number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 32, FIELD = 160 };

/* A line in fields, quotes taken away; returns how many. */
static int split(char fields[FIELDS][FIELD], const char *line, const char *end) {
  int n = 0;
  for (const char *at = line; at <= end && n < FIELDS; n++) {
    bool quoted = at < end && *at == '"';
    size_t size = 0;
    at += quoted;
    for (; at < end && *at != (quoted ? '"' : ','); at++)
      if (size + 1 < FIELD)
        fields[n][size++] = *at;
    fields[n][size] = '\0';
    at += quoted && at < end;
    at++;
  }
  return n;
}

static rd_curve *labelled(rd_curves *curves, const char *label, rd_error *e) {
  for (size_t i = 0; i < curves->count; i++)
    if (strcmp(curves->items[i].label, label) == 0)
      return &curves->items[i];
  return rd_curve_add(curves, rd_print("%s", label), e) == RD_OK ? &curves->items[curves->count - 1]
                                                                 : NULL;
}

enum { CASE, SHAPE, PRECISION, WINDOW, BATCH, FRACTION, WANTED };
static const char *const wanted[WANTED] = {"case",   "shape", "precision",
                                           "window", "batch", "cpu_peak_fraction"};

static rd_code add_row(rd_curves *curves, char fields[FIELDS][FIELD], const int *at, rd_error *e) {
  double window = rd_number_read(fields[at[WINDOW]], NULL),
         share = rd_number_read(fields[at[FRACTION]], NULL);
  if (strcmp(fields[at[CASE]], "iteration") != 0 || !(window > 0) || !(share > 0))
    return RD_OK;
  char label[3 * FIELD];
  snprintf(label, sizeof label, "%s %s batch %s", fields[at[SHAPE]], fields[at[PRECISION]],
           fields[at[BATCH]]);
  rd_curve *c = labelled(curves, label, e);
  if (!c)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < c->count; i++)
    if (c->x[i] == log2(window)) {
      c->y[i] = 100 * share;
      return RD_OK;
    }
  return rd_curve_point(c, log2(window), 100 * share, e);
}

rd_code rd_curves_read_bench(rd_curves *curves, const char *path, rd_error *e) {
  static const rd_axes axes = {"tokens in a sequence", "% of the machine's peak, by processor time",
                               true};
  rd_map map;
  RD_TRY(rd_curves_axes(curves, &axes, path, e));
  RD_TRY(rd_map_open(&map, path, e));
  char(*fields)[FIELD] = rd_calloc(FIELDS, FIELD, "a line of CSV", e);
  rd_code code = fields ? RD_OK : RD_NO_MEMORY;
  int column[WANTED] = {0}, found = 0;
  const char *at = (const char *)map.data, *end = at + map.size;
  for (bool head = true; code == RD_OK && at < end; head = false) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop ? stop : end;
    int n = split(fields, at, stop);
    at = stop + 1;
    for (int i = 0; head && i < n; i++)
      for (int w = 0; w < WANTED; w++)
        if (strcmp(fields[i], wanted[w]) == 0)
          column[w] = i, found |= 1 << w;
    if (found != (1 << WANTED) - 1)
      code =
          rd_fail(e, RD_BAD_INPUT, "%s: not the CSV of bench: its first line lacks a column", path);
    for (int w = 0; w < WANTED && n <= column[w]; w++)
      n = 0; /* a cut line */
    if (!head && n > 0 && code == RD_OK)
      code = add_row(curves, fields, column, e);
  }
  free(fields);
  rd_map_close(&map);
  return code;
}
