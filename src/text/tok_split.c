/* SPDX-License-Identifier: MIT */
/* Patterns run one after another by recursion over the list, so that no list of words is ever made.
 */
#include "tok_split.h"

#include "tok_regex.h"

#include <stdlib.h>
#include <string.h>

/* One match, or the gap between two. */
typedef struct segment {
  size_t start, end;
  bool match;
} segment;

typedef struct pass pass;
typedef rd_code (*behave)(pass *p, segment s, rd_error *e);

struct rd_split_step {
  rd_regex *regex;
  char *pattern; /* (size), owned: what `regex` was made from */
  size_t size;
  bool literal;
  behave behaviour;
  bool invert;
};

/* One step over one text. */
struct pass {
  const rd_splitter *splitter;
  rd_regex_scratch *scratch;
  size_t step;
  rd_slice text;
  segment held; /* a segment that the next one may join */
  bool holding;
  rd_emit emit;
  void *context;
};

static rd_code run(pass p, rd_error *e);

/* Hand a finished word to the next step. */
static rd_code give(pass *p, size_t start, size_t end, rd_error *e) {
  if (start == end)
    return RD_OK;
  pass inner = *p;
  inner.step++;
  inner.text = (rd_slice){p->text.data + start, end - start};
  inner.holding = false;
  return run(inner, e);
}

static rd_code give_held(pass *p, rd_error *e) {
  bool holding = p->holding;
  p->holding = false;
  return holding ? give(p, p->held.start, p->held.end, e) : RD_OK;
}

static rd_code hold(pass *p, segment s, rd_error *e) {
  RD_TRY(give_held(p, e));
  p->held = s;
  p->holding = true;
  return RD_OK;
}

static rd_code isolated(pass *p, segment s, rd_error *e) {
  return give(p, s.start, s.end, e);
}

static rd_code removed(pass *p, segment s, rd_error *e) {
  return s.match ? RD_OK : give(p, s.start, s.end, e);
}

static rd_code contiguous(pass *p, segment s, rd_error *e) {
  if (!p->holding || p->held.match != s.match)
    return hold(p, s, e);
  p->held.end = s.end;
  return RD_OK;
}

/* Two segments are one word where a held one of the first kind is followed by the second kind. */
static rd_code joined(pass *p, segment s, bool first_is_match, rd_error *e) {
  if (s.match == first_is_match)
    return hold(p, s, e);
  if (!p->holding)
    return give(p, s.start, s.end, e);
  p->held.end = s.end;
  return give_held(p, e);
}

static rd_code with_previous(pass *p, segment s, rd_error *e) {
  return joined(p, s, false, e);
}
static rd_code with_next(pass *p, segment s, rd_error *e) {
  return joined(p, s, true, e);
}

static const struct behaviour_row {
  const char *name;
  behave behave;
} behaviours[] = {
    {"Isolated", isolated},        {"Removed", removed},
    {"Contiguous", contiguous},    {"MergedWithPrevious", with_previous},
    {"MergedWithNext", with_next},
};

void rd_splitter_drop(rd_splitter *s) {
  for (size_t i = 0; i < s->count; i++) {
    rd_regex_free(s->steps[i].regex);
    free(s->steps[i].pattern);
  }
  free(s->steps);
  *s = (rd_splitter){0};
}

rd_code rd_splitter_add(rd_splitter *s, rd_slice pattern, bool literal, const char *behaviour,
                        bool invert, rd_error *e) {
  enum { MOST_STEPS = 16 };
  rd_split_step step = {.size = pattern.size, .literal = literal, .invert = invert};
  for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
    if (strcmp(behaviours[i].name, behaviour) == 0)
      step.behaviour = behaviours[i].behave;
  if (!step.behaviour)
    return rd_fail(e, RD_UNSUPPORTED,
                   "pre-tokenizer: behaviour \"%s\" is not known (Isolated, Removed, Contiguous, "
                   "MergedWithPrevious, MergedWithNext are)",
                   behaviour);
  if (s->count == MOST_STEPS)
    return rd_fail(e, RD_UNSUPPORTED, "pre-tokenizer: more than %d patterns", MOST_STEPS);
  RD_TRY(rd_grow((void **)&s->steps, &s->capacity, s->count + 1, sizeof *s->steps, e));
  RD_TRY(rd_regex_new(&step.regex, pattern, literal, "pre-tokenizer", e));
  step.pattern = rd_calloc(pattern.size + 1, 1, "a pattern", e);
  if (!step.pattern) {
    rd_regex_free(step.regex);
    return RD_NO_MEMORY;
  }
  memcpy(step.pattern, pattern.data, pattern.size);
  s->steps[s->count++] = step;
  return RD_OK;
}

bool rd_splitter_same(const rd_splitter *a, const rd_splitter *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; i < a->count && same; i++) {
    const rd_split_step *x = &a->steps[i], *y = &b->steps[i];
    same = x->behaviour == y->behaviour && x->invert == y->invert && x->literal == y->literal &&
           rd_slice_same((rd_slice){x->pattern, x->size}, (rd_slice){y->pattern, y->size});
  }
  return same;
}

/* A match of no width is one too: what stands on its sides comes apart there. */
static rd_code found(pass *p, size_t start, size_t end, bool match, rd_error *e) {
  const rd_split_step *step = &p->splitter->steps[p->step];
  return start == end && !match
           ? RD_OK
           : step->behaviour(p, (segment){start, end, match != step->invert}, e);
}

/* The pattern over the well-formed bytes from..to. */
static rd_code match_run(pass *p, size_t from, size_t to, rd_error *e) {
  const rd_slice run = {p->text.data + from, to - from};
  rd_regex_match m = {.end = 0};
  for (size_t done = 0;; done = m.end) {
    RD_TRY(rd_regex_next(p->splitter->steps[p->step].regex, p->scratch, run, &m, e));
    RD_TRY(found(p, from + done, from + m.start, false, e));
    if (!m.found)
      return RD_OK;
    RD_TRY(found(p, from + m.start, from + m.end, true, e));
  }
}

static rd_code run(pass p, rd_error *e) {
  if (p.step == p.splitter->count)
    return p.emit(p.context, p.text, e);
  for (size_t at = 0; at < p.text.size;) {
    size_t good = at + rd_utf8_valid(p.text.data + at, p.text.size - at);
    RD_TRY(match_run(&p, at, good, e));
    for (at = good; at < p.text.size; at++)
      if (rd_utf8_read(p.text.data + at, p.text.size - at).kind == RD_UTF8_GOOD)
        break;
    RD_TRY(found(&p, good, at, false, e));
  }
  return give_held(&p, e);
}

rd_code rd_splitter_run(const rd_splitter *s, rd_regex_scratch *scratch, rd_slice text,
                        rd_emit emit, void *context, rd_error *e) {
  if (text.size == 0)
    return RD_OK;
  return run(
      (pass){.splitter = s, .scratch = scratch, .text = text, .emit = emit, .context = context}, e);
}
