/* SPDX-License-Identifier: MIT */
/* What fields of bodies mean, for the documents: doc/SERVE.md and /openapi.json are made of these
 * rows, those of paths (exchange.h) and those of options. */
#ifndef RD_FIELDS_H
#define RD_FIELDS_H

#include "table.h"

typedef struct rd_field {
  const char *key;    /* what paths call the row */
  const char *name;   /* of the field, where another field has it too; NULL: the key */
  const char *schema; /* JSON */
  const char *help;
} rd_field;

extern const rd_table rd_fields; /* rows are rd_field */

const char *rd_field_name(const rd_field *row);
/* The next row of those that keys name, separated by spaces; *must: it stands before "!". NULL:
 * there are no more. */
const rd_field *rd_field_next(const char **keys, bool *must);

#endif
