/* SPDX-License-Identifier: MIT */
/* What `eval --json` printed as a curve: iterations across, the share of right answers upwards, or,
 * of the task perplexity, nats a token under the judge. A row without a number of iterations (left
 * to right) stands at the mean of what it took. */
#include "curves.h"

#include "file.h"
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What can stand upwards: a key of a row, what its number becomes, and how the axis is called. */
static double percent(double share) {
  return 100 * share;
}

#define ITERATIONS "iterations"
static const struct {
  const char *key;
  double (*height)(double);
  rd_axes axes;
} measures[] = {{"exact", percent, {ITERATIONS, "% right", true}},
                {"right", percent, {ITERATIONS, "% right", true}},
                {"perplexity", log, {ITERATIONS, "nats a token", true}}};

static rd_code add_row(rd_curves *curves, const json_t *row, const char *path, rd_error *e) {
  const json_t *x = json_object_get(row, "iterations");
  x = json_is_number(x) ? x : json_object_get(row, "mean_iterations");
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
    const json_t *y = json_object_get(row, measures[i].key);
    if (!json_is_number(y) || !json_is_number(x) || !(json_number_value(x) > 0))
      continue;
    RD_TRY(rd_curves_axes(curves, &measures[i].axes, path, e));
    return rd_curve_point(&curves->items[curves->count - 1], log2(json_number_value(x)),
                          measures[i].height(json_number_value(y)), e);
  }
  return RD_OK;
}

/* The name of a file, without its folder and its ending. */
static char *label_of(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  return rd_print("%.*s", dot ? (int)(dot - name) : (int)strlen(name), name);
}

/* No row of the file is drawn: of a run's the folder is what to name. */
static rd_code other_rows(const char *path, bool run, rd_error *e) {
  const char *slash = strrchr(path, '/');
  if (run)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: the metrics of a training run, which is drawn by its folder: plot %.*s",
                   path, slash ? (int)(slash - path) : 1, slash ? path : ".");
  return rd_fail(e, RD_BAD_INPUT,
                 "%s: no row of eval --json with a share of right answers or a perplexity", path);
}

rd_code rd_curves_read_eval(rd_curves *curves, const char *path, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code = rd_curve_add(curves, label_of(path), e);
  bool run = false;
  const char *at = (const char *)map.data, *end = at + map.size;
  while (code == RD_OK && at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    json_t *row = json_loadb(at, size, 0, NULL);
    code = add_row(curves, row, path, e);
    run = run || json_object_get(row, "update");
    json_decref(row);
    at += size + 1;
  }
  if (code == RD_OK && curves->items[curves->count - 1].count == 0)
    code = other_rows(path, run, e);
  rd_map_close(&map);
  return code;
}
