/* SPDX-License-Identifier: MIT */
/* Arithmetic with Python's rules: integers stay integers but under /, floor division and modulo
 * round down, and texts and lists are joined and repeated. Integers that do not fit 64 bits are
 * refused. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <math.h>
#include <string.h>

static rd_code too_large(rd_jstate *j) {
  return rd_jfail(j, "a number that does not fit 64 bits");
}

static rd_code add_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  int64_t n;
  if (__builtin_add_overflow(a, b, &n))
    return too_large(j);
  *out = rd_jint(n);
  return RD_OK;
}
static rd_code subtract_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  int64_t n;
  if (__builtin_sub_overflow(a, b, &n))
    return too_large(j);
  *out = rd_jint(n);
  return RD_OK;
}
static rd_code multiply_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  int64_t n;
  if (__builtin_mul_overflow(a, b, &n))
    return too_large(j);
  *out = rd_jint(n);
  return RD_OK;
}
static rd_code divide_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  if (b == 0)
    return rd_jfail(j, "division by zero");
  *out = rd_jreal((double)a / (double)b);
  return RD_OK;
}
static rd_code floor_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  if (b == 0)
    return rd_jfail(j, "division by zero");
  if (b == -1)
    return subtract_ints(j, 0, a, out);
  *out = rd_jint(a / b - (a % b != 0 && (a < 0) != (b < 0)));
  return RD_OK;
}
static rd_code modulo_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  if (b == 0)
    return rd_jfail(j, "division by zero");
  int64_t rest = b == -1 ? 0 : a % b;
  *out = rd_jint(rest + (rest != 0 && (rest < 0) != (b < 0) ? b : 0));
  return RD_OK;
}
static rd_code power_ints(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out) {
  if (b < 0 && a == 0)
    return rd_jfail(j, "0 to a negative power");
  if (b < 0) {
    *out = rd_jreal(pow((double)a, (double)b));
    return RD_OK;
  }
  *out = rd_jint(1);
  for (; b > 0 && a != 1 && !(a == 0 && out->as.number == 0); b--) {
    if (a == -1 && b > 2)
      b = 2 - b % 2;
    RD_TRY(multiply_ints(j, out->as.number, a, out));
  }
  return RD_OK;
}

static rd_code add_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  (void)j;
  *out = rd_jreal(a + b);
  return RD_OK;
}
static rd_code subtract_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  (void)j;
  *out = rd_jreal(a - b);
  return RD_OK;
}
static rd_code multiply_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  (void)j;
  *out = rd_jreal(a * b);
  return RD_OK;
}
static rd_code divide_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  if (b == 0)
    return rd_jfail(j, "division by zero");
  *out = rd_jreal(a / b);
  return RD_OK;
}
static rd_code modulo_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  if (b == 0)
    return rd_jfail(j, "division by zero");
  double rest = fmod(a, b);
  *out = rd_jreal(rest != 0 ? rest + ((rest < 0) != (b < 0) ? b : 0) : copysign(0, b));
  return RD_OK;
}
static rd_code floor_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  RD_TRY(modulo_reals(j, a, b, out));
  double whole = (a - out->as.real) / b, down = floor(whole);
  *out = rd_jreal(whole == 0 ? copysign(0, a / b) : whole - down > 0.5 ? down + 1 : down);
  return RD_OK;
}
static rd_code power_reals(rd_jstate *j, double a, double b, rd_jvalue *out) {
  double n = pow(a, b);
  if (!isfinite(n) && isfinite(a) && isfinite(b))
    return rd_jfail(j, "a power that is no number");
  *out = rd_jreal(n);
  return RD_OK;
}

static const struct maths_row {
  const char *op;
  rd_code (*ints)(rd_jstate *j, int64_t a, int64_t b, rd_jvalue *out);
  rd_code (*reals)(rd_jstate *j, double a, double b, rd_jvalue *out);
} rows[] = {
    {"+", add_ints, add_reals},           {"-", subtract_ints, subtract_reals},
    {"*", multiply_ints, multiply_reals}, {"/", divide_ints, divide_reals},
    {"//", floor_ints, floor_reals},      {"%", modulo_ints, modulo_reals},
    {"**", power_ints, power_reals},
};

/* Where one of two texts is |safe, the other is escaped: so Python's Markup joins. */
static rd_code join_texts(rd_jstate *j, const rd_jvalue *a, const rd_jvalue *b, rd_jvalue *out) {
  if (a->safe == b->safe) {
    *out = (rd_jvalue){.kind = RD_J_TEXT, .safe = a->safe};
    return rd_jpool_join(&j->pool, a->as.text, b->as.text, &out->as.text, j->e);
  }
  size_t mark = rd_jmark(j);
  RD_TRY(a->safe ? rd_jput(j, a->as.text) : rd_jput_escaped(j, a->as.text));
  RD_TRY(b->safe ? rd_jput(j, b->as.text) : rd_jput_escaped(j, b->as.text));
  RD_TRY(rd_jtake(j, mark, out));
  out->safe = true;
  return RD_OK;
}

static rd_code join_lists(rd_jstate *j, const rd_jlist *a, const rd_jlist *b, rd_jvalue *out) {
  RD_TRY(rd_jlist_new(j, a->form, out));
  RD_TRY(rd_jstep(j, a->count + b->count));
  for (size_t i = 0; i < a->count + b->count; i++)
    RD_TRY(rd_jlist_add(j, out->as.list, i < a->count ? a->items[i] : b->items[i - a->count]));
  return RD_OK;
}

static rd_code repeat(rd_jstate *j, const rd_jvalue *v, int64_t times, rd_jvalue *out) {
  size_t mark = rd_jmark(j);
  if (v->kind == RD_J_LIST)
    RD_TRY(rd_jlist_new(j, v->as.list->form, out));
  for (; times > 0; times--) {
    RD_TRY(rd_jstep(j, 1));
    if (v->kind == RD_J_TEXT)
      RD_TRY(rd_jput(j, v->as.text));
    for (size_t i = 0; v->kind == RD_J_LIST && i < v->as.list->count; i++)
      RD_TRY(rd_jlist_add(j, out->as.list, v->as.list->items[i]));
  }
  return v->kind == RD_J_TEXT ? rd_jtake(j, mark, out) : RD_OK;
}

static bool is_list(const rd_jvalue *v) {
  return v->kind == RD_J_LIST && v->as.list->form <= RD_J_TUPLE;
}

rd_code rd_jarithmetic(rd_jstate *j, const char *op, const rd_jvalue *a, const rd_jvalue *b,
                       rd_jvalue *out) {
  RD_TRY(rd_jstep(j, 0));
  if (rd_jis_number(a) && rd_jis_number(b)) {
    const struct maths_row *row = rows;
    while (strcmp(row->op, op) != 0)
      row++;
    return a->kind == RD_J_REAL || b->kind == RD_J_REAL
             ? row->reals(j, rd_jnumber(a), rd_jnumber(b), out)
             : row->ints(j, a->as.number, b->as.number, out);
  }
  if (strcmp(op, "+") == 0 && a->kind == RD_J_TEXT && b->kind == RD_J_TEXT)
    return join_texts(j, a, b, out);
  if (strcmp(op, "+") == 0 && is_list(a) && is_list(b) && a->as.list->form == b->as.list->form)
    return join_lists(j, a->as.list, b->as.list, out);
  if (strcmp(op, "%") == 0 && a->kind == RD_J_TEXT)
    return rd_jformat_percent(j, a->as.text, b, out);
  bool left = a->kind == RD_J_TEXT || is_list(a), right = b->kind == RD_J_TEXT || is_list(b);
  if (strcmp(op, "*") == 0 && left && (b->kind == RD_J_INT || b->kind == RD_J_BOOL))
    return repeat(j, a, b->as.number, out);
  if (strcmp(op, "*") == 0 && right && (a->kind == RD_J_INT || a->kind == RD_J_BOOL))
    return repeat(j, b, a->as.number, out);
  const rd_jvalue *gone = a->kind == RD_J_UNDEFINED ? a : b->kind == RD_J_UNDEFINED ? b : NULL;
  if (gone)
    return rd_jfail(j, "'%.*s' is undefined, and so cannot be used with %s",
                    (int)gone->as.text.size, gone->as.text.data, op);
  return rd_jfail(j, "%s of a %s and a %s", op, rd_jkind_name(a), rd_jkind_name(b));
}
