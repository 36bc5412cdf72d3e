/* SPDX-License-Identifier: MIT */
/* What the parts of the reader of schemas share. */
#ifndef RD_SCHEMA_READER_H
#define RD_SCHEMA_READER_H

#include "schema.h"

/* Where the reader is, from the innermost level outwards. */
typedef struct rd_schema_place {
  const struct rd_schema_place *up;
  const char *name; /* or NULL: `index` */
  size_t index;
} rd_schema_place;

typedef struct rd_schema_reader {
  rd_nfa *nfa;
  const json_t *root;
  const rd_schema_place *place;
  const json_t *open[RD_SCHEMA_DEEPEST]; /* (depth) schemas that are being read, outermost first */
  int depth, turns;
  rd_error *e;
  rd_code code; /* of the first that failed */
} rd_schema_reader;

/* The first failure is kept, "schema: at #/..: " in front. Returns -1. */
int32_t rd_schema_fail(rd_schema_reader *r, rd_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Builders: the node where the value begins, or -1. */
int32_t rd_schema_value(rd_schema_reader *r, const json_t *schema, int32_t next);
/* The same one level further down, under `name`, or (NULL) `index`. */
int32_t rd_schema_inside(rd_schema_reader *r, const json_t *schema, const char *name, size_t index,
                         int32_t next);
int32_t rd_schema_object(rd_schema_reader *r, const json_t *schema, int32_t next);
int32_t rd_schema_array(rd_schema_reader *r, const json_t *schema, int32_t next);
int32_t rd_schema_string(rd_schema_reader *r, const json_t *schema, int32_t next);
int32_t rd_schema_integer(rd_schema_reader *r, const json_t *schema, int32_t next);
int32_t rd_schema_number(rd_schema_reader *r, const json_t *schema, int32_t next);
/* Any value with `levels` of arrays and objects in it. */
int32_t rd_schema_any(rd_nfa *n, int levels, int32_t next);
/* A comma, and perhaps a space; a quoted key and its colon, and perhaps a space. */
int32_t rd_schema_comma(rd_nfa *n, int32_t next);
int32_t rd_schema_colon(rd_nfa *n, int32_t next);
/* A value as it is written. */
int32_t rd_schema_literal(rd_schema_reader *r, const json_t *value, int32_t next);

/* A count from 0, or `missing` where the key is not there; -1: the reader has failed. */
int64_t rd_schema_count(rd_schema_reader *r, const json_t *schema, const char *key,
                        int64_t missing);

#endif
