/* SPDX-License-Identifier: MIT */
/* Statements: a function for each kind of node. */
#include "jinja_eval.h"
#include "jinja_text.h"

#include <string.h>

typedef rd_code (*execute)(rd_jstate *j, const rd_jnode *n);

static rd_code run_data(rd_jstate *j, const rd_jnode *n) {
  return rd_jput(j, n->value.as.text);
}

static rd_code run_print(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue v;
  RD_TRY(rd_jeval(j, n->a, NULL, &v));
  return rd_jput_str(j, &v);
}

static rd_code run_if(rd_jstate *j, const rd_jnode *n) {
  for (const rd_jnode *branch = n->list; branch; branch = branch->next) {
    rd_jvalue test = rd_jbool(true);
    if (branch->a)
      RD_TRY(rd_jeval(j, branch->a, NULL, &test));
    if (rd_jtruth(&test))
      return rd_jexecute(j, branch->body);
  }
  return RD_OK;
}

/* Does the loop's condition hold for this item? It sees the item, not the loop. */
static rd_code takes_part(rd_jstate *j, const rd_jloop *loop, const rd_jvalue *item, bool *out) {
  rd_jscope *inside = j->scope;
  rd_jvalue test;
  RD_TRY(rd_jscope_new(j, loop->outside, &j->scope));
  RD_TRY(rd_jassign(j, loop->node->a, item));
  RD_TRY(rd_jeval(j, loop->node->c, NULL, &test));
  *out = rd_jtruth(&test);
  j->scope = inside;
  return RD_OK;
}

rd_code rd_jloop_know(rd_jstate *j, rd_jloop *loop, size_t wanted) {
  while (loop->passed.count < wanted && loop->next < loop->count) {
    const rd_jvalue *item = &loop->items[loop->next++];
    bool in = true;
    if (loop->node->c)
      RD_TRY(takes_part(j, loop, item, &in));
    if (in)
      RD_TRY(rd_jlist_add(j, &loop->passed, *item));
  }
  return RD_OK;
}

/* One round: every round starts with names of its own. */
static rd_code run_round(rd_jstate *j, const rd_jnode *n, rd_jloop *loop) {
  RD_TRY(rd_jscope_new(j, loop->outside, &j->scope));
  RD_TRY(rd_jbind(j, rd_jliteral("loop"), (rd_jvalue){.kind = RD_J_LOOP, .as.loop = loop}));
  RD_TRY(rd_jassign(j, n->a, &loop->passed.items[loop->index]));
  return rd_jexecute(j, n->body);
}

static rd_code run_for(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue all;
  rd_jscope *outside = j->scope;
  RD_TRY(rd_jeval(j, n->b, NULL, &all));
  rd_jloop *loop = rd_jpool_take(&j->pool, sizeof *loop, j->e);
  if (!loop)
    return j->e->code;
  *loop = (rd_jloop){.node = n, .outside = outside};
  RD_TRY(rd_jwalk(j, &all, &loop->items, &loop->count));
  RD_TRY(rd_jloop_know(j, loop, 1));
  bool finished = false; /* a round, without break or continue: only then there is no else */
  for (bool on = true; on && loop->index < loop->passed.count; loop->index++) {
    RD_TRY(run_round(j, n, loop));
    on = j->leave != RD_J_BREAK;
    finished = finished || j->leave == RD_J_ON;
    j->leave = RD_J_ON;
    j->scope = outside;
    if (on)
      RD_TRY(rd_jloop_know(j, loop, loop->index + 2));
  }
  if (finished || !n->list)
    return RD_OK;
  RD_TRY(rd_jscope_new(j, outside, &j->scope));
  RD_TRY(rd_jexecute(j, n->list));
  j->scope = outside;
  return RD_OK;
}

static rd_code run_set(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue v;
  RD_TRY(rd_jeval(j, n->b, NULL, &v));
  return rd_jassign(j, n->a, &v);
}

/* A body in a scope of its own, its text taken as a value. */
static rd_code capture(rd_jstate *j, const rd_jnode *body, rd_jvalue *out) {
  rd_jscope *outside = j->scope;
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jscope_new(j, outside, &j->scope));
  RD_TRY(rd_jexecute(j, body));
  j->scope = outside;
  return rd_jtake(j, mark, out);
}

static rd_code run_set_block(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue text, v;
  RD_TRY(capture(j, n->body, &text));
  if (j->leave != RD_J_ON)
    return RD_OK;
  RD_TRY(rd_jeval(j, n->b, &text, &v));
  return rd_jassign(j, n->a, &v);
}

static rd_code run_filtered(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue text, v;
  RD_TRY(capture(j, n->body, &text));
  if (j->leave != RD_J_ON)
    return RD_OK;
  RD_TRY(rd_jeval(j, n->a, &text, &v));
  return rd_jput_str(j, &v);
}

/* The values of a with are of the scope around it. */
static rd_code run_with(rd_jstate *j, const rd_jnode *n) {
  rd_jscope *outside = j->scope, *inside;
  RD_TRY(rd_jscope_new(j, outside, &inside));
  for (const rd_jnode *set = n->list; set; set = set->next) {
    rd_jvalue v;
    j->scope = outside;
    RD_TRY(rd_jeval(j, set->b, NULL, &v));
    j->scope = inside;
    RD_TRY(rd_jassign(j, set->a, &v));
  }
  j->scope = inside;
  RD_TRY(rd_jexecute(j, n->body));
  j->scope = outside;
  return RD_OK;
}

static rd_code run_generation(rd_jstate *j, const rd_jnode *n) {
  rd_jscope *outside = j->scope;
  RD_TRY(rd_jscope_new(j, outside, &j->scope));
  RD_TRY(rd_jexecute(j, n->body));
  j->scope = outside;
  return RD_OK;
}

static rd_code new_macro(rd_jstate *j, const rd_jnode *node, rd_jvalue *out) {
  rd_jmacro *macro = rd_jpool_take(&j->pool, sizeof *macro, j->e);
  if (!macro)
    return j->e->code;
  *macro = (rd_jmacro){node, j->scope};
  *out = (rd_jvalue){.kind = RD_J_MACRO, .as.macro = macro};
  return RD_OK;
}

static rd_code run_macro(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue macro;
  RD_TRY(new_macro(j, n, &macro));
  return rd_jbind(j, n->value.as.text, macro);
}

static rd_code run_call_block(rd_jstate *j, const rd_jnode *n) {
  rd_jvalue caller, callee, v;
  rd_jarguments arguments;
  RD_TRY(new_macro(j, n->b, &caller));
  RD_TRY(rd_jeval(j, n->a->a, NULL, &callee));
  RD_TRY(rd_jarguments_of(j, n->a->list, &arguments));
  j->line = n->line;
  RD_TRY(rd_jcall_value(j, &callee, &arguments, &caller, &v));
  return rd_jput_str(j, &v);
}

static rd_code run_leave(rd_jstate *j, const rd_jnode *n) {
  j->leave = n->kind == RD_JN_BREAK ? RD_J_BREAK : RD_J_CONTINUE;
  return RD_OK;
}

rd_code rd_jexecute(rd_jstate *j, const rd_jnode *list) {
  static const execute functions[RD_JN_KINDS] = {
      [RD_JN_DATA] = run_data,
      [RD_JN_PRINT] = run_print,
      [RD_JN_IF] = run_if,
      [RD_JN_FOR] = run_for,
      [RD_JN_SET] = run_set,
      [RD_JN_SET_BLOCK] = run_set_block,
      [RD_JN_MACRO] = run_macro,
      [RD_JN_CALL_BLOCK] = run_call_block,
      [RD_JN_FILTERED] = run_filtered,
      [RD_JN_WITH] = run_with,
      [RD_JN_GENERATION] = run_generation,
      [RD_JN_BREAK] = run_leave,
      [RD_JN_CONTINUE] = run_leave,
  };
  RD_TRY(rd_jdeeper(j));
  for (; list && j->leave == RD_J_ON; list = list->next) {
    j->line = list->line;
    RD_TRY(rd_jstep(j, 0));
    RD_TRY(functions[list->kind](j, list));
  }
  j->depth--;
  return RD_OK;
}
