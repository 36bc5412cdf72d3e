/* SPDX-License-Identifier: MIT */
/* Options, canvas and attention as the golden records call them. */
#ifndef GOLDEN_OPTIONS_H
#define GOLDEN_OPTIONS_H

#include "option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Set the option that a record calls `name`. */
static inline void golden_option(rd_options *o, const char *name, const json_t *value) {
  static const char *const names[][2] = {{"block", "block-length"},
                                         {"guidance", "cfg-scale"},
                                         {"entropy_bound", "entropy-bound"},
                                         {"no_eos", "no-eos"},
                                         {"ends_last", "eos-last"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i][0]) == 0)
      name = names[i][1];
  rd_error e;
  const rd_option *row = rd_option_find(o, name);
  assert_non_null(row);
  if (rd_option_set_json(o, row, value, &e) != RD_OK)
    fail_msg("%s", e.message);
}

/* Places of the canvas behind the prompt. */
static inline int64_t golden_places(const json_t *root) {
  const json_t *places = json_object_get(root, "places");
  return json_integer_value(places ? places : json_object_get(root, "tokens"));
}

/* Some runs say their attention: "bidirectional" or "block:N". */
static inline int64_t golden_attention(const json_t *root) {
  const char *kind = json_string_value(json_object_get(root, "attention"));
  return kind && strncmp(kind, "block:", 6) == 0 ? strtol(kind + 6, NULL, 10) : 0;
}

#endif
