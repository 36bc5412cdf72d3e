/* SPDX-License-Identifier: MIT */
/* The body of an exchange that asks for a draft, read and checked: what to write, with which
 * options, and how to answer. */
#ifndef RD_BODY_H
#define RD_BODY_H

#include "asked_form.h"
#include "json.h"
#include "params.h"
#include "request.h"
#include "service.h"
#include "shape.h"
#include "unknown.h"

enum { RD_MOST_ANSWERS = 128, RD_MOST_TOP = 20 }; /* of a prompt; alternatives of a token */

typedef struct rd_body {
  rd_params params;
  rd_options options; /* over params, until the body is moved */
  const rd_sampler *sampler;
  const rd_service *service; /* the one that is asked */
  int32_t *prompt;           /* (prompt_count) */
  int64_t prompt_count;
  int32_t *ids; /* (count) a draft by position, or NULL */
  uint8_t *places;
  int64_t count;
  bool stream, diffusing, usage; /* usage: a last chunk with the counts */
  bool no_model;                 /* the body names a model that is not here */
  char **messages;               /* (2 * message_count) role, content; own copies */
  size_t message_count;
  json_t *turns;      /* the same as templates see them, where one says more than that; or NULL */
  json_t *tools;      /* that may be called; or NULL */
  rd_asked_form form; /* of the answer */
  bool calls;         /* of tools are looked for in the answer: calls.h */
  char *system;
  const char *behind; /* the suffix that does not go back; or NULL. Owned by params */
  char **stops;       /* (stop_count) the answer ends before the first of these */
  size_t stop_count;
  /* Several answers are asked for in one body; this is the reading of one of them. */
  int64_t n;            /* answers for each prompt */
  int64_t best_of;      /* 0, or n */
  int64_t choices;      /* n for each of its prompts */
  int64_t choice;       /* the one that is read: those of a prompt follow one another */
  json_t *asked;        /* the prompts, until one of them is made; or NULL */
  const char *asked_as; /* the field that has them */
  char *said;           /* the text of that prompt, where it came as one or is echoed; or NULL */
  bool echo;            /* the prompt's text goes before the answer's */
  bool silent;          /* nothing is to be written */
  bool unlimited;       /* -1 tokens: as many as there is room for */
  bool likely;          /* the log-probability of every token is wanted ... */
  bool likely_said;     /* ... or not, in so many words; else `top` asks for it */
  int64_t top;          /* and of this many others in its place */
  bool too_long;        /* the prompt fills the window */
  bool raw;             /* the prompt is plain text, which the answer's goes on from */
  rd_unknown unknown;   /* fields that mean nothing */
} rd_body;

/* Read a body for a shape: the answer number `choice` of those that it asks for, as if it was asked
 * for alone (from 0; `choices` says how many there are). RD_BAD_INPUT or RD_USAGE names the field.
 * A field without meaning is not an error: it is listed in `unknown`. Without a catalog (NULL) the
 * body is read alone: no model is looked for, no prompt made. *out is to be dropped in any case. */
rd_code rd_body_read(rd_body *out, const json_t *body, int64_t choice, const rd_shape *shape,
                     const rd_catalog *catalog, rd_error *e);
/* The same of `size` bytes of JSON, the first answer. */
rd_code rd_body_parse(rd_body *out, const char *text, size_t size, const rd_shape *shape,
                      const rd_catalog *catalog, rd_error *e);
/* Will it be answered by the service's model from left to right? */
bool rd_body_causal(const rd_body *body);
/* The model that answers. */
const rd_model *rd_body_model(const rd_body *body);
/* The draft that it asks for, which nobody watches yet; it borrows the body. */
rd_request rd_body_request(const rd_body *body);
/* Bytes of `text` before what stands behind it and before the first stop; *found: is there a stop?
 * (NULL: not asked.) */
size_t rd_body_cut(const rd_body *body, const char *text, bool *found);
/* Bytes of text whose last character is whole: decoding marks half a character at the end with
 * U+FFFD. */
size_t rd_body_whole(const char *text);
/* Bytes at the end of the first `size` of `text` that may be the beginning of a stop. */
size_t rd_body_doubtful(const rd_body *body, const char *text, size_t size);
void rd_body_drop(rd_body *body);

#endif
