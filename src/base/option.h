/* SPDX-License-Identifier: MIT */
/* Option rows: one row (name, kind, default, range, help) drives the command line, the config file,
 * the JSON API, --help and the web form.
 *
 * A table of rows describes a plain struct of parameters: every row says at which offset its value
 * lies, and its kind is that of the member: bool, int64_t, double, or char * (owned by the struct,
 * NULL when there is none). Values set by the user are remembered in an array of bools, one per
 * row, so that an option without meaning can be refused instead of ignored. */
#ifndef RD_OPTION_H
#define RD_OPTION_H

#include "json.h"
#include "table.h"

#include <stddef.h>

typedef enum rd_option_kind { RD_FLAG, RD_INT, RD_REAL, RD_TEXT } rd_option_kind;

/* Kind and place of a row's value: {"window", RD_OPTION_AT(rd_params, window), .fallback = "256"}
 */
/* clang-format off */
#define RD_OPTION_AT(type, member)                                                                 \
  .kind = _Generic(((type *)NULL)->member,                                                         \
                   bool: RD_FLAG, int64_t: RD_INT, double: RD_REAL, char *: RD_TEXT),              \
  .offset = offsetof(type, member)
/* clang-format on */

typedef struct rd_option {
  const char *name; /* "noise-start"; underscores are accepted for hyphens everywhere */
  char letter;      /* 'm' for -m, or 0 */
  rd_option_kind kind;
  const char *fallback;    /* the default as text; NULL: no text, 0 or false */
  double min, max;         /* INT and REAL; both 0: no range */
  const rd_table *choices; /* TEXT: the rows whose names it may be; NULL: any text */
  bool files;              /* the path of a file is taken too */
  bool many;               /* TEXT: given again, it adds a line */
  bool lists;              /* the text "help" is taken too, and asks for a list of the choices */
  const char *group;       /* heading in --help and in the web form */
  const char *value; /* how --help calls the value: "PATH", "N"; NULL: the choices, or by kind */
  const char *help;
  size_t offset; /* offsetof(params struct, member) */
} rd_option;

/* Tables of options are put together from parts: one table (whose rows are rd_option), and where
 * the struct that it describes lies within the struct of all. */
typedef struct rd_option_part {
  const rd_table *table;
  size_t at;
} rd_option_part;

typedef struct rd_options {
  const rd_option *rows;
  size_t count;
  void *params; /* the struct the offsets belong to */
  bool *given;  /* (count) set by the user, or NULL */
} rd_options;

/* Join parts, which end with one without a table, into one table over `params` (NULL: for its rows
 * alone), with nothing given. A row whose name an earlier part has is left out. Sets no value;
 * close in any case. */
rd_code rd_options_open(rd_options *o, const rd_option_part *parts, void *params, rd_error *e);
/* Give back what rd_options_open took. The values stay: rd_options_drop is for them. */
void rd_options_close(rd_options *o);
/* Fill every member with its default. The struct must be zeroed before the first call. */
rd_code rd_options_default(const rd_options *o, rd_error *e);
/* Free what TEXT and CHOICE members hold. */
void rd_options_drop(const rd_options *o);
/* The row called `name` ('-' and '_' alike), or NULL. */
const rd_option *rd_option_find(const rd_options *o, const char *name);
/* The name nearest to `name`, for "did you mean"; NULL when none is near. */
const char *rd_option_nearest(const rd_options *o, const char *name);
/* Set one option from text, checking kind and range: RD_USAGE names the option, the value, the
 * range. */
rd_code rd_option_set(const rd_options *o, const rd_option *row, const char *text, rd_error *e);
/* The same from a JSON value (numbers, booleans, strings; null: back to the default). */
rd_code rd_option_set_json(const rd_options *o, const rd_option *row, const json_t *value,
                           rd_error *e);
/* Back to the default, as if it had never been set. */
rd_code rd_option_unset(const rd_options *o, const rd_option *row, rd_error *e);
/* Is its value the path of a file or folder, as its word in --help says: "FILE", "[NAME=]DIR"? An
 * empty one is refused. */
bool rd_option_is_path(const rd_option *row);
/* Was it set by the user? */
bool rd_option_given(const rd_options *o, const char *name);
/* Was any of a group? */
bool rd_options_given(const rd_options *o, const char *group);
/* The present value as JSON (null for no text). New reference. */
json_t *rd_option_value(const rd_options *o, const rd_option *row);
/* The same as text that rd_option_set takes: new string, NULL for no text (or no memory). */
char *rd_option_text(const rd_options *o, const rd_option *row);
/* All rows as a JSON array of {name, kind, default, min, max, choices, group, help}. New reference.
 */
json_t *rd_options_json(const rd_options *o);
/* The names of a table's rows. */
json_t *rd_choices_json(const rd_table *choices);

/* Parse a command line: --name VALUE, --name=VALUE, -x VALUE, --flag, --no-flag, "--" ends the
 * options. What is no option is collected in order: *rest (an array the caller frees; the strings
 * are argv's). RD_USAGE for an unknown option (with the nearest), a missing or bad value. */
rd_code rd_options_parse(const rd_options *o, int argc, char **argv, char ***rest, int *rest_count,
                         rd_error *e);
/* How --help calls a row's value: "PATH", "N", "lora|all"; "" for a flag. New string, or NULL when
 * memory is out. */
char *rd_option_word(const rd_option *row);
/* Text of --help: options grouped, with defaults and ranges. New string, or NULL when memory is
 * out. */
char *rd_options_help(const rd_options *o);

#endif
