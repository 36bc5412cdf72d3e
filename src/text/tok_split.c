/* SPDX-License-Identifier: MIT */
/* Patterns run one after another by recursion over the list, so that no list of words is ever made.
 * PCRE2 gets only well-formed runs (no check per match, which would be quadratic) and a step limit
 * in proportion to the text: a hostile pattern ends in an error, not in a hang. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tok_split.h"

#include <pcre2.h>
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
  pcre2_code *code;
  behave behaviour;
  bool invert;
};

struct rd_split_scratch {
  pcre2_match_data *match;
  pcre2_match_context *limits;
  pcre2_jit_stack *stack;
};

/* One step over one text. */
struct pass {
  const rd_splitter *splitter;
  rd_split_scratch *scratch;
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
  for (size_t i = 0; i < s->count; i++)
    pcre2_code_free(s->steps[i].code);
  free(s->steps);
  *s = (rd_splitter){0};
}

rd_code rd_splitter_add(rd_splitter *s, rd_slice pattern, bool literal, const char *behaviour,
                        bool invert, rd_error *e) {
  enum { MOST_STEPS = 16 };
  rd_split_step step = {.invert = invert};
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
  int error = 0;
  PCRE2_SIZE where = 0;
  uint32_t options =
      literal ? PCRE2_UTF | PCRE2_LITERAL : PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  RD_TRY(rd_grow((void **)&s->steps, &s->capacity, s->count + 1, sizeof *s->steps, e));
  step.code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.size, options, &error, &where, NULL);
  if (!step.code) {
    PCRE2_UCHAR reason[200];
    (void)pcre2_get_error_message(error, reason, sizeof reason);
    return rd_fail(e, RD_BAD_INPUT, "pre-tokenizer: pattern \"%.*s\": %s at byte %zu",
                   (int)(pattern.size < 200 ? pattern.size : 200), pattern.data, (char *)reason,
                   (size_t)where);
  }
  (void)pcre2_jit_compile(step.code, PCRE2_JIT_COMPLETE); /* without JIT matching is only slower */
  s->steps[s->count++] = step;
  return RD_OK;
}

void rd_split_scratch_free(rd_split_scratch *scratch) {
  if (!scratch)
    return;
  pcre2_match_data_free(scratch->match);
  pcre2_match_context_free(scratch->limits);
  pcre2_jit_stack_free(scratch->stack);
  free(scratch);
}

rd_code rd_split_scratch_new(rd_split_scratch **out, const rd_splitter *s, size_t text_size,
                             rd_error *e) {
  rd_split_scratch *made = rd_calloc(1, sizeof *made, "pre-tokenizer matching", e);
  *out = made;
  if (!made || s->count == 0)
    return made ? RD_OK : RD_NO_MEMORY;
  made->match = pcre2_match_data_create(1, NULL);
  made->limits = pcre2_match_context_create(NULL);
  made->stack = pcre2_jit_stack_create(32 * 1024, 8 * 1024 * 1024, NULL);
  if (!made->match || !made->limits) {
    rd_split_scratch_free(made);
    *out = NULL;
    return rd_fail(e, RD_NO_MEMORY, "out of memory: pre-tokenizer matching");
  }
  size_t limit = 1000000 + 8 * text_size;
  (void)pcre2_set_match_limit(made->limits, limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit);
  (void)pcre2_set_heap_limit(made->limits, 256 * 1024); /* KiB */
  pcre2_jit_stack_assign(made->limits, NULL, made->stack);
  return RD_OK;
}

static rd_code found(pass *p, size_t start, size_t end, bool match, rd_error *e) {
  const rd_split_step *step = &p->splitter->steps[p->step];
  return start == end ? RD_OK : step->behaviour(p, (segment){start, end, match != step->invert}, e);
}

/* The pattern over the well-formed bytes from..to. */
static rd_code match_run(pass *p, size_t from, size_t to, rd_error *e) {
  const rd_split_step *step = &p->splitter->steps[p->step];
  PCRE2_SPTR subject = (PCRE2_SPTR)p->text.data + from;
  size_t size = to - from, done = 0, at = 0;
  while (at < size) {
    int count = pcre2_match(step->code, subject, size, at, PCRE2_NO_UTF_CHECK, p->scratch->match,
                            p->scratch->limits);
    if (count == PCRE2_ERROR_NOMATCH)
      break;
    if (count < 0) {
      PCRE2_UCHAR reason[200];
      (void)pcre2_get_error_message(count, reason, sizeof reason);
      return rd_fail(e, RD_BAD_INPUT,
                     "pre-tokenizer: pattern %zu gave up at byte %zu of a text: %s", p->step,
                     from + at, (char *)reason);
    }
    const PCRE2_SIZE *edges = pcre2_get_ovector_pointer(p->scratch->match);
    size_t start = edges[0], end = edges[1];
    if (start < done || end <= start) { /* empty, or \K moved it: step over one character */
      at = (end > at ? end : at);
      at += at < size ? rd_utf8_read((const char *)subject + at, size - at).size : 0;
      continue;
    }
    RD_TRY(found(p, from + done, from + start, false, e));
    RD_TRY(found(p, from + start, from + end, true, e));
    done = at = end;
  }
  return found(p, from + done, to, false, e);
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

rd_code rd_splitter_run(const rd_splitter *s, rd_split_scratch *scratch, rd_slice text,
                        rd_emit emit, void *context, rd_error *e) {
  if (text.size == 0)
    return RD_OK;
  return run(
      (pass){.splitter = s, .scratch = scratch, .text = text, .emit = emit, .context = context}, e);
}
