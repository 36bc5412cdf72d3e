/* SPDX-License-Identifier: MIT */
/* Typed questions: what may be asked of a text so that the answer is one of a few things, and how
 * such an answer is said. A row for each type, found by its name:
 *
 *   noul    yes or no, whose answer is the probability of yes
 *   choice  one of 2 to 255 keys, each with a description or null
 *   score   one of 2 to 10 levels, from low to high; the answer is the expected level, from 0 */
#ifndef RD_QUESTION_H
#define RD_QUESTION_H

#include "json.h"
#include "table.h"

/* One of the things that an answer may be. */
typedef struct rd_alternative {
  const char *name;  /* as the answer calls it: "yes", a key, "0" */
  const char *word;  /* as the model is to say it, unless a label stands for it: "Yes", the key */
  char *description; /* or NULL */
} rd_alternative;

typedef struct rd_question rd_question;

typedef struct rd_question_type {
  const char *name;
  const char *lead; /* how an answer begins: "The answer is " */
  bool truth;       /* its alternatives are true and false, in this order */
  rd_code (*read)(rd_question *q, const json_t *criteria, rd_error *e);
  json_t *(*answer)(const rd_question *q, const double *shares, const double *errors);
} rd_question_type;

struct rd_question {
  const char *id;
  const rd_question_type *type;
  char *instructions;           /* or NULL */
  rd_alternative *alternatives; /* (count) */
  int64_t count;
};

/* Read from JSON, into which names and ids point. */
typedef struct rd_questions {
  rd_question *items; /* (count) */
  int64_t count;
  json_t *source;
} rd_questions;

extern const rd_table rd_question_types;

/* {id: {"type", "instructions", "criteria"}}; instructions and descriptions are text, or objects
 * and lists, which are read as JSON. RD_BAD_INPUT names the question and the field. *out is to be
 * dropped in any case. */
rd_code rd_questions_read(rd_questions *out, const json_t *questions, rd_error *e);
void rd_questions_drop(rd_questions *questions);

/* The answer as the protocol has it, from the share of each alternative; `errors` are their
 * standard errors over several draws, or NULL. A new reference, NULL when memory is out. */
json_t *rd_question_answer(const rd_question *q, const double *shares /* (count) */,
                           const double *errors /* (count) or NULL */);
/* How sure a distribution is: 0 where it is flat, 1 where one has it all; 1 - entropy / ln(count).
 */
double rd_confidence(const double *shares /* (count) */, int64_t count);
/* A text as it is, anything else as JSON: a new string. NULL: `value` is null, or memory is out
 * (RD_NO_MEMORY). */
rd_code rd_content_text(char **out, const json_t *value, rd_error *e);

#endif
