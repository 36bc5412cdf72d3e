/* SPDX-License-Identifier: MIT */
/* The product of automata: a state is one state of each. Only what is reached is made, each once;
 * bytes that lead to the same place are one range. */
#include "schema_reader.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PRODUCT = 1 << 14, SLOTS = 2 * MOST_PRODUCT, NO_TEXT = 0xFF };

typedef struct product {
  rd_schema_reader *r;
  const rd_schema_term *terms;
  rd_dfa texts[RD_MOST_TERMS];
  size_t terms_count;
  int32_t *tuples; /* (count, terms_count) */
  int32_t *nodes;  /* (count) a loop for each */
  int32_t *slots;  /* (SLOTS) tuples by their hash; -1: free */
  size_t count, tuple_capacity, node_capacity;
} product;

rd_code rd_schema_open_texts(rd_schema_reader *r, const json_t *schema, rd_dfa *out) {
  rd_nfa own = {0}, *outer = r->nfa;
  rd_code code;
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->nfa = &own;
  int32_t end = rd_nfa_accept(&own), start = rd_schema_value(r, schema, end);
  if (start >= 0) /* an automaton of no text is one too: of a byte that no text has */
    start = rd_nfa_either(&own, start, rd_nfa_range(&own, NO_TEXT, NO_TEXT, end));
  r->nfa = outer;
  code = r->code;
  if (code == RD_OK && start < 0)
    code = r->code = rd_nfa_check(&own, r->e);
  if (code == RD_OK) {
    rd_error why = {0};
    code = rd_dfa_open(out, &own, start, &why);
    if (code != RD_OK)
      rd_schema_fail(r, code, "%s", why.message);
  }
  /* the work counts towards what one form may take */
  outer->built += own.built + (size_t)out->table_count * (size_t)out->class_count;
  if (code == RD_OK && !rd_nfa_step(outer))
    code = RD_BAD_INPUT;
  if (code != RD_OK)
    rd_dfa_drop(out);
  rd_nfa_drop(&own);
  return code;
}

static bool takes(const rd_dfa *texts, const char *text) {
  int32_t state = texts->start;
  while (*text && state != RD_NOWHERE)
    state = rd_dfa_next(texts, state, (uint8_t)*text++);
  return rd_dfa_accepts(texts, state);
}

bool rd_schema_has_text(rd_schema_reader *r, const rd_dfa *texts, const json_t *value) {
  char *text = rd_schema_write(r, value);
  bool has = text && takes(texts, text);
  free(text);
  return has;
}

/* --- states ----------------------------------------------------------------------------------- */

/* The number of a tuple, which is added where it is new; -1: too many, or no memory. */
static int32_t number_of(product *p, const int32_t *tuple) {
  uint64_t hash = 0x9E3779B97F4A7C15U;
  size_t size = p->terms_count * sizeof *tuple;
  for (size_t i = 0; i < p->terms_count; i++)
    hash = (hash ^ (uint32_t)tuple[i]) * 0xD1342543DE82EF95U;
  size_t at = (hash >> 32) % SLOTS;
  for (; p->slots[at] >= 0; at = (at + 1) % SLOTS)
    if (memcmp(p->tuples + (size_t)p->slots[at] * p->terms_count, tuple, size) == 0)
      return p->slots[at];
  if (p->count == MOST_PRODUCT)
    return rd_schema_fail(p->r, RD_BAD_INPUT,
                          "too large: what its restrictions have in common has more than %d states",
                          MOST_PRODUCT);
  rd_code code = rd_grow((void **)&p->tuples, &p->tuple_capacity, (p->count + 1) * p->terms_count,
                         sizeof *p->tuples, p->r->e);
  if (code == RD_OK)
    code = rd_grow((void **)&p->nodes, &p->node_capacity, p->count + 1, sizeof *p->nodes, p->r->e);
  if (code != RD_OK)
    return rd_schema_fail(p->r, code, "no memory for its restrictions");
  memcpy(p->tuples + p->count * p->terms_count, tuple, size);
  p->nodes[p->count] = rd_nfa_loop(p->r->nfa);
  p->slots[at] = (int32_t)p->count;
  return (int32_t)p->count++;
}

/* After a byte: false where the text is none of a term that is not negated. */
static bool step(const product *p, const int32_t *from, uint8_t byte, int32_t *to) {
  for (size_t i = 0; i < p->terms_count; i++) {
    to[i] = rd_dfa_next(&p->texts[i], from[i], byte);
    if (to[i] == RD_NOWHERE && !p->terms[i].negated)
      return false;
  }
  return true;
}

static bool ends(const product *p, const int32_t *tuple) {
  for (size_t i = 0; i < p->terms_count; i++)
    if (rd_dfa_accepts(&p->texts[i], tuple[i]) == p->terms[i].negated)
      return false;
  return true;
}

/* The ways on from one state. */
static void go_on(product *p, size_t at, int32_t next) {
  rd_nfa *n = p->r->nfa;
  int32_t from[RD_MOST_TERMS], to[RD_MOST_TERMS], all = -1, run = -1;
  memcpy(from, p->tuples + at * p->terms_count, p->terms_count * sizeof *from);
  for (int byte = 0, first = 0; byte <= NO_TEXT && p->r->code == RD_OK; byte++) {
    int32_t target = byte < NO_TEXT && step(p, from, (uint8_t)byte, to) ? number_of(p, to) : -1;
    if (byte > 0 && target == run)
      continue;
    if (run >= 0)
      all = rd_nfa_either(n, rd_nfa_range(n, (uint8_t)first, (uint8_t)(byte - 1), p->nodes[run]),
                          all);
    run = target;
    first = byte;
  }
  bool end = ends(p, from);
  if (all >= 0 || end)
    rd_nfa_close_loop(n, p->nodes[at], all >= 0 ? all : next, end ? next : all);
}

static int32_t build(product *p, int32_t next) {
  int32_t start[RD_MOST_TERMS];
  p->slots = malloc(SLOTS * sizeof *p->slots);
  if (!p->slots)
    return rd_schema_fail(p->r, RD_NO_MEMORY, "no memory for its restrictions");
  memset(p->slots, 0xFF, SLOTS * sizeof *p->slots);
  for (size_t i = 0; i < p->terms_count; i++)
    start[i] = p->texts[i].start;
  number_of(p, start);
  for (size_t at = 0; at < p->count && p->r->code == RD_OK && p->r->nfa->code == RD_OK; at++)
    go_on(p, at, next);
  return p->r->code == RD_OK && p->r->nfa->code == RD_OK ? p->nodes[0] : -1;
}

int32_t rd_schema_meet(rd_schema_reader *r, const rd_schema_term *terms, size_t count,
                       int32_t next) {
  product p = {.r = r, .terms = terms};
  if (next < 0 || r->code != RD_OK)
    return -1;
  if (count > RD_MOST_TERMS)
    return rd_schema_fail(r, RD_UNSUPPORTED, "more than %d restrictions of one string",
                          RD_MOST_TERMS);
  while (p.terms_count < count &&
         rd_schema_open_texts(r, terms[p.terms_count].schema, &p.texts[p.terms_count]) == RD_OK)
    p.terms_count++;
  next = p.terms_count == count ? build(&p, next) : -1;
  for (size_t i = 0; i < p.terms_count; i++)
    rd_dfa_drop(&p.texts[i]);
  free(p.tuples);
  free(p.nodes);
  free(p.slots);
  return next;
}
