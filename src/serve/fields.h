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

#endif
