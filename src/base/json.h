/* SPDX-License-Identifier: MIT */
/* JSON and YAML in: jansson objects with checked getters whose errors name the key and what was
 * found. */
#ifndef RD_JSON_H
#define RD_JSON_H

#include "error.h"
#include "json_memory.h"

#include <jansson.h>

/* Parse JSON text; `name` stands for the source in messages. The result is owned by the caller.
 * Integers beyond 64 bits (some files say "model_max_length": 10^30) become reals. */
rd_code rd_json_parse(json_t **out, const char *text, size_t size, const char *name, rd_error *e);
/* jansson's own loading, with its flags and its error, but for those integers. NULL on failure. */
json_t *rd_json_load(const char *text, size_t size, size_t flags, json_error_t *why);
/* The same for files that people and Python write: a byte order mark is passed over, and NaN,
 * Infinity and -Infinity, which JSON does not have, become the strings of these names: harmless
 * where nobody reads them, refused by name and value where somebody does. */
json_t *rd_json_load_file(const char *text, size_t size, size_t flags, json_error_t *why);
/* Why one of these two gave NULL: RD_NO_MEMORY, or RD_BAD_INPUT with the place. */
rd_code rd_json_wrong(const json_error_t *why, const char *name, rd_error *e);
/* A file of at most 256 MB, loaded so. */
rd_code rd_json_open(json_t **out, const char *path, rd_error *e);
/* Write `value` as a file of a folder, indented. NULL is a value that ran out of memory. */
rd_code rd_json_write(const char *folder, const char *name, const json_t *value, rd_error *e);
/* A string of text that may be ill-formed, as names of files may: U+FFFD stands for what is no
 * UTF-8. A new reference; NULL for NULL, and where memory is out. */
json_t *rd_json_said(const char *text);
/* YAML (one document of mappings, sequences, scalars; no anchors) as the same kind of value. Plain
 * scalars become null, true/false, integers or reals where they look like one; quoted ones stay
 * text. */
rd_code rd_yaml_parse(json_t **out, const char *text, size_t size, const char *name, rd_error *e);
rd_code rd_yaml_open(json_t **out, const char *path, rd_error *e);

/* Is it a whole number, however it is written (4, 4.0)? Then *out is it. */
bool rd_json_whole(const json_t *value, int64_t *out);

/* Getters. A missing or null key leaves *out as it was (its default) and is fine; a wrong type or a
 * number out of [min, max] is RD_BAD_INPUT naming `key`, the value and the range. */
rd_code rd_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                    rd_error *e);
rd_code rd_json_real(const json_t *object, const char *key, double min, double max, double *out,
                     rd_error *e);
rd_code rd_json_bool(const json_t *object, const char *key, bool *out, rd_error *e);
/* What is null is as not given: such keys go. Of what is no object, NULL too, nothing. */
void rd_json_drop_nulls(json_t *object);
/* Does the text hold a NUL character, behind which C's functions would lose the rest? */
bool rd_json_cut(const json_t *text);
/* *out points into the object. */
rd_code rd_json_text(const json_t *object, const char *key, const char **out, rd_error *e);

#endif
