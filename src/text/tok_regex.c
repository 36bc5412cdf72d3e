/* SPDX-License-Identifier: MIT */
/* PCRE2 gets only well-formed text (no check per match, which would be quadratic) and a step limit
 * in proportion to it: a hostile pattern ends in an error, not in a hang. Its own \s takes U+180E
 * too, its \w no marks, its scripts what they share with others: sets are written out as the
 * properties that are meant (tok_property.h). ^ and $ stand at the ends of lines, as in Ruby's
 * patterns. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tok_regex.h"

#include "tok_property.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct rd_regex_scratch {
  pcre2_match_data *match;
  pcre2_match_context *limits;
  pcre2_jit_stack *stack;
};

struct rd_regex {
  pcre2_code *code;
};

#define WORD "[" RD_WORD_SET RD_WORD_LATIN "]"

/* Escapes that are sets, outside of [] and inside, and what else is called otherwise. */
static const struct set_row {
  char letter;
  const char *outside, *inside;
  bool negated;
} set_escapes[] = {
    {'s', "\\p{wspace}", "\\p{wspace}", false},
    {'S', "\\p{wspace}", "\\p{wspace}", true},
    {'w', RD_WORD_SET RD_WORD_LATIN, RD_WORD_SET, false},
    {'W', RD_WORD_SET RD_WORD_LATIN, RD_WORD_SET, true},
    {'h', "0-9A-Fa-f", "0-9A-Fa-f", false},
    {'H', "0-9A-Fa-f", "0-9A-Fa-f", true},
};
static const struct escape_row {
  char letter;
  const char *text;
} escapes[] = {
    {'b', "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))"},
    {'B', "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))"},
    {'O', "(?s:.)"},
};

/* A pattern on its way into PCRE2's words. */
typedef struct reader {
  const char *at, *end;
  unsigned depth; /* of [] */
} reader;

static rd_code put(rd_bytes *out, const char *text, rd_error *e) {
  return rd_bytes_add(out, text, strlen(text), e);
}

/* The set at r->at, which is stepped over; false, and nothing is, where there is none. */
static bool take_set(reader *r, rd_set *set) {
  const char *at = r->at, *end = NULL;
  const size_t left = (size_t)(r->end - at);
  *set = (rd_set){.negated = false};
  if (r->depth && left > 3 && memcmp(at, "[:", 2) == 0) {
    end = memmem(at, left, ":]", 2);
    if (!end || !rd_set_named(set, at + 2, (size_t)(end - at) - 2, true))
      return false;
    r->at = end + 2;
    return true;
  }
  if (left < 2 || *at != '\\')
    return false;
  for (size_t i = 0; i < sizeof set_escapes / sizeof *set_escapes; i++)
    if (set_escapes[i].letter == at[1]) {
      const char *text = r->depth ? set_escapes[i].inside : set_escapes[i].outside;
      memcpy(set->members, text, strlen(text));
      set->negated = set_escapes[i].negated;
      r->at += 2;
      return true;
    }
  if ((at[1] != 'p' && at[1] != 'P') || left < 4 || at[2] != '{')
    return false;
  end = memchr(at, '}', left);
  if (!end || !rd_set_named(set, at + 3, (size_t)(end - at) - 3, false))
    return false;
  set->negated = set->negated != (at[1] == 'P');
  r->at = end + 1;
  return true;
}

/* One property may be negated within a class. */
static bool is_property(const rd_set *set) {
  const char *end = strchr(set->members, '}');
  return memcmp(set->members, "\\p{", 3) == 0 && end && end[1] == '\0';
}

static rd_code put_property(const rd_set *set, rd_bytes *out, rd_error *e) {
  RD_TRY(put(out, set->negated ? "\\P" : "\\p", e));
  return put(out, set->members + 2, e);
}

static rd_code put_set(const rd_set *set, rd_bytes *out, rd_error *e) {
  if (is_property(set))
    return put_property(set, out, e);
  RD_TRY(put(out, set->negated ? "[^" : "[", e));
  RD_TRY(put(out, set->members, e));
  return put(out, "]", e);
}

/* The escape at r->at; behind the pattern's last backslash there is nothing. */
static rd_code take_escape(reader *r, rd_bytes *out, rd_error *e) {
  const char *at = r->at;
  const size_t left = (size_t)(r->end - at), size = left > 1 ? 2 : 1;
  rd_set set;
  if (!r->depth && take_set(r, &set))
    return put_set(&set, out, e);
  r->at += size;
  if (size == 2 && at[1] == 'u' && left >= 6 && strspn(at + 2, "0123456789abcdefABCDEF") >= 4) {
    RD_TRY(put(out, "\\x{", e));
    RD_TRY(rd_bytes_add(out, at + 2, 4, e));
    r->at += 4;
    return put(out, "}", e);
  }
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes && size == 2; i++)
    if (escapes[i].letter == at[1] && !r->depth)
      return put(out, escapes[i].text, e);
  return rd_bytes_add(out, at, size, e);
}

/* The sets of one class: `simple` is what PCRE2's classes hold too, `nested` are classes within it,
 * `others` are (?=..) of what && stands behind. */
typedef struct class_parts {
  rd_bytes simple, nested, others;
} class_parts;

static rd_code put_union(const class_parts *p, rd_bytes *out, rd_error *e) {
  bool both = p->simple.size && p->nested.size;
  RD_TRY(put(out, "(?=", e));
  if (p->simple.size) {
    RD_TRY(put(out, "[", e));
    RD_TRY(rd_bytes_add(out, p->simple.data, p->simple.size, e));
    RD_TRY(put(out, both ? "]|" : "]", e));
  }
  RD_TRY(rd_bytes_add(out, p->nested.data, p->nested.size, e));
  return put(out, ")", e);
}

static rd_code take_class(reader *r, rd_bytes *out, rd_error *e);

static rd_code take_member(reader *r, class_parts *p, rd_error *e) {
  const bool pair = r->end - r->at > 1;
  rd_set set;
  if (take_set(r, &set)) {
    if (!set.negated)
      return put(&p->simple, set.members, e);
    if (is_property(&set))
      return put_property(&set, &p->simple, e);
    if (p->nested.size)
      RD_TRY(put(&p->nested, "|", e));
    return put_set(&set, &p->nested, e);
  }
  if (*r->at == '\\')
    return take_escape(r, &p->simple, e);
  if (*r->at == '[' && !(pair && r->at[1] == ':')) {
    if (p->nested.size)
      RD_TRY(put(&p->nested, "|", e));
    return take_class(r, &p->nested, e);
  }
  if (pair && memcmp(r->at, "&&", 2) == 0) {
    RD_TRY(put_union(p, &p->others, e));
    p->simple.size = p->nested.size = 0;
    r->at += 2;
    return RD_OK;
  }
  return rd_bytes_add(&p->simple, r->at++, 1, e);
}

static rd_code put_class(const class_parts *p, bool negated, rd_bytes *out, rd_error *e) {
  if (!p->nested.size && !p->others.size) {
    RD_TRY(put(out, negated ? "[^" : "[", e));
    RD_TRY(rd_bytes_add(out, p->simple.data, p->simple.size, e));
    return put(out, "]", e);
  }
  RD_TRY(put(out, negated ? "(?:(?!" : "(?:", e));
  RD_TRY(rd_bytes_add(out, p->others.data, p->others.size, e));
  RD_TRY(put_union(p, out, e));
  return put(out, negated ? ")(?s:.))" : "(?s:.))", e);
}

/* One class. Oniguruma's may hold classes and intersections, which PCRE2 would read as brackets and
 * ampersands: they become what is seen ahead of one character. */
static rd_code take_class(reader *r, rd_bytes *out, rd_error *e) {
  enum { DEEPEST = 8 };
  class_parts p = {0};
  rd_code code = RD_OK;
  if (++r->depth > DEEPEST)
    return rd_fail(e, RD_UNSUPPORTED, "a pattern with classes within each other, more than %d",
                   DEEPEST);
  r->at++;
  bool negated = r->at < r->end && *r->at == '^', first = true;
  r->at += negated;
  for (; code == RD_OK && r->at < r->end && (*r->at != ']' || first); first = false)
    code = take_member(r, &p, e);
  if (code == RD_OK && r->at == r->end)
    code = rd_fail(e, RD_BAD_INPUT, "a pattern with a class that is not closed");
  if (code == RD_OK)
    code = put_class(&p, negated, out, e);
  r->at++;
  r->depth--;
  rd_bytes_drop(&p.simple);
  rd_bytes_drop(&p.nested);
  rd_bytes_drop(&p.others);
  return code;
}

/* The letters of (?imx-imx) or (?imx: at r->at: what Oniguruma calls m lets a dot be a line end. */
static rd_code take_options(reader *r, rd_bytes *out, rd_error *e) {
  const char *at = r->at + 2;
  while (at < r->end && strchr("imx-", *at))
    at++;
  bool options = at < r->end && at > r->at + 2 && (*at == ')' || *at == ':');
  for (const char *end = options ? at : r->at + 2; r->at < end; r->at++)
    RD_TRY(rd_bytes_add(out, *r->at == 'm' ? "s" : r->at, 1, e));
  return RD_OK;
}

static rd_code translate(rd_slice pattern, rd_bytes *out, rd_error *e) {
  reader r = {pattern.data, pattern.data + pattern.size, 0};
  while (r.at < r.end) {
    if (*r.at == '\\')
      RD_TRY(take_escape(&r, out, e));
    else if (*r.at == '[')
      RD_TRY(take_class(&r, out, e));
    else if (r.end - r.at > 2 && memcmp(r.at, "(?", 2) == 0)
      RD_TRY(take_options(&r, out, e));
    else if (r.end - r.at > 2 && memcmp(r.at, "{,", 2) == 0 && isdigit((unsigned char)r.at[2])) {
      RD_TRY(put(out, "{0,", e)); /* PCRE2 takes it for text */
      r.at += 2;
    } else
      RD_TRY(rd_bytes_add(out, r.at++, 1, e));
  }
  return RD_OK;
}

rd_code rd_regex_new(rd_regex **out, rd_slice pattern, bool literal, const char *what,
                     rd_error *e) {
  int error = 0;
  PCRE2_SIZE where = 0;
  rd_bytes text = {0};
  uint32_t options = literal ? PCRE2_UTF | PCRE2_LITERAL
                             : PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  *out = rd_calloc(1, sizeof **out, what, e);
  if (!*out)
    return RD_NO_MEMORY;
  rd_code code =
      literal ? rd_bytes_add(&text, pattern.data, pattern.size, e) : translate(pattern, &text, e);
  if (code == RD_OK) {
    (*out)->code = pcre2_compile((PCRE2_SPTR)rd_slice_of(&text).data, text.size, options, &error,
                                 &where, NULL);
    if (!(*out)->code) {
      PCRE2_UCHAR reason[200];
      (void)pcre2_get_error_message(error, reason, sizeof reason);
      code = rd_fail(e, RD_BAD_INPUT, "%s: pattern \"%.*s\": %s at byte %zu", what,
                     (int)(text.size < 200 ? text.size : 200), rd_slice_of(&text).data,
                     (char *)reason, (size_t)where);
    }
  }
  rd_bytes_drop(&text);
  if (code != RD_OK) {
    rd_regex_free(*out);
    *out = NULL;
    return code;
  }
  (void)pcre2_jit_compile((*out)->code, PCRE2_JIT_COMPLETE); /* matching without is only slower */
  return RD_OK;
}

void rd_regex_free(rd_regex *r) {
  if (r)
    pcre2_code_free(r->code);
  free(r);
}

void rd_regex_scratch_free(rd_regex_scratch *scratch) {
  if (!scratch)
    return;
  pcre2_match_data_free(scratch->match);
  pcre2_match_context_free(scratch->limits);
  pcre2_jit_stack_free(scratch->stack);
  free(scratch);
}

rd_code rd_regex_scratch_new(rd_regex_scratch **out, size_t text_size, rd_error *e) {
  rd_regex_scratch *made = rd_calloc(1, sizeof *made, "pre-tokenizer matching", e);
  *out = made;
  if (!made)
    return RD_NO_MEMORY;
  made->match = pcre2_match_data_create(1, NULL);
  made->limits = pcre2_match_context_create(NULL);
  made->stack = pcre2_jit_stack_create(32 * 1024, 8 * 1024 * 1024, NULL);
  if (!made->match || !made->limits) {
    rd_regex_scratch_free(made);
    *out = NULL;
    return rd_fail(e, RD_NO_MEMORY, "out of memory: pre-tokenizer matching");
  }
  size_t limit = 1000000 + 8 * text_size;
  (void)pcre2_set_match_limit(made->limits, limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit);
  (void)pcre2_set_heap_limit(made->limits, 256 * 1024); /* KiB */
  pcre2_jit_stack_assign(made->limits, NULL, made->stack);
  return RD_OK;
}

/* As the library's search: an empty match counts, but not where the match before it ended. */
rd_code rd_regex_next(const rd_regex *r, rd_regex_scratch *scratch, rd_slice text,
                      rd_regex_match *m, rd_error *e) {
  const size_t from = m->end;
  const bool behind = m->found;
  *m = (rd_regex_match){.start = text.size, .end = text.size};
  for (size_t at = from; at <= text.size;) {
    int count = pcre2_match(r->code, (PCRE2_SPTR)text.data, text.size, at, PCRE2_NO_UTF_CHECK,
                            scratch->match, scratch->limits);
    if (count == PCRE2_ERROR_NOMATCH)
      return RD_OK;
    if (count < 0) {
      PCRE2_UCHAR reason[200];
      (void)pcre2_get_error_message(count, reason, sizeof reason);
      return rd_fail(e, RD_BAD_INPUT, "a pattern gave up at byte %zu of a text: %s", at,
                     (char *)reason);
    }
    const PCRE2_SIZE *edges = pcre2_get_ovector_pointer(scratch->match);
    const bool empty_behind = behind && edges[0] == edges[1] && edges[1] == from;
    if (edges[0] >= from && edges[1] >= edges[0] && !empty_behind) {
      *m = (rd_regex_match){true, edges[0], edges[1]};
      return RD_OK;
    }
    at = edges[1] > at ? edges[1] : at; /* or \K moved it: step over one character */
    if (at == text.size)
      return RD_OK;
    at += rd_utf8_read(text.data + at, text.size - at).size;
  }
  return RD_OK;
}
