/* SPDX-License-Identifier: MIT */
/* The product of automata: a state is one state of each, and one place of any string, which says
 * where characters end. Only what is reached is made, each once. From places where no text can end
 * there is no way back, so they are left out. What comes out is an inside (string_body.h), known by
 * what was asked for: fifty fields of one format have one between them. */
#include "schema_reader.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PRODUCT = 1 << 14, SLOTS = 2 * MOST_PRODUCT, NO_TEXT = 0xFF, STEPS_OF_STATE = 64 };

typedef struct product {
  rd_schema_reader *r;
  const rd_schema_term *terms;
  rd_dfa texts[RD_MOST_TERMS];
  size_t terms_count;
  rd_inside plain;
  int32_t *tuples;      /* (count, 1 + terms_count) a place of any string, then a state of each */
  int16_t (*next)[256]; /* (count) as in rd_inside */
  int32_t *slots;       /* (SLOTS) tuples by their hash; -1: free */
  size_t count, tuple_capacity, next_capacity;
} product;

/* `written`: strings of one restriction are written out, and not insides again; `whole`: what is
 * asked or left out is all that a pattern has. */
static rd_code open_written(rd_schema_reader *r, const json_t *schema, bool written, bool whole,
                            rd_dfa *out) {
  const bool outer_written = r->written, outer_whole = r->whole;
  rd_nfa own = {.longest = r->nfa->longest}, *outer = r->nfa;
  rd_code code;
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->nfa = &own;
  r->written = written;
  r->whole = whole;
  int32_t end = rd_nfa_accept(&own), start = rd_schema_value(r, schema, end);
  if (start >= 0) /* an automaton of no text is one too: of a byte that no text has */
    start = rd_nfa_either(&own, start, rd_nfa_range(&own, NO_TEXT, NO_TEXT, end));
  r->nfa = outer;
  r->written = outer_written;
  r->whole = outer_whole;
  code = r->code;
  if (code == RD_OK && start < 0)
    code = r->code = rd_nfa_check(&own, r->e);
  if (own.code == RD_BAD_INPUT && outer->code == RD_OK) /* too large: that the whole then is */
    outer->code = rd_nfa_check(&own, &outer->error);
  if (code == RD_OK) {
    rd_error why = {0};
    code = rd_dfa_open(out, &own, start, &why);
    if (code != RD_OK)
      rd_schema_fail(r, code, "%s", why.message);
  }
  /* the work counts towards what one form may take */
  outer->deeper = outer->deeper || own.deeper;
  outer->built += own.built + (size_t)out->table_count * (size_t)out->class_count;
  if (code == RD_OK && !rd_nfa_step(outer))
    code = RD_BAD_INPUT;
  if (code != RD_OK)
    rd_dfa_drop(out);
  rd_nfa_drop(&own);
  return code;
}

rd_code rd_schema_open_texts(rd_schema_reader *r, const json_t *schema, rd_dfa *out) {
  return open_written(r, schema, false, true, out);
}

static rd_code open_term(rd_schema_reader *r, const rd_schema_term *term, rd_dfa *out) {
  return open_written(r, term->schema, true, term->negated, out);
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
  size_t width = p->terms_count + 1, size = width * sizeof *tuple;
  for (size_t i = 0; i < width; i++)
    hash = (hash ^ (uint32_t)tuple[i]) * 0xD1342543DE82EF95U;
  size_t at = (hash >> 32) % SLOTS;
  for (; p->slots[at] >= 0; at = (at + 1) % SLOTS)
    if (memcmp(p->tuples + (size_t)p->slots[at] * width, tuple, size) == 0)
      return p->slots[at];
  p->r->nfa->built += STEPS_OF_STATE;
  if (p->count == MOST_PRODUCT || !rd_nfa_step(p->r->nfa))
    return rd_schema_fail(p->r, RD_BAD_INPUT,
                          "too large: what its restrictions have in common has more than %d states",
                          MOST_PRODUCT);
  rd_code code = rd_grow((void **)&p->tuples, &p->tuple_capacity, (p->count + 1) * width,
                         sizeof *p->tuples, p->r->e);
  if (code == RD_OK)
    code = rd_grow((void **)&p->next, &p->next_capacity, p->count + 1, sizeof *p->next, p->r->e);
  if (code != RD_OK)
    return rd_schema_fail(p->r, code, "no memory for its restrictions");
  memcpy(p->tuples + p->count * width, tuple, size);
  memset(p->next[p->count], 0xFF, sizeof *p->next);
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
static void go_on(product *p, size_t at) {
  int32_t from[RD_MOST_TERMS + 1], to[RD_MOST_TERMS + 1];
  memcpy(from, p->tuples + at * (p->terms_count + 1), (p->terms_count + 1) * sizeof *from);
  for (int byte = 0; byte < NO_TEXT && p->r->code == RD_OK; byte++) {
    to[0] = p->plain.next[from[0]][byte];
    if (to[0] == RD_NOWHERE || !step(p, from + 1, (uint8_t)byte, to + 1))
      continue;
    if (to[0] != RD_INSIDE_SHUT)
      p->next[at][byte] = (int16_t)number_of(p, to);
    else if (ends(p, to + 1))
      p->next[at][byte] = RD_INSIDE_SHUT;
  }
}

/* --- an inside of those that come to an end --------------------------------------------------- */

/* Which states come to an end? By rounds over all of them, from the last, which is mostly behind.
 */
static bool *find_living(const product *p) {
  bool *lives = rd_calloc(p->count + 1, sizeof *lives, "a form", p->r->e), more = lives != NULL;
  while (more && rd_nfa_step(p->r->nfa)) {
    p->r->nfa->built += p->count / 4;
    more = false;
    for (size_t s = p->count; s-- > 0;)
      for (int byte = 0; byte < NO_TEXT && !lives[s]; byte++) {
        int16_t to = p->next[s][byte];
        lives[s] = to == RD_INSIDE_SHUT || (to >= 0 && lives[to]);
        more = more || lives[s];
      }
  }
  return lives;
}

/* The living states under new numbers. */
static rd_code write_inside(const product *p, const bool *lives, rd_inside *out) {
  int32_t *numbers = rd_calloc(p->count, sizeof *numbers, "a form", p->r->e), count = 0;
  rd_code code = numbers ? RD_OK : RD_NO_MEMORY;
  for (size_t s = 0; s < p->count && code == RD_OK; s++)
    numbers[s] = lives[s] ? count++ : RD_NOWHERE;
  if (code == RD_OK)
    code = rd_inside_open(out, count, p->r->e);
  for (size_t s = 0; s < p->count && code == RD_OK; s++) {
    if (!lives[s])
      continue;
    for (int byte = 0; byte < NO_TEXT; byte++) {
      int16_t to = p->next[s][byte];
      out->next[numbers[s]][byte] = to >= 0 ? (int16_t)numbers[to] : to;
    }
    out->between[numbers[s]] = p->plain.between[p->tuples[s * (p->terms_count + 1)]];
  }
  free(numbers);
  return code;
}

/* Nothing comes out where there is no such text: an inside without places. */
static rd_code make_inside(product *p, rd_inside *out) {
  int32_t start[RD_MOST_TERMS + 1] = {0};
  p->slots = malloc(SLOTS * sizeof *p->slots);
  if (!p->slots)
    return rd_fail(p->r->e, RD_NO_MEMORY, "no memory for its restrictions");
  memset(p->slots, 0xFF, SLOTS * sizeof *p->slots);
  RD_TRY(rd_inside_plain(&p->plain, p->r->e));
  for (size_t i = 0; i < p->terms_count; i++) {
    start[i + 1] = rd_dfa_next(&p->texts[i], p->texts[i].start, '"');
    if (start[i + 1] == RD_NOWHERE && !p->terms[i].negated)
      return RD_OK;
  }
  number_of(p, start);
  for (size_t at = 0; at < p->count && p->r->code == RD_OK; at++)
    go_on(p, at);
  if (p->r->code != RD_OK)
    return p->r->code;
  bool *lives = find_living(p);
  rd_code code = !lives ? RD_NO_MEMORY : lives[0] ? write_inside(p, lives, out) : RD_OK;
  free(lives);
  return code;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* What tells these terms from others. NULL: the reader has failed. */
static char *name_terms(rd_schema_reader *r, const rd_schema_term *terms, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_pack("[b,O]", terms[i].negated, terms[i].schema));
  char *name = rd_schema_write(r, list);
  json_decref(list);
  return name;
}

/* The number of a new inside; -1: failed, or (*nothing) no text has it. */
static int32_t add_inside(rd_schema_reader *r, const rd_schema_term *terms, size_t count,
                          const char *name, bool *nothing) {
  product p = {.r = r, .terms = terms};
  rd_inside made = {0};
  while (p.terms_count < count &&
         open_term(r, &terms[p.terms_count], &p.texts[p.terms_count]) == RD_OK)
    p.terms_count++;
  if (r->code == RD_OK)
    r->code = make_inside(&p, &made);
  for (size_t i = 0; i < p.terms_count; i++)
    rd_dfa_drop(&p.texts[i]);
  rd_inside_drop(&p.plain);
  free(p.tuples);
  free(p.next);
  free(p.slots);
  *nothing = r->code == RD_OK && made.places == 0;
  return r->code == RD_OK && !*nothing ? rd_nfa_add_inside(r->nfa, name, &made) : -1;
}

int32_t rd_schema_meet(rd_schema_reader *r, const rd_schema_term *terms, size_t count,
                       int64_t least, int64_t most, int32_t next) {
  bool nothing = false;
  if (next < 0 || r->code != RD_OK)
    return -1;
  if (count > RD_MOST_TERMS)
    return rd_schema_fail(r, RD_UNSUPPORTED, "more than %d restrictions of one string",
                          RD_MOST_TERMS);
  char *name = name_terms(r, terms, count);
  int32_t inside = name ? rd_nfa_find_inside(r->nfa, name) : -1;
  if (name && inside < 0)
    inside = add_inside(r, terms, count, name, &nothing);
  free(name);
  if (nothing)
    return rd_nfa_nothing(r->nfa);
  next = rd_nfa_body_of(r->nfa, inside, (int32_t)least, (int32_t)most, next);
  return rd_nfa_text(r->nfa, "\"", 1, next);
}
