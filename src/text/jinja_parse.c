/* SPDX-License-Identifier: MIT */
/* Expressions, by recursive descent in Jinja's order: if, or, and, not, comparisons, + -, ~,
 * * / // %, **, signs, then what follows a value. Filters and tests become their rows here, so that
 * one that does not exist is refused before anything is rendered. */
#include "jinja_parse.h"

#include "jinja_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rd_code rd_jrefuse(rd_jparser *p, rd_code code, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return rd_fail(p->e, code, "line %u: %s", p->at->line, text);
}

rd_code rd_jnode_new(rd_jparser *p, rd_jnode_kind kind, rd_jnode **out) {
  *out = rd_jpool_take(&p->t->pool, sizeof **out, p->e);
  if (!*out)
    return p->e->code;
  (*out)->kind = kind;
  (*out)->line = p->at->line;
  return RD_OK;
}

static bool is(const rd_jparser *p, rd_jtoken_kind kind, const char *text) {
  return p->at->kind == kind && rd_slice_same(p->at->text, rd_slice_text(text));
}

bool rd_jis_operator(const rd_jparser *p, const char *text) {
  return is(p, RD_J_OPERATOR, text);
}

bool rd_jis_name(const rd_jparser *p, const char *text) {
  return is(p, RD_J_NAME, text);
}

bool rd_jtake_operator(rd_jparser *p, const char *text) {
  bool there = rd_jis_operator(p, text);
  p->at += there;
  return there;
}

bool rd_jtake_name(rd_jparser *p, const char *text) {
  bool there = rd_jis_name(p, text);
  p->at += there;
  return there;
}

/* What stands at the next token, for messages. */
static rd_code unexpected(rd_jparser *p, const char *wanted) {
  static const char *const kinds[] = {
      [RD_J_DATA] = "text",      [RD_J_BLOCK_BEGIN] = "{%", [RD_J_BLOCK_END] = "the end of the tag",
      [RD_J_PRINT_BEGIN] = "{{", [RD_J_PRINT_END] = "}}",   [RD_J_END] = "the end of the template"};
  const rd_jtoken *t = p->at;
  const char *name = t->kind <= RD_J_PRINT_END || t->kind == RD_J_END ? kinds[t->kind] : NULL;
  return rd_jrefuse(p, RD_BAD_INPUT, "expected %s, found %.*s", wanted,
                    name ? (int)strlen(name) : (int)(t->text.size < 40 ? t->text.size : 40),
                    name ? name : t->text.data);
}

rd_code rd_jexpect_operator(rd_jparser *p, const char *text) {
  return rd_jtake_operator(p, text) ? RD_OK : unexpected(p, text);
}

rd_code rd_jexpect_name(rd_jparser *p, rd_jvalue *out) {
  if (p->at->kind != RD_J_NAME)
    return unexpected(p, "a name");
  return rd_jcopy(p, (p->at++)->text, out);
}

rd_code rd_jenter(rd_jparser *p) {
  enum { MOST = 100 };
  return ++p->depth > MOST ? rd_jrefuse(p, RD_BAD_INPUT, "nested deeper than %d", MOST) : RD_OK;
}

/* Expressions up to `close`, which is taken; a comma may stand behind the last. */
static rd_code members(rd_jparser *p, const char *close, rd_jnode **list) {
  rd_jnode **tail = list;
  while (!rd_jis_operator(p, close)) {
    if (tail != list) {
      RD_TRY(rd_jexpect_operator(p, ","));
      if (rd_jis_operator(p, close))
        break;
    }
    RD_TRY(rd_jexpression(p, true, tail));
    tail = &(*tail)->next;
  }
  return rd_jexpect_operator(p, close);
}

static rd_code pairs(rd_jparser *p, rd_jnode **list) {
  rd_jnode **tail = list;
  while (!rd_jis_operator(p, "}")) {
    if (tail != list) {
      RD_TRY(rd_jexpect_operator(p, ","));
      if (rd_jis_operator(p, "}"))
        break;
    }
    RD_TRY(rd_jnode_new(p, RD_JN_PAIR, tail));
    RD_TRY(rd_jexpression(p, true, &(*tail)->a));
    RD_TRY(rd_jexpect_operator(p, ":"));
    RD_TRY(rd_jexpression(p, true, &(*tail)->b));
    tail = &(*tail)->next;
  }
  return rd_jexpect_operator(p, "}");
}

/* Names that stand for values, and those that a macro's body may use. */
static const struct constant_row {
  const char *name;
  rd_jvalue value;
} constants[] = {
    {"true", {.kind = RD_J_BOOL, .as.number = 1}},
    {"True", {.kind = RD_J_BOOL, .as.number = 1}},
    {"false", {.kind = RD_J_BOOL, .as.number = 0}},
    {"False", {.kind = RD_J_BOOL, .as.number = 0}},
    {"none", {.kind = RD_J_NONE}},
    {"None", {.kind = RD_J_NONE}},
};
static const struct use_row {
  const char *name;
  unsigned use;
} use_rows[] = {
    {"varargs", RD_J_USES_REST}, {"kwargs", RD_J_USES_NAMED}, {"caller", RD_J_USES_CALLER}};
/* Jinja's own that are not here. */
static const char *const missing_globals[] = {"lipsum", "cycler", "joiner"};

static rd_code named(rd_jparser *p, rd_jnode **out) {
  rd_slice name = p->at->text;
  RD_TRY(rd_jnode_new(p, RD_JN_NAME, out));
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (rd_slice_same(name, rd_slice_text(constants[i].name))) {
      (*out)->kind = RD_JN_CONST;
      (*out)->value = constants[i].value;
      p->at++;
      return RD_OK;
    }
  for (size_t i = 0; i < sizeof use_rows / sizeof *use_rows; i++)
    if (rd_slice_same(name, rd_slice_text(use_rows[i].name)))
      p->uses |= use_rows[i].use;
  for (size_t i = 0; i < sizeof missing_globals / sizeof *missing_globals; i++)
    if (rd_slice_same(name, rd_slice_text(missing_globals[i])))
      return rd_jrefuse(p, RD_UNSUPPORTED, "%s is not supported", missing_globals[i]);
  return rd_jexpect_name(p, &(*out)->value);
}

/* In brackets: a tuple, perhaps an empty one, or just an expression. */
static rd_code parentheses(rd_jparser *p, rd_jnode **out) {
  if (rd_jis_operator(p, ")"))
    RD_TRY(rd_jnode_new(p, RD_JN_TUPLE, out));
  else
    RD_TRY(rd_jexpressions(p, true, out));
  return rd_jexpect_operator(p, ")");
}

static rd_code primary(rd_jparser *p, rd_jnode **out) {
  if (p->at->kind == RD_J_NAME)
    return named(p, out);
  if (rd_jtake_operator(p, "("))
    return parentheses(p, out);
  RD_TRY(rd_jnode_new(p, RD_JN_CONST, out));
  if (p->at->kind == RD_J_STRING)
    return rd_jstrings(p, &(*out)->value);
  if (p->at->kind == RD_J_DIGITS || p->at->kind == RD_J_DECIMAL)
    return rd_jdigits(p, &(*out)->value);
  if (rd_jtake_operator(p, "[")) {
    (*out)->kind = RD_JN_LIST;
    return members(p, "]", &(*out)->list);
  }
  if (rd_jtake_operator(p, "{")) {
    (*out)->kind = RD_JN_DICT;
    return pairs(p, &(*out)->list);
  }
  return unexpected(p, "a value");
}

static rd_code arguments(rd_jparser *p, rd_jnode **list) {
  bool any_named = false;
  rd_jnode **tail = list;
  RD_TRY(rd_jexpect_operator(p, "("));
  while (!rd_jis_operator(p, ")")) {
    if (tail != list) {
      RD_TRY(rd_jexpect_operator(p, ","));
      if (rd_jis_operator(p, ")"))
        break;
    }
    if (rd_jis_operator(p, "*") || rd_jis_operator(p, "**"))
      return rd_jrefuse(p, RD_UNSUPPORTED, "* and ** of arguments are not supported");
    RD_TRY(rd_jnode_new(p, RD_JN_ARGUMENT, tail));
    bool named = p->at->kind == RD_J_NAME && p->at[1].kind == RD_J_OPERATOR &&
                 rd_slice_same(p->at[1].text, rd_slice_text("="));
    if (named) {
      RD_TRY(rd_jexpect_name(p, &(*tail)->value));
      p->at++;
    } else if (any_named) {
      return rd_jrefuse(p, RD_BAD_INPUT, "an argument without a name behind one with a name");
    }
    any_named = named;
    RD_TRY(rd_jexpression(p, true, &(*tail)->a));
    tail = &(*tail)->next;
  }
  return rd_jexpect_operator(p, ")");
}

/* One bound of a slice, none where it is left out. */
static rd_code bound(rd_jparser *p, rd_jnode **out) {
  if (!rd_jis_operator(p, ":") && !rd_jis_operator(p, "]") && !rd_jis_operator(p, ","))
    return rd_jexpression(p, true, out);
  RD_TRY(rd_jnode_new(p, RD_JN_CONST, out));
  (*out)->value = rd_jnone();
  return RD_OK;
}

static rd_code subscript(rd_jparser *p, rd_jnode **node) {
  rd_jnode *object = *node, *first;
  RD_TRY(rd_jnode_new(p, RD_JN_ITEM, node));
  (*node)->a = object;
  if (rd_jis_operator(p, "]"))
    return unexpected(p, "an item");
  RD_TRY(bound(p, &first));
  if (rd_jis_operator(p, ":")) {
    (*node)->kind = RD_JN_CUT;
    (*node)->list = first;
    rd_jnode **tail = &first->next;
    for (int i = 1; i < 3; i++) {
      (void)rd_jtake_operator(p, ":");
      RD_TRY(bound(p, tail));
      tail = &(*tail)->next;
    }
  } else {
    (*node)->b = first;
  }
  if (rd_jis_operator(p, ","))
    return rd_jrefuse(p, RD_UNSUPPORTED, "several items in [] are not supported");
  return rd_jexpect_operator(p, "]");
}

/* ".name", ".0", "[..]", "(..)" behind a value. */
static rd_code postfix(rd_jparser *p, rd_jnode **node) {
  for (;;) {
    rd_jnode *object = *node;
    if (rd_jtake_operator(p, ".")) {
      RD_TRY(rd_jnode_new(p, RD_JN_GET, node));
      (*node)->a = object;
      if (p->at->kind == RD_J_DIGITS) {
        (*node)->kind = RD_JN_ITEM;
        RD_TRY(rd_jnode_new(p, RD_JN_CONST, &(*node)->b));
        RD_TRY(rd_jdigits(p, &(*node)->b->value));
      } else {
        RD_TRY(rd_jexpect_name(p, &(*node)->value));
      }
    } else if (rd_jtake_operator(p, "[")) {
      RD_TRY(subscript(p, node));
    } else if (rd_jis_operator(p, "(")) {
      RD_TRY(rd_jnode_new(p, RD_JN_CALL, node));
      (*node)->a = object;
      RD_TRY(arguments(p, &(*node)->list));
    } else {
      return RD_OK;
    }
  }
}

/* The row of the filter or test that the next token names. Jinja's own that are not here are
 * refused; one that Jinja does not know either is an error only where it is reached. */
static rd_code row_of(rd_jparser *p, const rd_jfunction *(*find)(rd_slice), const char *missing,
                      rd_jnode *node) {
  rd_slice name = p->at->text;
  RD_TRY(rd_jexpect_name(p, &node->value));
  node->row = find(name);
  if (node->row)
    return RD_OK;
  for (const char *at = missing; *at; at += *at == ' ') {
    size_t size = strcspn(at, " ");
    if (rd_slice_same(name, (rd_slice){at, size}))
      return rd_jrefuse(p, RD_UNSUPPORTED, "%.*s is not supported", (int)size, at);
    at += size;
  }
  p->unknown = p->unknown ? p->unknown : p->at - 1;
  return RD_OK;
}

rd_code rd_jcheck_known(rd_jparser *p) {
  const rd_jtoken *t = p->unknown;
  p->unknown = NULL;
  if (!t || p->conditions)
    return RD_OK;
  return rd_fail(p->e, RD_UNSUPPORTED, "line %u: there is no filter or test %.*s", t->line,
                 (int)t->text.size, t->text.data);
}

rd_code rd_jfilters(rd_jparser *p, bool inside, rd_jnode **node) {
  static const char missing[] =
      "attr batch center e escape filesizeformat forceescape groupby pprint random slice striptags "
      "truncate urlencode urlize wordcount wordwrap xmlattr";
  while (inside || rd_jtake_operator(p, "|")) {
    rd_jnode *object = *node;
    inside = false;
    RD_TRY(rd_jnode_new(p, RD_JN_FILTER, node));
    (*node)->a = object;
    RD_TRY(row_of(p, rd_jfilter, missing, *node));
    if (rd_jis_operator(p, "("))
      RD_TRY(arguments(p, &(*node)->list));
  }
  return RD_OK;
}

/* Can the next token be the one argument of a test that is written without brackets? */
static bool starts_argument(const rd_jparser *p) {
  if (p->at->kind == RD_J_NAME)
    return !rd_jis_name(p, "else") && !rd_jis_name(p, "or") && !rd_jis_name(p, "and") &&
           !rd_jis_name(p, "is");
  return p->at->kind == RD_J_STRING || p->at->kind == RD_J_DIGITS || p->at->kind == RD_J_DECIMAL ||
         rd_jis_operator(p, "[") || rd_jis_operator(p, "{");
}

/* "is name", "is not name", "is name argument", "is name(..)". */
static rd_code test(rd_jparser *p, rd_jnode **node) {
  rd_jnode *object = *node;
  bool negated = rd_jtake_name(p, "not");
  RD_TRY(rd_jnode_new(p, RD_JN_TEST, node));
  rd_jnode *made = *node;
  made->a = object;
  RD_TRY(row_of(p, rd_jtest, "filter test", made));
  if (rd_jis_operator(p, "(")) {
    RD_TRY(arguments(p, &made->list));
  } else if (starts_argument(p)) {
    RD_TRY(rd_jnode_new(p, RD_JN_ARGUMENT, &made->list));
    RD_TRY(primary(p, &made->list->a));
    RD_TRY(postfix(p, &made->list->a));
  } else if (rd_jis_name(p, "is")) {
    return unexpected(p, "no second test");
  }
  if (!negated)
    return RD_OK;
  RD_TRY(rd_jnode_new(p, RD_JN_NOT, node));
  (*node)->a = made;
  return RD_OK;
}

static rd_code filtered(rd_jparser *p, rd_jnode **node) {
  for (;;) {
    if (rd_jis_operator(p, "|")) {
      RD_TRY(rd_jfilters(p, false, node));
    } else if (rd_jtake_name(p, "is")) {
      RD_TRY(test(p, node));
    } else if (rd_jis_operator(p, "(")) {
      rd_jnode *object = *node;
      RD_TRY(rd_jnode_new(p, RD_JN_CALL, node));
      (*node)->a = object;
      RD_TRY(arguments(p, &(*node)->list));
    } else {
      return RD_OK;
    }
  }
}

static rd_code sign(rd_jparser *p, bool filters, rd_jnode **out) {
  const char *op = rd_jis_operator(p, "-") ? "-" : rd_jis_operator(p, "+") ? "+" : NULL;
  if (op) {
    RD_TRY(rd_jenter(p));
    RD_TRY(rd_jnode_new(p, RD_JN_SIGN, out));
    (*out)->op = op;
    p->at++;
    RD_TRY(sign(p, false, &(*out)->a));
    p->depth--;
  } else {
    RD_TRY(primary(p, out));
  }
  RD_TRY(postfix(p, out));
  return filters ? filtered(p, out) : RD_OK;
}

/* Operators of two sides that are read from left to right, the loosest first: each level's sides
 * are of the level below it. "~" gathers any number of sides. */
static const struct level_row {
  rd_jnode_kind kind;
  const char *ops[5];
} levels[] = {
    {RD_JN_MATHS, {"+", "-"}},
    {RD_JN_CONCAT, {"~"}},
    {RD_JN_MATHS, {"*", "/", "//", "%"}},
    {RD_JN_MATHS, {"**"}},
};
enum { LEVELS = sizeof levels / sizeof *levels };

static const char *op_of(rd_jparser *p, const char *const *ops) {
  for (; *ops; ops++)
    if (rd_jtake_operator(p, *ops))
      return *ops;
  return NULL;
}

static rd_code maths(rd_jparser *p, size_t level, rd_jnode **out) {
  if (level == LEVELS)
    return sign(p, true, out);
  RD_TRY(maths(p, level + 1, out));
  rd_jnode **tail = NULL;
  for (const char *op; (op = op_of(p, levels[level].ops));) {
    rd_jnode *left = *out;
    if (!tail || levels[level].kind != RD_JN_CONCAT) {
      RD_TRY(rd_jnode_new(p, levels[level].kind, out));
      (*out)->op = op;
      (*out)->a = (*out)->list = left;
      tail = &left->next;
    }
    if (levels[level].kind == RD_JN_CONCAT) {
      RD_TRY(maths(p, level + 1, tail));
      tail = &(*tail)->next;
    } else {
      RD_TRY(maths(p, level + 1, &(*out)->b));
    }
  }
  return RD_OK;
}

static const char *comparison(rd_jparser *p) {
  static const char *const operators[] = {"==", "!=", ">=", "<=", ">", "<", NULL};
  const char *found = op_of(p, operators);
  if (found || rd_jtake_name(p, "in"))
    return found ? found : "in";
  if (rd_jis_name(p, "not") && p->at[1].kind == RD_J_NAME &&
      rd_slice_same(p->at[1].text, rd_slice_text("in"))) {
    p->at += 2;
    return "not in";
  }
  return NULL;
}

static rd_code compared(rd_jparser *p, rd_jnode **out) {
  RD_TRY(maths(p, 0, out));
  rd_jnode **tail = NULL;
  for (const char *op; (op = comparison(p));) {
    if (!tail) {
      rd_jnode *left = *out;
      RD_TRY(rd_jnode_new(p, RD_JN_COMPARE, out));
      (*out)->a = left;
      tail = &(*out)->list;
    }
    RD_TRY(rd_jnode_new(p, RD_JN_OPERAND, tail));
    (*tail)->op = op;
    RD_TRY(maths(p, 0, &(*tail)->a));
    tail = &(*tail)->next;
  }
  return RD_OK;
}

static rd_code negated(rd_jparser *p, rd_jnode **out) {
  if (!rd_jis_name(p, "not"))
    return compared(p, out);
  RD_TRY(rd_jenter(p));
  RD_TRY(rd_jnode_new(p, RD_JN_NOT, out));
  p->at++;
  RD_TRY(negated(p, &(*out)->a));
  p->depth--;
  return RD_OK;
}

static rd_code both(rd_jparser *p, rd_jnode **out) {
  RD_TRY(negated(p, out));
  while (rd_jtake_name(p, "and")) {
    rd_jnode *left = *out;
    RD_TRY(rd_jnode_new(p, RD_JN_AND, out));
    (*out)->a = left;
    RD_TRY(negated(p, &(*out)->b));
  }
  return RD_OK;
}

static rd_code either(rd_jparser *p, rd_jnode **out) {
  RD_TRY(both(p, out));
  while (rd_jtake_name(p, "or")) {
    rd_jnode *left = *out;
    RD_TRY(rd_jnode_new(p, RD_JN_OR, out));
    (*out)->a = left;
    RD_TRY(both(p, &(*out)->b));
  }
  return RD_OK;
}

rd_code rd_jexpression(rd_jparser *p, bool choice, rd_jnode **out) {
  const rd_jtoken *unknown = p->unknown;
  RD_TRY(rd_jenter(p));
  RD_TRY(either(p, out));
  while (choice && rd_jtake_name(p, "if")) {
    rd_jnode *then = *out;
    RD_TRY(rd_jnode_new(p, RD_JN_CHOICE, out));
    (*out)->b = then;
    RD_TRY(either(p, &(*out)->a));
    if (rd_jtake_name(p, "else"))
      RD_TRY(rd_jexpression(p, true, &(*out)->c));
    p->unknown = unknown; /* all three are reached on a condition */
  }
  p->depth--;
  return RD_OK;
}

static bool ends_tuple(const rd_jparser *p) {
  return p->at->kind == RD_J_BLOCK_END || p->at->kind == RD_J_PRINT_END ||
         rd_jis_operator(p, ")") || rd_jis_operator(p, "=") || rd_jis_name(p, "in") ||
         rd_jis_name(p, "recursive");
}

/* Behind the first of several with commas: gather them into a tuple. */
static rd_code rest_of_tuple(rd_jparser *p, rd_jnode **out,
                             rd_code (*one)(rd_jparser *p, rd_jnode **out)) {
  rd_jnode *first = *out, **tail = &first->next;
  if (!rd_jis_operator(p, ","))
    return RD_OK;
  RD_TRY(rd_jnode_new(p, RD_JN_TUPLE, out));
  (*out)->list = first;
  while (rd_jtake_operator(p, ",") && !ends_tuple(p)) {
    RD_TRY(one(p, tail));
    tail = &(*tail)->next;
  }
  return RD_OK;
}

static rd_code with_choice(rd_jparser *p, rd_jnode **out) {
  return rd_jexpression(p, true, out);
}
static rd_code without_choice(rd_jparser *p, rd_jnode **out) {
  return rd_jexpression(p, false, out);
}

rd_code rd_jexpressions(rd_jparser *p, bool choice, rd_jnode **out) {
  rd_code (*one)(rd_jparser *, rd_jnode **) = choice ? with_choice : without_choice;
  RD_TRY(one(p, out));
  return rest_of_tuple(p, out, one);
}

static rd_code one_target(rd_jparser *p, rd_jnode **out) {
  if (rd_jtake_operator(p, "(")) {
    RD_TRY(rd_jenter(p));
    RD_TRY(rd_jtarget(p, false, out));
    p->depth--;
    return rd_jexpect_operator(p, ")");
  }
  RD_TRY(rd_jnode_new(p, RD_JN_NAME, out));
  return rd_jexpect_name(p, &(*out)->value);
}

rd_code rd_jtarget(rd_jparser *p, bool space, rd_jnode **out) {
  RD_TRY(one_target(p, out));
  if (space && rd_jtake_operator(p, ".")) {
    (*out)->kind = RD_JN_SPACE;
    RD_TRY(rd_jnode_new(p, RD_JN_CONST, &(*out)->b));
    return rd_jexpect_name(p, &(*out)->b->value);
  }
  return rest_of_tuple(p, out, one_target);
}
