/* SPDX-License-Identifier: MIT */
/* Option rows: one row (name, kind, default, range, help) drives the command line, the config file,
 * the JSON API, --help and the web form.
 *
 * A table of rows describes a plain struct of parameters: every row says at which offset its value
 * lies. Storage by kind: FLAG bool, INT int64_t, REAL double, TEXT and CHOICE char * (owned by the
 * struct, NULL when there is none). Values set by the user are remembered in an array of bools, one
 * per row, so that an option without meaning can be refused instead of ignored. */
#ifndef RD_OPTION_H
#define RD_OPTION_H

#include "error.h"
#include "json.h"

typedef enum rd_option_kind { RD_FLAG, RD_INT, RD_REAL, RD_TEXT, RD_CHOICE } rd_option_kind;

typedef struct rd_option {
  const char *name; /* "noise-start"; underscores are accepted for hyphens everywhere */
  char letter;      /* 'm' for -m, or 0 */
  rd_option_kind kind;
  const char *fallback; /* the default as text; NULL: none (text, choice), 0 or false */
  double min, max;      /* INT and REAL; both 0: no range */
  const char
      *choices;      /* CHOICE: "auto|f32|bf16"; NULL for a CHOICE: checked by the owner's table */
  const char *group; /* heading in --help and in the web form */
  const char *value; /* how --help calls the value: "PATH", "N"; NULL: by kind */
  const char *help;
  size_t offset; /* offsetof(params struct, member) */
} rd_option;

typedef struct rd_options {
  const rd_option *rows;
  size_t count;
  void *params; /* the struct the offsets belong to */
  bool *given;  /* (count) set by the user, or NULL */
} rd_options;

/* Fill every member with its default. The struct must be zeroed before the first call. */
rd_code rd_options_default(const rd_options *o, rd_error *e);
/* Free what TEXT and CHOICE members hold. */
void rd_options_drop(const rd_options *o);
/* The row called `name` ('-' and '_' alike), or NULL. */
const rd_option *rd_option_find(const rd_options *o, const char *name);
/* The row whose name is nearest to `name`, for "did you mean"; NULL when none is near. */
const rd_option *rd_option_nearest(const rd_options *o, const char *name);
/* Set one option from text, checking kind and range: RD_USAGE names the option, the value, the
 * range. */
rd_code rd_option_set(const rd_options *o, const rd_option *row, const char *text, rd_error *e);
/* The same from a JSON value (numbers, booleans, strings; null: back to the default). */
rd_code rd_option_set_json(const rd_options *o, const rd_option *row, const json_t *value,
                           rd_error *e);
/* Was it set by the user? */
bool rd_option_given(const rd_options *o, const char *name);
/* The present value as JSON (null for no text). New reference. */
json_t *rd_option_value(const rd_options *o, const rd_option *row);
/* All rows as a JSON array of {name, kind, default, min, max, choices, group, help}. New reference.
 */
json_t *rd_options_json(const rd_options *o);

/* Parse a command line: --name VALUE, --name=VALUE, -x VALUE, --flag, --no-flag, "--" ends the
 * options. What is no option is collected in order: *rest (an array the caller frees; the strings
 * are argv's). RD_USAGE for an unknown option (with the nearest), a missing or bad value. */
rd_code rd_options_parse(const rd_options *o, int argc, char **argv, char ***rest, int *rest_count,
                         rd_error *e);
/* Text of --help: options grouped, with defaults and ranges. New string, or NULL when memory is
 * out. */
char *rd_options_help(const rd_options *o);

#endif
