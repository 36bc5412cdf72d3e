/* SPDX-License-Identifier: MIT */
/* Bodies of other interfaces as bodies of OpenAI's chat completions: what is called otherwise there
 * is a row, everything else stays. */
#ifndef RD_TRANSLATE_H
#define RD_TRANSLATE_H

#include "error.h"
#include "json.h"

typedef struct rd_renamed {
  const char *name;
  const char *as; /* its name here, where that is all; or NULL */
  /* else: put what the value means into `to`. RD_USAGE and RD_BAD_INPUT name the field. */
  rd_code (*put)(json_t *to, const json_t *value, rd_error *e);
} rd_renamed;

/* *out is a new object. RD_BAD_INPUT: the body is none. */
rd_code rd_translate(const json_t *body, const rd_renamed *rows, size_t count, json_t **out,
                     rd_error *e);
/* Set a field of an object; takes the reference. RD_NO_MEMORY also where it is NULL. */
rd_code rd_translate_set(json_t *to, const char *name, json_t *value, rd_error *e);
/* A JSON schema as OpenAI's response_format has it. */
rd_code rd_translate_schema(json_t *to, const json_t *schema, rd_error *e);

/* Those that shapes.c has: OpenAI's responses, and Ollama's two. */
rd_code rd_translate_responses(const json_t *body, json_t **out, rd_error *e);
rd_code rd_translate_ollama(const json_t *body, json_t **out, rd_error *e);

#endif
