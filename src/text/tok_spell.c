/* SPDX-License-Identifier: MIT */
/* Words that are not merged: WordPiece takes the longest piece again and again, WordLevel the word
 * itself, Unigram the most probable pieces. */
#include "tok_model.h"

#include <string.h>

rd_code rd_spell_word(rd_merger *m, rd_slice word, rd_error *e) {
  int32_t id = rd_vocab_find(&m->t->vocab, word);
  return rd_ids_add(m->out, id >= 0 ? id : m->t->unknown, e);
}

static size_t characters(rd_slice word) {
  size_t count = 0;
  for (size_t at = 0; at < word.size; count++) {
    rd_utf8 c = rd_utf8_read(word.data + at, word.size - at);
    at += c.kind == RD_UTF8_GOOD ? c.size : 1;
  }
  return count;
}

/* The longest piece at `at`, or -1; *end: where it ends. Inside a word it begins with the mark. */
static int32_t longest_piece(rd_merger *m, rd_slice word, size_t at, size_t *end, rd_error *e) {
  const rd_vocab *v = &m->t->vocab;
  size_t mark = at ? strlen(m->t->continuing) : 0, left = word.size - at;
  size_t size = left < v->longest ? left : v->longest;
  m->text.size = 0;
  if (rd_bytes_add(&m->text, m->t->continuing, mark, e) != RD_OK ||
      rd_bytes_add(&m->text, word.data + at, size, e) != RD_OK)
    return -2;
  for (; size > 0; size--) {
    bool whole = at + size == word.size || ((unsigned char)word.data[at + size] & 0xC0) != 0x80;
    int32_t id = whole ? rd_vocab_find(v, (rd_slice){m->text.data, mark + size}) : -1;
    if (id >= 0) {
      *end = at + size;
      return id;
    }
  }
  return -1;
}

rd_code rd_spell_pieces(rd_merger *m, rd_slice word, rd_error *e) {
  size_t first = m->out->size;
  bool spelled = characters(word) <= m->t->longest_word;
  for (size_t at = 0; at < word.size && spelled;) {
    int32_t id = longest_piece(m, word, at, &at, e);
    if (id == -2)
      return RD_NO_MEMORY;
    spelled = id >= 0;
    if (spelled)
      RD_TRY(rd_ids_add(m->out, id, e));
  }
  if (spelled)
    return RD_OK;
  m->out->size = first;
  return rd_ids_add(m->out, m->t->unknown, e);
}

bool rd_has_bytes(const rd_tokenizer *t, rd_slice text) {
  bool all = true;
  for (size_t i = 0; i < text.size && all; i++)
    all = t->fallback_ids[(unsigned char)text.data[i]] >= 0;
  return all;
}

rd_code rd_write_bytes(rd_merger *m, rd_slice text, bool *written, rd_error *e) {
  const int32_t *ids = m->t->fallback_ids;
  *written = rd_has_bytes(m->t, text);
  for (size_t i = 0; i < text.size && *written; i++)
    RD_TRY(rd_ids_add(m->out, ids[(unsigned char)text.data[i]], e));
  return RD_OK;
}

/* Characters without a piece, neighbours together: their bytes, or one unknown token. */
static rd_code write_unknown(rd_merger *m, rd_slice text, rd_error *e) {
  const rd_tokenizer *t = m->t;
  bool bytes = false;
  if (t->byte_fallback)
    RD_TRY(rd_write_bytes(m, text, &bytes, e));
  return bytes || t->unknown < 0 ? RD_OK : rd_ids_add(m->out, t->unknown, e);
}

rd_code rd_spell_unigram(rd_merger *m, rd_slice word, rd_error *e) {
  if (word.size >= UINT32_MAX)
    return rd_fail(e, RD_BAD_INPUT, "a word of %zu bytes; at most %u can be written", word.size,
                   UINT32_MAX - 1);
  RD_TRY(rd_grow((void **)&m->nodes, &m->node_capacity, word.size + 1, sizeof *m->nodes, e));
  rd_unigram_path(&m->t->unigram, &m->t->vocab, word, m->nodes);
  for (size_t at = 0, end; at < word.size; at = end) {
    end = m->nodes[at].next;
    if (m->nodes[end].id >= 0) {
      RD_TRY(rd_ids_add(m->out, m->nodes[end].id, e));
      continue;
    }
    while (end < word.size && m->nodes[m->nodes[end].next].id < 0)
      end = m->nodes[end].next;
    RD_TRY(write_unknown(m, (rd_slice){word.data + at, end - at}, e));
  }
  return RD_OK;
}
