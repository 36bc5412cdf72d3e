/* SPDX-License-Identifier: MIT */
/* What is to be decided, as JSON: {"state", "questions"} and, beside them, the settings by the
 * names of their options. The same from a file and over HTTP. */
#ifndef RD_DECIDE_BODY_H
#define RD_DECIDE_BODY_H

#include "decide.h"

typedef struct rd_decide_body {
  rd_decide_settings settings;
  rd_options options; /* over settings */
  char *state;
  rd_questions questions;
} rd_decide_body;

/* Settings at their defaults, nothing to decide. Dropped in any case. */
rd_code rd_decide_body_init(rd_decide_body *body, rd_error *e);
/* Take what an object says. Fields of other names are left to the caller. RD_BAD_INPUT and RD_USAGE
 * name the field. */
rd_code rd_decide_body_read(rd_decide_body *body, const json_t *object, rd_error *e);
/* The keys of an object, and of its questions, that rd_decide_body_read passed over, with commas
 * between: a new string, empty where there are none. */
rd_code rd_decide_body_strays(char **out, const rd_decide_body *body, const json_t *object,
                              rd_error *e);
void rd_decide_body_drop(rd_decide_body *body);

#endif
