/* SPDX-License-Identifier: MIT */
/* Fields that clients send and that change nothing here, as long as they ask for nothing; and
 * values by which other servers turn an option off. */
#ifndef RD_IDLE_H
#define RD_IDLE_H

#include "json.h"
#include "table.h"

typedef struct rd_idle {
  const char *name;
  const char *neutral; /* the JSON value that asks for nothing; NULL: none asks for anything */
  const char *help;
} rd_idle;

extern const rd_table rd_idle_table;

/* Is it a field of the table with a value that asks for nothing? */
bool rd_idle_field(const char *name, const json_t *value);
/* A value of an option as it is meant here: what turns it off elsewhere becomes what does so here,
 * and of a seed the bits that count. New reference, NULL when memory is out. */
json_t *rd_meant_value(const char *option, const json_t *value);

#endif
