/* SPDX-License-Identifier: MIT */
/* Keys of objects that a schema does not name one by one. */
#ifndef RD_SCHEMA_KEYS_H
#define RD_SCHEMA_KEYS_H

#include "schema_reader.h"

enum { RD_MOST_KEY_PATTERNS = 12 };

/* A quoted key that is none of the named properties, `next` behind it. */
int32_t rd_schema_free_key(rd_schema_reader *r, const json_t *properties, int32_t next);

/* The same where propertyNames or patternProperties stand beside them: a key that this pattern of
 * patternProperties is in, or (NULL) none of them. A key that has two patterns is none of these. */
int32_t rd_schema_some_key(rd_schema_reader *r, const json_t *schema, const char *pattern,
                           int32_t next);

#endif
