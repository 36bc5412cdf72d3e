/* SPDX-License-Identifier: MIT */
/* Options as the golden records call them. */
#ifndef GOLDEN_OPTIONS_H
#define GOLDEN_OPTIONS_H

#include "option.h"

#include <setjmp.h>
#include <stdarg.h>
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

#endif
