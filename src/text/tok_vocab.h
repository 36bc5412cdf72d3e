/* SPDX-License-Identifier: MIT */
/* A vocabulary: pieces by id, ids by piece, and which pairs of ids merge. Filled by a format
 * reader, then indexed once; read-only afterwards. Byte-level pieces are held as the bytes they
 * stand for. */
#ifndef RD_TOK_VOCAB_H
#define RD_TOK_VOCAB_H

#include "tok_bytes.h"

enum { RD_VOCAB_LIMIT = 1 << 24 }; /* ids; far above any published vocabulary */

/* What a piece is to the encoder. */
typedef enum rd_piece_kind {
  RD_PIECE_NONE = 0, /* a hole in the numbering */
  RD_PIECE_NORMAL,   /* text that merging may produce */
  RD_PIECE_SPECIAL,  /* never produced from plain text: <s>, <|endoftext|> */
  RD_PIECE_ADDED,    /* matched whole in the text before anything else */
  RD_PIECE_BOTH,     /* added, and a piece of the model all the same */
  RD_PIECE_USER,     /* SentencePiece's user-defined: whole in normalised text, else as normal */
  RD_PIECE_BYTE,     /* one byte, where the vocabulary lacks a character */
  RD_PIECE_UNKNOWN,  /* stands for what cannot be written */
  RD_PIECE_FOREIGN,  /* not of the byte-level alphabet of its vocabulary: no text becomes it */
} rd_piece_kind;

/* May spelling a word produce it? */
static inline bool rd_piece_spells(rd_piece_kind kind) {
  return kind == RD_PIECE_NORMAL || kind == RD_PIECE_BOTH || kind == RD_PIECE_USER;
}

typedef struct rd_piece {
  uint32_t start, size; /* in the pool */
  uint32_t rank;        /* joining by text: lower is merged first */
  rd_piece_kind kind;
} rd_piece;

typedef struct rd_pair {
  uint64_t key; /* left << 32 | right; UINT64_MAX is an empty slot */
  uint32_t rank;
  int32_t id; /* what they become */
} rd_pair;

typedef struct rd_vocab {
  rd_bytes pool;
  rd_piece *pieces; /* (count) */
  size_t count, capacity;
  size_t longest; /* bytes of the longest NORMAL piece */
  struct rd_slot {
    uint32_t hash, id1; /* id + 1; 0 is an empty slot */
  } * slots;            /* (slot_mask + 1) */
  size_t slot_mask;
  bool first_pair; /* of a merge that is listed twice the first counts, not the last */
  rd_pair *pairs;  /* (pair_mask + 1), NULL without merges */
  size_t pair_mask;
} rd_vocab;

void rd_vocab_drop(rd_vocab *v);
/* Set the piece of `id`, whatever it was; ids may come in any order. */
rd_code rd_vocab_set(rd_vocab *v, int64_t id, rd_slice piece, rd_piece_kind kind, uint32_t rank,
                     rd_error *e);
/* Build the way from piece to id for the pieces set so far that words are spelled with. */
rd_code rd_vocab_index(rd_vocab *v, rd_error *e);
/* The id of such a piece, or -1. */
int32_t rd_vocab_find(const rd_vocab *v, rd_slice piece);
/* Make room for `count` merges. */
rd_code rd_vocab_expect_pairs(rd_vocab *v, size_t count, rd_error *e);
/* "left right" as pieces merge with priority `rank`. */
rd_code rd_vocab_add_pair(rd_vocab *v, rd_slice left, rd_slice right, uint32_t rank, rd_error *e);
/* NULL when the two do not merge. */
const rd_pair *rd_vocab_pair(const rd_vocab *v, int32_t left, int32_t right);
/* All merges, the earliest first: a new array. */
rd_code rd_vocab_pairs(const rd_vocab *v, rd_pair **pairs, size_t *count, rd_error *e);
/* Append a merge of a byte-level vocabulary as files list it: "left right" in the letters that
 * stand for bytes. */
rd_code rd_vocab_pair_letters(const rd_vocab *v, const rd_pair *pair, rd_bytes *out, rd_error *e);
static inline rd_slice rd_vocab_piece(const rd_vocab *v, int32_t id) {
  const rd_piece *piece = &v->pieces[id];
  return (rd_slice){piece->size ? v->pool.data + piece->start : "", piece->size};
}
/* 32 bits of a hash of some bytes. */
uint32_t rd_vocab_hash(rd_slice text);

/* Byte-level alphabets (GPT-2): 256 printable characters that stand for the bytes. Append the bytes
 * of `text` to `out`; false, with nothing appended, when a character is not of that alphabet. */
rd_code rd_alphabet_bytes(rd_slice text, rd_bytes *out, bool *all, rd_error *e);
/* And back: append the characters that stand for these bytes. */
rd_code rd_alphabet_letters(rd_slice bytes, rd_bytes *out, rd_error *e);

#endif
