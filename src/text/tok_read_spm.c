/* SPDX-License-Identifier: MIT */
/* SentencePiece's tokenizer.model: a protobuf (sentencepiece_model.proto) read field by field. BPE
 * models, which LLaMA's are, and unigram models. */
#include "file.h"
#include "tok_model.h"

#include <math.h>
#include <string.h>

/* One field of a message. */
typedef struct field {
  uint32_t number;
  uint64_t value; /* varint, or the bits of a fixed32/64 */
  rd_slice bytes; /* length-delimited */
} field;

static uint64_t varint(rd_cursor *c) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = rd_cursor_u8(c);
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (!(byte & 0x80))
      return value;
  }
  c->failed = true;
  return 0;
}

/* The next field, false at the end or when the message is cut off (c->failed). */
static bool next_field(rd_cursor *c, field *f) {
  if (rd_cursor_left(c) == 0 || c->failed)
    return false;
  uint64_t tag = varint(c);
  *f = (field){.number = (uint32_t)(tag >> 3)};
  unsigned wire = tag & 7;
  if (wire == 0) {
    f->value = varint(c);
  } else if (wire == 1) {
    f->value = rd_cursor_u64(c);
  } else if (wire == 5) {
    f->value = rd_cursor_u32(c);
  } else if (wire == 2) {
    f->bytes.size = varint(c);
    f->bytes.data = (const char *)rd_cursor_bytes(c, f->bytes.size);
  } else {
    c->failed = true;
  }
  return !c->failed;
}

static rd_code cut_off(rd_error *e) {
  return rd_fail(e, RD_BAD_INPUT, "not a SentencePiece model: its protobuf is cut off or damaged");
}

/* What the trainer and normaliser parts say. */
typedef struct settings {
  uint64_t model_type, bos, eos, pad, suffix;
  bool prefix, squeeze, escape;
  rd_slice charsmap;
} settings;

static rd_code read_piece(rd_tokenizer *t, rd_slice message, int32_t id, rd_error *e) {
  rd_cursor c = rd_cursor_of(message.data, message.size);
  rd_slice piece = {"", 0};
  uint32_t bits = 0;
  uint64_t type = 1;
  float score;
  for (field f; next_field(&c, &f);) {
    if (f.number == 1 && f.bytes.data)
      piece = f.bytes;
    if (f.number == 2)
      bits = (uint32_t)f.value;
    if (f.number == 3)
      type = f.value;
  }
  memcpy(&score, &bits, 4);
  if (c.failed)
    return cut_off(e);
  if (type == 0 || type >= RD_PIECE_TYPES || !isfinite(score))
    return rd_fail(e, RD_BAD_INPUT, "token %d has type %llu (1..6 are known) and score %g", id,
                   (unsigned long long)type, (double)score);
  rd_piece_kind kind = rd_piece_types[type];
  if (kind == RD_PIECE_ADDED)
    kind = RD_PIECE_USER;
  RD_TRY(rd_vocab_set(&t->vocab, id, piece, kind, rd_score_rank(score), e));
  RD_TRY(rd_unigram_set(&t->unigram, &t->vocab, id, (double)score, e));
  if (kind == RD_PIECE_UNKNOWN)
    t->unknown = id;
  bool special = kind == RD_PIECE_SPECIAL || kind == RD_PIECE_UNKNOWN;
  if ((special || kind == RD_PIECE_USER) && piece.size)
    RD_TRY(rd_added_set(&t->added, piece, id, special ? RD_ADDED_SPECIAL : RD_ADDED_LATER, e));
  return RD_OK;
}

static bool read_trainer(settings *s, rd_slice message) {
  rd_cursor c = rd_cursor_of(message.data, message.size);
  for (field f; next_field(&c, &f);) {
    uint64_t *places[] = {
        [3] = &s->model_type, [24] = &s->suffix, [41] = &s->bos, [42] = &s->eos, [43] = &s->pad};
    if (f.number < sizeof places / sizeof *places && places[f.number])
      *places[f.number] = f.value;
  }
  return !c.failed;
}

static bool read_normaliser(settings *s, rd_slice message) {
  rd_cursor c = rd_cursor_of(message.data, message.size);
  for (field f; next_field(&c, &f);) {
    bool *places[] = {[3] = &s->prefix, [4] = &s->squeeze, [5] = &s->escape};
    if (f.number == 2)
      s->charsmap = f.bytes;
    if (f.number < sizeof places / sizeof *places && places[f.number])
      *places[f.number] = f.value != 0;
  }
  return !c.failed;
}

/* A user-defined piece has a score for each byte behind its first, whatever the file says: it is
 * taken before others in its place. */
static rd_code raise_user_defined(rd_tokenizer *t, rd_error *e) {
  for (size_t id = 0; id < t->vocab.count; id++)
    if (t->vocab.pieces[id].kind == RD_PIECE_USER)
      RD_TRY(rd_unigram_set(&t->unigram, &t->vocab, (int64_t)id,
                            0.1 * ((double)t->vocab.pieces[id].size - 1), e));
  return RD_OK;
}

static int32_t known_id(const rd_tokenizer *t, uint64_t id) {
  return id < t->vocab.count ? (int32_t)id : -1;
}

rd_code rd_tok_read_spm(rd_tokenizer *t, rd_slice data, rd_error *e) {
  static const char *const types[] = {"?", "unigram", "bpe", "word", "char"};
  settings s = {1, 1, 2, UINT64_MAX, 0, true, true, true, {NULL, 0}};
  rd_cursor c = rd_cursor_of(data.data, data.size);
  int32_t id = 0;
  for (field f; next_field(&c, &f);) {
    if (f.number == 1 && f.bytes.data)
      RD_TRY(read_piece(t, f.bytes, id++, e));
    if ((f.number == 2 && f.bytes.data && !read_trainer(&s, f.bytes)) ||
        (f.number == 3 && f.bytes.data && !read_normaliser(&s, f.bytes)))
      return cut_off(e);
  }
  if (c.failed)
    return cut_off(e);
  if (s.model_type != 1 && s.model_type != 2)
    return rd_fail(e, RD_UNSUPPORTED,
                   "SentencePiece model type %s is not supported: bpe and unigram are",
                   types[s.model_type < 5 ? s.model_type : 0]);
  if (s.suffix || !s.escape)
    return rd_fail(e, RD_UNSUPPORTED,
                   "SentencePiece normalisation with spaces as suffix or unescaped spaces is not "
                   "supported");
  if (s.charsmap.size) {
    RD_TRY(rd_normal_charsmap(&t->normaliser, s.charsmap, true, e));
    t->normaliser.steps[0].kept = &t->kept;
  }
  if (s.model_type == 1) {
    t->speller = rd_spell_unigram;
    RD_TRY(raise_user_defined(t, e));
  }
  t->unigram.narrow = true;
  t->bos = known_id(t, s.bos);
  t->add_bos = t->bos >= 0;
  t->pad = known_id(t, s.pad);
  if (known_id(t, s.eos) >= 0)
    RD_TRY(rd_ids_add(&t->eos, known_id(t, s.eos), e));
  t->prefix_at_start = t->asked.at_start;
  return rd_tok_use_sentencepiece(t, s.prefix && !t->asked.never, s.squeeze, e);
}
