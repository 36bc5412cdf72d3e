/* SPDX-License-Identifier: MIT */
/* PEFT's rank_pattern and alpha_pattern: {module: number}, where a module is a name, the end of one
 * after a dot, or a regular expression for either (peft: get_pattern_key; the first key counts). */
#ifndef RD_ADAPTER_PATTERN_H
#define RD_ADAPTER_PATTERN_H

#include "error.h"
#include "json.h"

/* The number of the first pattern that fits `module`; *value stays where none does. `patterns` may
 * be NULL. */
rd_code rd_pattern_number(const json_t *patterns, const char *module, double *value, rd_error *e);

/* Does `module` belong to a list of names, each of which is a module's or the end of one after a
 * dot, or, where it is one text, is it what that expression says? (peft: target_modules and
 * others.) */
rd_code rd_pattern_lists(const json_t *list, const char *module, bool *yes, rd_error *e);

#endif
