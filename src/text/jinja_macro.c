/* SPDX-License-Identifier: MIT */
/* Calls of macros, which bind their arguments as rows do, but to names of a scope of their own; and
 * of anything else that can be called. */
#include "jinja_eval.h"
#include "jinja_text.h"

/* A macro's parameters become names of j->scope. */
static rd_code bind_macro(rd_jstate *j, const rd_jnode *macro, const rd_jarguments *a,
                          rd_jvalue *rest, rd_jvalue *named) {
  size_t by_place = 0, place = 0;
  while (by_place < a->count && a->names[by_place].size == 0)
    by_place++;
  bool used[64] = {false};
  if (a->count > sizeof used)
    return rd_jfail(j, "a call with %zu arguments; at most %zu are taken", a->count, sizeof used);
  for (const rd_jnode *p = macro->list; p; p = p->next, place++) {
    rd_jtext name = p->value.as.text;
    rd_jvalue v = rd_jundefined(name);
    bool given = place < by_place;
    if (given)
      v = a->values[place];
    for (size_t i = by_place; i < a->count && !given; i++)
      if (rd_slice_same(a->names[i], (rd_slice){name.data, name.size})) {
        v = a->values[i];
        given = used[i] = true;
      }
    if (!given && p->a)
      RD_TRY(rd_jeval(j, p->a, NULL, &v));
    RD_TRY(rd_jbind(j, name, v));
  }
  for (size_t i = place < by_place ? place : by_place; i < a->count; i++) {
    rd_jtext name = {a->names[i].data, NULL, a->names[i].size};
    if (i < by_place) {
      RD_TRY(rd_jlist_add(j, rest->as.list, a->values[i]));
    } else if (!used[i]) {
      RD_TRY(rd_jpool_text(&j->pool, name, 0, &name, j->e));
      RD_TRY(rd_jdict_set(j, named->as.dict, rd_jtext_value(name), a->values[i]));
    }
  }
  return RD_OK;
}

static rd_code call_macro(rd_jstate *j, const rd_jmacro *macro, const rd_jarguments *arguments,
                          const rd_jvalue *caller, rd_jvalue *out) {
  const rd_jnode *n = macro->node;
  rd_jtext name = n->value.as.text;
  rd_jscope *outside = j->scope;
  rd_jvalue rest, named;
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jlist_new(j, RD_J_TUPLE, &rest));
  RD_TRY(rd_jdict_new(j, RD_J_DICT, &named));
  RD_TRY(rd_jscope_new(j, macro->scope, &j->scope));
  RD_TRY(bind_macro(j, n, arguments, &rest, &named));
  if (rest.as.list->count && !(n->uses & RD_J_USES_REST))
    return rd_jfail(j, "the macro %.*s takes no further arguments", (int)name.size, name.data);
  if (named.as.dict->count && !(n->uses & RD_J_USES_NAMED))
    return rd_jfail(j, "the macro %.*s takes no argument %.*s", (int)name.size, name.data,
                    (int)named.as.dict->keys->as.text.size, named.as.dict->keys->as.text.data);
  if (caller && !(n->uses & RD_J_USES_CALLER))
    return rd_jfail(j, "the macro %.*s takes no caller", (int)name.size, name.data);
  if (n->uses & RD_J_USES_REST)
    RD_TRY(rd_jbind(j, rd_jliteral("varargs"), rest));
  if (n->uses & RD_J_USES_NAMED)
    RD_TRY(rd_jbind(j, rd_jliteral("kwargs"), named));
  if (n->uses & RD_J_USES_CALLER)
    RD_TRY(rd_jbind(j, rd_jliteral("caller"),
                    caller ? *caller : rd_jundefined(rd_jliteral("caller"))));
  RD_TRY(rd_jdeeper(j));
  RD_TRY(rd_jexecute(j, n->body));
  j->depth--;
  j->scope = outside;
  return rd_jtake(j, mark, out);
}

rd_code rd_jcall_value(rd_jstate *j, const rd_jvalue *callee, const rd_jarguments *arguments,
                       const rd_jvalue *caller, rd_jvalue *out) {
  if (callee->kind == RD_J_MACRO)
    return call_macro(j, callee->as.macro, arguments, caller, out);
  if (callee->kind == RD_J_NATIVE && !caller)
    return rd_jrun(j, callee->as.bound->function, &callee->as.bound->self, arguments, out);
  if (callee->kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so cannot be called", (int)callee->as.text.size,
                    callee->as.text.data);
  return rd_jfail(j, "a %s cannot be called", rd_jkind_name(callee));
}
