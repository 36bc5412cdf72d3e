/* SPDX-License-Identifier: MIT */
/* Rendering: expressions in one file, statements in another. */
#ifndef RD_JINJA_EVAL_H
#define RD_JINJA_EVAL_H

#include "jinja_node.h"

/* Names that were given values. What is set in one is seen by those within it. */
typedef struct rd_jscope {
  struct rd_jscope *parent;
  struct rd_jbinding {
    rd_jtext name;
    rd_jvalue value;
    struct rd_jbinding *next;
  } * first;
} rd_jscope;

rd_code rd_jscope_new(rd_jstate *j, rd_jscope *parent, rd_jscope **out);
/* Give a value to a name of j->scope; to a target, which may be a tuple. */
rd_code rd_jbind(rd_jstate *j, rd_jtext name, rd_jvalue value);
rd_code rd_jassign(rd_jstate *j, const rd_jnode *target, const rd_jvalue *value);
/* `captured` is what CAPTURED stands for, or NULL. */
rd_code rd_jeval(rd_jstate *j, const rd_jnode *node, const rd_jvalue *captured, rd_jvalue *out);
/* A call's arguments. */
rd_code rd_jarguments_of(rd_jstate *j, const rd_jnode *list, rd_jarguments *out);
/* Run statements, appending to the state's output, until one leaves a loop. */
rd_code rd_jexecute(rd_jstate *j, const rd_jnode *list);

#endif
