/* SPDX-License-Identifier: MIT */
/* Viterbi's algorithm over the states of the form: for each position and each state the best way to
 * be there, with the word that led there and the way before it. States from which the rest of the
 * positions cannot do for an end are left out, and so are counts of characters of which a lower one
 * is no worse. The best word of a list of words is looked for once for each position, however many
 * states share the list. */
#include "form_path.h"

#include "form_fan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The best way to a state. */
typedef struct way {
  double score;
  int32_t state, id;
  uint32_t before; /* the way to the position before */
  float log;       /* of the probability of the word */
} way;

/* The best word of a list, found at a position. */
typedef struct best {
  double score;
  int64_t position; /* + 1; 0: never */
  float log;
  int32_t id;
} best;

/* Of a state: the way to it at the position before `reached`. */
typedef struct seen {
  int32_t reached; /* positions told; -1: never */
  uint32_t way;
} seen;

struct rd_form_path {
  const rd_form *form;
  int64_t room, count;
  way *ways; /* (capacity) by position */
  size_t way_count, capacity;
  size_t *first;  /* (room + 2) of each number of positions told */
  seen *seen;     /* (states) */
  int64_t *swept; /* (states) the same number, where the counts behind a state were compared */
  best *bests;    /* (keys) */
  bool counts;    /* has a string a most number of characters? */
};

/* What is told of a position's words. */
typedef struct row {
  const float *logits; /* (V), or NULL: all are alike */
  double log_sum;
  int32_t drawn;
  int32_t leader; /* a word than which none is better, but end words; -1: none is known */
} row;

/* The position that is being told. A copy of what the path keeps, so that it stays in registers
 * while the loops write through pointers. */
typedef struct telling {
  const rd_form *form;
  const int32_t *least; /* (states) */
  way *ways;
  seen *seen;
  best *bests;
  size_t way_count;
  int64_t left; /* words that there is room for behind it, and one */
  int32_t position;
  uint32_t from; /* the way that is gone on from */
  double from_score;
  row row;
} telling;

static const double LEAST_LOG = -1e6; /* of a word that the model rules out */

/* Ways that there can be: states that can be reached in time and from which an end can be. */
static size_t most_ways(const rd_form *f, int64_t room) {
  size_t all = 1;
  for (int32_t s = 0; s < rd_form_states(f); s++) {
    int64_t reach = s == rd_form_ended(f) ? 1 : rd_form_reach(f, s), least = rd_form_least(f, s);
    if (reach + least <= room)
      all += (size_t)(room - least - reach + 1);
  }
  return all;
}

rd_code rd_form_path_open(rd_form_path **out, const rd_form *form, int64_t room, rd_error *e) {
  enum { MOST_WAYS = 1 << 27 };
  size_t states = (size_t)rd_form_states(form);
  int32_t least = rd_form_least(form, rd_form_start(form));
  *out = NULL;
  if (least > room)
    return rd_fail(e, RD_USAGE,
                   "the answer has room for %lld tokens, and a text of the form asked for has at "
                   "least %d: give it more",
                   (long long)room, least);
  rd_form_path *p = rd_calloc(1, sizeof *p, "a form", e);
  if (!p)
    return RD_NO_MEMORY;
  p->form = form;
  p->room = room;
  p->capacity = most_ways(form, room);
  if (p->capacity > MOST_WAYS) {
    rd_fail(e, RD_USAGE, "the form is too large for an answer of %lld tokens: ask for fewer",
            (long long)room);
    rd_form_path_close(&p);
    return RD_USAGE;
  }
  p->ways = rd_calloc(p->capacity, sizeof *p->ways, "a form", e);
  p->first = rd_calloc((size_t)room + 2, sizeof *p->first, "a form", e);
  p->seen = rd_calloc(states, sizeof *p->seen, "a form", e);
  p->swept = rd_calloc(states, sizeof *p->swept, "a form", e);
  p->bests = rd_calloc((size_t)rd_form_keys(form) + 1, sizeof *p->bests, "a form", e);
  if (!p->ways || !p->first || !p->seen || !p->swept || !p->bests) {
    rd_form_path_close(&p);
    return RD_NO_MEMORY;
  }
  for (size_t i = 0; i < form->dfa.body_count; i++)
    p->counts |= form->dfa.bodies[i].most >= 0;
  rd_form_path_begin(p);
  *out = p;
  return RD_OK;
}

void rd_form_path_close(rd_form_path **path) {
  rd_form_path *p = path ? *path : NULL;
  if (!p)
    return;
  free(p->ways);
  free(p->first);
  free(p->seen);
  free(p->swept);
  free(p->bests);
  free(p);
  *path = NULL;
}

void rd_form_path_begin(rd_form_path *p) {
  memset(p->seen, 0xFF, (size_t)rd_form_states(p->form) * sizeof *p->seen);
  memset(p->swept, 0xFF, (size_t)rd_form_states(p->form) * sizeof *p->swept);
  for (int32_t k = 0; k < rd_form_keys(p->form); k++)
    p->bests[k].position = 0;
  p->count = 0;
  p->way_count = 0;
  p->ways[p->way_count++] = (way){.state = rd_form_start(p->form), .id = -1};
  p->first[0] = 0;
  p->first[1] = 1;
}

int64_t rd_form_path_count(const rd_form_path *p) {
  return p->count;
}

/* --- one position ----------------------------------------------------------------------------- */

static telling begin_position(rd_form_path *p) {
  return (telling){.form = p->form,
                   .least = p->form->least,
                   .ways = p->ways,
                   .seen = p->seen,
                   .bests = p->bests,
                   .way_count = p->way_count,
                   .left = p->room - p->count,
                   .position = (int32_t)p->count + 1};
}

/* Can an end be reached from a state at the next position? */
static inline bool in_time(const telling *t, int32_t state) {
  return t->least[state] < t->left;
}

/* A way on from t->from, if it is the best to where it leads so far. */
static inline void go(telling *t, int32_t to, int32_t id, double score, float log) {
  seen *known = &t->seen[to];
  score += t->from_score;
  if (known->reached != t->position)
    *known = (seen){t->position, (uint32_t)t->way_count++};
  else if (score <= t->ways[known->way].score)
    return;
  t->ways[known->way] = (way){score, to, id, t->from, log};
}

static inline best look_at(const row *r, int32_t id) {
  double log = (double)r->logits[id] - r->log_sum;
  log = log > LEAST_LOG ? log : LEAST_LOG;
  return (best){.score = id == r->drawn ? 0 : log, .log = (float)log, .id = id};
}

/* A number that rises with the logit, and of equal ones with a lower id. */
static inline uint64_t key_of(float logit, int32_t id) {
  uint32_t bits;
  logit += 0.0F; /* one zero */
  memcpy(&bits, &logit, sizeof bits);
  bits ^= (uint32_t)((int32_t)bits >> 31) | 0x80000000U;
  return (uint64_t)bits << 32 | ~(uint32_t)id;
}

/* The greatest key of a list, in lanes that do not wait for each other; that of a word that was
 * drawn is above all. */
static inline uint64_t greatest(const float *logits, const int32_t *ids, uint32_t count,
                                int32_t drawn) {
  enum { LANES = 4 };
  uint64_t lanes[LANES] = {0};
  uint32_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (uint32_t k = 0; k < LANES; k++) {
      int32_t id = ids[i + k];
      uint64_t one = id == drawn ? UINT64_MAX << 32 | ~(uint32_t)id : key_of(logits[id], id);
      lanes[k] = one > lanes[k] ? one : lanes[k];
    }
  for (; i < count; i++) {
    uint64_t one =
        ids[i] == drawn ? UINT64_MAX << 32 | ~(uint32_t)ids[i] : key_of(logits[ids[i]], ids[i]);
    lanes[0] = one > lanes[0] ? one : lanes[0];
  }
  for (int k = 1; k < LANES; k++)
    lanes[0] = lanes[k] > lanes[0] ? lanes[k] : lanes[0];
  return lanes[0];
}

/* The best word of some: as a rule the first of those that have the greatest logit. */
static best look_through(const row *r, const int32_t *ids, uint32_t count) {
  uint64_t most = r->drawn < 0 ? greatest(r->logits, ids, count, -1)
                               : greatest(r->logits, ids, count, r->drawn);
  return look_at(r, (int32_t) ~(uint32_t)most);
}

/* The best word of a list with a key. Long lists have the best word of all more often than not. */
static best look_in(const row *r, const rd_form_list *list) {
  if (list->has && r->leader >= 0 && (list->has[r->leader / 64] >> (r->leader % 64) & 1))
    return look_at(r, r->leader);
  return look_through(r, list->ids, list->count);
}

static inline void visit(void *context, int32_t to, const int32_t *ids, uint32_t count,
                         int32_t key) {
  telling *t = context;
  best b = {.id = ids[0]};
  (void)count;
  if (!in_time(t, to))
    return;
  if (t->row.logits && key < 0) {
    b = look_at(&t->row, ids[0]);
  } else if (t->row.logits) {
    if (t->bests[key].position != t->position) {
      t->bests[key] = look_in(&t->row, &t->form->lists[key]);
      t->bests[key].position = t->position;
    }
    b = t->bests[key];
  }
  go(t, to, b.id, b.score, b.log);
}

/* Of two ways to one place of a string that has enough characters, the one with fewer may go on as
 * the other does: where its score is no worse the other is left out. `base`: that place without
 * any. */
static void compare_counts(rd_form_path *p, const rd_dfa_body *b, int32_t base) {
  double most = -INFINITY;
  for (int32_t s = base + b->least; s <= base + b->cap; s++) {
    way *w = &p->ways[p->seen[s].way];
    if (p->seen[s].reached != (int32_t)p->count)
      continue;
    if (w->score <= most)
      w->state = RD_NOWHERE;
    else
      most = w->score;
  }
}

/* The position is told: what need not be gone on from is left out. */
static void close_position(rd_form_path *p) {
  const rd_form *f = p->form;
  p->count++;
  p->first[p->count + 1] = p->way_count;
  for (size_t i = p->first[p->count]; i < p->way_count && p->counts; i++) {
    int32_t state = p->ways[i].state, count;
    int place;
    if (state < f->dfa.table_count || state >= f->begin)
      continue;
    const rd_dfa_body *b = rd_dfa_body_of(&f->dfa, state);
    rd_dfa_where(b, state, &place, &count);
    if (b->most < 0 || count < b->least || p->swept[state - count] == p->count)
      continue;
    p->swept[state - count] = p->count;
    compare_counts(p, b, state - count);
  }
}

/* All ways on from those to the position before. */
static void go_on(rd_form_path *p, const row *r) {
  const rd_words *w = rd_form_words(p->form);
  const int32_t ended = rd_form_ended(p->form);
  telling t = begin_position(p);
  best end = {.id = w->end_count > 0 ? w->ends[0] : -1};
  t.row = *r;
  if (r->logits && w->end_count > 0)
    end = look_through(r, w->ends, (uint32_t)w->end_count);
  for (size_t i = p->first[p->count]; i < p->first[p->count + 1]; i++) {
    int32_t state = t.ways[i].state;
    if (state == RD_NOWHERE)
      continue;
    t.from = (uint32_t)i;
    t.from_score = t.ways[i].score;
    if (end.id >= 0 && (state == ended || rd_form_may_end(t.form, state)))
      go(&t, ended, end.id, end.score, end.log); /* it is in time always */
    rd_form_each(t.form, state, visit, &t);
  }
  p->way_count = t.way_count;
  close_position(p);
}

void rd_form_path_any(rd_form_path *p) {
  go_on(p, &(row){.drawn = -1, .leader = -1});
}

void rd_form_path_row(rd_form_path *p, const float *logits, double log_sum, int32_t drawn,
                      int32_t leader) {
  go_on(p, &(row){logits, log_sum, drawn, drawn >= 0 ? drawn : leader});
}

void rd_form_path_word(rd_form_path *p, int32_t id) {
  telling t = begin_position(p);
  for (size_t i = p->first[p->count]; i < p->first[p->count + 1]; i++) {
    int32_t to = rd_form_next(p->form, t.ways[i].state, id);
    t.from = (uint32_t)i;
    t.from_score = t.ways[i].score;
    if (to != RD_NOWHERE && in_time(&t, to))
      go(&t, to, id, 0, 0);
  }
  p->way_count = t.way_count;
  close_position(p);
}

/* --- the end ---------------------------------------------------------------------------------- */

bool rd_form_path_settle(rd_form_path *p, int32_t *ids, float *logs) {
  size_t at = SIZE_MAX;
  for (size_t i = p->first[p->count]; i < p->first[p->count + 1]; i++)
    if (at == SIZE_MAX || p->ways[i].score > p->ways[at].score)
      at = i;
  if (at == SIZE_MAX)
    return false;
  for (int64_t i = p->count; i-- > 0; at = p->ways[at].before) {
    ids[i] = p->ways[at].id;
    logs[i] = p->ways[at].log;
  }
  return true;
}
