/* SPDX-License-Identifier: MIT */
/* A form is opened in three steps: its source becomes an automaton over bytes; from the start on,
 * breadth first, it is found out where words lead; from the ends back, again breadth first, how
 * many words are missing to an end. */
#include "form.h"

#include "form_fan.h"
#include "json.h"
#include "pattern.h"
#include "schema.h"

#include "file.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_FILE = 16 << 20 /* bytes of a schema */ };

/* --- sources ---------------------------------------------------------------------------------- */

static rd_code build_regex(int32_t *start, rd_nfa *n, const char *text, size_t size, int turns,
                           int32_t next, rd_error *e) {
  const rd_pattern_use use = {.what = "regex"};
  (void)turns;
  if (size == 0)
    return rd_fail(e, RD_USAGE, "regex: the expression is empty: write regex:EXPRESSION");
  return rd_pattern_build(start, n, text, size, &use, next, e);
}

static rd_code build_schema(int32_t *start, rd_nfa *n, const char *text, size_t size, int turns,
                            int32_t next, rd_error *e) {
  json_t *schema = NULL;
  RD_TRY(rd_json_parse(&schema, text, size, "schema", e));
  rd_code code = rd_schema_build(start, n, schema, turns, next, e);
  json_decref(schema);
  return code;
}

static rd_code build_object(int32_t *start, rd_nfa *n, const char *text, size_t size, int turns,
                            int32_t next, rd_error *e) {
  enum { LEVELS = 4 };
  (void)text;
  (void)turns;
  if (size > 0)
    return rd_fail(e, RD_USAGE, "json-object goes without a text behind it");
  *start = rd_schema_any_object(n, LEVELS, next);
  return rd_nfa_check(n, e);
}

/* A way to say a form, written "name:text". */
static const struct kind {
  const char *name, *help;
  rd_code (*build)(int32_t *start, rd_nfa *n, const char *text, size_t size, int turns,
                   int32_t next, rd_error *e);
  bool turns; /* does `turns` mean anything to it? */
} kinds[] = {
    {"regex", "a text that the regular expression matches as a whole", build_regex, false},
    {"json-schema", "a JSON value that the schema allows", build_schema, true},
    {"json-object", "any JSON object", build_object, false},
};
static const rd_table kind_table = RD_TABLE("form", kinds);

static const struct kind *find_kind(const char *source, const char **text, rd_error *e) {
  char name[40] = "";
  size_t size = strcspn(source, ":");
  if (size < sizeof name)
    memcpy(name, source, size);
  *text = source[size] ? source + size + 1 : source + size;
  return rd_table_find(&kind_table, name, e);
}

rd_code rd_form_load(char **out, const char *source, rd_error *e) {
  const char *text;
  char *read = NULL;
  *out = NULL;
  const struct kind *kind = find_kind(source, &text, e);
  if (!kind)
    return RD_USAGE;
  const char *begin = text + strspn(text, " \t\r\n");
  if (!kind->turns || *begin == '{' || !*begin) {
    *out = rd_strdup(source, e);
    return *out ? RD_OK : RD_NO_MEMORY;
  }
  RD_TRY(rd_file_read(text, MOST_FILE, &read, NULL, e));
  *out = rd_print("%s:%s", kind->name, read);
  free(read);
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "no memory for %s", text);
}

/* The automaton. Where a schema leads back into itself, as often as there is room for; where
 * strings may be long, as long. */
static rd_code make_dfa(rd_dfa *out, const char *source, rd_error *e) {
  const char *text;
  const struct kind *kind = find_kind(source, &text, e);
  rd_code code = RD_USAGE;
  for (int turns = kind && kind->turns ? RD_SCHEMA_TURNS : 0; kind && turns >= 0; turns--) {
    rd_nfa n = {.longest = turns < RD_SCHEMA_TURNS ? RD_SHORT_BODY << turns : 0};
    int32_t start = -1;
    code = kind->build(&start, &n, text, strlen(text), turns, rd_nfa_accept(&n), e);
    bool large = n.code == RD_BAD_INPUT;
    if (code == RD_OK) {
      code = rd_dfa_open(out, &n, start, e);
      large = code == RD_BAD_INPUT;
    }
    large = large && n.deeper;
    rd_nfa_drop(&n);
    if (code == RD_OK || !large)
      break;
  }
  return code;
}

/* --- what may follow -------------------------------------------------------------------------- */

int32_t rd_form_states(const rd_form *f) {
  return f->ended + 1;
}

int32_t rd_form_start(const rd_form *f) {
  return f->words->drops_space ? f->begin : f->dfa.start;
}

int32_t rd_form_ended(const rd_form *f) {
  return f->ended;
}

const rd_words *rd_form_words(const rd_form *f) {
  return f->words;
}

bool rd_form_accepts(const rd_form *f, int32_t state) {
  return rd_form_may_end(f, state);
}

int32_t rd_form_least(const rd_form *f, int32_t state) {
  return state < 0 ? RD_FORM_NEVER : f->least[state];
}

int32_t rd_form_reach(const rd_form *f, int32_t state) {
  return state < 0 ? RD_FORM_NEVER : f->reach[state];
}

int32_t rd_form_keys(const rd_form *f) {
  return f->keys;
}

int32_t rd_form_next(const rd_form *f, int32_t state, int32_t id) {
  size_t size = 0, at = 0;
  if (state < 0 || id < 0 || id >= f->words->vocab)
    return RD_NOWHERE;
  if (rd_words_ends(f->words, id))
    return state == f->ended || rd_form_accepts(f, state) ? f->ended : RD_NOWHERE;
  if (state == f->ended || !f->words->writes[id])
    return RD_NOWHERE;
  const char *text = rd_words_text(f->words, id, &size);
  if (state == f->begin) {
    state = f->dfa.start;
    at = size > 0 && text[0] == ' ';
  }
  for (; at < size && state != RD_NOWHERE; at++)
    state = rd_dfa_next(&f->dfa, state, (uint8_t)text[at]);
  return state;
}

typedef struct allowing {
  const rd_form *f;
  int64_t left, count;
  uint64_t *bits;
} allowing;

static void allow(void *context, int32_t to, const int32_t *ids, uint32_t count, int32_t key) {
  allowing *a = context;
  (void)key;
  if (a->f->least[to] > a->left)
    return;
  for (uint32_t i = 0; i < count; i++)
    a->bits[ids[i] / 64] |= (uint64_t)1 << ids[i] % 64;
  a->count += count;
}

int64_t rd_form_allow(const rd_form *f, int32_t state, int64_t left, uint64_t *bits) {
  allowing a = {f, left - 1, 0, bits};
  memset(bits, 0, (size_t)(f->words->vocab + 63) / 64 * sizeof *bits);
  rd_form_each(f, state, allow, &a);
  bool ends = state == f->ended || rd_form_accepts(f, state);
  for (int i = 0; ends && i < f->words->end_count; i++) {
    int32_t id = f->words->ends[i];
    bits[id / 64] |= (uint64_t)1 << id % 64;
    a.count++;
  }
  return a.count;
}

typedef struct nearing {
  const rd_form *f;
  int32_t least, id;
} nearing;

static void near(void *context, int32_t to, const int32_t *ids, uint32_t count, int32_t key) {
  nearing *n = context;
  (void)count;
  (void)key;
  if (n->f->least[to] < n->least) {
    n->least = n->f->least[to];
    n->id = ids[0];
  }
}

int32_t rd_form_nearest(const rd_form *f, int32_t state) {
  nearing n = {f, rd_form_least(f, state), -1};
  if (state == f->ended || rd_form_accepts(f, state))
    return f->words->end_count > 0 ? f->words->ends[0] : -1;
  rd_form_each(f, state, near, &n);
  return n.id;
}

/* --- distances -------------------------------------------------------------------------------- */

/* Arrows between states by words, each group one, kept by where they lead. */
typedef struct graph {
  const rd_form *f;
  int32_t *list; /* states in the order in which they were reached */
  int32_t count;
  int32_t at;       /* the state whose arrows are visited */
  int32_t *first;   /* (states + 2) */
  int32_t *sources; /* by target */
  size_t arrows;
} graph;

enum { MOST_ARROWS = 1 << 25 };

static void reach_state(void *context, int32_t to, const int32_t *ids, uint32_t count,
                        int32_t key) {
  graph *g = context;
  (void)ids;
  (void)count;
  (void)key;
  g->arrows++;
  g->first[to + 1]++;
  if (g->f->reach[to] != RD_FORM_NEVER)
    return;
  g->f->reach[to] = g->f->reach[g->at] + 1;
  g->list[g->count++] = to;
}

static void note_arrow(void *context, int32_t to, const int32_t *ids, uint32_t count, int32_t key) {
  graph *g = context;
  (void)ids;
  (void)count;
  (void)key;
  g->sources[g->first[to]++] = g->at;
}

static rd_code reach_all(rd_form *f, graph *g, rd_error *e) {
  size_t steps = 0;
  int32_t start = rd_form_start(f);
  f->reach[start] = 0;
  g->list[g->count++] = start;
  for (int32_t i = 0; i < g->count; i++) {
    g->at = g->list[i];
    RD_TRY(rd_form_make_fan(f, g->at, &steps, e));
    rd_form_each(f, g->at, reach_state, g);
    if (g->arrows > MOST_ARROWS)
      return rd_fail(e, RD_BAD_INPUT,
                     "the form is too large for this vocabulary: bound its repetitions lower");
  }
  return RD_OK;
}

static rd_code measure(rd_form *f, graph *g, rd_error *e) {
  int32_t states = rd_form_states(f), start = rd_form_start(f), ends = 0;
  RD_TRY(reach_all(f, g, e));
  for (int32_t s = 0; s < states; s++)
    g->first[s + 1] += g->first[s];
  g->sources = rd_calloc(g->arrows + 1, sizeof *g->sources, "a form", e);
  if (!g->sources)
    return RD_NO_MEMORY;
  for (int32_t i = 0; i < g->count; i++) {
    g->at = g->list[i];
    rd_form_each(f, g->at, note_arrow, g);
  }
  /* first[s] is where the arrows to s end; the list is used again, for states by distance */
  int32_t reached = g->count;
  for (int32_t i = 0; i < reached; i++) {
    int32_t s = g->list[i];
    if (rd_form_accepts(f, s)) {
      f->least[s] = 0;
      g->list[ends++] = s; /* never ahead of i */
    }
  }
  for (int32_t i = 0; i < ends; i++) {
    int32_t to = g->list[i];
    for (int32_t k = to > 0 ? g->first[to - 1] : 0; k < g->first[to]; k++) {
      int32_t from = g->sources[k];
      if (f->least[from] != RD_FORM_NEVER)
        continue;
      f->least[from] = f->least[to] + 1;
      g->list[ends++] = from;
    }
  }
  f->least[f->ended] = 0;
  if (f->least[start] == RD_FORM_NEVER)
    return rd_fail(e, RD_BAD_INPUT,
                   "no text has this form: the tokenizer's words cannot write what it asks for");
  return RD_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

static rd_code open_form(rd_form *f, const char *source, rd_error *e) {
  graph g = {.f = f};
  RD_TRY(make_dfa(&f->dfa, source, e));
  f->begin = f->dfa.count;
  f->ended = f->dfa.count + 1;
  size_t states = (size_t)rd_form_states(f);
  f->fans = rd_calloc((size_t)f->dfa.table_count + 1, sizeof *f->fans, "a form", e);
  f->exits = rd_calloc(f->dfa.body_places + 1, sizeof *f->exits, "a form", e);
  f->places = rd_calloc(f->dfa.inside_places + 1, sizeof *f->places, "a form", e);
  f->least = rd_calloc(states, sizeof *f->least, "a form", e);
  f->reach = rd_calloc(states, sizeof *f->reach, "a form", e);
  g.list = rd_calloc(states, sizeof *g.list, "a form", e);
  g.first = rd_calloc(states + 2, sizeof *g.first, "a form", e);
  rd_code code = RD_NO_MEMORY;
  if (f->fans && f->exits && f->places && f->least && f->reach && g.list && g.first) {
    for (size_t s = 0; s < states; s++)
      f->least[s] = f->reach[s] = RD_FORM_NEVER;
    for (size_t p = 0; p < RD_PLAIN_PLACES && f->dfa.inside_places > 0; p++)
      f->places[p].fan = &f->words->inside[p]; /* the first inside is that of any string */
    code = measure(f, &g, e);
  }
  free(g.list);
  free(g.first);
  free(g.sources);
  if (code == RD_OK)
    code = rd_form_number_lists(f, e);
  return code;
}

rd_code rd_form_open(rd_form **out, const char *source, const rd_words *words, rd_error *e) {
  *out = NULL;
  rd_form *f = rd_calloc(1, sizeof *f, "a form", e);
  if (!f)
    return RD_NO_MEMORY;
  f->words = words;
  rd_code code = rd_utf8_check(source, strlen(source), "the form", e);
  if (code == RD_OK)
    code = open_form(f, source, e);
  if (code != RD_OK)
    rd_form_close(&f);
  *out = f;
  return code;
}

void rd_form_close(rd_form **form) {
  rd_form *f = form ? *form : NULL;
  if (!f)
    return;
  for (size_t p = 0; f->places && p < f->dfa.inside_places; p++)
    rd_word_fan_drop(&f->places[p].own);
  rd_dfa_drop(&f->dfa);
  free(f->places);
  free(f->key_of);
  free(f->lists);
  free(f->bits);
  free(f->fans);
  free(f->groups);
  free(f->ids);
  free(f->exits);
  free(f->throughs);
  free(f->least);
  free(f->reach);
  free(f);
  *form = NULL;
}
