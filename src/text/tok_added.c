/* SPDX-License-Identifier: MIT */
/* The tokens lie sorted; a match narrows the range of those that agree with the text byte by byte,
 * with two binary searches each, so that 256 tokens that start alike cost no more than one. */
#include "tok_added.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void rd_added_drop(rd_added *a) {
  for (size_t i = 0; i < a->count; i++)
    free((void *)(uintptr_t)a->tokens[i].text);
  free(a->tokens);
  *a = (rd_added){0};
}

const struct rd_added_token *rd_added_named(const rd_added *a, rd_slice text) {
  for (size_t i = 0; i < a->count; i++)
    if (rd_slice_same((rd_slice){a->tokens[i].text, a->tokens[i].size}, text))
      return &a->tokens[i];
  return NULL;
}

rd_code rd_added_set(rd_added *a, rd_slice text, int32_t id, unsigned flags, rd_error *e) {
  enum { LONGEST = 1024, MOST = 20000 };
  if (a->count >= MOST)
    return rd_fail(e, RD_BAD_INPUT, "more than %d added tokens", MOST);
  if (text.size == 0 || text.size > LONGEST)
    return rd_fail(e, RD_BAD_INPUT, "added token %d has %zu bytes; 1 to %d are allowed", id,
                   text.size, LONGEST);
  for (size_t i = 0; i < a->count; i++)
    if (rd_slice_same((rd_slice){a->tokens[i].text, a->tokens[i].size}, text)) {
      a->tokens[i].id = id;
      a->tokens[i].flags = flags;
      return RD_OK;
    }
  RD_TRY(rd_grow((void **)&a->tokens, &a->capacity, a->count + 1, sizeof *a->tokens, e));
  char *copy = rd_calloc(text.size, 1, "an added token", e);
  if (!copy)
    return RD_NO_MEMORY;
  memcpy(copy, text.data, text.size);
  a->tokens[a->count++] = (struct rd_added_token){copy, text.size, id, flags};
  return RD_OK;
}

static int by_text(const void *left, const void *right) {
  const struct rd_added_token *a = left, *b = right;
  int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
  return order ? order : (a->size > b->size) - (a->size < b->size);
}

void rd_added_index(rd_added *a) {
  if (a->count)
    qsort(a->tokens, a->count, sizeof *a->tokens, by_text);
  memset(a->starts, 0, sizeof a->starts);
  for (size_t i = 0; i < a->count; i++)
    a->starts[(unsigned char)a->tokens[i].text[0]] = true;
}

int32_t rd_added_id(const rd_added *a, rd_slice text) {
  if (a->count == 0)
    return -1;
  struct rd_added_token wanted = {text.data, text.size, 0, 0};
  const struct rd_added_token *found =
      bsearch(&wanted, a->tokens, a->count, sizeof *a->tokens, by_text);
  return found ? found->id : -1;
}

/* First of low..high whose byte at `depth` is at least `byte`; all have more than `depth` bytes. */
static size_t first_with(const rd_added *a, size_t low, size_t high, size_t depth, unsigned byte) {
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((unsigned char)a->tokens[middle].text[depth] < byte)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* What words are made of beside the categories below: Other_Alphabetic and Join_Control. */
static const struct letter_row {
  uint32_t first, last;
} letters[] = {
    {0x200C, 0x200D}, {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
static const unsigned word_categories =
    1U << UTF8PROC_CATEGORY_LU | 1U << UTF8PROC_CATEGORY_LL | 1U << UTF8PROC_CATEGORY_LT |
    1U << UTF8PROC_CATEGORY_LM | 1U << UTF8PROC_CATEGORY_LO | 1U << UTF8PROC_CATEGORY_MN |
    1U << UTF8PROC_CATEGORY_MC | 1U << UTF8PROC_CATEGORY_ME | 1U << UTF8PROC_CATEGORY_ND |
    1U << UTF8PROC_CATEGORY_NL | 1U << UTF8PROC_CATEGORY_PC;

static bool word_point(uint32_t point) {
  bool word = word_categories >> utf8proc_category((utf8proc_int32_t)point) & 1U;
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    word = word || (point >= letters[i].first && point <= letters[i].last);
  return word;
}

/* The character at `at`, or the one that ends there; its size is 0 where there is none. */
static rd_utf8 character(rd_slice text, size_t at, bool before) {
  size_t start = at;
  while (before && start > 0 && at - start < 4 &&
         (start == at || ((unsigned char)text.data[start] & 0xC0) == 0x80))
    start--;
  rd_utf8 c = {.kind = RD_UTF8_BAD};
  if (start < text.size && (!before || start < at))
    c = rd_utf8_read(text.data + start, text.size - start);
  if (c.kind != RD_UTF8_GOOD || (before && start + c.size != at))
    c = (rd_utf8){.kind = RD_UTF8_BAD};
  return c;
}

const char rd_added_plain[1], rd_added_special[1];

static bool is_plain(const char *plain, size_t at, size_t size) {
  if (plain == rd_added_plain || plain == rd_added_special)
    return plain == rd_added_plain;
  return memchr(plain + at, 1, size) != NULL;
}

static bool fits(const struct rd_added_token *token, rd_slice text, size_t at, const char *plain) {
  if ((token->flags & RD_ADDED_SPECIAL) && is_plain(plain, at, token->size))
    return false;
  if (!(token->flags & RD_ADDED_WORD))
    return true;
  rd_utf8 before = character(text, at, true), after = character(text, at + token->size, false);
  return !(before.size && word_point(before.point)) && !(after.size && word_point(after.point));
}

/* The longest token at `at`, or NULL. */
static const struct rd_added_token *longest_at(const rd_added *a, rd_slice text, size_t at) {
  const struct rd_added_token *best = NULL;
  size_t low = 0, high = a->count;
  for (size_t depth = 0; at + depth < text.size && low < high; depth++) {
    unsigned byte = (unsigned char)text.data[at + depth];
    low = first_with(a, low, high, depth, byte);
    high = first_with(a, low, high, depth, byte + 1);
    if (low < high && a->tokens[low].size == depth + 1) {
      if (!(a->tokens[low].flags & a->named))
        best = &a->tokens[low];
      low++;
    }
  }
  return best;
}

/* As in Hugging Face's library: all tokens of a text are found before any of them takes white
 * space, and then each takes what it is to take; one that is left with nothing is none. */
rd_added_match rd_added_find(const rd_added *a, rd_slice text, rd_added_match before,
                             const char *plain) {
  for (size_t at = before.from; at < text.size && a->count > 0;) {
    const struct rd_added_token *token =
        a->starts[(unsigned char)text.data[at]] ? longest_at(a, text, at) : NULL;
    if (!token || !fits(token, text, at, plain)) {
      at += token ? token->size : 1;
      continue;
    }
    rd_added_match m = {at, at + token->size, at + token->size, token->id};
    rd_utf8 c;
    while ((token->flags & RD_ADDED_LSTRIP) && m.start > before.end &&
           (c = character(text, m.start, true)).size && rd_utf8_space(c.point))
      m.start -= c.size;
    if ((token->flags & RD_ADDED_LSTRIP) && m.start < before.end)
      m.start = before.end;
    if ((token->flags & RD_ADDED_RSTRIP) && m.end < before.end)
      m.end = before.end; /* what the one before took there is white space */
    while ((token->flags & RD_ADDED_RSTRIP) && (c = character(text, m.end, false)).size &&
           rd_utf8_space(c.point))
      m.end += c.size;
    if (m.start < m.end)
      return m;
    before.end = m.end; /* the one before took all of it */
    at = m.from;
  }
  return (rd_added_match){text.size, text.size, text.size, -1};
}
