/* SPDX-License-Identifier: MIT */
/* Encoding: the text is cut at added tokens; each gap is normalised, cut at the added tokens that
 * are found in normalised text, cut into words, merged.
 * Decoding: pieces one after another, without the space that encoding put in front of a gap. */
#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

typedef struct encoder {
  const rd_tokenizer *t;
  rd_merger merger;
  rd_regex_scratch *scratch;
  rd_bytes buffers[2], spaced[2];
  rd_bytes letters, bytes; /* a word in ByteLevel's letters; a part of it back in bytes */
  rd_bytes marks;          /* which bytes of a normalised gap are plain */
} encoder;

/* A part of a word that was cut in its letters. */
static rd_code spell_letters(void *context, rd_slice part, rd_error *e) {
  encoder *x = context;
  bool all;
  x->bytes.size = 0;
  RD_TRY(rd_alphabet_bytes(part, &x->bytes, &all, e));
  return x->t->speller(&x->merger, rd_slice_of(&x->bytes), e);
}

static rd_code cut_letters(void *context, rd_slice word, rd_error *e) {
  encoder *x = context;
  x->letters.size = 0;
  RD_TRY(rd_alphabet_letters(word, &x->letters, e));
  return rd_splitter_run(&x->t->after_bytes, x->scratch, rd_slice_of(&x->letters), spell_letters, x,
                         e);
}

static rd_code encode_words(encoder *x, rd_slice text, rd_gap gap, rd_error *e) {
  if (text.size == 0)
    return RD_OK;
  RD_TRY(rd_normaliser_run(&x->t->spacer, text, gap, x->spaced, &text, NULL, e));
  if (x->t->after_bytes.count)
    return rd_splitter_run(&x->t->splitter, x->scratch, text, cut_letters, x, e);
  RD_TRY(rd_merger_gap(&x->merger, text.size, e));
  return rd_splitter_run(&x->t->splitter, x->scratch, text, rd_merge_word, &x->merger, e);
}

/* The bytes from..to, none where they cross. */
static rd_slice between(rd_slice text, size_t from, size_t to) {
  return (rd_slice){text.data + from, to > from ? to - from : 0};
}

static bool for_all(const char *plain) {
  return plain == rd_added_plain || plain == rd_added_special;
}

static rd_code add_marks(rd_bytes *marks, char mark, size_t count, rd_error *e) {
  RD_TRY(rd_grow((void **)&marks->data, &marks->capacity, marks->size + count + 1, 1, e));
  memset(marks->data + marks->size, mark, count);
  marks->size += count;
  return RD_OK;
}

/* The marks of what the normaliser made of a gap. Its runs of plain and other bytes are normalised
 * one by one: where they no longer make up the whole, the rest is taken for plain. */
static rd_code mark_made(encoder *x, rd_slice text, rd_gap gap, const char *plain, rd_slice made,
                         rd_error *e) {
  rd_bytes *marks = &x->marks;
  marks->size = 0;
  for (size_t at = 0; at < text.size; gap = RD_GAP_ON) {
    const char *other = memchr(plain + at, plain[at] ? 0 : 1, text.size - at);
    const size_t end = other ? (size_t)(other - plain) : text.size;
    rd_slice part;
    RD_TRY(rd_normaliser_run(&x->t->normaliser, between(text, at, end), gap, x->spaced, &part, NULL,
                             e));
    if (part.size > made.size - marks->size ||
        memcmp(made.data + marks->size, part.data, part.size) != 0)
      break;
    RD_TRY(add_marks(marks, plain[at], part.size, e));
    at = end;
  }
  return add_marks(marks, 1, made.size - marks->size, e);
}

/* `plain`: rd_added_plain, rd_added_special, or a byte for each of the gap. */
static rd_code encode_gap(encoder *x, rd_slice text, rd_gap gap, const char *plain, rd_error *e) {
  if (text.size == 0)
    return RD_OK;
  const rd_slice raw = text;
  bool shorter = false; /* text that lost its beginning does not start where the whole does */
  const bool matters = gap == RD_GAP_START && x->t->prefix_at_start;
  RD_TRY(rd_normaliser_run(&x->t->normaliser, text, gap, x->buffers, &text,
                           matters ? &shorter : NULL, e));
  if (!for_all(plain) && x->t->later.count) {
    RD_TRY(mark_made(x, raw, gap, plain, text, e));
    plain = x->marks.data;
  }
  gap = shorter ? RD_GAP_INSIDE : gap;
  for (rd_added_match m = {0};; gap = RD_GAP_INSIDE) {
    const size_t at = m.end;
    m = rd_added_find(&x->t->later, text, m, plain);
    RD_TRY(encode_words(x, between(text, at, m.start), gap, e));
    if (m.id < 0)
      return RD_OK;
    RD_TRY(rd_ids_add(x->merger.out, m.id, e));
  }
}

static rd_code encode_all(encoder *x, rd_slice text, unsigned flags, const char *plain,
                          rd_error *e) {
  rd_ids *out = x->merger.out;
  if (flags & RD_TOK_BOS) {
    if (x->t->bos < 0)
      return rd_fail(e, RD_UNSUPPORTED, "this tokenizer has no BOS token");
    RD_TRY(rd_ids_add(out, x->t->bos, e));
  }
  for (rd_added_match m = {0};;) {
    const size_t at = m.end;
    m = rd_added_find(&x->t->added, text, m, plain);
    rd_gap gap = at > 0 ? RD_GAP_INSIDE : flags & RD_TOK_CONTINUE ? RD_GAP_ON : RD_GAP_START;
    RD_TRY(encode_gap(x, between(text, at, m.start), gap, for_all(plain) ? plain : plain + at, e));
    if (m.id < 0)
      return RD_OK;
    RD_TRY(rd_ids_add(out, m.id, e));
  }
}

static rd_code encode(const rd_tokenizer *t, const char *text, size_t size, unsigned flags,
                      const char *plain, int32_t **ids, size_t *count, rd_error *e) {
  enum { LONGEST = 1 << 30 };
  rd_ids out = {0};
  encoder x = {.t = t, .merger = {.t = t, .out = &out}};
  *ids = NULL;
  *count = 0;
  if (size > LONGEST)
    return rd_fail(e, RD_BAD_INPUT, "a text of %zu bytes; at most %d can be encoded at once", size,
                   LONGEST);
  rd_code code = rd_grow((void **)&out.data, &out.capacity, size / 3 + 2, sizeof *out.data, e);
  if (code == RD_OK)
    code = rd_regex_scratch_new(&x.scratch, 2 * size, e); /* letters are longer */
  if (code == RD_OK)
    code = encode_all(&x, (rd_slice){text, size}, flags, t->splits_special ? rd_added_plain : plain,
                      e);
  rd_merger_drop(&x.merger);
  rd_regex_scratch_free(x.scratch);
  rd_bytes_drop(&x.letters);
  rd_bytes_drop(&x.bytes);
  rd_bytes_drop(&x.marks);
  rd_bytes_drop(&x.spaced[0]);
  rd_bytes_drop(&x.spaced[1]);
  rd_bytes_drop(&x.buffers[0]);
  rd_bytes_drop(&x.buffers[1]);
  if (code != RD_OK) {
    rd_ids_drop(&out);
    return code;
  }
  *ids = out.data;
  *count = out.size;
  return RD_OK;
}

rd_code rd_tokenizer_encode(const rd_tokenizer *t, const char *text, size_t size, unsigned flags,
                            int32_t **ids, size_t *count, rd_error *e) {
  const char *plain = flags & RD_TOK_SPECIAL ? rd_added_special : rd_added_plain;
  return encode(t, text, size, flags, plain, ids, count, e);
}

rd_code rd_tokenizer_encode_marked(const rd_tokenizer *t, const char *text, size_t size,
                                   const char *plain, int32_t **ids, size_t *count, rd_error *e) {
  return encode(t, text, size, 0, plain, ids, count, e);
}

static rd_slice text_of(const rd_tokenizer *t, int32_t id) {
  uint32_t start = id ? t->text_ends[id - 1] : 0;
  return (rd_slice){t->texts.data + start, t->text_ends[id] - start};
}

/* The text of one token of a sequence; `boundary` is carried from token to token. */
static rd_code next_text(const rd_tokenizer *t, int32_t id, unsigned flags, bool *boundary,
                         rd_slice *text, rd_error *e) {
  *text = (rd_slice){"", 0};
  if (id < 0 || (size_t)id >= t->vocab.count)
    return rd_fail(e, RD_BAD_INPUT, "token id %d is outside the vocabulary of %zu", id,
                   t->vocab.count);
  rd_piece_kind kind = t->vocab.pieces[id].kind;
  if (kind == RD_PIECE_SPECIAL && (flags & RD_TOK_SKIP)) {
    *boundary = *boundary || !t->prefix_at_start;
    return RD_OK;
  }
  *text = *boundary && t->spaced ? rd_vocab_piece(&t->vocab, id) : text_of(t, id);
  if (*boundary && t->prefixed && (kind == RD_PIECE_NORMAL || kind == RD_PIECE_USER) &&
      text->size && text->data[0] == ' ')
    *text = (rd_slice){text->data + 1, text->size - 1};
  *boundary = !t->prefix_at_start &&
              (kind == RD_PIECE_SPECIAL || kind == RD_PIECE_ADDED || kind == RD_PIECE_BOTH);
  return RD_OK;
}

static rd_code decode_all(const rd_tokenizer *t, const int32_t *ids, size_t count, unsigned flags,
                          rd_bytes *out, rd_error *e) {
  bool boundary = !(flags & RD_TOK_CONTINUE);
  for (size_t i = 0; i < count; i++) {
    rd_slice text;
    RD_TRY(next_text(t, ids[i], flags, &boundary, &text, e));
    RD_TRY(rd_bytes_add(out, text.data, text.size, e));
  }
  return RD_OK;
}

rd_code rd_tokenizer_decode(const rd_tokenizer *t, const int32_t *ids, size_t count, unsigned flags,
                            char **text, size_t *size, rd_error *e) {
  rd_bytes out = {0}, whole = {0};
  rd_code code = decode_all(t, ids, count, flags, &out, e);
  if (code == RD_OK && (flags & RD_TOK_REPLACE)) {
    code = rd_utf8_replace(rd_slice_of(&out), &whole, e);
    rd_bytes_drop(&out);
    out = whole;
  }
  if (code == RD_OK)
    code = rd_bytes_add(&out, "", 1, e);
  if (code != RD_OK) {
    rd_bytes_drop(&out);
    return code;
  }
  *text = out.data;
  *size = out.size - 1;
  return RD_OK;
}

int32_t rd_tokenizer_bos(const rd_tokenizer *t) {
  return t->bos;
}
int32_t rd_tokenizer_pad(const rd_tokenizer *t) {
  return t->pad;
}
int32_t rd_tokenizer_mask(const rd_tokenizer *t) {
  return t->mask;
}
const char *rd_tokenizer_lost_mask(const rd_tokenizer *t) {
  return t->mask < 0 ? t->lost_mask : NULL;
}
bool rd_tokenizer_adds_bos(const rd_tokenizer *t) {
  return t->add_bos;
}
bool rd_tokenizer_has(const rd_tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->vocab.count && t->vocab.pieces[id].kind != RD_PIECE_NONE;
}
size_t rd_tokenizer_size(const rd_tokenizer *t) {
  return t->vocab.count;
}
const char *rd_tokenizer_chat_template(const rd_tokenizer *t) {
  return t->chat_template;
}
const char *rd_tokenizer_tool_template(const rd_tokenizer *t) {
  return t->tool_template;
}
bool rd_tokenizer_has_template(const rd_tokenizer *t) {
  return t->chat_template || t->template_names;
}
const char *rd_tokenizer_format(const rd_tokenizer *t) {
  return t->format;
}

const int32_t *rd_tokenizer_eos(const rd_tokenizer *t, size_t *count) {
  *count = t->eos.size;
  return t->eos.data;
}

bool rd_tokenizer_is_eos(const rd_tokenizer *t, int32_t id) {
  for (size_t i = 0; i < t->eos.size; i++)
    if (t->eos.data[i] == id)
      return true;
  return false;
}

bool rd_tokenizer_is_special(const rd_tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->vocab.count && t->vocab.pieces[id].kind == RD_PIECE_SPECIAL;
}

const char *rd_tokenizer_piece(const rd_tokenizer *t, int32_t id, size_t *size) {
  rd_slice text = id >= 0 && (size_t)id < t->vocab.count ? text_of(t, id) : (rd_slice){"", 0};
  *size = text.size;
  return text.data;
}

bool rd_tokenizer_joins(const rd_tokenizer *t) {
  return !t->spaced && !t->cleaned && !t->joint[0];
}

bool rd_tokenizer_drops_space(const rd_tokenizer *t) {
  return t->prefixed;
}

/* Where a space is dropped, added tokens make the one behind them lose its own, and a byte that is
 * a space keeps it. */
bool rd_tokenizer_writes(const rd_tokenizer *t, int32_t id) {
  rd_slice text;
  if (!rd_tokenizer_has(t, id))
    return false;
  switch (t->vocab.pieces[id].kind) {
  case RD_PIECE_NORMAL:
  case RD_PIECE_USER:
    return true;
  case RD_PIECE_ADDED:
  case RD_PIECE_BOTH:
    return !t->prefixed;
  case RD_PIECE_BYTE:
    text = text_of(t, id);
    return !t->prefixed || text.size != 1 || text.data[0] != ' ';
  default:
    return false;
  }
}

/* Added tokens first; then the piece as it is; then with its spaces as SentencePiece writes them.
 */
int32_t rd_tokenizer_id(const rd_tokenizer *t, const char *piece) {
  rd_slice text = rd_slice_text(piece);
  int32_t id = rd_added_id(&t->added, text);
  if (id >= 0 || t->byte_level)
    return id >= 0 ? id : rd_vocab_find(&t->vocab, text);
  id = rd_vocab_find(&t->vocab, text);
  rd_bytes marked = {0};
  if (id < 0 && strchr(piece, ' ') && rd_mark_spaces(&marked, text, NULL) == RD_OK)
    id = rd_vocab_find(&t->vocab, rd_slice_of(&marked));
  rd_bytes_drop(&marked);
  return id;
}

rd_code rd_tokenizer_word(const rd_tokenizer *t, const char *word, int32_t *id, rd_error *e) {
  *id = rd_tokenizer_id(t, word);
  if (*id >= 0)
    return RD_OK;
  int32_t *ids;
  size_t count;
  RD_TRY(rd_tokenizer_encode(t, word, strlen(word), RD_TOK_CONTINUE, &ids, &count, e));
  free(ids);
  return rd_fail(e, RD_BAD_INPUT,
                 "\"%s\" is %zu tokens of this tokenizer; a word that is exactly one is needed",
                 word, count);
}
