/* SPDX-License-Identifier: MIT */
/* Expressions: a function for each kind of node. */
#include "jinja_eval.h"

#include "jinja_text.h"

#include <string.h>

typedef rd_code (*evaluate)(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                            rd_jvalue *out);

static bool same(rd_jtext a, rd_jtext b) {
  return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

rd_code rd_jscope_new(rd_jstate *j, rd_jscope *parent, rd_jscope **out) {
  *out = rd_jpool_take(&j->pool, sizeof **out, j->e);
  if (!*out)
    return j->e->code;
  (*out)->parent = parent;
  return RD_OK;
}

static struct rd_jbinding *find(const rd_jscope *s, rd_jtext name) {
  struct rd_jbinding *b = s->first;
  while (b && !same(b->name, name))
    b = b->next;
  return b;
}

rd_code rd_jbind(rd_jstate *j, rd_jtext name, rd_jvalue value) {
  struct rd_jbinding *b = find(j->scope, name);
  if (!b) {
    b = rd_jpool_take(&j->pool, sizeof *b, j->e);
    if (!b)
      return j->e->code;
    b->name = name;
    b->next = j->scope->first;
    j->scope->first = b;
  }
  b->value = value;
  return RD_OK;
}

static rd_code assign_space(rd_jstate *j, const rd_jnode *target, const rd_jvalue *value) {
  rd_jvalue space;
  rd_jnode name = {.kind = RD_JN_NAME, .line = target->line, .value = target->value};
  RD_TRY(rd_jeval(j, &name, NULL, &space));
  if (space.kind != RD_J_SPACE)
    return rd_jfail(j, "only a namespace's attributes can be set, and this is a %s",
                    rd_jkind_name(&space));
  return rd_jdict_set(j, space.as.dict, target->b->value, *value);
}

rd_code rd_jassign(rd_jstate *j, const rd_jnode *target, const rd_jvalue *value) {
  rd_jvalue *items;
  size_t count, wanted = 0, i = 0;
  if (target->kind == RD_JN_NAME)
    return rd_jbind(j, target->value.as.text, *value);
  if (target->kind == RD_JN_SPACE)
    return assign_space(j, target, value);
  RD_TRY(rd_jwalk(j, value, &items, &count));
  for (const rd_jnode *n = target->list; n; n = n->next)
    wanted++;
  if (count != wanted)
    return rd_jfail(j, "%zu values for %zu names", count, wanted);
  for (const rd_jnode *n = target->list; n; n = n->next)
    RD_TRY(rd_jassign(j, n, &items[i++]));
  return RD_OK;
}

static rd_code eval_const(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                          rd_jvalue *out) {
  (void)j;
  (void)captured;
  *out = n->value;
  return RD_OK;
}

static rd_code eval_captured(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                             rd_jvalue *out) {
  (void)j;
  (void)n;
  *out = *captured;
  return RD_OK;
}

static rd_code eval_name(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  (void)captured;
  rd_jtext name = n->value.as.text;
  for (const rd_jscope *s = j->scope; s; s = s->parent) {
    const struct rd_jbinding *b = find(s, name);
    if (b) {
      *out = b->value;
      return RD_OK;
    }
  }
  *out = rd_jundefined(name);
  const rd_jfunction *row = rd_jglobal((rd_slice){name.data, name.size});
  if (!row)
    return RD_OK;
  rd_jbound *bound = rd_jpool_take(&j->pool, sizeof *bound, j->e);
  if (!bound)
    return j->e->code;
  bound->function = row;
  *out = (rd_jvalue){.kind = RD_J_NATIVE, .as.bound = bound};
  return RD_OK;
}

static rd_code eval_list(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  rd_jvalue all;
  RD_TRY(rd_jlist_new(j, n->kind == RD_JN_TUPLE ? RD_J_TUPLE : RD_J_SQUARE, &all));
  for (const rd_jnode *item = n->list; item; item = item->next) {
    rd_jvalue v;
    RD_TRY(rd_jeval(j, item, captured, &v));
    RD_TRY(rd_jlist_add(j, all.as.list, v));
  }
  *out = all;
  return RD_OK;
}

static rd_code eval_dict(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  rd_jvalue all;
  RD_TRY(rd_jdict_new(j, RD_J_DICT, &all));
  for (const rd_jnode *pair = n->list; pair; pair = pair->next) {
    rd_jvalue key, v;
    RD_TRY(rd_jeval(j, pair->a, captured, &key));
    RD_TRY(rd_jeval(j, pair->b, captured, &v));
    RD_TRY(rd_jdict_set(j, all.as.dict, key, v));
  }
  *out = all;
  return RD_OK;
}

static rd_code eval_get(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                        rd_jvalue *out) {
  rd_jvalue object;
  RD_TRY(rd_jeval(j, n->a, captured, &object));
  return rd_jattribute(j, &object, n->value.as.text, out);
}

static rd_code eval_item(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  rd_jvalue object, key;
  RD_TRY(rd_jeval(j, n->a, captured, &object));
  RD_TRY(rd_jeval(j, n->b, captured, &key));
  return rd_jitem(j, &object, &key, out);
}

static rd_code eval_cut(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                        rd_jvalue *out) {
  rd_jvalue object, bounds[3];
  size_t i = 0;
  RD_TRY(rd_jeval(j, n->a, captured, &object));
  for (const rd_jnode *b = n->list; b; b = b->next)
    RD_TRY(rd_jeval(j, b, captured, &bounds[i++]));
  return rd_jcut(j, &object, bounds, out);
}

rd_code rd_jarguments_of(rd_jstate *j, const rd_jnode *list, rd_jarguments *out) {
  *out = (rd_jarguments){0};
  size_t count = 0;
  for (const rd_jnode *n = list; n; n = n->next)
    count++;
  if (count == 0)
    return RD_OK;
  out->values = rd_jpool_take(&j->pool, count * sizeof *out->values, j->e);
  out->names = out->values ? rd_jpool_take(&j->pool, count * sizeof *out->names, j->e) : NULL;
  if (!out->names)
    return j->e->code;
  for (const rd_jnode *n = list; n; n = n->next) {
    rd_jtext name = n->value.kind == RD_J_TEXT ? n->value.as.text : rd_jliteral("");
    out->names[out->count] = (rd_slice){name.data, name.size};
    RD_TRY(rd_jeval(j, n->a, NULL, &out->values[out->count++]));
  }
  return RD_OK;
}

static rd_code eval_call(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  rd_jvalue callee;
  rd_jarguments arguments;
  RD_TRY(rd_jeval(j, n->a, captured, &callee));
  RD_TRY(rd_jarguments_of(j, n->list, &arguments));
  j->line = n->line;
  return rd_jcall_value(j, &callee, &arguments, NULL, out);
}

static rd_code eval_row(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                        rd_jvalue *out) {
  rd_jvalue object;
  rd_jarguments arguments;
  RD_TRY(rd_jeval(j, n->a, captured, &object));
  RD_TRY(rd_jarguments_of(j, n->list, &arguments));
  j->line = n->line;
  if (!n->row)
    return rd_jfail(j, "there is no filter or test %.*s", (int)n->value.as.text.size,
                    n->value.as.text.data);
  return rd_jrun(j, n->row, &object, &arguments, out);
}

static rd_code eval_not(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                        rd_jvalue *out) {
  rd_jvalue v;
  RD_TRY(rd_jeval(j, n->a, captured, &v));
  *out = rd_jbool(!rd_jtruth(&v));
  return RD_OK;
}

static rd_code eval_sign(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                         rd_jvalue *out) {
  rd_jvalue v, zero = rd_jint(0);
  RD_TRY(rd_jeval(j, n->a, captured, &v));
  if (!rd_jis_number(&v))
    return rd_jfail(j, "a %s has no sign", rd_jkind_name(&v));
  if (v.kind == RD_J_REAL) {
    *out = rd_jreal(*n->op == '-' ? -v.as.real : v.as.real);
    return RD_OK;
  }
  return rd_jarithmetic(j, n->op, &zero, &v, out);
}

static rd_code eval_and_or(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                           rd_jvalue *out) {
  RD_TRY(rd_jeval(j, n->a, captured, out));
  return rd_jtruth(out) == (n->kind == RD_JN_AND) ? rd_jeval(j, n->b, captured, out) : RD_OK;
}

/* Comparisons of two values, by operator. `order` says which of below, same, above hold. */
static const struct compare_row {
  const char *op;
  bool below, same, above;
} compare_rows[] = {{"<", true, false, false},
                    {"<=", true, true, false},
                    {">", false, false, true},
                    {">=", false, true, true}};

static rd_code compare(rd_jstate *j, const char *op, const rd_jvalue *a, const rd_jvalue *b,
                       bool *out) {
  int order;
  if (strcmp(op, "in") == 0)
    return rd_jcontains(j, b, a, out);
  if (strcmp(op, "==") == 0)
    return rd_jequal(j, a, b, out);
  if (strcmp(op, "!=") == 0 || strcmp(op, "not in") == 0) {
    RD_TRY(compare(j, *op == '!' ? "==" : "in", a, b, out));
    *out = !*out;
    return RD_OK;
  }
  RD_TRY(rd_jorder(j, a, b, &order));
  for (size_t i = 0; i < sizeof compare_rows / sizeof *compare_rows; i++)
    if (strcmp(compare_rows[i].op, op) == 0)
      *out = order < 0 ? compare_rows[i].below
           : order > 0 ? compare_rows[i].above
                       : compare_rows[i].same;
  return RD_OK;
}

static rd_code eval_compare(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                            rd_jvalue *out) {
  rd_jvalue left, right;
  bool holds = true;
  RD_TRY(rd_jeval(j, n->a, captured, &left));
  for (const rd_jnode *o = n->list; o && holds; o = o->next) {
    RD_TRY(rd_jeval(j, o->a, captured, &right));
    RD_TRY(compare(j, o->op, &left, &right, &holds));
    left = right;
  }
  *out = rd_jbool(holds);
  return RD_OK;
}

static rd_code eval_maths(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                          rd_jvalue *out) {
  rd_jvalue a, b;
  RD_TRY(rd_jeval(j, n->a, captured, &a));
  RD_TRY(rd_jeval(j, n->b, captured, &b));
  j->line = n->line;
  return rd_jarithmetic(j, n->op, &a, &b, out);
}

static rd_code eval_concat(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                           rd_jvalue *out) {
  size_t mark = rd_jmark(j);
  for (const rd_jnode *item = n->list; item; item = item->next) {
    rd_jvalue v;
    RD_TRY(rd_jeval(j, item, captured, &v));
    RD_TRY(rd_jput_str(j, &v));
  }
  return rd_jtake(j, mark, out);
}

static rd_code eval_choice(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured,
                           rd_jvalue *out) {
  rd_jvalue test;
  RD_TRY(rd_jeval(j, n->a, captured, &test));
  if (rd_jtruth(&test))
    return rd_jeval(j, n->b, captured, out);
  *out = rd_jundefined(rd_jliteral("the choice without else"));
  return n->c ? rd_jeval(j, n->c, captured, out) : RD_OK;
}

rd_code rd_jeval(rd_jstate *j, const rd_jnode *n, const rd_jvalue *captured, rd_jvalue *out) {
  static const evaluate functions[RD_JN_KINDS] = {
      [RD_JN_CONST] = eval_const,       [RD_JN_NAME] = eval_name,
      [RD_JN_CAPTURED] = eval_captured, [RD_JN_TUPLE] = eval_list,
      [RD_JN_LIST] = eval_list,         [RD_JN_DICT] = eval_dict,
      [RD_JN_GET] = eval_get,           [RD_JN_ITEM] = eval_item,
      [RD_JN_CUT] = eval_cut,           [RD_JN_CALL] = eval_call,
      [RD_JN_FILTER] = eval_row,        [RD_JN_TEST] = eval_row,
      [RD_JN_NOT] = eval_not,           [RD_JN_SIGN] = eval_sign,
      [RD_JN_AND] = eval_and_or,        [RD_JN_OR] = eval_and_or,
      [RD_JN_COMPARE] = eval_compare,   [RD_JN_MATHS] = eval_maths,
      [RD_JN_CONCAT] = eval_concat,     [RD_JN_CHOICE] = eval_choice,
  };
  j->line = n->line;
  RD_TRY(rd_jstep(j, 0));
  RD_TRY(rd_jdeeper(j));
  rd_code code = functions[n->kind](j, n, captured, out);
  j->depth--;
  return code;
}
