/* SPDX-License-Identifier: MIT */
/* One table of columns writes all forms. */
#include "bench_report.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct column {
  const char *name;  /* of JSON and CSV */
  const char *title; /* of the table; NULL: not there */
  int width;
  const char *format; /* of the table's number */
  double unit;        /* which the table's number is divided by */
  bool text;
  size_t at;
} column;

#define AT(member) offsetof(rd_bench_row, member)

static const column columns[] = {
    {"case", "case", -10, NULL, 1, true, AT(kind)},
    {"shape", "shape", -9, NULL, 1, true, AT(shape)},
    {"precision", "type", -5, NULL, 1, true, AT(precision)},
    {"window", "window", 7, "%.0f", 1, false, AT(window)},
    {"batch", "batch", 6, "%.0f", 1, false, AT(batch)},
    {"threads", NULL, 0, NULL, 1, false, AT(threads)},
    {"seconds", "seconds", 10, "%.5f", 1, false, AT(seconds)},
    {"cpu_seconds", NULL, 0, NULL, 1, false, AT(cpu_seconds)},
    {"canvas_tokens_per_second", "canvas t/s", 11, "%.0f", 1, false, AT(canvas_rate)},
    {"useful_tokens_per_second", "useful t/s", 11, "%.1f", 1, false, AT(useful_rate)},
    {"passes_per_answer", "passes", 7, "%.1f", 1, false, AT(passes)},
    {"flops_per_second", "GFLOP/s", 9, "%.1f", 1e9, false, AT(flops_rate)},
    {"peak_flops_per_second", NULL, 0, NULL, 1, false, AT(peak)},
    {"peak_fraction", "% of peak", 10, "%.1f", 1e-2, false, AT(fraction)},
    {"cpu_peak_fraction", "by cpu", 7, "%.1f", 1e-2, false, AT(cpu_fraction)},
    {"time_over_predicted", "growth", 7, "%.2f", 1, false, AT(growth)},
    {"reused_positions", "reused", 7, "%.0f", 1, false, AT(reuse)},
    {"weight_bytes_per_second", "GB/s", 7, "%.1f", 1e9, false, AT(weights_rate)},
    {"time_beside_busy", "beside", 7, "%.2f", 1, false, AT(beside)},
    {"peak_memory_bytes", "MB", 8, "%.0f", 1e6, false, AT(memory)},
    {"bandwidth_bytes_per_second", NULL, 0, NULL, 1, false, AT(bandwidth)},
    {"machine", NULL, 0, NULL, 1, true, AT(machine)},
    {"commit", NULL, 0, NULL, 1, true, AT(commit)},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *text(const column *c, const rd_bench_row *row) {
  const char *out;
  memcpy(&out, (const char *)row + c->at, sizeof out);
  return out;
}

static double number(const column *c, const rd_bench_row *row) {
  double out;
  memcpy(&out, (const char *)row + c->at, sizeof out);
  return out;
}

void rd_bench_head(FILE *out) {
  for (int i = 0; i < COLUMNS; i++)
    if (columns[i].title)
      fprintf(out, "%*s ", columns[i].width, columns[i].title);
  fputc('\n', out);
}

void rd_bench_line(FILE *out, const rd_bench_row *row) {
  for (int i = 0; i < COLUMNS; i++) {
    const column *c = &columns[i];
    char shown[32] = "";
    if (!c->title)
      continue;
    if (!c->text && number(c, row) != 0)
      snprintf(shown, sizeof shown, c->format, number(c, row) / c->unit);
    fprintf(out, "%*s ", c->width, c->text ? text(c, row) : shown);
  }
  fputc('\n', out);
  fflush(out);
}

json_t *rd_bench_object(const rd_bench_row *row, bool whole) {
  json_t *object = json_object();
  for (int i = 0; i < COLUMNS; i++) {
    const column *c = &columns[i];
    double n = c->text ? 0 : number(c, row);
    if (c->text)
      json_object_set_new(object, c->name, rd_json_said(text(c, row)));
    else if (n != 0)
      json_object_set_new(object, c->name,
                          n >= 1 && n < 1e15 && n == (double)(json_int_t)n
                              ? json_integer((json_int_t)n)
                              : json_real(n));
    else if (whole)
      json_object_set_new(object, c->name, json_null());
  }
  return object;
}

void rd_bench_json(FILE *out, const rd_bench_row *row) {
  json_t *object = rd_bench_object(row, false);
  json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
  fputc('\n', out);
  fflush(out);
  json_decref(object);
}

void rd_bench_memory_reset(void) {
  FILE *f = fopen("/proc/self/clear_refs", "we");
  if (f) {
    fputs("5", f); /* the high-water mark becomes what is in use now */
    fclose(f);
  }
}

double rd_bench_memory(void) {
  char line[256];
  long kib = 0;
  FILE *f = fopen("/proc/self/status", "re");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, "VmHWM:", 6) == 0)
      kib = strtol(line + 6, NULL, 10);
  if (f)
    fclose(f);
  struct rusage usage;
  if (kib == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
    kib = usage.ru_maxrss;
  return (double)kib * 1024;
}
