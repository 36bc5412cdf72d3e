/* SPDX-License-Identifier: MIT */
/* What the parts of the reader of schemas share. */
#ifndef RD_SCHEMA_READER_H
#define RD_SCHEMA_READER_H

#include "dfa.h"
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
  int looking;  /* levels of alternatives that are looked through */
  int free;     /* values that may be any, so far */
  json_t *made; /* schemas that were merged; NULL: none yet */
  bool merged;  /* the schema that is read was put together of several */
  bool whole;   /* classes of patterns are of all characters (pattern.h) */
  bool written; /* a string of one restriction is written out, as it is needed to be compared */
  rd_error *e;
  rd_code code; /* of the first that failed */
} rd_schema_reader;

/* The first failure is kept, "schema: at #/..: " in front. Returns -1. */
int32_t rd_schema_fail(rd_schema_reader *r, rd_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* No value is left. What a schema says itself is a mistake, RD_BAD_INPUT; where several say it
 * together there is only nothing to be written here. */
int32_t rd_schema_none(rd_schema_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

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
/* Any value, with as many levels of arrays and objects in it as there is room for. */
int32_t rd_schema_free(rd_schema_reader *r, bool object, int32_t next);
/* A comma, and perhaps a space; a quoted key and its colon, and perhaps a space. */
int32_t rd_schema_comma(rd_nfa *n, int32_t next);
int32_t rd_schema_colon(rd_nfa *n, int32_t next);
/* A value as it is written. */
int32_t rd_schema_literal(rd_schema_reader *r, const json_t *value, int32_t next);

/* The same as a string that is the caller's; NULL: the reader has failed. */
char *rd_schema_write(rd_schema_reader *r, const json_t *value);

/* Is every keyword known? Else the reader fails. */
bool rd_schema_check(rd_schema_reader *r, const json_t *schema);
/* Does a keyword restrict values? */
bool rd_schema_restricts(const char *key);
/* Where a $ref leads: NULL in *target where it has stood inside of itself often enough. false: the
 * reader has failed. */
bool rd_schema_follow(rd_schema_reader *r, const json_t *ref, const json_t **target);

/* What no other keyword speaks of: unevaluatedProperties, unevaluatedItems (of an array), or NULL.
 * A schema that was merged has it under a name of its own, since it looks into all that was merged.
 */
#define RD_SCHEMA_REST "=unevaluatedProperties"
#define RD_SCHEMA_REST_ITEMS "=unevaluatedItems"
const json_t *rd_schema_rest(const json_t *schema, bool array);
/* Items of an array that have a schema of their own, and the schema of item `i`: true where there
 * is none. */
size_t rd_schema_prefix(const json_t *schema);
const json_t *rd_schema_item(const json_t *schema, size_t i);

/* A count from 0, or `missing` where the key is not there; -1: the reader has failed. */
int64_t rd_schema_count(rd_schema_reader *r, const json_t *schema, const char *key,
                        int64_t missing);

/* --- texts on which several schemas agree ----------------------------------------------------- */

/* Automata that are walked at once: for strings. Two objects agree by their keywords, since the
 * order of their properties is not one text. */
enum { RD_MOST_TERMS = 16 };

typedef struct rd_schema_term {
  const json_t *schema;
  bool negated; /* what it does not allow is meant */
} rd_schema_term;

/* Where the strings begin that all of (count) terms allow, of `least` to `most` characters (-1: any
 * number), and -1 on failure. Among terms that are
 * negated one at least must be by a pattern that is not: only then is each text spelled one way. */
int32_t rd_schema_meet(rd_schema_reader *r, const rd_schema_term *terms, size_t count,
                       int64_t least, int64_t most, int32_t next);
/* The texts of one schema, ready to be compared with; dropped with rd_dfa_drop. */
rd_code rd_schema_open_texts(rd_schema_reader *r, const json_t *schema, rd_dfa *out);
/* Is the value, as it is written, one of them? */
bool rd_schema_has_text(rd_schema_reader *r, const rd_dfa *texts, const json_t *value);

/* --- schemas made of schemas ------------------------------------------------------------------ */

/* The same values, said without $ref, allOf of objects, oneOf and not, or false. In allOf stay
 * patterns and formats of one string, which no keyword can say together. Belongs to the reader.
 * NULL: the reader has failed. What a $ref led to is pushed on r->open, where the caller takes it
 * back. */
const json_t *rd_schema_flatten(rd_schema_reader *r, const json_t *schema);
/* {"allOf": [a, b]}, or one of them where the other is NULL or true. Belongs to the reader. NULL:
 * both are NULL, or the reader has failed. */
const json_t *rd_schema_both(rd_schema_reader *r, const json_t *a, const json_t *b);
/* The schemas of oneOf as alternatives, the caller's: each without those of the others that it is
 * not seen to exclude. */
json_t *rd_schema_one_of(rd_schema_reader *r, const json_t *list);
/* if, and what depends on properties, as a list of lists of alternatives, the caller's. */
json_t *rd_schema_conditions(rd_schema_reader *r, const json_t *part);
/* Alternatives that the schema does not allow: not all such values, and no others. The caller's. */
json_t *rd_schema_negate(rd_schema_reader *r, const json_t *schema);
/* One of each of two lists of alternatives (a NULL: of b), each with the schema `beside`, without
 * those that no value is. The caller's. */
json_t *rd_schema_ways(rd_schema_reader *r, const json_t *beside, const json_t *a, const json_t *b);
/* The name of a value's type; every number is a "number". */
const char *rd_schema_type_of(const json_t *value);

/* An array none of whose items is there twice: `least` to `most` of them (-1: any number), which
 * can be counted out: values, truth values, null, and few whole numbers. Others are refused. */
int32_t rd_schema_unique(rd_schema_reader *r, const json_t *schema, int64_t least, int64_t most,
                         int32_t next);

#endif
