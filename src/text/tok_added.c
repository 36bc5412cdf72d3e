/* SPDX-License-Identifier: MIT */
/* The tokens lie sorted; a match narrows the range of those that agree with the text byte by byte,
 * with two binary searches each, so that 256 tokens that start alike cost no more than one. */
#include "tok_added.h"

#include <stdlib.h>
#include <string.h>

void rd_added_drop(rd_added *a) {
  for (size_t i = 0; i < a->count; i++)
    free((void *)(uintptr_t)a->tokens[i].text);
  free(a->tokens);
  *a = (rd_added){0};
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

static bool word_byte(rd_slice text, size_t at) {
  unsigned char c = at < text.size ? (unsigned char)text.data[at] : ' ';
  return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
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
  return !(token->flags & RD_ADDED_WORD) ||
         !((at > 0 && word_byte(text, at - 1)) || word_byte(text, at + token->size));
}

/* The longest token at `at`, or NULL. */
static const struct rd_added_token *longest_at(const rd_added *a, rd_slice text, size_t at,
                                               const char *plain) {
  const struct rd_added_token *best = NULL;
  size_t low = 0, high = a->count;
  for (size_t depth = 0; at + depth < text.size && low < high; depth++) {
    unsigned byte = (unsigned char)text.data[at + depth];
    low = first_with(a, low, high, depth, byte);
    high = first_with(a, low, high, depth, byte + 1);
    if (low < high && a->tokens[low].size == depth + 1) {
      if (fits(&a->tokens[low], text, at, plain))
        best = &a->tokens[low];
      low++;
    }
  }
  return best;
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

rd_added_match rd_added_find(const rd_added *a, rd_slice text, size_t from, const char *plain) {
  for (size_t at = from; at < text.size && a->count > 0; at++) {
    const struct rd_added_token *token =
        a->starts[(unsigned char)text.data[at]] ? longest_at(a, text, at, plain) : NULL;
    if (!token)
      continue;
    rd_added_match m = {at, at + token->size, token->id};
    while ((token->flags & RD_ADDED_LSTRIP) && m.start > from && is_space(text.data[m.start - 1]))
      m.start--;
    while ((token->flags & RD_ADDED_RSTRIP) && m.end < text.size && is_space(text.data[m.end]))
      m.end++;
    return m;
  }
  return (rd_added_match){text.size, text.size, -1};
}
