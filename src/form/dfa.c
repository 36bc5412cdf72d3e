/* SPDX-License-Identifier: MIT */
/* Subset construction: a state is the set of nodes in which the other automaton may be. A set that
 * is one place of one body needs no row. States from which no text can end are left out afterwards.
 */
#include "dfa.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 1 << 24, NOT_MADE = INT32_MIN };

/* A set of items: nodes of the other automaton, and behind their numbers the states of bodies. */
typedef struct item_set {
  size_t first;
  uint32_t count, hash;
} item_set;

/* A way on: bytes of a class, and where it leads. */
typedef struct link {
  int32_t target; /* a node, or behind their numbers a body's state */
  int32_t next;   /* of the same class; -1: the last */
} link;

typedef struct maker {
  rd_dfa *d;
  rd_nfa *n;
  int32_t nodes; /* of n */
  int32_t *items;
  size_t item_count, item_capacity;
  item_set *sets; /* (d->table_count) */
  size_t set_capacity, table_capacity, accept_capacity;
  int32_t *slots; /* (slot_mask + 1) */
  size_t slot_mask;
  int32_t *found; /* the set being made */
  size_t found_count, found_capacity;
  int32_t *stack; /* (nodes) */
  uint32_t *seen; /* (nodes) */
  uint32_t stamp;
  int32_t *alone; /* (nodes) the state where that node alone is come to; NOT_MADE */
  int32_t heads[256];
  link *links;
  size_t link_count, link_capacity;
  size_t steps;
  uint8_t byte_of[256]; /* of a class: its first */
  rd_error *e;
} maker;

/* --- bodies ----------------------------------------------------------------------------------- */

const rd_dfa_body *rd_dfa_body_of(const rd_dfa *d, int32_t state) {
  size_t low = 0, high = d->body_count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    *(state < d->bodies[middle].first ? &high : &low) = middle;
  }
  return &d->bodies[low];
}

int32_t rd_dfa_inside(const rd_dfa_body *b, int place, int64_t characters) {
  bool begun = !b->in->between[place];
  if (b->most >= 0 && characters + begun > b->most)
    return RD_NOWHERE;
  int64_t count = characters < b->cap ? characters : b->cap;
  return b->first + (int32_t)place * (b->cap + 1) + (int32_t)count;
}

int32_t rd_dfa_next(const rd_dfa *d, int32_t state, uint8_t byte) {
  int place;
  int32_t count;
  if (state < d->table_count)
    return state < 0 ? state : d->table[(int64_t)state * d->class_count + d->class_of[byte]];
  const rd_dfa_body *b = rd_dfa_body_of(d, state);
  rd_dfa_where(b, state, &place, &count);
  int to = b->in->next[place][byte];
  if (to >= 0)
    return rd_dfa_inside(b, to, count + b->in->between[to]);
  return to == RD_INSIDE_SHUT ? rd_dfa_exit(b, count) : RD_NOWHERE;
}

static int64_t states_of(const rd_dfa *d, const rd_nfa_body *b, int32_t longest) {
  int32_t most = b->most > longest && b->least <= longest ? longest : b->most;
  return ((int64_t)(most >= 0 ? most : b->least) + 1) * d->insides[b->inside].places;
}

/* How many characters strings may have that have a bound far away, so that all of them together
 * have no more states than are quickly gone through. */
static int32_t longest_of(const rd_dfa *d, const rd_nfa *n) {
  int32_t longest = INT32_MAX;
  for (int64_t all = INT64_MAX; all > RD_ENOUGH_STATES && longest > RD_SHORT_BODY;) {
    longest = longest == INT32_MAX ? 1 << 16 : longest - longest / 8;
    all = 0;
    for (size_t i = 0; i < n->body_count; i++)
      all += states_of(d, &n->bodies[i], longest);
  }
  return longest;
}

/* Bodies with their states numbered from 0, for now. */
static rd_code lay_bodies(maker *m) {
  rd_dfa *d = m->d;
  rd_nfa *n = m->n;
  int64_t all = 0;
  d->bodies = rd_calloc(n->body_count + 1, sizeof *d->bodies, "a form", m->e);
  d->insides = rd_calloc(n->inside_count + 1, sizeof *d->insides, "a form", m->e);
  if (!d->bodies || !d->insides)
    return RD_NO_MEMORY;
  for (; d->inside_count < n->inside_count; d->inside_count++) {
    rd_nfa_inside *inside = &n->insides[d->inside_count];
    inside->before = (int32_t)d->inside_places;
    d->inside_places += (size_t)inside->is.places;
    d->insides[d->inside_count] = inside->is;
    inside->is = (rd_inside){0};
  }
  const int32_t longest = longest_of(d, n);
  for (size_t i = 0; i < n->body_count; i++) {
    rd_nfa_body *b = &n->bodies[i];
    b->most = b->most > longest && b->least <= longest ? longest : b->most;
    int32_t cap = b->most >= 0 ? b->most : b->least;
    const rd_inside *in = &d->insides[b->inside];
    d->bodies[i] = (rd_dfa_body){.in = in,
                                 .inside_places = n->insides[b->inside].before,
                                 .body_places = (int32_t)d->body_places,
                                 .first = (int32_t)all,
                                 .cap = cap,
                                 .least = b->least,
                                 .most = b->most,
                                 .exit = RD_NOWHERE};
    d->body_places += (size_t)in->places;
    all += ((int64_t)cap + 1) * in->places;
    if (all > RD_MOST_STATES)
      return rd_fail(m->e, RD_BAD_INPUT,
                     "the form is too large: its strings are up to %d characters long, and all of "
                     "them together have more than %d states; lower minLength or maxLength, or "
                     "leave the larger out",
                     cap, RD_MOST_STATES);
  }
  d->body_count = n->body_count;
  d->count = (int32_t)all;
  return RD_OK;
}

/* --- classes of bytes ------------------------------------------------------------------------- */

/* Bytes that no range tells apart are one class; classes rise with their bytes. */
static void class_bytes(maker *m) {
  bool begins[257] = {true};
  rd_dfa *d = m->d;
  for (size_t i = 0; i < m->n->count; i++)
    if (m->n->nodes[i].kind == RD_NFA_RANGE)
      begins[m->n->nodes[i].low] = begins[m->n->nodes[i].high + 1] = true;
  for (size_t i = 0; i < d->inside_count; i++)
    for (int32_t place = 0; place < d->insides[i].places; place++)
      for (int byte = 1; byte < 256; byte++)
        if (d->insides[i].next[place][byte] != d->insides[i].next[place][byte - 1])
          begins[byte] = true;
  d->class_count = 0;
  for (int byte = 0; byte < 256; byte++) {
    if (begins[byte])
      m->byte_of[d->class_count++] = (uint8_t)byte;
    d->class_of[byte] = (uint8_t)(d->class_count - 1);
  }
}

/* --- sets ------------------------------------------------------------------------------------- */

static rd_code too_large(maker *m) {
  return rd_fail(
      m->e, RD_BAD_INPUT,
      "the form is too large: an automaton for it has more than %d states, or takes too "
      "long to make; bound its repetitions lower, or say it with fewer alternatives that "
      "begin alike",
      RD_MOST_TABLE_STATES);
}

static rd_code add_found(maker *m, int32_t item) {
  RD_TRY(
      rd_grow((void **)&m->found, &m->found_capacity, m->found_count + 1, sizeof *m->found, m->e));
  m->found[m->found_count++] = item;
  return RD_OK;
}

/* The items that a target comes to without a byte are found; nodes that this set has seen are
 * passed over. */
static rd_code close_over(maker *m, int32_t target) {
  size_t depth = 0;
  if (target >= m->nodes)
    return add_found(m, target);
  m->stack[depth++] = target;
  while (depth > 0) {
    int32_t at = m->stack[--depth];
    const rd_nfa_node *x = &m->n->nodes[at];
    if (m->seen[at] == m->stamp)
      continue;
    m->seen[at] = m->stamp;
    if (++m->steps > MOST_STEPS)
      return too_large(m);
    if (x->kind == RD_NFA_SPLIT) {
      /* two in for one out, each node once: never more than there are nodes */
      if (x->b >= 0 && m->seen[x->b] != m->stamp)
        m->stack[depth++] = x->b;
      if (x->a >= 0 && m->seen[x->a] != m->stamp)
        m->stack[depth++] = x->a;
    } else if (x->kind == RD_NFA_BODY) {
      RD_TRY(add_found(m, m->nodes + m->d->bodies[x->a].first));
    } else if (x->kind != RD_NFA_NOTHING) {
      RD_TRY(add_found(m, at));
    }
  }
  return RD_OK;
}

static int by_number(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* What was found in order, each once; its hash. */
static uint32_t settle_found(maker *m) {
  uint64_t hash = 0;
  size_t kept = 0;
  m->steps += m->found_count;
  if (m->found_count > 1)
    qsort(m->found, m->found_count, sizeof *m->found, by_number);
  for (size_t i = 0; i < m->found_count; i++) {
    if (kept > 0 && m->found[kept - 1] == m->found[i])
      continue;
    m->found[kept++] = m->found[i];
    hash = (hash ^ (uint32_t)m->found[i]) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29;
  }
  m->found_count = kept;
  return (uint32_t)(hash >> 16);
}

static size_t slot_of(const maker *m, uint32_t hash, const int32_t *items, size_t count) {
  size_t at = hash & m->slot_mask;
  for (; m->slots[at] >= 0; at = (at + 1) & m->slot_mask) {
    const item_set *s = &m->sets[m->slots[at]];
    if (s->hash == hash && s->count == count &&
        memcmp(m->items + s->first, items, count * sizeof *items) == 0)
      break;
  }
  return at;
}

static rd_code add_set(maker *m, uint32_t hash, int32_t *state) {
  rd_dfa *d = m->d;
  size_t count = (size_t)d->table_count + 1, width = (size_t)d->class_count;
  if (d->table_count == RD_MOST_TABLE_STATES)
    return too_large(m);
  RD_TRY(rd_grow((void **)&m->sets, &m->set_capacity, count, sizeof *m->sets, m->e));
  RD_TRY(rd_grow((void **)&d->table, &m->table_capacity, count * width, sizeof *d->table, m->e));
  RD_TRY(rd_grow((void **)&d->accepts, &m->accept_capacity, count, sizeof *d->accepts, m->e));
  RD_TRY(rd_grow((void **)&m->items, &m->item_capacity, m->item_count + m->found_count,
                 sizeof *m->items, m->e));
  memset(d->table + (count - 1) * width, 0xFF, width * sizeof *d->table);
  memcpy(m->items + m->item_count, m->found, m->found_count * sizeof *m->items);
  d->accepts[count - 1] = false;
  for (size_t i = 0; i < m->found_count; i++)
    if (m->found[i] < m->nodes && m->n->nodes[m->found[i]].kind == RD_NFA_ACCEPT)
      d->accepts[count - 1] = true;
  m->sets[count - 1] = (item_set){m->item_count, (uint32_t)m->found_count, hash};
  m->item_count += m->found_count;
  *state = d->table_count++;
  return RD_OK;
}

/* Where a state of a body is named before the number of rows is known. */
static int32_t as_body(int32_t offset) {
  return -2 - offset;
}

static rd_code state_of(maker *m, int32_t *state);

/* What follows a body, when it is first met. */
static rd_code meet_body(maker *m, int32_t offset) {
  rd_dfa_body *b = &m->d->bodies[rd_dfa_body_of(m->d, offset) - m->d->bodies];
  if (b->exit != RD_NOWHERE)
    return RD_OK;
  m->found_count = 0;
  m->stamp++;
  RD_TRY(close_over(m, m->n->bodies[b - m->d->bodies].exit));
  return state_of(m, &b->exit);
}

/* The state of the set that was found. */
static rd_code state_of(maker *m, int32_t *state) {
  uint32_t hash = settle_found(m);
  *state = RD_NOWHERE;
  if (m->found_count == 0)
    return RD_OK;
  if (m->found_count == 1 && m->found[0] >= m->nodes) {
    int32_t offset = m->found[0] - m->nodes;
    *state = as_body(offset);
    return meet_body(m, offset);
  }
  size_t at = slot_of(m, hash, m->found, m->found_count);
  *state = m->slots[at];
  if (*state >= 0)
    return RD_OK;
  RD_TRY(add_set(m, hash, state));
  m->slots[at] = *state;
  return RD_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static rd_code add_link(maker *m, int class, int32_t target) {
  RD_TRY(rd_grow((void **)&m->links, &m->link_capacity, m->link_count + 1, sizeof *m->links, m->e));
  m->links[m->link_count] = (link){target, m->heads[class]};
  m->heads[class] = (int32_t)m->link_count++;
  return ++m->steps > MOST_STEPS ? too_large(m) : RD_OK;
}

static rd_code link_body(maker *m, int32_t offset) {
  rd_dfa *d = m->d;
  const rd_dfa_body *b = rd_dfa_body_of(d, offset);
  int place;
  int32_t count;
  rd_dfa_where(b, offset, &place, &count);
  for (int class = 0; class < d->class_count; class ++) {
    uint8_t byte = m->byte_of[class];
    int to = b->in->next[place][byte];
    int32_t state = to >= 0 ? rd_dfa_inside(b, to, count + b->in->between[to]) : RD_NOWHERE;
    if (state != RD_NOWHERE)
      RD_TRY(add_link(m, class, m->nodes + state));
    bool fits = count >= b->least && (b->most < 0 || count <= b->most);
    if (to == RD_INSIDE_SHUT && fits)
      RD_TRY(add_link(m, class, m->n->bodies[b - d->bodies].exit));
  }
  return RD_OK;
}

static bool same_links(const maker *m, int32_t a, int32_t b) {
  for (; a >= 0 && b >= 0; a = m->links[a].next, b = m->links[b].next)
    if (m->links[a].target != m->links[b].target)
      return false;
  return a < 0 && b < 0;
}

/* The state that a class leads to. A character of many is often the only way on, and leads to where
 * its neighbours do: that state is made once. */
static rd_code follow_links(maker *m, int32_t head, int32_t *target) {
  int32_t only = head >= 0 && m->links[head].next < 0 ? m->links[head].target : m->nodes;
  if (only < m->nodes && m->alone[only] != NOT_MADE) {
    *target = m->alone[only];
    return RD_OK;
  }
  m->found_count = 0;
  m->stamp++;
  for (int32_t l = head; l >= 0; l = m->links[l].next)
    RD_TRY(close_over(m, m->links[l].target));
  RD_TRY(state_of(m, target));
  if (only < m->nodes)
    m->alone[only] = *target;
  return RD_OK;
}

static rd_code fill_row(maker *m, int32_t state) {
  rd_dfa *d = m->d;
  m->link_count = 0;
  memset(m->heads, 0xFF, sizeof m->heads);
  for (uint32_t i = 0; i < m->sets[state].count; i++) {
    int32_t item = m->items[m->sets[state].first + i];
    if (item >= m->nodes) {
      RD_TRY(link_body(m, item - m->nodes));
      continue;
    }
    const rd_nfa_node *x = &m->n->nodes[item];
    for (int class = d->class_of[x->low]; x->kind == RD_NFA_RANGE && class <= d->class_of[x->high];
         class ++)
      RD_TRY(add_link(m, class, x->a));
  }
  for (int class = 0; class < d->class_count; class ++) {
    int32_t target = RD_NOWHERE;
    if (class > 0 && same_links(m, m->heads[class], m->heads[class - 1]))
      target = d->table[(int64_t)state * d->class_count + class - 1];
    else
      RD_TRY(follow_links(m, m->heads[class], &target));
    d->table[(int64_t)state * d->class_count + class] = target;
  }
  return RD_OK;
}

/* --- what leads nowhere ----------------------------------------------------------------------- */

/* Bodies stand behind the rows, one each: what comes before what, as lists in one array. */
typedef struct arrows {
  int32_t *first; /* (states + 1) */
  int32_t *from;
} arrows;

/* The state that an entry stands for, a body as one; -1: none. */
static int32_t whole_state(const rd_dfa *d, int32_t entry) {
  if (entry >= RD_NOWHERE)
    return entry;
  return d->table_count + (int32_t)(rd_dfa_body_of(d, -2 - entry) - d->bodies);
}

static void visit_arrows(const rd_dfa *d, arrows *a, bool counting) {
  int32_t states = d->table_count + (int32_t)d->body_count;
  for (int32_t s = 0; s < states; s++) {
    int width = s < d->table_count ? d->class_count : 1;
    int32_t last = RD_NOWHERE;
    for (int c = 0; c < width; c++) {
      int32_t entry = s < d->table_count ? d->table[(int64_t)s * width + c]
                                         : d->bodies[s - d->table_count].exit;
      int32_t to = whole_state(d, entry);
      if (to == RD_NOWHERE || to == last)
        continue;
      last = to;
      if (counting)
        a->first[to + 1]++;
      else
        a->from[a->first[to]++] = s;
    }
  }
}

/* Which states, bodies as one each, come to an end? */
static rd_code find_living(const rd_dfa *d, bool *lives, rd_error *e) {
  int32_t states = d->table_count + (int32_t)d->body_count, todo = 0;
  arrows a = {.first = rd_calloc((size_t)states + 2, sizeof *a.first, "a form", e)};
  int32_t *list = rd_calloc((size_t)states, sizeof *list, "a form", e);
  if (a.first && list) {
    visit_arrows(d, &a, true);
    for (int32_t s = 0; s < states; s++)
      a.first[s + 1] += a.first[s];
    a.from = rd_calloc((size_t)a.first[states] + 1, sizeof *a.from, "a form", e);
  }
  if (a.from) {
    visit_arrows(d, &a, false); /* first[s] is now where the list of s ends */
    for (int32_t s = 0; s < d->table_count; s++)
      if (d->accepts[s]) {
        lives[s] = true;
        list[todo++] = s;
      }
    while (todo > 0) {
      int32_t s = list[--todo];
      for (int32_t i = s > 0 ? a.first[s - 1] : 0; i < a.first[s]; i++)
        if (!lives[a.from[i]]) {
          lives[a.from[i]] = true;
          list[todo++] = a.from[i];
        }
    }
  }
  bool made = a.from != NULL;
  free(a.first);
  free(a.from);
  free(list);
  return made ? RD_OK : RD_NO_MEMORY;
}

static int32_t final_state(const rd_dfa *d, const bool *lives, int32_t entry) {
  int32_t whole = whole_state(d, entry);
  if (whole == RD_NOWHERE || !lives[whole])
    return RD_NOWHERE;
  return entry >= 0 ? entry : d->table_count - 2 - entry;
}

/* Entries that lead nowhere become so, bodies get their numbers. */
static rd_code finish(maker *m) {
  rd_dfa *d = m->d;
  size_t states = (size_t)d->table_count + d->body_count;
  bool *lives = rd_calloc(states + 1, sizeof *lives, "a form", m->e);
  if (!lives)
    return RD_NO_MEMORY;
  rd_code code = find_living(d, lives, m->e);
  for (int64_t i = 0; i < (int64_t)d->table_count * d->class_count && code == RD_OK; i++)
    d->table[i] = final_state(d, lives, d->table[i]);
  if (code == RD_OK)
    d->start = final_state(d, lives, d->start);
  for (size_t i = 0; i < d->body_count && code == RD_OK; i++)
    d->bodies[i].exit = final_state(d, lives, d->bodies[i].exit);
  for (size_t i = 0; i < d->body_count; i++)
    d->bodies[i].first += d->table_count;
  d->count += d->table_count;
  free(lives);
  if (code == RD_OK && d->start == RD_NOWHERE)
    code =
        rd_fail(m->e, RD_BAD_INPUT,
                "no text has this form: limits exclude each other, or a $ref leads back to itself "
                "without an end");
  return code;
}

/* --- all of it -------------------------------------------------------------------------------- */

static rd_code make(maker *m, int32_t start) {
  size_t nodes = (size_t)m->nodes + 1, slots = 2 * (size_t)RD_MOST_TABLE_STATES;
  m->stack = rd_calloc(2 * nodes, sizeof *m->stack, "a form", m->e);
  m->seen = rd_calloc(nodes, sizeof *m->seen, "a form", m->e);
  m->slots = rd_calloc(slots, sizeof *m->slots, "a form", m->e);
  m->alone = rd_calloc(nodes, sizeof *m->alone, "a form", m->e);
  if (!m->stack || !m->seen || !m->alone || !m->slots)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < nodes; i++)
    m->alone[i] = NOT_MADE;
  memset(m->slots, 0xFF, slots * sizeof *m->slots);
  m->slot_mask = slots - 1;
  RD_TRY(lay_bodies(m));
  class_bytes(m);
  m->stamp = 1;
  RD_TRY(close_over(m, start));
  RD_TRY(state_of(m, &m->d->start));
  for (int32_t s = 0; s < m->d->table_count; s++)
    RD_TRY(fill_row(m, s));
  return finish(m);
}

rd_code rd_dfa_open(rd_dfa *out, rd_nfa *n, int32_t start, rd_error *e) {
  *out = (rd_dfa){0};
  maker m = {.d = out, .n = n, .nodes = (int32_t)n->count, .e = e};
  rd_code code = start >= 0 ? make(&m, start) : rd_nfa_check(n, e);
  free(m.items);
  free(m.sets);
  free(m.slots);
  free(m.found);
  free(m.stack);
  free(m.seen);
  free(m.alone);
  free(m.links);
  if (code != RD_OK)
    rd_dfa_drop(out);
  return code;
}

void rd_dfa_drop(rd_dfa *d) {
  free(d->table);
  free(d->accepts);
  free(d->bodies);
  for (size_t i = 0; i < d->inside_count; i++)
    rd_inside_drop(&d->insides[i]);
  free(d->insides);
  *d = (rd_dfa){0};
}
