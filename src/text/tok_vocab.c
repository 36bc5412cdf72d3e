/* SPDX-License-Identifier: MIT */
/* Two open-addressed tables, sized once and at most half full: piece -> id with the hash beside the
 * id, so that a miss seldom touches the pool, and (left, right) -> (rank, joined). */
#include "tok_vocab.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t x) {
  x *= 0x9E3779B97F4A7C15U;
  x ^= x >> 32;
  return x * 0xD6E8FEB86659FD93U;
}

uint32_t rd_vocab_hash(rd_slice text) {
  uint64_t hash = text.size, word;
  const char *p = text.data;
  size_t left = text.size;
  for (; left >= 8; p += 8, left -= 8) {
    memcpy(&word, p, 8);
    hash = mix(hash ^ word) ^ hash >> 29;
  }
  word = 0;
  memcpy(&word, p, left);
  hash = mix(hash ^ word);
  return (uint32_t)(hash >> 32);
}

void rd_vocab_drop(rd_vocab *v) {
  rd_bytes_drop(&v->pool);
  free(v->pieces);
  free(v->slots);
  free(v->pairs);
  *v = (rd_vocab){0};
}

rd_code rd_vocab_set(rd_vocab *v, int64_t id, rd_slice piece, rd_piece_kind kind, uint32_t rank,
                     rd_error *e) {
  if (id < 0 || id >= RD_VOCAB_LIMIT)
    return rd_fail(e, RD_BAD_INPUT, "token %.*s has id %lld, outside 0..%d",
                   (int)(piece.size < 60 ? piece.size : 60), piece.data, (long long)id,
                   RD_VOCAB_LIMIT - 1);
  if (piece.size > UINT32_MAX - v->pool.size)
    return rd_fail(e, RD_BAD_INPUT, "the pieces take more than %u bytes", UINT32_MAX);
  RD_TRY(rd_grow((void **)&v->pieces, &v->capacity, (size_t)id + 1, sizeof(rd_piece), e));
  if ((size_t)id >= v->count) {
    memset(v->pieces + v->count, 0, ((size_t)id + 1 - v->count) * sizeof(rd_piece));
    v->count = (size_t)id + 1;
  }
  v->pieces[id] = (rd_piece){(uint32_t)v->pool.size, (uint32_t)piece.size, rank, kind};
  return rd_bytes_add(&v->pool, piece.data, piece.size, e);
}

static size_t table_size(size_t count) {
  size_t size = 16;
  while (size < 2 * count)
    size *= 2;
  return size;
}

rd_code rd_vocab_index(rd_vocab *v, rd_error *e) {
  size_t size = table_size(v->count);
  free(v->slots);
  v->slots = rd_calloc(size, sizeof *v->slots, "the vocabulary's index", e);
  if (!v->slots)
    return RD_NO_MEMORY;
  v->slot_mask = size - 1;
  v->longest = 0;
  if (!v->pool.data)
    RD_TRY(rd_grow((void **)&v->pool.data, &v->pool.capacity, 1, 1, e));
  for (size_t id = 0; id < v->count; id++) {
    if (!rd_piece_spells(v->pieces[id].kind) || v->pieces[id].size == 0)
      continue;
    rd_slice piece = rd_vocab_piece(v, (int32_t)id);
    if (piece.size > v->longest)
      v->longest = piece.size;
    uint32_t hash = rd_vocab_hash(piece);
    size_t at = hash & v->slot_mask;
    while (v->slots[at].id1 &&
           !(v->slots[at].hash == hash &&
             rd_slice_same(rd_vocab_piece(v, (int32_t)v->slots[at].id1 - 1), piece)))
      at = (at + 1) & v->slot_mask;
    if (!v->slots[at].id1)
      v->slots[at] = (struct rd_slot){hash, (uint32_t)id + 1};
  }
  return RD_OK;
}

int32_t rd_vocab_find(const rd_vocab *v, rd_slice piece) {
  if (piece.size == 0 || piece.size > v->longest)
    return -1;
  uint32_t hash = rd_vocab_hash(piece);
  for (size_t at = hash & v->slot_mask; v->slots[at].id1; at = (at + 1) & v->slot_mask) {
    int32_t id = (int32_t)v->slots[at].id1 - 1;
    if (v->slots[at].hash == hash && rd_slice_same(rd_vocab_piece(v, id), piece))
      return rd_piece_spells(v->pieces[id].kind) ? id : -1;
  }
  return -1;
}

rd_code rd_vocab_expect_pairs(rd_vocab *v, size_t count, rd_error *e) {
  size_t size = table_size(count);
  v->pairs = rd_calloc(size, sizeof *v->pairs, "the merges", e);
  if (!v->pairs)
    return RD_NO_MEMORY;
  v->pair_mask = size - 1;
  for (size_t i = 0; i < size; i++)
    v->pairs[i].key = UINT64_MAX;
  return RD_OK;
}

/* The slot of a key: where it is, or where it would go. */
static rd_pair *pair_slot(const rd_vocab *v, uint64_t key) {
  size_t at = (size_t)(mix(key) >> 20) & v->pair_mask;
  while (v->pairs[at].key != key && v->pairs[at].key != UINT64_MAX)
    at = (at + 1) & v->pair_mask;
  return &v->pairs[at];
}

static uint64_t pair_key(int32_t left, int32_t right) {
  return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

rd_code rd_vocab_add_pair(rd_vocab *v, rd_slice left, rd_slice right, uint32_t rank, rd_error *e) {
  char joined[1024];
  int32_t a = rd_vocab_find(v, left), b = rd_vocab_find(v, right), id = -1;
  if (a >= 0 && b >= 0 && left.size + right.size <= sizeof joined) {
    memcpy(joined, left.data, left.size);
    memcpy(joined + left.size, right.data, right.size);
    id = rd_vocab_find(v, (rd_slice){joined, left.size + right.size});
  }
  if (id < 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "merge %u joins a piece of %zu and one of %zu bytes: %s not in the vocabulary",
                   rank, left.size, right.size,
                   a < 0   ? "the left one is"
                   : b < 0 ? "the right one is"
                           : "the two together are");
  rd_pair *slot = pair_slot(v, pair_key(a, b));
  if (slot->key == UINT64_MAX || !v->first_pair)
    *slot = (rd_pair){pair_key(a, b), rank, id};
  return RD_OK;
}

const rd_pair *rd_vocab_pair(const rd_vocab *v, int32_t left, int32_t right) {
  if (left < 0 || right < 0)
    return NULL;
  const rd_pair *slot = pair_slot(v, pair_key(left, right));
  return slot->key == UINT64_MAX ? NULL : slot;
}

/* Printable Latin-1 characters stand for themselves; the other 68 bytes, in order, for U+0100
 * upwards. -1 for a character that is not of the alphabet. */
static int alphabet_byte(uint32_t point) {
  if ((point >= 0x21 && point <= 0x7E) || (point >= 0xA1 && point <= 0xAC) ||
      (point >= 0xAE && point <= 0xFF))
    return (int)point;
  if (point >= 0x100 && point <= 0x120)
    return (int)point - 0x100; /* 00..20 */
  if (point >= 0x121 && point <= 0x142)
    return (int)point - 0x121 + 0x7F; /* 7F..A0 */
  return point == 0x143 ? 0xAD : -1;
}

rd_code rd_alphabet_bytes(rd_slice text, rd_bytes *out, bool *all, rd_error *e) {
  size_t before = out->size;
  RD_TRY(rd_grow((void **)&out->data, &out->capacity, out->size + text.size + 1, 1, e));
  *all = true;
  for (size_t at = 0; at < text.size;) {
    if (text.data[at] > 0x20 && text.data[at] < 0x7F) { /* most letters stand for themselves */
      out->data[out->size++] = text.data[at++];
      continue;
    }
    rd_utf8 c = rd_utf8_read(text.data + at, text.size - at);
    int byte = c.kind == RD_UTF8_GOOD ? alphabet_byte(c.point) : -1;
    if (byte < 0) {
      out->size = before;
      *all = false;
      return RD_OK;
    }
    out->data[out->size++] = (char)byte;
    at += c.size;
  }
  return RD_OK;
}

rd_code rd_alphabet_letters(rd_slice bytes, rd_bytes *out, rd_error *e) {
  for (size_t i = 0; i < bytes.size; i++) {
    int byte = (unsigned char)bytes.data[i];
    uint32_t point = (uint32_t)byte;
    while (alphabet_byte(point) != byte) /* itself, or one of the 68 from U+0100 */
      point = point < 0x100 ? 0x100 : point + 1;
    char letter[4];
    RD_TRY(rd_bytes_add(out, letter, rd_utf8_write(point, letter), e));
  }
  return RD_OK;
}

static int by_rank(const void *a, const void *b) {
  const rd_pair *x = a, *y = b;
  return x->rank < y->rank ? -1 : x->rank > y->rank;
}

rd_code rd_vocab_pairs(const rd_vocab *v, rd_pair **pairs, size_t *count, rd_error *e) {
  const size_t slots = v->pairs ? v->pair_mask + 1 : 0;
  rd_pair *sorted = rd_calloc(slots + 1, sizeof *sorted, "the merges", e);
  *pairs = sorted;
  *count = 0;
  if (!sorted)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < slots; i++)
    if (v->pairs[i].key != UINT64_MAX)
      sorted[(*count)++] = v->pairs[i];
  qsort(sorted, *count, sizeof *sorted, by_rank);
  return RD_OK;
}

rd_code rd_vocab_pair_letters(const rd_vocab *v, const rd_pair *pair, rd_bytes *out, rd_error *e) {
  RD_TRY(rd_alphabet_letters(rd_vocab_piece(v, (int32_t)(pair->key >> 32)), out, e));
  RD_TRY(rd_bytes_add(out, " ", 1, e));
  return rd_alphabet_letters(rd_vocab_piece(v, (int32_t)(uint32_t)pair->key), out, e);
}
