/* SPDX-License-Identifier: MIT */
/* Reading metrics and drawing them: axes over what all curves cover, marked at round numbers. */
#include "curves.h"

#include "file.h"
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

rd_code rd_curve_add(rd_curves *curves, char *label, rd_error *e) {
  rd_code code = label ? rd_grow_one((void **)&curves->items, curves->count, sizeof(rd_curve), e)
                       : rd_fail(e, RD_NO_MEMORY, "out of memory: a curve's name");
  if (code == RD_OK)
    curves->items[curves->count++] = (rd_curve){.label = label};
  else
    free(label);
  return code;
}

rd_code rd_curve_point(rd_curve *c, double x, double y, rd_error *e) {
  if (!isfinite(x) || !isfinite(y)) /* has no place in a drawing */
    return RD_OK;
  RD_TRY(rd_grow_one((void **)&c->x, c->count, sizeof x, e));
  RD_TRY(rd_grow_one((void **)&c->y, c->count, sizeof y, e));
  c->x[c->count] = x;
  c->y[c->count++] = y;
  return RD_OK;
}

rd_code rd_curves_axes(rd_curves *curves, const rd_axes *axes, const char *path, rd_error *e) {
  const rd_axes *now = curves->axes ? curves->axes : axes;
  curves->axes = now;
  if (strcmp(now->x, axes->x) == 0 && strcmp(now->y, axes->y) == 0)
    return RD_OK;
  return rd_fail(
      e, RD_USAGE,
      "%s: %s against %s, and those before are %s against %s: one drawing has one pair of "
      "axes, draw them apart",
      path, axes->y, axes->x, now->y, now->x);
}

static rd_code read_rows(rd_curves *curves, const rd_map *map, rd_error *e) {
  const char *at = (const char *)map->data, *end = at + map->size;
  rd_code code = RD_OK;
  while (code == RD_OK && at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    json_t *row = json_loadb(at, size, 0, NULL);
    const json_t *update = json_object_get(row, "update");
    const char *const keys[2] = {"loss", "validation_loss"};
    for (size_t k = 0; k < 2 && code == RD_OK; k++) {
      const json_t *y = json_object_get(row, keys[k]);
      if (json_is_number(update) && json_is_number(y))
        code = rd_curve_point(&curves->items[curves->count - 2 + k], json_number_value(update),
                              json_number_value(y), e);
    }
    json_decref(row);
    at += size + 1;
  }
  return code;
}

rd_path rd_curves_metrics(const char *run) {
  return rd_path_in(run, "metrics.jsonl");
}

rd_code rd_curves_read(rd_curves *curves, const char *run, rd_error *e) {
  static const rd_axes axes = {"updates", "loss", false};
  const rd_path path = rd_curves_metrics(run);
  rd_map map;
  if (!*run || (rd_path_exists(run) && !rd_path_is_folder(run)))
    return rd_fail(e, RD_USAGE,
                   "%s: neither the folder of a run, nor a table of bench (FILE.csv), nor results "
                   "of eval (FILE.jsonl)",
                   *run ? run : "an empty path");
  RD_TRY(rd_curves_axes(curves, &axes, run, e));
  RD_TRY(rd_map_open(&map, path.text, e));
  rd_code code = rd_curve_add(curves, rd_print("%s", run), e);
  if (code == RD_OK)
    code = rd_curve_add(curves, rd_print("%s validation", run), e);
  if (code == RD_OK)
    code = read_rows(curves, &map, e);
  rd_map_close(&map);
  return code;
}

void rd_curves_drop(rd_curves *curves) {
  for (size_t i = 0; i < curves->count; i++) {
    free(curves->items[i].label);
    free(curves->items[i].x);
    free(curves->items[i].y);
  }
  free(curves->items);
  *curves = (rd_curves){0};
}

typedef struct frame {
  double x0, x1, y0, y1;
} frame;

/* Where all numbers are one, or so near that a share of their span is none, there is a span too. */
static void widen(double low, double *high) {
  if (!isfinite(1e9 / (*high - low)))
    *high += fmax(1, fabs(*high) * 1e-9);
}

static rd_code check_span(double low, double high, rd_error *e) {
  return isfinite(high - low)
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "%g to %g are too far apart for one drawing: take the row with such a "
                     "number out",
                     low, high);
}

static rd_code frame_of(const rd_curves *curves, frame *f, rd_error *e) {
  *f = (frame){INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (size_t i = 0; i < curves->count; i++)
    for (size_t j = 0; j < curves->items[i].count; j++) {
      f->x0 = fmin(f->x0, curves->items[i].x[j]);
      f->x1 = fmax(f->x1, curves->items[i].x[j]);
      f->y0 = fmin(f->y0, curves->items[i].y[j]);
      f->y1 = fmax(f->y1, curves->items[i].y[j]);
    }
  if (!(f->x0 <= f->x1))
    return rd_fail(e, RD_BAD_INPUT, "nothing to plot: there are no numbers yet");
  if (curves->axes->doubling) { /* from a whole number of doublings to another */
    f->x0 = floor(f->x0);
    f->x1 = ceil(f->x1);
  }
  widen(f->x0, &f->x1);
  widen(f->y0, &f->y1);
  RD_TRY(check_span(f->x0, f->x1, e));
  return check_span(f->y0, f->y1, e);
}

static void put_escaped(FILE *out, const char *text) {
  for (; *text; text++)
    if (*text == '<' || *text == '&' || *text == '>')
      fprintf(out, "&#%d;", *text);
    else
      fputc(*text, out);
}

/* The round numbers of a stretch: first, first + step, .. */
typedef struct ticks {
  double first, step;
  int count;
} ticks;

/* About `most` of them: the step is 1, 2 or 5 times a power of ten, and with `whole` no less than
 * 1. Where numbers come to their end there are none. */
static ticks ticks_of(double low, double high, int most, bool whole) {
  static const double rounds[] = {1, 2, 5, 10};
  const double wanted = (high - low) / most, power = pow(10, floor(log10(wanted)));
  int k = 0;
  while (k < 3 && rounds[k] * power < wanted)
    k++;
  const double step = whole ? fmax(1, rounds[k] * power) : rounds[k] * power;
  const double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
  if (!isfinite(step) || !(first <= last && last - first <= 2 * most))
    return (ticks){0};
  return (ticks){first * step + 0.0, step, (int)(last - first) + 1};
}

/* A drawing's measures, and where a number lies in it. */
enum { W = 800, H = 450, LEFT = 60, TOP = 20, RIGHT = 20, BOTTOM = 50 };

static double across(const frame *f, double x) {
  return LEFT + (x - f->x0) * ((W - LEFT - RIGHT) / (f->x1 - f->x0));
}

static double upwards(const frame *f, double y) {
  return H - BOTTOM - (y - f->y0) * ((H - TOP - BOTTOM) / (f->y1 - f->y0));
}

/* The number that stands at a place of the x axis. */
static double number_at(const rd_axes *axes, double x) {
  return axes->doubling ? exp2(x) : x;
}

static void draw_axes(const rd_axes *axes, const frame *f, FILE *out) {
  const ticks x = ticks_of(f->x0, f->x1, 7, true), y = ticks_of(f->y0, f->y1, 7, false);
  for (int i = 0; i < y.count; i++) {
    const double value = y.first + i * y.step, at = upwards(f, value);
    fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT,
            W - RIGHT, at, at);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.10g</text>\n", LEFT - 6, at + 4,
            fabs(value) < y.step / 2 ? 0 : value);
  }
  for (int i = 0; i < x.count; i++) {
    const double value = x.first + i * x.step;
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.10g</text>\n",
            across(f, value), H - BOTTOM + 18, number_at(axes, value));
  }
  fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", W / 2, H - 8, axes->x);
  fprintf(out, "<text x=\"%d\" y=\"%d\">%s</text>\n", LEFT, TOP - 6, axes->y);
}

/* `line`: of its label, from the top. */
static void draw_curve(const rd_curve *c, const frame *f, const char *colour, int line, FILE *out) {
  enum { MARKED = 16 }; /* points, of more each by itself would be none */
  fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", colour);
  for (size_t j = 0; j < c->count; j++)
    fprintf(out, "%.1f,%.1f ", across(f, c->x[j]), upwards(f, c->y[j]));
  fprintf(out, "\"/>\n");
  for (size_t j = 0; j < c->count && c->count <= MARKED; j++)
    fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", across(f, c->x[j]),
            upwards(f, c->y[j]), colour);
  fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"%s\">", W - RIGHT - 8,
          TOP + 16 + 16 * line, colour);
  put_escaped(out, c->label);
  fprintf(out, "</text>\n");
}

static rd_code draw(const void *context, FILE *out, rd_error *e) {
  const rd_curves *curves = context;
  static const char *const colours[] = {"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728",
                                        "#9467bd", "#8c564b", "#e377c2", "#17becf"};
  frame f;
  int line = 0;
  RD_TRY(frame_of(curves, &f, e));
  fprintf(out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family="
          "\"sans-serif\" font-size=\"12\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n",
          W, H, W, H);
  draw_axes(curves->axes, &f, out);
  for (size_t i = 0; i < curves->count; i++)
    if (curves->items[i].count > 0)
      draw_curve(&curves->items[i], &f, colours[i % (sizeof colours / sizeof *colours)], line++,
                 out);
  fprintf(out, "</svg>\n");
  return ferror(out) ? rd_fail(e, RD_IO, "cannot write the drawing") : RD_OK;
}

rd_code rd_curves_svg(const rd_curves *curves, const char *path, rd_error *e) {
  return rd_file_draw(path, draw, curves, e);
}

rd_code rd_curves_text(const rd_curves *curves, FILE *out, int columns, int rows, rd_error *e) {
  frame f;
  RD_TRY(frame_of(curves, &f, e));
  char *grid = rd_calloc((size_t)columns * (size_t)rows, 1, "a drawing", e);
  if (!grid)
    return RD_NO_MEMORY;
  memset(grid, ' ', (size_t)columns * (size_t)rows);
  for (size_t i = 0; i < curves->count; i++)
    for (size_t j = 0; j < curves->items[i].count; j++) {
      const rd_curve *c = &curves->items[i];
      int x = (int)((c->x[j] - f.x0) / (f.x1 - f.x0) * (columns - 1) + 0.5);
      int y = (int)((f.y1 - c->y[j]) / (f.y1 - f.y0) * (rows - 1) + 0.5);
      grid[y * columns + x] = (char)('a' + i % 26);
    }
  for (int y = 0; y < rows; y++)
    fprintf(out, "%10.4g |%.*s\n", f.y1 - (f.y1 - f.y0) * y / (rows - 1), columns,
            grid + y * columns);
  fprintf(out, "%10s +", "");
  for (int x = 0; x < columns; x++)
    fputc('-', out);
  fprintf(out, "\n%10s  %s %.10g to %.10g%s\n", "", curves->axes->x, number_at(curves->axes, f.x0),
          number_at(curves->axes, f.x1), curves->axes->doubling ? ", doubling" : "");
  for (size_t i = 0; i < curves->count; i++)
    if (curves->items[i].count)
      fprintf(out, "%10s  %c %s: %.4f\n", "", (char)('a' + i % 26), curves->items[i].label,
              curves->items[i].y[curves->items[i].count - 1]);
  free(grid);
  return RD_OK;
}
