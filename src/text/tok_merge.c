/* SPDX-License-Identifier: MIT */
/* Byte-pair merging of one word: symbols in a linked list, candidate joins in a heap ordered by
 * (rank, place). A join is at most n-1 pushes from each side, so a word of n symbols costs
 * O(n log n) whatever it holds. Stale entries are known by their rank and dropped when popped. */
#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_SLOTS = 1 << 13, CACHE_WORD = 64, CACHE_GAP = 8192, DEAD = -2 };

/* A word merged earlier in the gap: where its ids start in the output. */
typedef struct rd_known {
  const char *text;
  uint32_t size, generation;
  uint32_t first, count;
} rd_known;

bool rd_join_listed(const rd_vocab *v, const rd_symbol *left, const rd_symbol *right,
                    uint32_t *rank, int32_t *id) {
  const rd_pair *pair = rd_vocab_pair(v, left->id, right->id);
  if (!pair)
    return false;
  *rank = pair->rank;
  *id = pair->id;
  return true;
}

bool rd_join_text(const rd_vocab *v, const rd_symbol *left, const rd_symbol *right, uint32_t *rank,
                  int32_t *id) {
  *id = rd_vocab_find(v, (rd_slice){left->text, (size_t)left->size + right->size});
  if (*id < 0)
    return false;
  *rank = v->pieces[*id].rank;
  return true;
}

rd_code rd_merger_gap(rd_merger *m, size_t size, rd_error *e) {
  m->generation++;
  if (!m->cache && size >= CACHE_GAP) {
    m->cache = rd_calloc(CACHE_SLOTS, sizeof *m->cache, "the word cache", e);
    if (!m->cache)
      return RD_NO_MEMORY;
  }
  return RD_OK;
}

void rd_merger_drop(rd_merger *m) {
  free(m->symbols);
  free(m->heap);
  free(m->cache);
  free(m->nodes);
  rd_bytes_drop(&m->text);
}

static void sift_down(uint64_t *heap, size_t size, uint64_t key) {
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < size; at = child) {
    child += child + 1 < size && heap[child + 1] < heap[child];
    if (key <= heap[child])
      break;
    heap[at] = heap[child];
  }
  heap[at] = key;
}

static uint64_t pop(rd_merger *m) {
  uint64_t least = m->heap[0];
  m->heap_size--;
  if (m->heap_size)
    sift_down(m->heap, m->heap_size, m->heap[m->heap_size]);
  return least;
}

/* Find out whether symbol `at` joins its right neighbour, and queue it. */
static rd_code offer(rd_merger *m, int32_t at, rd_error *e) {
  rd_symbol *left = &m->symbols[at];
  left->joined = -1;
  if (left->next < 0 ||
      !m->t->join(&m->t->vocab, left, &m->symbols[left->next], &left->rank, &left->joined)) {
    left->joined = -1;
    return RD_OK;
  }
  if (m->heap_size == m->heap_capacity)
    RD_TRY(rd_grow((void **)&m->heap, &m->heap_capacity, m->heap_size + 1, sizeof *m->heap, e));
  uint64_t key = (uint64_t)left->rank << 32 | (uint32_t)at;
  size_t hole = m->heap_size++;
  for (; hole > 0 && m->heap[(hole - 1) / 2] > key; hole = (hole - 1) / 2)
    m->heap[hole] = m->heap[(hole - 1) / 2];
  m->heap[hole] = key;
  return RD_OK;
}

static rd_code merge_all(rd_merger *m, int32_t count, rd_error *e) {
  m->heap_size = 0;
  for (int32_t i = 0; i + 1 < count; i++)
    RD_TRY(offer(m, i, e));
  while (m->heap_size) {
    uint64_t key = pop(m);
    int32_t at = (int32_t)(uint32_t)key;
    rd_symbol *left = &m->symbols[at];
    if (left->id == DEAD || left->joined < 0 || left->rank != key >> 32)
      continue;
    rd_symbol *right = &m->symbols[left->next];
    left->size += right->size;
    left->id = left->joined;
    left->next = right->next;
    right->id = DEAD;
    if (left->next >= 0)
      m->symbols[left->next].previous = at;
    RD_TRY(offer(m, at, e));
    if (left->previous >= 0)
      RD_TRY(offer(m, left->previous, e));
  }
  return RD_OK;
}

/* What the bytes of a missing symbol are those of: of the letter that stands for it, where symbols
 * are bytes. */
static rd_code fallen_back(rd_merger *m, rd_slice *text, rd_error *e) {
  if (!m->t->byte_level)
    return RD_OK;
  m->text.size = 0;
  RD_TRY(rd_alphabet_letters(*text, &m->text, e));
  *text = rd_slice_of(&m->text);
  return RD_OK;
}

/* Is a symbol left out: has it neither piece nor bytes, and nothing stands for the unknown? */
static rd_code is_left_out(rd_merger *m, rd_slice text, bool *yes, rd_error *e) {
  const rd_tokenizer *t = m->t;
  *yes = t->unknown < 0 && t->join == rd_join_listed;
  if (!*yes || !t->byte_fallback)
    return RD_OK;
  RD_TRY(fallen_back(m, &text, e));
  *yes = !rd_has_bytes(t, text);
  return RD_OK;
}

/* One symbol per byte, or per character. What has no piece, where nothing stands for the unknown,
 * is left out, and its neighbours are each other's: listed merges do not look at the text. */
static rd_code start_symbols(rd_merger *m, rd_slice word, int32_t *count, rd_error *e) {
  const rd_tokenizer *t = m->t;
  if (word.size > INT32_MAX)
    return rd_fail(e, RD_BAD_INPUT, "a word of %zu bytes; at most %d can be merged", word.size,
                   INT32_MAX);
  RD_TRY(rd_grow((void **)&m->symbols, &m->symbol_capacity, word.size, sizeof *m->symbols, e));
  int32_t n = 0;
  for (size_t at = 0; at < word.size;) {
    const char *text = word.data + at;
    rd_utf8 c = {RD_UTF8_BAD, 1, 0};
    if (!t->byte_level)
      c = rd_utf8_read(text, word.size - at);
    unsigned size = c.kind == RD_UTF8_GOOD ? c.size : 1;
    int32_t id = t->byte_level ? t->byte_ids[(unsigned char)*text]
                               : rd_vocab_find(&t->vocab, (rd_slice){text, size});
    bool out = false;
    at += size;
    if (id < 0)
      RD_TRY(is_left_out(m, (rd_slice){text, size}, &out, e));
    if (out)
      continue;
    m->symbols[n] = (rd_symbol){text, size, n - 1, n + 1, id, 0, -1};
    n++;
  }
  if (n)
    m->symbols[n - 1].next = -1;
  *count = n;
  return RD_OK;
}

/* What has no piece: bytes, or the unknown token, or nothing. */
static rd_code write_missing(rd_merger *m, const rd_symbol *s, bool after_unknown, rd_error *e) {
  const rd_tokenizer *t = m->t;
  bool bytes = false;
  rd_slice text = {s->text, s->size};
  if (t->byte_fallback) {
    RD_TRY(fallen_back(m, &text, e));
    RD_TRY(rd_write_bytes(m, text, &bytes, e));
  }
  if (bytes)
    return RD_OK;
  bool silent = t->unknown < 0 || (after_unknown && t->fuse_unknown);
  return silent ? RD_OK : rd_ids_add(m->out, t->unknown, e);
}

rd_code rd_spell_merges(rd_merger *m, rd_slice word, rd_error *e) {
  if (m->t->whole_words) {
    int32_t id = rd_vocab_find(&m->t->vocab, word);
    if (id >= 0)
      return rd_ids_add(m->out, id, e);
  }
  int32_t count = 0;
  RD_TRY(start_symbols(m, word, &count, e));
  RD_TRY(merge_all(m, count, e));
  bool unknown = false;
  for (int32_t i = count ? 0 : -1; i >= 0; i = m->symbols[i].next) {
    const rd_symbol *s = &m->symbols[i];
    if (s->id >= 0)
      RD_TRY(rd_ids_add(m->out, s->id, e));
    else
      RD_TRY(write_missing(m, s, unknown, e));
    unknown = s->id < 0;
  }
  return RD_OK;
}

rd_code rd_merge_word(void *merger, rd_slice word, rd_error *e) {
  rd_merger *m = merger;
  if (!m->cache || word.size > CACHE_WORD)
    return m->t->speller(m, word, e);
  rd_known *known = &m->cache[rd_vocab_hash(word) & (CACHE_SLOTS - 1)];
  if (known->generation == m->generation &&
      rd_slice_same((rd_slice){known->text, known->size}, word)) {
    for (uint32_t i = 0; i < known->count; i++)
      RD_TRY(rd_ids_add(m->out, m->out->data[known->first + i], e));
    return RD_OK;
  }
  size_t first = m->out->size;
  RD_TRY(m->t->speller(m, word, e));
  if (m->out->size <= UINT32_MAX)
    *known = (rd_known){word.data, (uint32_t)word.size, m->generation, (uint32_t)first,
                        (uint32_t)(m->out->size - first)};
  return RD_OK;
}
