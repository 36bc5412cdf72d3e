/* SPDX-License-Identifier: MIT */
/* The last step of reading any format: indices, byte pieces, and the decoded text of every piece,
 * worked out once so that decoding is copying. Also what the SentencePiece formats share. */
#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 */

const rd_piece_kind rd_piece_types[RD_PIECE_TYPES] = {
    RD_PIECE_NONE,  RD_PIECE_NORMAL, RD_PIECE_UNKNOWN, RD_PIECE_SPECIAL,
    RD_PIECE_ADDED, RD_PIECE_NONE,   RD_PIECE_BYTE};

int32_t rd_piece_type(rd_piece_kind kind) {
  const rd_piece_kind as = kind == RD_PIECE_FOREIGN ? RD_PIECE_NORMAL
                         : kind == RD_PIECE_USER    ? RD_PIECE_ADDED
                                                    : kind;
  for (int32_t type = RD_PIECE_TYPES - 1; type > 0; type--)
    if (rd_piece_types[type] == as)
      return type;
  return 0;
}

rd_code rd_mark_spaces(rd_bytes *out, rd_slice text, rd_error *e) {
  for (size_t i = 0; i < text.size; i++) {
    const bool space = text.data[i] == ' ';
    RD_TRY(rd_bytes_add(out, space ? space_mark : text.data + i, space ? 3 : 1, e));
  }
  return RD_OK;
}

rd_code rd_tokenizer_new(rd_tokenizer **out, const char *format, rd_error *e) {
  rd_tokenizer *t = rd_calloc(1, sizeof *t, "a tokenizer", e);
  *out = t;
  if (!t)
    return RD_NO_MEMORY;
  t->format = format;
  t->speller = rd_spell_merges;
  t->join = rd_join_listed;
  t->unknown = t->bos = t->pad = t->mask = -1;
  t->added.named = RD_ADDED_LATER;
  memset(t->byte_ids, 0xFF, sizeof t->byte_ids);
  memset(t->fallback_ids, 0xFF, sizeof t->fallback_ids);
  return RD_OK;
}

void rd_tokenizer_close(rd_tokenizer **t) {
  if (!*t)
    return;
  rd_vocab_drop(&(*t)->vocab);
  rd_added_drop(&(*t)->added);
  rd_added_drop(&(*t)->later);
  rd_added_drop(&(*t)->kept);
  rd_normaliser_drop(&(*t)->normaliser);
  rd_normaliser_drop(&(*t)->spacer);
  rd_splitter_drop(&(*t)->splitter);
  rd_splitter_drop(&(*t)->after_bytes);
  rd_ids_drop(&(*t)->eos);
  rd_bytes_drop(&(*t)->texts);
  rd_unigram_drop(&(*t)->unigram);
  free((*t)->text_ends);
  free((*t)->chat_template);
  free((*t)->tool_template);
  free((*t)->template_names);
  free((*t)->lost_mask);
  json_decref((*t)->named.others);
  free((*t)->class_name);
  free(*t);
  *t = NULL;
}

rd_code rd_written_of(rd_written *w, const rd_tokenizer *t, rd_slice text, rd_error *e) {
  bool all;
  *w = (rd_written){.text = text};
  return t->byte_level ? rd_alphabet_bytes(text, &w->bytes, &all, e) : RD_OK;
}

bool rd_written_is(const rd_written *w, const rd_tokenizer *t, int32_t id) {
  const rd_piece_kind kind = t->vocab.pieces[id].kind;
  const bool mapped = t->byte_level && rd_piece_spells(kind);
  const rd_slice text = mapped ? rd_slice_of(&w->bytes) : w->text;
  return kind != RD_PIECE_NONE && text.size && rd_slice_same(rd_vocab_piece(&t->vocab, id), text);
}

static rd_code is_written(const rd_tokenizer *t, int32_t id, rd_slice text, bool *yes,
                          rd_error *e) {
  rd_written w;
  rd_code code = rd_written_of(&w, t, text, e);
  *yes = code == RD_OK && rd_written_is(&w, t, id);
  rd_bytes_drop(&w.bytes);
  return code;
}

/* What a piece of the model is once it is added too. A user-defined one with spaces stays what it
 * is: no text holds it before they are replaced. */
static rd_piece_kind kind_added(rd_piece_kind kind, rd_slice text) {
  if (kind != RD_PIECE_USER)
    return RD_PIECE_BOTH;
  return memmem(text.data, text.size, space_mark, 3) ? RD_PIECE_USER : RD_PIECE_ADDED;
}

rd_code rd_tokenizer_add(rd_tokenizer *t, int64_t id, rd_slice text, unsigned flags, rd_error *e) {
  rd_piece_kind kind = flags & RD_ADDED_SPECIAL ? RD_PIECE_SPECIAL : RD_PIECE_ADDED;
  const bool there = id >= 0 && (size_t)id < t->vocab.count;
  const rd_piece_kind was = there ? t->vocab.pieces[id].kind : RD_PIECE_NONE;
  bool same = false;
  if (kind == RD_PIECE_ADDED && rd_piece_spells(was))
    RD_TRY(is_written(t, (int32_t)id, text, &same, e));
  if (was == RD_PIECE_UNKNOWN)
    kind = RD_PIECE_UNKNOWN;
  if (same)
    t->vocab.pieces[id].kind = kind_added(was, text);
  else
    RD_TRY(rd_vocab_set(&t->vocab, id, text, kind, 0, e));
  if (strcmp(t->format, "tokenizer.json") != 0)
    flags &= ~(unsigned)RD_ADDED_LATER; /* beside other files text is searched as it is */
  return rd_added_set(&t->added, text, (int32_t)id, flags, e);
}

int rd_byte_piece(rd_slice piece) {
  char digits[3] = {0}, *end;
  if (piece.size != 6 || memcmp(piece.data, "<0x", 3) != 0 || piece.data[5] != '>')
    return -1;
  memcpy(digits, piece.data + 3, 2);
  long value = strtol(digits, &end, 16);
  return end == digits + 2 && value >= 0 && digits[0] != '+' ? (int)value : -1;
}

/* Larger scores are joined first: the bits of a float, turned so that they sort downwards. */
uint32_t rd_score_rank(float score) {
  uint32_t bits;
  score += 0.0F; /* -0 is 0 */
  memcpy(&bits, &score, 4);
  return bits & 0x80000000U ? bits : 0x7FFFFFFFU - bits;
}

float rd_rank_score(uint32_t rank) {
  uint32_t bits = rank & 0x80000000U ? rank : 0x7FFFFFFFU - rank;
  float score;
  memcpy(&score, &bits, 4);
  return score;
}

/* Does a piece hold a space after something else? Then spelling crosses words. */
static bool crosses(const rd_vocab *v, bool user) {
  for (size_t id = 0; id < v->count; id++) {
    rd_slice piece = rd_vocab_piece(v, (int32_t)id);
    while (piece.size >= 3 && memcmp(piece.data, space_mark, 3) == 0)
      piece = (rd_slice){piece.data + 3, piece.size - 3};
    const rd_piece_kind kind = v->pieces[id].kind;
    if ((kind == RD_PIECE_NORMAL || (user && kind == RD_PIECE_USER)) && piece.size &&
        memmem(piece.data, piece.size, space_mark, 3))
      return true;
  }
  return false;
}

rd_code rd_tok_use_sentencepiece(rd_tokenizer *t, bool prefix, bool squeeze, rd_error *e) {
  t->join = rd_join_text;
  t->fuse_unknown = true;
  t->byte_fallback = true;
  t->prefixed = prefix;
  t->squeezed = squeeze;
  if (squeeze)
    RD_TRY(rd_normal_squeeze(&t->normaliser, e));
  RD_TRY(rd_normal_replace(&t->normaliser, rd_slice_text(" "), rd_slice_text(space_mark), e));
  if (prefix)
    RD_TRY(rd_normal_prefix(&t->normaliser, rd_slice_text(space_mark), t->prefix_at_start,
                            t->prefix_at_start, e));
  if (t->vocab.count && !crosses(&t->vocab, t->speller == rd_spell_unigram))
    RD_TRY(rd_splitter_add(&t->splitter,
                           rd_slice_text("\xE2\x96\x81*[^\xE2\x96\x81]+|\xE2\x96\x81+"), false,
                           "Isolated", false, e));
  return RD_OK;
}

/* As WordPiece's decoder cleans up a token: no space before signs and English endings. */
static rd_code add_clean(rd_tokenizer *t, rd_slice text, rd_error *e) {
  static const char *const rows[][2] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                        {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                        {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                        {" 've", "'ve"}, {" 're", "'re"}};
  rd_normaliser steps = {0};
  rd_bytes buffers[2] = {{0}, {0}};
  rd_code code = RD_OK;
  for (size_t i = 0; i < sizeof rows / sizeof *rows && code == RD_OK; i++)
    code = rd_normal_replace(&steps, rd_slice_text(rows[i][0]), rd_slice_text(rows[i][1]), e);
  if (code == RD_OK)
    code = rd_normaliser_run(&steps, text, RD_GAP_START, buffers, &text, NULL, e);
  if (code == RD_OK)
    code = rd_bytes_add(&t->texts, text.data, text.size, e);
  rd_normaliser_drop(&steps);
  rd_bytes_drop(&buffers[0]);
  rd_bytes_drop(&buffers[1]);
  return code;
}

static rd_code add_spaced(rd_tokenizer *t, rd_slice piece, rd_error *e) {
  size_t joint = strlen(t->joint);
  bool joined = joint && piece.size >= joint && memcmp(piece.data, t->joint, joint) == 0;
  rd_bytes text = {0};
  rd_code code = joined ? RD_OK : rd_bytes_add(&text, " ", 1, e);
  if (joined)
    piece = (rd_slice){piece.data + joint, piece.size - joint};
  if (code == RD_OK)
    code = rd_bytes_add(&text, piece.data, piece.size, e);
  if (code == RD_OK)
    code = t->cleaned ? add_clean(t, rd_slice_of(&text), e)
                      : rd_bytes_add(&t->texts, text.data, text.size, e);
  rd_bytes_drop(&text);
  return code;
}

/* Append what piece `id` adds to decoded text. */
static rd_code add_text(rd_tokenizer *t, int32_t id, rd_error *e) {
  rd_slice piece = rd_vocab_piece(&t->vocab, id);
  rd_piece_kind kind = t->vocab.pieces[id].kind;
  int byte = kind == RD_PIECE_BYTE ? rd_byte_piece(piece) : -1;
  if (t->spaced)
    return add_spaced(t, piece, e);
  if (byte >= 0)
    return rd_bytes_add(&t->texts, &(char){(char)byte}, 1, e);
  if (t->byte_level)
    return rd_bytes_add(&t->texts, piece.data, piece.size, e);
  for (size_t at = 0; at < piece.size;) {
    bool mark = piece.size - at >= 3 && memcmp(piece.data + at, space_mark, 3) == 0;
    RD_TRY(rd_bytes_add(&t->texts, mark ? " " : piece.data + at, 1, e));
    at += mark ? 3 : 1;
  }
  return RD_OK;
}

/* The tokens that are looked for in normalised text, in their normalised form. SentencePiece's own
 * are in it already, and a Unigram spells them. */
static rd_code seal_later(rd_tokenizer *t, rd_error *e) {
  rd_bytes buffers[2] = {{0}, {0}};
  rd_code code = RD_OK;
  for (size_t i = 0; i < t->added.count && code == RD_OK; i++) {
    const struct rd_added_token *token = &t->added.tokens[i];
    rd_slice text = {token->text, token->size};
    const bool user = t->vocab.pieces[token->id].kind == RD_PIECE_USER;
    if (!(token->flags & RD_ADDED_LATER) && !user)
      continue;
    code = user ? rd_added_set(&t->kept, text, token->id, 0, e)
                : rd_normaliser_run(&t->normaliser, text, RD_GAP_START, buffers, &text, NULL, e);
    if (code == RD_OK && text.size && !(user && t->speller == rd_spell_unigram))
      code = rd_added_set(&t->later, text, token->id, token->flags & ~(unsigned)RD_ADDED_LATER, e);
  }
  rd_bytes_drop(&buffers[0]);
  rd_bytes_drop(&buffers[1]);
  rd_added_index(&t->later);
  rd_added_index(&t->kept);
  return code;
}

static void set_fallback(rd_tokenizer *t, int32_t id) {
  const rd_piece *pieces = t->vocab.pieces;
  const int byte = t->byte_fallback ? rd_byte_piece(rd_vocab_piece(&t->vocab, id)) : -1;
  if (byte < 0 || pieces[id].kind == RD_PIECE_NONE)
    return;
  int32_t *at = &t->fallback_ids[byte];
  if (*at < 0 || (pieces[id].kind == RD_PIECE_BYTE && pieces[*at].kind != RD_PIECE_BYTE))
    *at = id;
}

void rd_tok_find_bytes(rd_tokenizer *t) {
  for (size_t id = 0; id < t->vocab.count && !t->bytes_found; id++)
    set_fallback(t, (int32_t)id);
  t->bytes_found = true;
}

rd_code rd_tokenizer_seal(rd_tokenizer *t, rd_error *e) {
  rd_vocab *v = &t->vocab;
  if (v->count == 0)
    return rd_fail(e, RD_BAD_INPUT, "the vocabulary is empty");
  RD_TRY(rd_vocab_index(v, e));
  t->prefix_at_start = t->prefix_at_start || t->spaced;
  if (t->speller == rd_spell_unigram)
    RD_TRY(rd_unigram_seal(&t->unigram, v, e));
  rd_added_index(&t->added);
  RD_TRY(seal_later(t, e));
  size_t ends = 0; /* ids that a post-processor named before there was a vocabulary */
  for (size_t i = 0; i < t->eos.size; i++)
    if ((size_t)t->eos.data[i] < v->count)
      t->eos.data[ends++] = t->eos.data[i];
  t->eos.size = ends;
  if (t->bos >= 0 && (size_t)t->bos >= v->count) {
    t->bos = -1;
    t->add_bos = false;
  }
  t->text_ends = rd_calloc(v->count, sizeof *t->text_ends, "decoded pieces", e);
  if (!t->text_ends)
    return RD_NO_MEMORY;
  RD_TRY(rd_grow((void **)&t->texts.data, &t->texts.capacity, v->pool.size + 1, 1, e));
  for (size_t id = 0; id < v->count; id++) {
    RD_TRY(add_text(t, (int32_t)id, e));
    t->text_ends[id] = (uint32_t)t->texts.size;
    rd_slice piece = rd_vocab_piece(v, (int32_t)id);
    bool single = t->byte_level && rd_piece_spells(v->pieces[id].kind) && piece.size == 1;
    if (single && t->byte_ids[(unsigned char)*piece.data] < 0)
      t->byte_ids[(unsigned char)*piece.data] = (int32_t)id;
  }
  rd_tok_find_bytes(t);
  return RD_OK;
}
