/* SPDX-License-Identifier: MIT */
/* Option rows on the command line: parsing and the text of --help. */
#include "number.h"
#include "option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rd_option *find_letter(const rd_options *o, char letter) {
  for (size_t i = 0; i < o->count; i++)
    if (o->rows[i].letter == letter)
      return &o->rows[i];
  return NULL;
}

static rd_code unknown(const rd_options *o, const char *name, rd_error *e) {
  const char *near = rd_option_nearest(o, name);
  if (near)
    return rd_fail(e, RD_USAGE, "unknown option --%s; did you mean --%s?", name, near);
  return rd_fail(e, RD_USAGE, "unknown option --%s; --help lists them", name);
}

/* "--name", "--name=value", "--no-flag": finds the row, sets flags, leaves *value for the others.
 */
static rd_code long_option(const rd_options *o, char *argument, const rd_option **row,
                           const char **value, rd_error *e) {
  char name[64];
  size_t n = strcspn(argument, "=");
  if (n >= sizeof name)
    return rd_fail(e, RD_USAGE, "unknown option --%.60s...; --help lists them", argument);
  memcpy(name, argument, n);
  name[n] = '\0';
  *value = argument[n] == '=' ? argument + n + 1 : NULL;
  *row = rd_option_find(o, name);
  if (*row && (*row)->kind == RD_FLAG && !*value)
    *value = "true";
  if (!*row && strncmp(name, "no-", 3) == 0) {
    *row = rd_option_find(o, name + 3);
    if (*row && ((*row)->kind != RD_FLAG || *value))
      *row = NULL;
    *value = "false";
  }
  return *row ? RD_OK : unknown(o, name, e);
}

rd_code rd_options_parse(const rd_options *o, int argc, char **argv, char ***rest, int *rest_count,
                         rd_error *e) {
  *rest_count = 0;
  *rest = rd_calloc((size_t)argc + 1, sizeof **rest, "arguments", e);
  if (!*rest)
    return RD_NO_MEMORY;
  bool options = true;
  for (int i = 0; i < argc; i++) {
    char *a = argv[i];
    if (!options || a[0] != '-' || a[1] == '\0') {
      (*rest)[(*rest_count)++] = a;
      continue;
    }
    if (strcmp(a, "--") == 0) {
      options = false;
      continue;
    }
    const rd_option *row = NULL;
    const char *value = NULL;
    if (a[1] == '-') {
      RD_TRY(long_option(o, a + 2, &row, &value, e));
    } else {
      row = find_letter(o, a[1]);
      if (!row)
        return rd_fail(e, RD_USAGE, "unknown option -%c; --help lists them", a[1]);
      value = a[2] ? a + 2 : row->kind == RD_FLAG ? "true" : NULL;
    }
    if (!value) {
      if (i + 1 >= argc)
        return rd_fail(e, RD_USAGE, "--%s needs a value", row->name);
      value = argv[++i];
    }
    RD_TRY(rd_option_set(o, row, value, e));
  }
  return RD_OK;
}

char *rd_option_word(const rd_option *row) {
  static const char *const kinds[] = {
      [RD_FLAG] = "", [RD_INT] = "N", [RD_REAL] = "X", [RD_TEXT] = "TEXT"};
  if (!row->value && row->choices)
    return rd_table_names(row->choices, "|", "|");
  return strdup(row->value ? row->value : kinds[row->kind]);
}

static void describe(FILE *out, const rd_option *row) {
  char *word = rd_option_word(row);
  const char *value = word ? word : "";
  fputs("  ", out);
  int width = row->letter ? fprintf(out, "-%c, ", row->letter) : 0;
  width += fprintf(out, "--%s%s%s", row->name, *value ? " " : "", value);
  fprintf(out, "%*s %s", width < 34 ? 34 - width : 0, "", row->help);
  if (row->fallback && !(row->kind == RD_FLAG && strcmp(row->fallback, "false") == 0))
    fprintf(out, " [%s]", row->fallback);
  char min[RD_NUMBER], max[RD_NUMBER];
  if (row->min < row->max)
    fprintf(out, " (%s..%s)", rd_number_show(min, row->min), rd_number_show(max, row->max));
  fputc('\n', out);
  free(word);
}

char *rd_options_help(const rd_options *o) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  for (size_t i = 0; i < o->count; i++) {
    const char *group = o->rows[i].group;
    bool seen = false;
    for (size_t j = 0; j < i; j++)
      seen = seen || strcmp(o->rows[j].group, group) == 0;
    if (seen)
      continue;
    fprintf(out, "%s:\n", group);
    for (size_t j = i; j < o->count; j++)
      if (strcmp(o->rows[j].group, group) == 0)
        describe(out, &o->rows[j]);
  }
  if (fclose(out) != 0) {
    free(text);
    return NULL;
  }
  return text;
}
