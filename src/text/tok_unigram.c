/* SPDX-License-Identifier: MIT */
/* Viterbi's algorithm over the bytes of a word. Pieces that begin at a place are found in the
 * sorted list, its range narrowing with each, so a word of n bytes costs O(n) times the longest
 * piece. Of paths of one sum the first found stays: whose last piece is longest. */
#include "tok_unigram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1024, NO_PATH = -2, NO_PIECE = -1 };

rd_code rd_unigram_set(rd_unigram *u, const rd_vocab *v, int64_t id, double score, rd_error *e) {
  if (!isfinite(score))
    return rd_fail(e, RD_BAD_INPUT, "token %lld has score %g", (long long)id, score);
  RD_TRY(rd_grow((void **)&u->scores, &u->capacity, v->count, sizeof *u->scores, e));
  u->scores[id] = score;
  u->least = id == 0 || score < u->least ? score : u->least;
  return RD_OK;
}

void rd_unigram_drop(rd_unigram *u) {
  free(u->scores);
  free(u->order);
  *u = (rd_unigram){0};
}

static int by_bytes(const void *left, const void *right, void *context) {
  rd_slice a = rd_vocab_piece(context, *(const int32_t *)left),
           b = rd_vocab_piece(context, *(const int32_t *)right);
  int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

rd_code rd_unigram_seal(rd_unigram *u, const rd_vocab *v, rd_error *e) {
  enum { PENALTY = 10 };
  double least = HUGE_VAL;
  size_t capacity = 0;
  RD_TRY(rd_grow((void **)&u->order, &capacity, v->count + 1, sizeof *u->order, e));
  for (size_t id = 0; id < v->count; id++) {
    rd_slice piece = rd_vocab_piece(v, (int32_t)id);
    if (piece.size > LONGEST)
      return rd_fail(e, RD_UNSUPPORTED, "token %zu has %zu bytes; at most %d are supported", id,
                     piece.size, LONGEST);
    if (rd_vocab_find(v, piece) != (int32_t)id || id >= u->capacity)
      continue;
    if (v->pieces[id].kind != RD_PIECE_USER)
      least = u->scores[id] < least ? u->scores[id] : least;
    u->order[u->count++] = (int32_t)id;
  }
  qsort_r(u->order, u->count, sizeof *u->order, by_bytes, (void *)(uintptr_t)v);
  least = isfinite(least) ? least : 0;
  u->unknown = (u->narrow ? least : u->least) - PENALTY;
  return RD_OK;
}

/* First of low..high whose byte at `depth` is at least `byte`; all have more than `depth` bytes. */
static size_t first_with(const rd_unigram *u, const rd_vocab *v, size_t low, size_t high,
                         size_t depth, unsigned byte) {
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((unsigned char)rd_vocab_piece(v, u->order[middle]).data[depth] < byte)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* A path that ends at `end` by a part from `start`. */
static void offer(const rd_unigram *u, rd_unigram_node *nodes, size_t start, size_t end, int32_t id,
                  double score) {
  double sum = nodes[start].score + score;
  sum = u->narrow ? (double)(float)sum : sum;
  if (nodes[end].id == NO_PATH || sum > nodes[end].score)
    nodes[end] = (rd_unigram_node){sum, (uint32_t)start, 0, id};
}

void rd_unigram_path(const rd_unigram *u, const rd_vocab *v, rd_slice word,
                     rd_unigram_node *nodes) {
  for (size_t i = 0; i <= word.size; i++)
    nodes[i] = (rd_unigram_node){0, 0, 0, i ? NO_PATH : NO_PIECE};
  for (size_t at = 0; at < word.size;) {
    rd_utf8 c = rd_utf8_read(word.data + at, word.size - at);
    size_t size = c.kind == RD_UTF8_GOOD ? c.size : 1, low = 0, high = u->count;
    bool single = false;
    for (size_t depth = 0; at + depth < word.size && low < high; depth++) {
      unsigned byte = (unsigned char)word.data[at + depth];
      low = first_with(u, v, low, high, depth, byte);
      high = first_with(u, v, low, high, depth, byte + 1);
      if (low == high || rd_vocab_piece(v, u->order[low]).size != depth + 1)
        continue;
      int32_t id = u->order[low++];
      offer(u, nodes, at, at + depth + 1, id, u->scores[id]);
      single = single || depth + 1 == size;
    }
    if (!single)
      offer(u, nodes, at, at + size, NO_PIECE, u->unknown);
    at += size;
  }
  for (size_t end = word.size; end > 0; end = nodes[end].start)
    nodes[nodes[end].start].next = (uint32_t)end;
}
