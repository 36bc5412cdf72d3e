/* SPDX-License-Identifier: MIT */
#include "tok_numbering.h"

enum { MOST_COMPARED = 1 << 26 }; /* of added tokens with hidden pieces */

rd_code rd_numbering_begin(rd_numbering *n, const rd_tokenizer *t, rd_error *e) {
  for (size_t id = 0; id < t->vocab.count; id++) {
    const rd_piece_kind kind = t->vocab.pieces[id].kind;
    n->next += kind != RD_PIECE_NONE;
    if (kind != RD_PIECE_NONE && !rd_piece_spells(kind))
      RD_TRY(rd_ids_add(&n->hidden, (int32_t)id, e));
  }
  return RD_OK;
}

/* The id of a piece of the model, or else of an added token, or -1. */
static int32_t id_there(const rd_numbering *n, const rd_tokenizer *t, const rd_written *w) {
  for (size_t i = 0; i < n->hidden.size; i++)
    if (rd_written_is(w, t, n->hidden.data[i]))
      return n->hidden.data[i];
  const struct rd_added_token *token = rd_added_named(&t->added, w->text);
  return token ? token->id
               : rd_vocab_find(&t->vocab, t->byte_level ? rd_slice_of(&w->bytes) : w->text);
}

rd_code rd_numbering_check(rd_numbering *n, const rd_tokenizer *t, rd_slice text, int64_t id,
                           rd_error *e) {
  const bool used =
      id >= 0 && (size_t)id < t->vocab.count && t->vocab.pieces[id].kind != RD_PIECE_NONE;
  rd_written w;
  RD_TRY(rd_written_of(&w, t, text, e));
  n->compared += (int64_t)n->hidden.size;
  if (n->compared > MOST_COMPARED) {
    rd_bytes_drop(&w.bytes);
    return rd_fail(e, RD_UNSUPPORTED, "added_tokens: too many beside so many pieces of no text");
  }
  const bool same = used && rd_written_is(&w, t, (int32_t)id);
  const int64_t there = same ? id : id_there(n, t, &w), given = there < 0 ? n->next : there;
  rd_bytes_drop(&w.bytes);
  if (id != given || (used && !same))
    return rd_fail(e, RD_UNSUPPORTED,
                   "added token \"%.*s\" has id %lld, but Hugging Face's library gives it %lld, or "
                   "another piece has that one: list it with the id that the model was trained on",
                   (int)(text.size < 60 ? text.size : 60), text.data, (long long)id,
                   (long long)given);
  n->next = id >= n->next ? id + 1 : n->next;
  return RD_OK;
}
