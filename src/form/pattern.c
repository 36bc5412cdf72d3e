/* SPDX-License-Identifier: MIT */
/* A pattern becomes a tree, children in a list from the last to the first, and the tree is built
 * from its end: repetitions are built as often as they say. */
#include "pattern.h"

#include "pattern_class.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

typedef enum node_kind { SET, LIST, CHOICE, REPEAT, BEGIN, END } node_kind;

typedef struct node {
  node_kind kind;
  rd_charset set;  /* SET */
  int least, most; /* REPEAT; most -1: any number */
  size_t place;
  struct node *last;   /* child */
  struct node *before; /* the sibling before it */
} node;

typedef struct reader {
  rd_pattern_text text;
  int depth;
  const rd_pattern_use *use;
  rd_error *e;
} reader;

static void drop(node *x) {
  while (x) {
    node *before = x->before;
    drop(x->last);
    rd_charset_drop(&x->set);
    free(x);
    x = before;
  }
}

static node *make(reader *r, node_kind kind) {
  node *x = rd_calloc(1, sizeof *x, "a pattern", r->e);
  if (x) {
    x->kind = kind;
    x->place = r->text.at;
  }
  return x;
}

static bool more(const reader *r) {
  return r->text.at < r->text.size;
}

static char look(const reader *r) {
  return more(r) ? r->text.data[r->text.at] : '\0';
}

/* --- repetitions ------------------------------------------------------------------------------ */

enum { MOST_REPEATED = 10000 };

/* A number of {m,n}; -1: there is none. */
static int number(reader *r) {
  int value = -1;
  while (more(r) && look(r) >= '0' && look(r) <= '9' && value <= MOST_REPEATED)
    value = (value < 0 ? 0 : value) * 10 + (r->text.data[r->text.at++] - '0');
  return value;
}

static rd_code read_braces(reader *r, int *least, int *most, bool *found) {
  size_t begun = r->text.at++;
  *least = *most = number(r);
  *found = *least >= 0;
  if (*found && look(r) == ',') {
    r->text.at++;
    *most = number(r);
  }
  *found = *found && look(r) == '}';
  if (!*found) { /* a brace that is itself meant */
    r->text.at = begun;
    return RD_OK;
  }
  r->text.at++;
  if (*least > MOST_REPEATED || *most > MOST_REPEATED)
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: at most %d repetitions", r->use->what, begun,
                   MOST_REPEATED);
  if (*most >= 0 && *most < *least)
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: {%d,%d} asks for more than it allows",
                   r->use->what, begun, *least, *most);
  return RD_OK;
}

/* What stands behind an atom; wraps it. */
static rd_code read_repeats(reader *r, node **x) {
  for (;;) {
    int least = 0, most = -1;
    bool found = true;
    size_t begun = r->text.at;
    char c = look(r);
    if (c == '{')
      RD_TRY(read_braces(r, &least, &most, &found));
    else if (c == '*' || c == '+' || c == '?') {
      r->text.at++;
      least = c == '+';
      most = c == '?' ? 1 : -1;
    } else {
      found = false;
    }
    if (!found)
      return RD_OK;
    if ((*x)->kind == BEGIN || (*x)->kind == END)
      return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: nothing to repeat", r->use->what, begun);
    if (look(r) == '?') /* lazy: the same texts */
      r->text.at++;
    else if (look(r) == '+')
      return rd_fail(r->e, RD_UNSUPPORTED, "%s: at %zu: possessive repetition is not supported",
                     r->use->what, r->text.at);
    node *outer = make(r, REPEAT);
    if (!outer)
      return RD_NO_MEMORY;
    outer->least = least;
    outer->most = most;
    outer->last = *x;
    *x = outer;
  }
}

/* --- atoms ------------------------------------------------------------------------------------ */

static rd_code read_choice(reader *r, node **out);

static rd_code read_group(reader *r, node **out) {
  size_t begun = r->text.at++;
  if (look(r) == '?') {
    const char *rest = r->text.data + r->text.at;
    size_t left = r->text.size - r->text.at;
    size_t named = left > 2 && rest[1] == 'P' ? 2 : 1;
    bool name =
        left > named + 1 && rest[named] == '<' && rest[named + 1] != '=' && rest[named + 1] != '!';
    const char *end = name ? memchr(rest, '>', left) : NULL;
    if (left > 1 && rest[1] == ':')
      r->text.at += 2;
    else if (end)
      r->text.at += (size_t)(end - rest) + 1;
    else
      return rd_fail(
          r->e, RD_UNSUPPORTED,
          "%s: at %zu: groups are ( ), (?: ) and (?<name> ); looking around, options and "
          "comments are not supported",
          r->use->what, begun);
  }
  if (++r->depth > RD_MOST_GROUPS_DEEP)
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: groups are nested deeper than %d", r->use->what,
                   begun, RD_MOST_GROUPS_DEEP);
  RD_TRY(read_choice(r, out));
  r->depth--;
  if (look(r) != ')' || !more(r))
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: the group is not closed", r->use->what, begun);
  r->text.at++;
  return RD_OK;
}

/* One atom into *out, which is NULL on failure or else the caller's. */
static rd_code read_atom(reader *r, node **out) {
  char c = look(r);
  if (c == '(')
    return read_group(r, out);
  if (c == '*' || c == '+' || c == '?')
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: nothing to repeat", r->use->what, r->text.at);
  *out = make(r, c == '^' ? BEGIN : c == '$' ? END : SET);
  if (!*out)
    return RD_NO_MEMORY;
  if ((*out)->kind != SET) {
    r->text.at++;
    return RD_OK;
  }
  rd_code code = rd_pattern_read_set(&(*out)->set, &r->text, r->e);
  return code == RD_OK ? code : rd_prefix(r->e, code, "%s", r->use->what);
}

static rd_code read_list(reader *r, node **out) {
  *out = make(r, LIST);
  if (!*out)
    return RD_NO_MEMORY;
  while (more(r) && look(r) != '|' && look(r) != ')') {
    node *x = NULL;
    rd_code code = read_atom(r, &x);
    if (code == RD_OK)
      code = read_repeats(r, &x);
    if (x) {
      x->before = (*out)->last;
      (*out)->last = x;
    }
    RD_TRY(code);
  }
  return RD_OK;
}

static rd_code read_choice(reader *r, node **out) {
  *out = make(r, CHOICE);
  if (!*out)
    return RD_NO_MEMORY;
  for (;;) {
    node *x = NULL;
    rd_code code = read_list(r, &x);
    if (x) {
      x->before = (*out)->last;
      (*out)->last = x;
    }
    RD_TRY(code);
    if (look(r) != '|' || !more(r))
      return RD_OK;
    r->text.at++;
  }
}

/* --- building --------------------------------------------------------------------------------- */

static int32_t build(rd_nfa *n, const node *x, bool quoted, int32_t next);

static int32_t build_repeat(rd_nfa *n, const node *x, bool quoted, int32_t next) {
  if (x->most < 0) {
    int32_t loop = rd_nfa_loop(n);
    next = rd_nfa_close_loop(n, loop, build(n, x->last, quoted, loop), next);
  }
  for (int i = x->least; i < x->most && next >= 0; i++)
    next = rd_nfa_either(n, build(n, x->last, quoted, next), next);
  for (int i = 0; i < x->least && next >= 0; i++)
    next = build(n, x->last, quoted, next);
  return next;
}

static int32_t build(rd_nfa *n, const node *x, bool quoted, int32_t next) {
  int32_t all = -1;
  if (next < 0 || !rd_nfa_step(n))
    return -1;
  switch (x->kind) {
  case SET:
    return rd_nfa_set(n, &x->set, quoted, next);
  case REPEAT:
    return build_repeat(n, x, quoted, next);
  case LIST:
    for (const node *child = x->last; child; child = child->before)
      next = build(n, child, quoted, next);
    return next;
  case CHOICE:
    for (const node *child = x->last; child; child = child->before) {
      int32_t one = build(n, child, quoted, next);
      if (one < 0)
        return -1;
      all = rd_nfa_either(n, one, all);
    }
    return all;
  default:
    return next; /* anchors at the ends, which the caller has seen to */
  }
}

/* An anchor where it does not stand at an end of a whole alternative. */
static const node *lost_anchor(const node *x, bool top) {
  for (const node *child = x->last; child; child = child->before) {
    bool end = child->kind == END && child == x->last,
         begin = child->kind == BEGIN && !child->before;
    if ((child->kind == BEGIN || child->kind == END) && !(top && x->kind == LIST && (begin || end)))
      return child;
    const node *found = lost_anchor(child, top && x->kind == CHOICE);
    if (found)
      return found;
  }
  return NULL;
}

/* Any text of any length, then `next`. */
static int32_t build_anything(rd_nfa *n, bool quoted, int32_t next) {
  rd_charset all = {0};
  int32_t loop = rd_nfa_loop(n);
  if (rd_charset_add(&all, 0, RD_LAST_POINT, &n->error) != RD_OK)
    n->code = RD_NO_MEMORY;
  int32_t again = rd_nfa_set(n, &all, quoted, loop);
  rd_charset_drop(&all);
  return rd_nfa_close_loop(n, loop, again, next);
}

static bool begins_anchored(const node *list) {
  const node *first = list->last;
  while (first && first->before)
    first = first->before;
  return first && first->kind == BEGIN;
}

static int32_t build_whole(rd_nfa *n, const node *tree, const rd_pattern_use *use, int32_t next) {
  int32_t all = -1, after = use->search ? build_anything(n, use->quoted, next) : next;
  for (const node *list = tree->last; list; list = list->before) {
    bool ends = list->last && list->last->kind == END;
    int32_t one = build(n, list, use->quoted, ends ? next : after);
    if (use->search && !begins_anchored(list))
      one = build_anything(n, use->quoted, one);
    if (one < 0)
      return -1;
    all = rd_nfa_either(n, one, all);
  }
  return all;
}

rd_code rd_pattern_build(int32_t *start, rd_nfa *n, const char *text, size_t size,
                         const rd_pattern_use *use, int32_t next, rd_error *e) {
  reader r = {.text = {text, size, 0}, .use = use, .e = e};
  node *tree = NULL;
  if (size > RD_LONGEST_PATTERN)
    return rd_fail(e, RD_BAD_INPUT, "%s: %zu bytes, at most %d", use->what, size,
                   RD_LONGEST_PATTERN);
  RD_TRY(rd_utf8_check(text, size, use->what, e));
  rd_code code = read_choice(&r, &tree);
  if (code == RD_OK && more(&r))
    code = rd_fail(e, RD_BAD_INPUT, "%s: at %zu: a bracket is closed that was not opened",
                   use->what, r.text.at);
  const node *lost = code == RD_OK ? lost_anchor(tree, true) : NULL;
  if (lost)
    code = rd_fail(e, RD_UNSUPPORTED,
                   "%s: at %zu: ^ and $ are supported at the ends of the expression or of one of "
                   "its alternatives",
                   use->what, lost->place);
  if (code == RD_OK) {
    *start = build_whole(n, tree, use, next);
    code = rd_nfa_check(n, e);
    if (code != RD_OK)
      rd_prefix(e, code, "%s", use->what);
  }
  drop(tree);
  return code;
}
