/* SPDX-License-Identifier: MIT */
/* Tests: what stands behind "is". */
#include "jinja_call.h"
#include "jinja_text.h"

#include <string.h>

/* One test of a value's kind: a set of kinds. */
#define KIND_TEST(name, set)                                                                       \
  static rd_code name(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {                           \
    (void)j;                                                                                       \
    *out = rd_jbool((1U << c->self.kind) & (unsigned)(set));                                       \
    return RD_OK;                                                                                  \
  }
#define ALL (~0U)
KIND_TEST(is_undefined, 1U << RD_J_UNDEFINED)
KIND_TEST(is_defined, ALL & ~(1U << RD_J_UNDEFINED))
KIND_TEST(is_none, 1U << RD_J_NONE)
KIND_TEST(is_boolean, 1U << RD_J_BOOL)
KIND_TEST(is_integer, 1U << RD_J_INT)
KIND_TEST(is_float, 1U << RD_J_REAL)
KIND_TEST(is_number, 1U << RD_J_BOOL | 1U << RD_J_INT | 1U << RD_J_REAL)
KIND_TEST(is_string, 1U << RD_J_TEXT)
KIND_TEST(is_mapping, 1U << RD_J_DICT)
KIND_TEST(is_iterable, 1U << RD_J_UNDEFINED | 1U << RD_J_TEXT | 1U << RD_J_LIST | 1U << RD_J_DICT)
KIND_TEST(is_callable, 1U << RD_J_MACRO | 1U << RD_J_NATIVE | 1U << RD_J_UNDEFINED)

static rd_code is_sequence(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(is_iterable(j, c, out));
  if (c->self.kind == RD_J_LIST && c->self.as.list->form > RD_J_RANGE)
    *out = rd_jbool(false);
  return RD_OK;
}

static rd_code is_true(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  *out = rd_jbool(c->self.kind == RD_J_BOOL && c->self.as.number);
  return RD_OK;
}
static rd_code is_false(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  *out = rd_jbool(c->self.kind == RD_J_BOOL && !c->self.as.number);
  return RD_OK;
}

static rd_code divides(rd_jstate *j, const rd_jcall *c, const rd_jvalue *by, int64_t wanted,
                       rd_jvalue *out) {
  rd_jvalue rest, want = rd_jint(wanted);
  bool same;
  RD_TRY(rd_jarithmetic(j, "%", &c->self, by, &rest));
  RD_TRY(rd_jequal(j, &rest, &want, &same));
  *out = rd_jbool(same);
  return RD_OK;
}
static rd_code is_odd(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jvalue two = rd_jint(2);
  return divides(j, c, &two, 1, out);
}
static rd_code is_even(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jvalue two = rd_jint(2);
  return divides(j, c, &two, 0, out);
}
static rd_code is_divisible(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return divides(j, c, &c->given[0], 0, out);
}

/* Is every letter in this case, and is there one? */
static rd_code in_case(rd_jstate *j, const rd_jcall *c, rd_jcase how, rd_jvalue *out) {
  rd_jvalue text, changed, other;
  bool same, letters;
  RD_TRY(rd_jstr(j, &c->self, &text));
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jput_case(j, text.as.text, how));
  RD_TRY(rd_jtake(j, mark, &changed));
  RD_TRY(rd_jput_case(j, text.as.text, how == RD_J_UPPER ? RD_J_LOWER : RD_J_UPPER));
  RD_TRY(rd_jtake(j, mark, &other));
  RD_TRY(rd_jequal(j, &text, &changed, &same));
  RD_TRY(rd_jequal(j, &changed, &other, &letters));
  *out = rd_jbool(same && !letters);
  return RD_OK;
}
static rd_code is_upper(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return in_case(j, c, RD_J_UPPER, out);
}
static rd_code is_lower(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return in_case(j, c, RD_J_LOWER, out);
}

static rd_code is_equal(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  bool same;
  RD_TRY(rd_jequal(j, &c->self, &c->given[0], &same));
  *out = rd_jbool(same);
  return RD_OK;
}
static rd_code is_other(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(is_equal(j, c, out));
  *out = rd_jbool(!out->as.number);
  return RD_OK;
}

/* The same object: equal is enough for what has no identity here. */
static rd_code is_same(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jvalue *a = &c->self, *b = &c->given[0];
  if (a->kind == RD_J_LIST || a->kind == RD_J_DICT) {
    *out = rd_jbool(a->kind == b->kind && a->as.dict == b->as.dict);
    return RD_OK;
  }
  RD_TRY(is_equal(j, c, out));
  *out = rd_jbool(out->as.number && a->kind == b->kind);
  return RD_OK;
}

static rd_code is_in(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  bool in;
  RD_TRY(rd_jcontains(j, &c->given[0], &c->self, &in));
  *out = rd_jbool(in);
  return RD_OK;
}

static rd_code order(rd_jstate *j, const rd_jcall *c, int sign, bool same, rd_jvalue *out) {
  int found;
  RD_TRY(rd_jorder(j, &c->self, &c->given[0], &found));
  *out = rd_jbool(found == 0 ? same : (found > 0) == (sign > 0));
  return RD_OK;
}
static rd_code is_less(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return order(j, c, -1, false, out);
}
static rd_code is_at_most(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return order(j, c, -1, true, out);
}
static rd_code is_greater(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return order(j, c, 1, false, out);
}
static rd_code is_at_least(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return order(j, c, 1, true, out);
}

static rd_code is_safe(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  *out = rd_jbool(c->self.kind == RD_J_TEXT && c->self.safe);
  return RD_OK;
}

static const rd_jfunction tests[] = {
    {"!=", "other!", is_other, 0},    {"<", "other!", is_less, 0},
    {"<=", "other!", is_at_most, 0},  {"==", "other!", is_equal, 0},
    {">", "other!", is_greater, 0},   {">=", "other!", is_at_least, 0},
    {"boolean", "", is_boolean, 0},   {"callable", "", is_callable, 0},
    {"defined", "", is_defined, 0},   {"divisibleby", "num!", is_divisible, 0},
    {"eq", "other!", is_equal, 0},    {"equalto", "other!", is_equal, 0},
    {"escaped", "", is_safe, 0},      {"even", "", is_even, 0},
    {"false", "", is_false, 0},       {"float", "", is_float, 0},
    {"ge", "other!", is_at_least, 0}, {"greaterthan", "other!", is_greater, 0},
    {"gt", "other!", is_greater, 0},  {"in", "seq!", is_in, 0},
    {"integer", "", is_integer, 0},   {"iterable", "", is_iterable, 0},
    {"le", "other!", is_at_most, 0},  {"lessthan", "other!", is_less, 0},
    {"lower", "", is_lower, 0},       {"lt", "other!", is_less, 0},
    {"mapping", "", is_mapping, 0},   {"ne", "other!", is_other, 0},
    {"none", "", is_none, 0},         {"number", "", is_number, 0},
    {"odd", "", is_odd, 0},           {"sameas", "other!", is_same, 0},
    {"sequence", "", is_sequence, 0}, {"string", "", is_string, 0},
    {"true", "", is_true, 0},         {"undefined", "", is_undefined, 0},
    {"upper", "", is_upper, 0},
};

const rd_jfunction *rd_jtest(rd_slice name) {
  return rd_jrow(tests, sizeof tests / sizeof *tests, name, 0);
}
