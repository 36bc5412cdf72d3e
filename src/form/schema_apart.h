/* SPDX-License-Identifier: MIT */
/* Schemas that no value has both of: what oneOf asks for, so far as it can be seen. */
#ifndef RD_SCHEMA_APART_H
#define RD_SCHEMA_APART_H

#include "json.h"

/* What "#/a/b", "#anchor" or an address, of one of its schemas, points at in `root`; NULL: nothing.
 */
const json_t *rd_schema_resolve(const json_t *root, const char *pointer);
/* Are two schemas apart for certain: by their types, their values, or a property that both
 * require, or one that a requires and b does not know and excludes? `objects`: both are asked of
 * objects alone. */
bool rd_schemas_apart(const json_t *root, bool objects, const json_t *a, const json_t *b);
/* Is the value in the list? Numbers that are equal are the same. */
bool rd_schema_listed(const json_t *list, const json_t *value);

#endif
