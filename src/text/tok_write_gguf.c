/* SPDX-License-Identifier: MIT */
/* A tokenizer as keys of a GGUF file. What it cuts words by goes by a name there, so the row of
 * that name is looked for whose steps are the tokenizer's own; and what was put is opened again and
 * must make the same ids of everything in the vocabulary, before anyone writes it to a file. */
#include "gguf_write.h"
#include "tok_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define KEY(name) "tokenizer.ggml." name

/* Do two numbers, or a number and part of a character, which may be of one, stand side by side? */
static bool joins_numbers(rd_slice piece) {
  enum { OTHER, PART, NUMBER } before = OTHER, now;
  for (size_t at = 0; at < piece.size; before = now) {
    const rd_utf8 c = rd_utf8_read(piece.data + at, piece.size - at);
    at += c.size;
    now = PART;
    if (c.kind == RD_UTF8_GOOD)
      now = *utf8proc_category_string((utf8proc_int32_t)c.point) == 'N' ? NUMBER : OTHER;
    if (before + now > NUMBER)
      return true;
  }
  return false;
}

static bool numbers_stand_alone(const rd_vocab *v) {
  for (size_t id = 0; id < v->count; id++)
    if (v->pieces[id].kind == RD_PIECE_NORMAL && joins_numbers(rd_vocab_piece(v, (int32_t)id)))
      return false;
  return true;
}

static rd_code cuts_as(const rd_tokenizer *t, const rd_pattern_row *row, bool *same, rd_error *e) {
  rd_tokenizer *other = NULL;
  RD_TRY(rd_tokenizer_new(&other, "gguf", e));
  rd_code code = rd_tok_use_pattern(other, row, e);
  *same = code == RD_OK && t->whole_words == row->whole_words &&
          rd_splitter_same(&t->splitter, &other->splitter) &&
          rd_splitter_same(&t->after_bytes, &other->after_bytes) &&
          rd_normaliser_same(&t->normaliser, &other->normaliser);
  rd_tokenizer_close(&other);
  return code;
}

/* The name that files give to how this tokenizer cuts words. */
static rd_code find_name(const char **name, const rd_tokenizer *t, rd_error *e) {
  bool same = false;
  for (size_t i = 0; i < rd_patterns_count && !same; i++) {
    RD_TRY(cuts_as(t, &rd_patterns[i], &same, e));
    *name = rd_patterns[i].name;
    if (same && rd_patterns[i].known_as && numbers_stand_alone(&t->vocab))
      *name = rd_patterns[i].known_as;
  }
  return same ? RD_OK
              : rd_fail(e, RD_UNSUPPORTED,
                        "tokenizer: it cuts words as none of the pre-tokenizers does that GGUF "
                        "files name; write a folder instead");
}

static rd_code put_tokens(const rd_tokenizer *t, rd_gguf_writer *w, size_t count, rd_error *e) {
  const rd_vocab *v = &t->vocab;
  rd_bytes letters = {0};
  rd_code code = RD_OK;
  rd_gguf_put_array(w, KEY("tokens"), RD_GGUF_TEXT, count);
  for (size_t id = 0; id < count && code == RD_OK; id++) {
    char unused[32];
    bool there = id < v->count && v->pieces[id].kind != RD_PIECE_NONE;
    rd_slice piece = there ? rd_vocab_piece(v, (int32_t)id) : (rd_slice){unused, 0};
    if (there && v->pieces[id].kind == RD_PIECE_USER)
      piece.data = rd_tokenizer_piece(t, (int32_t)id, &piece.size); /* spaces are spaces there */
    if (!there)
      piece.size = (size_t)snprintf(unused, sizeof unused, "[PAD%zu]", id);
    letters.size = 0;
    bool mapped = there && t->byte_level && v->pieces[id].kind == RD_PIECE_NORMAL;
    code = mapped ? rd_alphabet_letters(piece, &letters, e)
                  : rd_bytes_add(&letters, piece.data, piece.size, e);
    rd_gguf_put_item(w, rd_slice_of(&letters).data, letters.size);
  }
  rd_bytes_drop(&letters);
  rd_gguf_put_array(w, KEY("token_type"), RD_GGUF_I32, count);
  for (size_t id = 0; id < count; id++) {
    const int32_t type = rd_piece_type(id < v->count ? v->pieces[id].kind : RD_PIECE_NONE);
    rd_gguf_put_items(w, &type, sizeof type);
  }
  return code;
}

static rd_code put_merges(const rd_vocab *v, rd_gguf_writer *w, rd_error *e) {
  rd_pair *pairs = NULL;
  size_t count = 0;
  rd_bytes line = {0};
  rd_code code = rd_vocab_pairs(v, &pairs, &count, e);
  rd_gguf_put_array(w, KEY("merges"), RD_GGUF_TEXT, count);
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    line.size = 0;
    code = rd_vocab_pair_letters(v, &pairs[i], &line, e);
    rd_gguf_put_item(w, rd_slice_of(&line).data, line.size);
  }
  rd_bytes_drop(&line);
  free(pairs);
  return code;
}

static rd_code put_byte_level(const rd_tokenizer *t, rd_gguf_writer *w, size_t count, rd_error *e) {
  const char *name = NULL;
  if (t->join != rd_join_listed || t->spacer.count)
    return rd_fail(e, RD_UNSUPPORTED,
                   "tokenizer of format %s: its words join without a list of merges, which GGUF "
                   "files need; with tokenizer.json in its place it can be written",
                   t->format);
  RD_TRY(find_name(&name, t, e));
  rd_gguf_put_text(w, KEY("model"), "gpt2", 4);
  rd_gguf_put_text(w, KEY("pre"), name, strlen(name));
  RD_TRY(put_tokens(t, w, count, e));
  return put_merges(&t->vocab, w, e);
}

/* Does it treat the text before it is cut as a reader of these keys will? */
static rd_code check_spaces(const rd_tokenizer *t, rd_error *e) {
  rd_tokenizer *other = NULL;
  RD_TRY(rd_tokenizer_new(&other, "gguf", e));
  rd_code code = rd_tok_use_sentencepiece(other, t->prefixed, t->squeezed, e);
  const bool same = code == RD_OK && rd_normaliser_same(&t->normaliser, &other->normaliser) &&
                    t->spacer.count == 0;
  rd_tokenizer_close(&other);
  return same || code != RD_OK
           ? code
           : rd_fail(e, RD_UNSUPPORTED,
                     "tokenizer of format %s: it normalises text by rules of its own, which the "
                     "keys of GGUF cannot say; write a folder instead",
                     t->format);
}

/* A token that was added beside the pieces has no score; converters write this one. */
static float score_of(const rd_vocab *v, size_t id) {
  const float score = id < v->count ? rd_rank_score(v->pieces[id].rank) : 0;
  return isfinite(score) ? score : -1000;
}

static rd_code put_pieces(const rd_tokenizer *t, rd_gguf_writer *w, size_t count, rd_error *e) {
  RD_TRY(check_spaces(t, e));
  rd_gguf_put_text(w, KEY("model"), "llama", 5);
  RD_TRY(put_tokens(t, w, count, e));
  rd_gguf_put_array(w, KEY("scores"), RD_GGUF_F32, count);
  for (size_t id = 0; id < count; id++) {
    const float score = score_of(&t->vocab, id);
    rd_gguf_put_items(w, &score, sizeof score);
  }
  rd_gguf_put_bool(w, KEY("add_space_prefix"), t->prefixed);
  rd_gguf_put_bool(w, KEY("remove_extra_whitespaces"), t->squeezed);
  return RD_OK;
}

/* These files know of added tokens what they are and how they are written, no more; which take the
 * white space behind them the reader may know by itself: see same_ends. */
static rd_code check_added(const rd_tokenizer *t, rd_error *e) {
  for (size_t i = 0; i < t->added.count; i++) {
    const struct rd_added_token *token = &t->added.tokens[i];
    unsigned more = token->flags & (RD_ADDED_LSTRIP | RD_ADDED_WORD);
    const bool user = t->vocab.pieces[token->id].kind == RD_PIECE_USER;
    if (user ? t->prefixed || t->squeezed : t->normaliser.count > 0)
      more |= token->flags & RD_ADDED_LATER;
    if (more)
      return rd_fail(e, RD_UNSUPPORTED,
                     "tokenizer: token %.*s has %s, which the keys of GGUF cannot say; write a "
                     "folder instead",
                     (int)token->size, token->text,
                     more & RD_ADDED_LSTRIP ? "lstrip"
                     : more & RD_ADDED_WORD ? "single_word"
                                            : "normalized");
  }
  return RD_OK;
}

static rd_code same_ids(const rd_tokenizer *t, const rd_tokenizer *again, rd_slice text,
                        rd_error *e) {
  int32_t *ids[2] = {NULL, NULL};
  size_t count[2] = {0, 0};
  rd_code code =
      rd_tokenizer_encode(t, text.data, text.size, RD_TOK_SPECIAL, &ids[0], &count[0], e);
  if (code == RD_OK)
    code = rd_tokenizer_encode(again, text.data, text.size, RD_TOK_SPECIAL, &ids[1], &count[1], e);
  if (code == RD_OK &&
      (count[0] != count[1] || memcmp(ids[0], ids[1], count[0] * sizeof *ids[0]) != 0))
    code = rd_fail(e, RD_UNSUPPORTED,
                   "tokenizer: read back from the keys of a GGUF file it makes other tokens; write "
                   "a folder instead");
  free(ids[0]);
  free(ids[1]);
  return code;
}

/* Does each added token take the white space behind it, or leave it, as it did? */
static rd_code same_ends(const rd_tokenizer *t, const rd_tokenizer *again, rd_error *e) {
  rd_added_match was, is, front = {0};
  rd_bytes text = {0};
  rd_code code = RD_OK;
  for (size_t i = 0; i < t->added.count && code == RD_OK; i++) {
    const struct rd_added_token *token = &t->added.tokens[i];
    text.size = 0;
    code = rd_bytes_add(&text, token->text, token->size, e);
    if (code == RD_OK)
      code = rd_bytes_add(&text, " ", 1, e);
    if (code != RD_OK)
      break;
    was = rd_added_find(&t->added, rd_slice_of(&text), front, rd_added_special);
    is = rd_added_find(&again->added, rd_slice_of(&text), front, rd_added_special);
    if (was.id == is.id && was.end != is.end)
      code = rd_fail(e, RD_UNSUPPORTED,
                     "tokenizer: token %.*s has %s, which the keys of GGUF cannot say; write a "
                     "folder instead",
                     (int)token->size, token->text,
                     was.end > is.end ? "rstrip" : "no rstrip, as tokens of a Phi-3 have");
  }
  rd_bytes_drop(&text);
  return code;
}

/* All pieces in a row, as one text. */
static rd_code check_again(const rd_tokenizer *t, const rd_gguf_writer *w, rd_error *e) {
  unsigned char *head = NULL;
  size_t size = 0;
  rd_tokenizer *again = NULL;
  rd_code code = rd_gguf_head(&head, &size, w, NULL, 0, e);
  if (code == RD_OK)
    code = rd_tokenizer_open_memory(&again, "gguf", head, size, e);
  if (code == RD_OK)
    code = same_ends(t, again, e);
  if (code == RD_OK)
    code = same_ids(t, again, rd_slice_of(&t->texts), e);
  rd_tokenizer_close(&again);
  free(head);
  return code;
}

rd_code rd_tokenizer_put(const rd_tokenizer *t, struct rd_gguf_writer *w, int64_t rows,
                         rd_error *e) {
  size_t count = t->vocab.count > (size_t)rows ? t->vocab.count : (size_t)rows;
  const bool merges = t->speller == rd_spell_merges;
  const bool pieces = merges && !t->byte_level && t->join == rd_join_text;
  if (!merges || (!pieces && !t->byte_level))
    return rd_fail(
        e, RD_UNSUPPORTED,
        "tokenizer of format %s: GGUF files have vocabularies that merge, byte-level ones and "
        "SentencePiece's (from tokenizer.model); write a folder instead",
        t->format);
  RD_TRY(check_added(t, e));
  RD_TRY(pieces ? put_pieces(t, w, count, e) : put_byte_level(t, w, count, e));
  if (t->unknown >= 0)
    rd_gguf_put_u32(w, KEY("unknown_token_id"), (uint32_t)t->unknown);
  rd_gguf_put_bool(w, KEY("add_bos_token"), t->add_bos);
  return check_again(t, w, e);
}
