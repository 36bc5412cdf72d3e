/* SPDX-License-Identifier: MIT */
/* PCRE2 gets only well-formed text (no check per match, which would be quadratic) and a step limit
 * in proportion to it: a hostile pattern ends in an error, not in a hang. ^ and $ stand at the ends
 * of lines, as in Ruby's patterns. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tok_regex.h"

#include "tok_ruby.h"

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
  rd_code code = literal ? rd_bytes_add(&text, pattern.data, pattern.size, e)
                         : rd_ruby_pattern(&text, pattern, e);
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
