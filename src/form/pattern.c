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
  rd_charset set;      /* SET */
  int least, most;     /* REPEAT; most -1: any number */
  bool anchored;       /* is there an anchor in it? */
  bool nullable;       /* may it be nothing? */
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
    x->anchored = kind == BEGIN || kind == END;
    x->nullable = x->anchored || kind == LIST;
  }
  return x;
}

/* A child behind the others. */
static void adopt(node *parent, node *child) {
  if (!child)
    return;
  child->before = parent->last;
  parent->last = child;
  parent->anchored = parent->anchored || child->anchored;
  parent->nullable = parent->kind == LIST ? parent->nullable && child->nullable
                                          : parent->nullable || child->nullable;
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
  while (more(r) && look(r) >= '0' && look(r) <= '9') {
    value = (value < 0 ? 0 : value) * 10 + (r->text.data[r->text.at++] - '0');
    value = value > MOST_REPEATED ? MOST_REPEATED + 1 : value;
  }
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

/* What stands behind an atom; wraps it. As in ECMAScript there is one repetition: another wants a
 * group, whose depth is bounded. */
static rd_code read_repeats(reader *r, node **x) {
  for (const node *repeated = NULL;;) {
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
    if ((*x)->kind == BEGIN || (*x)->kind == END || *x == repeated)
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
    outer->nullable = least == 0;
    adopt(outer, *x);
    repeated = *x = outer;
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

static const struct anchor {
  const char *text;
  node_kind kind;
} anchors[] = {{"^", BEGIN}, {"$", END}, {"\\A", BEGIN}, {"\\Z", END}, {"\\z", END}};

static const struct anchor *find_anchor(const reader *r) {
  for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
    size_t size = strlen(anchors[i].text);
    if (size <= r->text.size - r->text.at &&
        memcmp(r->text.data + r->text.at, anchors[i].text, size) == 0)
      return &anchors[i];
  }
  return NULL;
}

/* One atom into *out, which is NULL on failure or else the caller's. */
static rd_code read_atom(reader *r, node **out) {
  char c = look(r);
  if (c == '(')
    return read_group(r, out);
  if (c == '*' || c == '+' || c == '?')
    return rd_fail(r->e, RD_BAD_INPUT, "%s: at %zu: nothing to repeat", r->use->what, r->text.at);
  const struct anchor *anchor = find_anchor(r);
  *out = make(r, anchor ? anchor->kind : SET);
  if (!*out)
    return RD_NO_MEMORY;
  if (anchor) {
    r->text.at += strlen(anchor->text);
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
    adopt(*out, x);
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
    adopt(*out, x);
    RD_TRY(code);
    if (look(r) != '|' || !more(r))
      return RD_OK;
    r->text.at++;
  }
}

/* --- building --------------------------------------------------------------------------------- */

static int32_t build(rd_nfa *n, const node *x, bool quoted, int32_t next);

/* Of turns that may be left out each stands inside of the one before it: where it is left out the
 * rest is too, so that a text goes one way. */
static int32_t build_repeat(rd_nfa *n, const node *x, bool quoted, int32_t next) {
  if (x->most < 0) {
    int32_t loop = rd_nfa_loop(n);
    next = rd_nfa_close_loop(n, loop, build(n, x->last, quoted, loop), next);
  }
  const int32_t end = next;
  for (int i = x->least; i < x->most && next >= 0; i++)
    next = rd_nfa_either(n, build(n, x->last, quoted, next), end);
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
    return next; /* anchors, which build_anchored sees to */
  }
}

/* --- anchors ---------------------------------------------------------------------------------- */

/* What follows a part, by what is known there: [has nothing been written yet?][must the text end
 * here?]. -1: nothing can. What follows where something has been written, follows too where nothing
 * has: of a part without anchors that may be nothing, both ways are taken. */
typedef struct ways {
  int32_t at[2][2];
} ways;

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

static ways both(rd_nfa *n, ways a, ways b) {
  for (int i = 0; i < 4; i++)
    a.at[i / 2][i % 2] = rd_nfa_either(n, a.at[i / 2][i % 2], b.at[i / 2][i % 2]);
  return a;
}

static ways build_plain(rd_nfa *n, const node *x, bool quoted, ways next) {
  int32_t one = build(n, x, quoted, next.at[0][0]);
  bool alike = next.at[1][0] == next.at[0][0] || !x->nullable;
  int32_t first = alike ? one : rd_nfa_either(n, one, next.at[1][0]);
  return (ways){
      {{one, x->nullable ? next.at[0][1] : -1}, {first, x->nullable ? next.at[1][1] : -1}}};
}

static ways build_anchored(rd_nfa *n, const node *x, bool quoted, ways next);

/* Any number of times: a turn that writes nothing is none. */
static ways build_turns(rd_nfa *n, const node *x, bool quoted, ways next) {
  int32_t loop = rd_nfa_loop(n);
  ways turn = next;
  turn.at[0][0] = loop;
  turn = build_anchored(n, x, quoted, turn);
  int32_t again = turn.at[0][0], then = next.at[0][0];
  turn = both(n, turn, next);
  if (again >= 0 && then >= 0)
    turn.at[0][0] = rd_nfa_close_loop(n, loop, again, then);
  else if (again >= 0) /* it may go on, and never end */
    turn.at[0][0] = rd_nfa_close_loop(n, loop, again, rd_nfa_nothing(n));
  else
    turn.at[0][0] = then;
  return turn;
}

static ways build_anchored(rd_nfa *n, const node *x, bool quoted, ways next) {
  ways all = {{{-1, -1}, {-1, -1}}};
  if (!rd_nfa_step(n))
    return all;
  if (!x->anchored)
    return build_plain(n, x, quoted, next);
  switch (x->kind) {
  case BEGIN:
    memcpy(all.at[1], next.at[1], sizeof all.at[1]);
    return all;
  case END:
    for (int i = 0; i < 4; i++)
      all.at[i / 2][i % 2] = next.at[i / 2][1];
    return all;
  case REPEAT:
    if (x->most < 0)
      next = build_turns(n, x->last, quoted, next);
    all = next;
    for (int i = x->least; i < x->most && n->code == RD_OK; i++)
      next = both(n, build_anchored(n, x->last, quoted, next), all);
    for (int i = 0; i < x->least && n->code == RD_OK; i++)
      next = build_anchored(n, x->last, quoted, next);
    return next;
  case LIST:
    for (const node *child = x->last; child; child = child->before)
      next = build_anchored(n, child, quoted, next);
    return next;
  default:
    for (const node *child = x->last; child; child = child->before)
      all = both(n, build_anchored(n, child, quoted, next), all);
    return all;
  }
}

static int32_t build_whole(rd_nfa *n, const node *tree, const rd_pattern_use *use, int32_t next) {
  int32_t after = use->search && next >= 0 ? build_anything(n, use->quoted, next) : next;
  ways all = build_anchored(n, tree, use->quoted, (ways){{{after, next}, {after, next}}});
  int32_t start = all.at[1][0], later = all.at[0][0];
  if (use->search && later >= 0)
    later = build_anything(n, use->quoted, later);
  if (use->search && later >= 0)
    start = all.at[1][0] == all.at[0][0] ? later : rd_nfa_either(n, start, later);
  return start < 0 && n->code == RD_OK && next >= 0 ? rd_nfa_nothing(n) : start;
}

rd_code rd_pattern_build(int32_t *start, rd_nfa *n, const char *text, size_t size,
                         const rd_pattern_use *use, int32_t next, rd_error *e) {
  reader r = {.text = {.data = text, .size = size, .whole = use->whole}, .use = use, .e = e};
  node *tree = NULL;
  if (size > RD_LONGEST_PATTERN)
    return rd_fail(e, RD_BAD_INPUT, "%s: %zu bytes, at most %d", use->what, size,
                   RD_LONGEST_PATTERN);
  RD_TRY(rd_utf8_check(text, size, use->what, e));
  rd_code code = read_choice(&r, &tree);
  n->built += r.text.categories * RD_STEPS_OF_CATEGORY;
  if (code == RD_OK && more(&r))
    code = rd_fail(e, RD_BAD_INPUT, "%s: at %zu: a bracket is closed that was not opened",
                   use->what, r.text.at);
  if (code == RD_OK) {
    *start = build_whole(n, tree, use, next);
    code = rd_nfa_check(n, e);
    if (code != RD_OK)
      rd_prefix(e, code, "%s", use->what);
  }
  drop(tree);
  return code;
}
