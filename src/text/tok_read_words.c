/* SPDX-License-Identifier: MIT */
/* tokenizer.json's models of words: WordPiece (BERT), WordLevel, Unigram (T5, XLM-R). */
#include "tok_model.h"
#include "tok_scan.h"

#include <string.h>

static rd_code check_vocabulary(const rd_tokenizer *t, rd_slice vocab, const char *type,
                                rd_error *e) {
  if (!vocab.data)
    return rd_fail(e, RD_BAD_INPUT, "model %s: \"vocab\" is missing", type);
  return t->byte_level ? rd_fail(e, RD_UNSUPPORTED,
                                 "model %s behind the pre-tokenizer ByteLevel, which is computed "
                                 "for BPE alone",
                                 type)
                       : RD_OK;
}

/* The unknown token by its name: these models cannot go without. */
static rd_code read_unknown(rd_tokenizer *t, rd_slice value, const char *what, rd_error *e) {
  rd_bytes name = {0};
  if (value.data &&
      rd_scan_peek(&(rd_scan){value.data, value.data, value.data + value.size, true}) == '"') {
    rd_scan s = rd_scan_of(value);
    rd_code code = rd_scan_string(&s, &name, e);
    t->unknown = code == RD_OK ? rd_vocab_find(&t->vocab, rd_slice_of(&name)) : -1;
    rd_bytes_drop(&name);
    RD_TRY(code);
  }
  if (t->unknown < 0)
    return rd_fail(e, RD_UNSUPPORTED, "%s without an unk_token that is in the vocabulary", what);
  t->vocab.pieces[t->unknown].kind = RD_PIECE_UNKNOWN;
  return RD_OK;
}

rd_code rd_tok_read_wordlevel(rd_tokenizer *t, rd_slice model, rd_error *e) {
  static const char *const keys[] = {"vocab", "unk_token"};
  rd_slice values[2] = {{0}};
  RD_TRY(rd_tok_cut(model, keys, 2, values, e));
  RD_TRY(check_vocabulary(t, values[0], "WordLevel", e));
  t->speller = rd_spell_word;
  t->spaced = true;
  RD_TRY(rd_tok_scan_vocab(t, values[0], e));
  return read_unknown(t, values[1], "WordLevel", e);
}

rd_code rd_tok_read_wordpiece(rd_tokenizer *t, rd_slice model, rd_error *e) {
  static const char *const keys[] = {"vocab", "unk_token", "continuing_subword_prefix",
                                     "max_input_chars_per_word"};
  rd_slice values[4] = {{0}};
  rd_bytes prefix = {0};
  int64_t most = 100;
  RD_TRY(rd_tok_cut(model, keys, 4, values, e));
  RD_TRY(check_vocabulary(t, values[0], "WordPiece", e));
  if (values[3].data) {
    rd_scan s = rd_scan_of(values[3]);
    RD_TRY(rd_scan_integer(&s, &most, e));
  }
  t->speller = rd_spell_pieces;
  t->spaced = true;
  t->longest_word = most > 0 ? (size_t)most : 0;
  strcpy(t->continuing, "##");
  if (values[2].data) {
    rd_scan s = rd_scan_of(values[2]);
    rd_code code = rd_scan_string(&s, &prefix, e);
    if (code == RD_OK && prefix.size >= sizeof t->continuing)
      code = rd_fail(e, RD_UNSUPPORTED, "continuing_subword_prefix of %zu bytes", prefix.size);
    if (code == RD_OK) {
      memset(t->continuing, 0, sizeof t->continuing);
      memcpy(t->continuing, rd_slice_of(&prefix).data, prefix.size);
    }
    rd_bytes_drop(&prefix);
    RD_TRY(code);
  }
  RD_TRY(rd_tok_scan_vocab(t, values[0], e));
  return read_unknown(t, values[1], "WordPiece", e);
}

/* [["piece", score], ..]; the ids are the places. */
static rd_code scan_pieces(rd_tokenizer *t, rd_slice list, rd_bytes *piece, rd_error *e) {
  rd_scan s = rd_scan_of(list);
  bool more = false;
  RD_TRY(rd_scan_open(&s, '[', e));
  for (int64_t id = 0;; id++) {
    double score = 0;
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    if (!more)
      return rd_vocab_index(&t->vocab, e);
    piece->size = 0;
    RD_TRY(rd_scan_open(&s, '[', e));
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    RD_TRY(rd_scan_string(&s, piece, e));
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    RD_TRY(rd_scan_number(&s, &score, e));
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    if (more)
      return rd_fail(e, RD_BAD_INPUT, "token %lld is more than a piece and a score", (long long)id);
    rd_piece_kind kind = t->byte_fallback && rd_byte_piece(rd_slice_of(piece)) >= 0
                           ? RD_PIECE_BYTE
                           : RD_PIECE_NORMAL;
    RD_TRY(rd_vocab_set(&t->vocab, id, rd_slice_of(piece), kind, 0, e));
    RD_TRY(rd_unigram_set(&t->unigram, &t->vocab, id, score, e));
  }
}

rd_code rd_tok_read_unigram(rd_tokenizer *t, rd_slice model, rd_error *e) {
  static const char *const keys[] = {"vocab", "unk_id", "byte_fallback"};
  rd_slice values[3] = {{0}};
  rd_bytes piece = {0};
  int64_t unknown = -1;
  RD_TRY(rd_tok_cut(model, keys, 3, values, e));
  RD_TRY(check_vocabulary(t, values[0], "Unigram", e));
  t->speller = rd_spell_unigram;
  t->byte_fallback = values[2].data && rd_slice_same(values[2], rd_slice_text("true"));
  rd_code code = scan_pieces(t, values[0], &piece, e);
  rd_bytes_drop(&piece);
  RD_TRY(code);
  if (values[1].data && !rd_slice_same(values[1], rd_slice_text("null"))) {
    rd_scan s = rd_scan_of(values[1]);
    RD_TRY(rd_scan_integer(&s, &unknown, e));
  }
  if (unknown < 0 || (size_t)unknown >= t->vocab.count)
    return rd_fail(e, RD_UNSUPPORTED, "Unigram without an unk_id that is in the vocabulary");
  t->unknown = (int32_t)unknown;
  t->vocab.pieces[unknown].kind = RD_PIECE_UNKNOWN;
  return RD_OK;
}
