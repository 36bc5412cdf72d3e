/* SPDX-License-Identifier: MIT */
/* The form that a body asks of its answer: response_format, and tool_choice where it demands a
 * call. Both become a source of form.h. */
#ifndef RD_ASKED_FORM_H
#define RD_ASKED_FORM_H

#include "json.h"

typedef struct rd_asked_form {
  json_t *response_format, *tool_choice; /* as they came, or NULL */
  bool must_call;                        /* settled: the answer is a call of a tool */
  bool no_calls;                         /* settled: no tool is to be called */
} rd_asked_form;

/* The two fields, when they come; what they mean is known when all fields are there. */
rd_code rd_asked_form_format(rd_asked_form *a, const json_t *value, rd_error *e);
rd_code rd_asked_form_choice(rd_asked_form *a, const json_t *value, rd_error *e);
/* The form as a new string in *source, NULL: none is asked for. `tools`: the list of them, each
 * with its function's name, or NULL. RD_USAGE: two forms at once, a tool that is not there, a call
 * of none. */
rd_code rd_asked_form_settle(char **source, rd_asked_form *a, const json_t *tools, rd_error *e);
void rd_asked_form_drop(rd_asked_form *a);

#endif
