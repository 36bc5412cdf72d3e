/* SPDX-License-Identifier: MIT */
/* One table of columns writes all three forms. */
#include "bench_report.h"

#include "file.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

void rd_bench_json(FILE *out, const rd_bench_row *row) {
  json_t *object = json_object();
  for (int i = 0; i < COLUMNS; i++) {
    const column *c = &columns[i];
    double n = c->text ? 0 : number(c, row);
    if (c->text)
      json_object_set_new(object, c->name, json_string(text(c, row)));
    else if (n != 0)
      json_object_set_new(object, c->name,
                          n >= 1 && n < 1e15 && n == (double)(json_int_t)n
                              ? json_integer((json_int_t)n)
                              : json_real(n));
  }
  json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
  fputc('\n', out);
  fflush(out);
  json_decref(object);
}

/* Quoted, since names of machines may hold commas. */
static void put_quoted(FILE *out, const char *s) {
  fputc('"', out);
  for (; *s; s++)
    fputc(*s == '"' || *s == '\n' ? ' ' : *s, out);
  fputc('"', out);
}

enum { HEAD = COLUMNS * 40 };

/* The names of the columns, as a line. */
static void write_head(char *out, size_t room) {
  size_t used = 0;
  for (int i = 0; i < COLUMNS; i++)
    used += (size_t)snprintf(out + used, room - used, "%s%c", columns[i].name,
                             i + 1 < COLUMNS ? ',' : '\n');
}

rd_code rd_bench_csv_check(const char *path, rd_error *e) {
  char head[HEAD], first[HEAD] = "";
  FILE *in = rd_file_streams(path) ? NULL : fopen(path, "re");
  if (!in) /* a new one, or one that is not read */
    return RD_OK;
  write_head(head, sizeof head);
  const bool same = !fgets(first, sizeof first, in) || strcmp(first, head) == 0;
  fclose(in);
  return same ? RD_OK
              : rd_fail(e, RD_USAGE, "%s: its first line names other columns; name another file",
                        path);
}

rd_code rd_bench_csv(const char *path, const rd_bench_row *row, rd_error *e) {
  char head[HEAD];
  FILE *out = fopen(path, "ae");
  if (!out)
    return rd_fail(e, RD_IO, "%s: cannot write: %s", path, strerror(errno));
  struct stat st;
  write_head(head, sizeof head);
  if (fstat(fileno(out), &st) == 0 && st.st_size == 0)
    fputs(head, out);
  for (int i = 0; i < COLUMNS; i++) {
    if (columns[i].text)
      put_quoted(out, text(&columns[i], row));
    else if (number(&columns[i], row) != 0)
      fprintf(out, "%.6g", number(&columns[i], row));
    fputc(i + 1 < COLUMNS ? ',' : '\n', out);
  }
  return fclose(out) == 0 ? RD_OK
                          : rd_fail(e, RD_IO, "%s: cannot write: %s", path, strerror(errno));
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
