/* SPDX-License-Identifier: MIT */
/* Bodies of other interfaces as bodies of OpenAI's chat completions: what is called otherwise there
 * is a row, everything else stays. */
#ifndef RD_TRANSLATE_H
#define RD_TRANSLATE_H

#include "error.h"
#include "json.h"

typedef struct rd_translation rd_translation;

typedef struct rd_renamed {
  const char *name;
  const char *as; /* its name here; NULL: it has none of its own */
  /* Put what the value means into `to`. RD_USAGE and RD_BAD_INPUT name the field. NULL: the value
   * stays as it is. */
  rd_code (*put)(json_t *to, const json_t *value, rd_error *e);
  const rd_translation *within; /* else: an object, whose fields come to stand beside the others */
} rd_renamed;

struct rd_translation {
  const rd_renamed *rows;
  size_t count;
};

/* *out is a new object. RD_BAD_INPUT: the body is none. */
rd_code rd_translate(const json_t *body, const rd_translation *t, json_t **out, rd_error *e);
/* A message that begins with a field's name here, as one about the field of the body. */
void rd_translate_error(const json_t *body, const rd_translation *t, rd_error *e);
/* Set a field of an object; takes the reference. RD_NO_MEMORY also where it is NULL. */
rd_code rd_translate_set(json_t *to, const char *name, json_t *value, rd_error *e);
/* A JSON schema as OpenAI's response_format has it. */
rd_code rd_translate_schema(json_t *to, const json_t *schema, rd_error *e);

/* Those that shapes.c has: OpenAI's responses, Ollama's two, and llama.cpp's infill. */
extern const rd_translation rd_responses_fields, rd_ollama_fields, rd_infill_fields;

#endif
