/* SPDX-License-Identifier: MIT */
/* JSON schemas as automata: the texts of all values that a schema allows, in one way of writing
 * them (properties in the schema's order; one space at most, behind a colon or a comma; numbers of
 * at most 15 digits before and behind the point and without an exponent). doc/COMMANDS.md lists
 * what is known; what is not is refused by name and place. Nesting that has no bound in the schema
 * gets one. */
#ifndef RD_SCHEMA_H
#define RD_SCHEMA_H

#include "json.h"
#include "nfa.h"

enum {
  RD_SCHEMA_DEEPEST = 64, /* levels of one schema inside another */
  RD_SCHEMA_FREE = 3,     /* levels of arrays and objects where a schema allows any value */
  RD_SCHEMA_TURNS = 4,    /* how often a $ref may stand inside of itself */
};

/* The node where a value of the schema begins, `next` behind it. RD_BAD_INPUT, RD_UNSUPPORTED: with
 * the place in the schema. `turns`: how often a $ref may stand inside of itself; what lies deeper
 * is left out. */
rd_code rd_schema_build(int32_t *start, rd_nfa *n, const json_t *schema, int turns, int32_t next,
                        rd_error *e);
/* Any object, with `levels` of arrays and objects in it. */
int32_t rd_schema_any_object(rd_nfa *n, int levels, int32_t next);

#endif
