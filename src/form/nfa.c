/* SPDX-License-Identifier: MIT */
/* Nodes in an array, equal ranges once. Sets of characters become ranges of bytes by cutting them
 * where the number of bytes, or a byte in front, changes. */
#include "nfa.h"

#include "tok_bytes.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

void rd_nfa_drop(rd_nfa *n) {
  for (size_t i = 0; i < n->inside_count; i++) {
    rd_inside_drop(&n->insides[i].is);
    free(n->insides[i].name);
  }
  free(n->nodes);
  free(n->bodies);
  free(n->insides);
  free(n->slots);
  *n = (rd_nfa){0};
}

rd_code rd_nfa_check(const rd_nfa *n, rd_error *e) {
  if (n->code != RD_OK && e)
    *e = n->error;
  return n->code;
}

bool rd_nfa_step(rd_nfa *n) {
  if (n->code == RD_OK && (n->count >= RD_MOST_NODES || ++n->built > RD_MOST_BUILDING))
    n->code = rd_fail(&n->error, RD_BAD_INPUT,
                      "the form is too large: written out it has more than %d parts; bound its "
                      "repetitions and nesting lower",
                      RD_MOST_NODES);
  return n->code == RD_OK;
}

static int32_t add(rd_nfa *n, rd_nfa_node node) {
  if (!rd_nfa_step(n))
    return -1;
  n->code = rd_grow((void **)&n->nodes, &n->capacity, n->count + 1, sizeof node, &n->error);
  if (n->code != RD_OK)
    return -1;
  n->nodes[n->count] = node;
  return (int32_t)n->count++;
}

/* --- nodes that are each once: what is built twice from one end is one -------------------------
 */

static size_t slot_of(const rd_nfa *n, const rd_nfa_node *r) {
  uint64_t hash =
      ((uint64_t)(uint32_t)r->a << 16 | (uint64_t)r->low << 8 | r->high) * 0x9E3779B97F4A7C15U;
  hash = (hash ^ hash >> 32 ^ (uint32_t)r->b) * 0xD1342543DE82EF95U;
  size_t at = (hash >> 32) & n->slot_mask;
  for (; n->slots[at] >= 0; at = (at + 1) & n->slot_mask) {
    const rd_nfa_node *x = &n->nodes[n->slots[at]];
    if (x->kind == r->kind && x->a == r->a && x->b == r->b && x->low == r->low &&
        x->high == r->high)
      break;
  }
  return at;
}

static bool grow_slots(rd_nfa *n) {
  size_t size = 1024;
  while (size <= 4 * n->count) /* loops come without being looked for */
    size *= 2;
  int32_t *slots = malloc(size * sizeof *slots);
  if (!slots) {
    n->code = rd_fail(&n->error, RD_NO_MEMORY, "no memory for a form");
    return false;
  }
  memset(slots, 0xFF, size * sizeof *slots);
  free(n->slots);
  n->slots = slots;
  n->slot_mask = size - 1;
  for (size_t i = 0; i < n->count; i++)
    if (n->nodes[i].kind == RD_NFA_NOTHING || n->nodes[i].a >= 0)
      n->slots[slot_of(n, &n->nodes[i])] = (int32_t)i;
  return true;
}

static int32_t add_once(rd_nfa *n, rd_nfa_node node) {
  if (!rd_nfa_step(n) || ((!n->slots || 2 * n->count >= n->slot_mask) && !grow_slots(n)))
    return -1;
  size_t at = slot_of(n, &node);
  if (n->slots[at] < 0) {
    int32_t made = add(n, node);
    if (made < 0)
      return -1;
    n->slots[at] = made;
  }
  return n->slots[at];
}

/* Whatever leads to nothing is nothing: a way that cannot end is not even begun. */
static bool is_nothing(const rd_nfa *n, int32_t at) {
  return n->nodes[at].kind == RD_NFA_NOTHING;
}

int32_t rd_nfa_range(rd_nfa *n, uint8_t low, uint8_t high, int32_t next) {
  return next < 0 || is_nothing(n, next)
           ? next
           : add_once(n, (rd_nfa_node){RD_NFA_RANGE, low, high, next, -1});
}

/* --- the others ------------------------------------------------------------------------------- */

int32_t rd_nfa_accept(rd_nfa *n) {
  return add(n, (rd_nfa_node){RD_NFA_ACCEPT, 0, 0, -1, -1});
}

int32_t rd_nfa_nothing(rd_nfa *n) {
  return add_once(n, (rd_nfa_node){RD_NFA_NOTHING, 0, 0, -1, -1});
}

int32_t rd_nfa_either(rd_nfa *n, int32_t a, int32_t b) {
  if (a < 0 || b < 0 || a == b)
    return a < 0 ? b : a;
  if (is_nothing(n, a) || is_nothing(n, b))
    return is_nothing(n, a) ? b : a;
  return add_once(n, (rd_nfa_node){RD_NFA_SPLIT, 0, 0, a, b});
}

int32_t rd_nfa_loop(rd_nfa *n) {
  return add(n, (rd_nfa_node){RD_NFA_SPLIT, 0, 0, -1, -1});
}

int32_t rd_nfa_close_loop(rd_nfa *n, int32_t loop, int32_t again, int32_t next) {
  if (loop < 0 || again < 0 || next < 0)
    return -1;
  n->nodes[loop].a = again;
  n->nodes[loop].b = next;
  return loop;
}

int32_t rd_nfa_text(rd_nfa *n, const char *text, size_t size, int32_t next) {
  while (size > 0 && next >= 0) {
    uint8_t byte = (uint8_t)text[--size];
    next = rd_nfa_range(n, byte, byte, next);
  }
  return next;
}

/* --- insides of strings ----------------------------------------------------------------------- */

int32_t rd_nfa_find_inside(const rd_nfa *n, const char *name) {
  for (size_t i = 1; i < n->inside_count; i++)
    if (strcmp(n->insides[i].name, name) == 0)
      return (int32_t)i;
  return -1;
}

/* Behind the others; `name` NULL: that of any string, which is the first. */
static int32_t add_inside(rd_nfa *n, const char *name, rd_inside *inside) {
  rd_nfa_inside one = {*inside, name ? rd_strdup(name, &n->error) : NULL, 0};
  *inside = (rd_inside){0};
  if (name && !one.name)
    n->code = RD_NO_MEMORY;
  else if (n->inside_count == RD_MOST_INSIDES)
    n->code = rd_fail(&n->error, RD_BAD_INPUT,
                      "the form is too large: more than %d kinds of strings", RD_MOST_INSIDES);
  else
    n->code = rd_grow((void **)&n->insides, &n->inside_capacity, n->inside_count + 1,
                      sizeof *n->insides, &n->error);
  if (n->code != RD_OK) {
    rd_inside_drop(&one.is);
    free(one.name);
    return -1;
  }
  n->insides[n->inside_count] = one;
  return (int32_t)n->inside_count++;
}

static bool add_plain_inside(rd_nfa *n) {
  rd_inside plain = {0};
  if (n->code == RD_OK && n->inside_count == 0) {
    n->code = rd_inside_plain(&plain, &n->error);
    if (n->code == RD_OK)
      add_inside(n, NULL, &plain);
  }
  return n->code == RD_OK;
}

int32_t rd_nfa_add_inside(rd_nfa *n, const char *name, rd_inside *inside) {
  if (!add_plain_inside(n)) {
    rd_inside_drop(inside);
    return -1;
  }
  return add_inside(n, name, inside);
}

int32_t rd_nfa_string_body(rd_nfa *n, int32_t least, int32_t most, int32_t next) {
  return add_plain_inside(n) ? rd_nfa_body_of(n, 0, least, most, next) : -1;
}

enum { NEAR = 64 /* bodies that are looked through for an equal one */ };

int32_t rd_nfa_body_of(rd_nfa *n, int32_t inside, int32_t least, int32_t most, int32_t next) {
  if (inside < 0 || next < 0 || !rd_nfa_step(n))
    return -1;
  if (is_nothing(n, next))
    return next;
  n->deeper = n->deeper || most > RD_SHORT_BODY;
  if (n->longest > 0 && most > n->longest && least <= n->longest)
    most = n->longest;
  for (size_t i = 0; i < n->body_count; i++) /* the few that end where this does */
    if (i + NEAR > n->body_count && n->bodies[i].exit == next && n->bodies[i].least == least &&
        n->bodies[i].most == most && n->bodies[i].inside == inside)
      return add_once(n, (rd_nfa_node){RD_NFA_BODY, 0, 0, (int32_t)i, -1});
  n->code = rd_grow((void **)&n->bodies, &n->body_capacity, n->body_count + 1, sizeof *n->bodies,
                    &n->error);
  if (n->code != RD_OK)
    return -1;
  n->bodies[n->body_count] = (rd_nfa_body){inside, least, most, next};
  return add_once(n, (rd_nfa_node){RD_NFA_BODY, 0, 0, (int32_t)n->body_count++, -1});
}

/* --- characters ------------------------------------------------------------------------------- */

/* Code points that differ in their last bytes alone, of which every value is there. */
static int32_t add_sequence(rd_nfa *n, uint32_t first, uint32_t last, int32_t next) {
  char low[4], high[4];
  unsigned size = rd_utf8_write(first, low);
  rd_utf8_write(last, high);
  for (unsigned i = size; i-- > 0;)
    next = rd_nfa_range(n, (uint8_t)low[i], (uint8_t)high[i], next);
  return next;
}

static int32_t add_span(rd_nfa *n, uint32_t first, uint32_t last, int32_t next) {
  static const uint32_t ends[] = {0x7F, 0x7FF, 0xFFFF}; /* of one, two, three bytes */
  for (int i = 0; i < 3; i++)
    if (first <= ends[i] && last > ends[i])
      return rd_nfa_either(n, add_span(n, first, ends[i], next),
                           add_span(n, ends[i] + 1, last, next));
  for (int bits = 6; bits <= 18 && first > 0x7F; bits += 6) {
    uint32_t low = (1U << bits) - 1;
    if ((first & ~low) == (last & ~low))
      continue;
    if (first & low)
      return rd_nfa_either(n, add_span(n, first, first | low, next),
                           add_span(n, (first | low) + 1, last, next));
    if ((last & low) != low)
      return rd_nfa_either(n, add_span(n, first, (last & ~low) - 1, next),
                           add_span(n, last & ~low, last, next));
  }
  return add_sequence(n, first, last, next);
}

/* Characters that a JSON string holds behind a backslash, and the letter that says so. */
static const struct escape {
  uint32_t point;
  char letter;
} escapes[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
               {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

static int32_t add_plain(rd_nfa *n, const rd_charset *set, int32_t next) {
  int32_t all = -1;
  for (size_t i = 0; i < set->count && n->code == RD_OK; i++)
    all = rd_nfa_either(n, all, add_span(n, set->spans[i].first, set->spans[i].last, next));
  return all < 0 ? rd_nfa_nothing(n) : all;
}

static int32_t add_quoted(rd_nfa *n, const rd_charset *set, int32_t next) {
  rd_charset plain = {0};
  int32_t all = -1;
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
    if (rd_charset_has(set, escapes[i].point)) {
      const char text[] = {'\\', escapes[i].letter};
      all = rd_nfa_either(n, all, rd_nfa_text(n, text, 2, next));
    }
  rd_code code = rd_charset_add_all(&plain, set, &n->error);
  if (code == RD_OK) {
    rd_charset_keep(&plain, 0x20, RD_LAST_POINT);
    code = rd_charset_remove(&plain, '"', &n->error);
  }
  if (code == RD_OK)
    code = rd_charset_remove(&plain, '\\', &n->error);
  if (code == RD_OK && plain.count > 0)
    all = rd_nfa_either(n, all, add_plain(n, &plain, next));
  rd_charset_drop(&plain);
  if (code != RD_OK)
    n->code = code;
  return all < 0 ? rd_nfa_nothing(n) : all;
}

int32_t rd_nfa_set(rd_nfa *n, const rd_charset *set, bool quoted, int32_t next) {
  if (next < 0)
    return -1;
  return quoted ? add_quoted(n, set, next) : add_plain(n, set, next);
}
