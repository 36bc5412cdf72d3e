/* SPDX-License-Identifier: MIT */
/* The simple formats: vocab.json + merges.txt (GPT-2, Qwen2), tiktoken ranks (LLaMA 3), and
 * llama2.c's tokenizer.bin. */
#include "file.h"
#include "tok_model.h"
#include "tok_scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Take the next line of `text`, without its end. */
static bool next_line(rd_slice *text, rd_slice *line) {
  if (text->size == 0)
    return false;
  const char *end = memchr(text->data, '\n', text->size);
  size_t size = end ? (size_t)(end - text->data) : text->size;
  *line = (rd_slice){text->data, size};
  text->data += size + (end != NULL);
  text->size -= size + (end != NULL);
  if (line->size && line->data[line->size - 1] == '\r')
    line->size--;
  return true;
}

static size_t count_lines(rd_slice text) {
  size_t count = 1;
  for (const char *at = text.data, *end = text.data + text.size;
       (at = memchr(at, '\n', (size_t)(end - at))); at++)
    count++;
  return count;
}

rd_code rd_tok_set_mapped(rd_tokenizer *t, int64_t id, rd_slice piece, rd_bytes *scratch,
                          rd_error *e) {
  bool all = false;
  scratch->size = 0;
  if (t->byte_level)
    RD_TRY(rd_alphabet_bytes(piece, scratch, &all, e));
  rd_piece_kind kind = t->byte_level && !all ? RD_PIECE_FOREIGN : RD_PIECE_NORMAL;
  return rd_vocab_set(&t->vocab, id, all ? rd_slice_of(scratch) : piece, kind, 0, e);
}

rd_code rd_tok_add_merge(rd_tokenizer *t, rd_slice left, rd_slice right, uint32_t rank,
                         rd_bytes scratch[2], rd_error *e) {
  bool all[2] = {false, false};
  scratch[0].size = scratch[1].size = 0;
  if (t->byte_level) {
    RD_TRY(rd_alphabet_bytes(left, &scratch[0], &all[0], e));
    RD_TRY(rd_alphabet_bytes(right, &scratch[1], &all[1], e));
  }
  if (t->byte_level && !(all[0] && all[1]))
    return RD_OK; /* of pieces that no text becomes */
  return rd_vocab_add_pair(&t->vocab, all[0] ? rd_slice_of(&scratch[0]) : left,
                           all[1] ? rd_slice_of(&scratch[1]) : right, rank, e);
}

rd_code rd_tok_split_merge(rd_slice line, rd_slice *left, rd_slice *right, uint32_t rank,
                           rd_error *e) {
  const char *space = line.size > 1 ? memchr(line.data + 1, ' ', line.size - 1) : NULL;
  if (!space || space + 1 == line.data + line.size)
    return rd_fail(e, RD_BAD_INPUT, "merge %u: \"%.*s\" is not two pieces with a space between",
                   rank, (int)(line.size < 80 ? line.size : 80), line.data);
  *left = (rd_slice){line.data, (size_t)(space - line.data)};
  *right = (rd_slice){space + 1, line.size - left->size - 1};
  return RD_OK;
}

rd_code rd_tok_scan_vocab(rd_tokenizer *t, rd_slice object, rd_error *e) {
  rd_bytes key = {0}, scratch = {0};
  rd_scan s = rd_scan_of(object);
  bool more = false;
  rd_code code = rd_scan_open(&s, '{', e);
  while (code == RD_OK && (code = rd_scan_more(&s, '}', &more, e)) == RD_OK && more) {
    int64_t id = -1;
    code = rd_scan_key(&s, &key, e);
    if (code == RD_OK)
      code = rd_scan_integer(&s, &id, e);
    if (code == RD_OK)
      code = rd_tok_set_mapped(t, id, rd_slice_of(&key), &scratch, e);
  }
  if (code == RD_OK)
    code = rd_scan_end(&s, e);
  rd_bytes_drop(&key);
  rd_bytes_drop(&scratch);
  return code == RD_OK ? rd_vocab_index(&t->vocab, e) : rd_prefix(e, code, "vocabulary");
}

static rd_code read_merges(rd_tokenizer *t, rd_slice merges, rd_bytes scratch[2], rd_error *e) {
  rd_slice line, left, right;
  uint32_t rank = 0;
  RD_TRY(rd_vocab_expect_pairs(&t->vocab, count_lines(merges), e));
  while (next_line(&merges, &line)) {
    if (line.size == 0 || (rank == 0 && line.size > 8 && memcmp(line.data, "#version", 8) == 0))
      continue;
    RD_TRY(rd_tok_split_merge(line, &left, &right, rank, e));
    RD_TRY(rd_tok_add_merge(t, left, right, rank++, scratch, e));
  }
  return RD_OK;
}

rd_code rd_tok_read_pairs(rd_tokenizer *t, rd_slice vocab, rd_slice merges, rd_error *e) {
  const char *class_name = t->class_name ? t->class_name : "GPT2Tokenizer";
  const rd_pattern_row *row = rd_pattern_of_class(class_name);
  if (!row)
    return rd_fail(e, RD_UNSUPPORTED,
                   "vocab.json with tokenizer_class %s: its pre-tokenizer is not known "
                   "(GPT2Tokenizer, Qwen2Tokenizer are); a tokenizer.json states it",
                   class_name);
  rd_bytes scratch[2] = {{0}, {0}};
  RD_TRY(rd_tok_use_pattern(t, row, e));
  if (t->asked.always)
    RD_TRY(rd_normal_prefix(&t->spacer, rd_slice_text(" "), true, false, e));
  RD_TRY(rd_tok_scan_vocab(t, vocab, e));
  rd_code code = read_merges(t, merges, scratch, e);
  rd_bytes_drop(&scratch[0]);
  rd_bytes_drop(&scratch[1]);
  return code;
}

/* LLaMA 3's special tokens in the order of their ids, then reserved ones up to 256
 * (llama-models, models/llama3/tokenizer.py). */
static const char *const llama3_special[] = {
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|step_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "<|image|>",
};
enum { LLAMA3_NAMED = sizeof llama3_special / sizeof *llama3_special, LLAMA3_SPECIAL = 256 };

static rd_code add_llama3_special(rd_tokenizer *t, int32_t first, rd_error *e) {
  for (int32_t i = 0; i < LLAMA3_SPECIAL; i++) {
    char reserved[48];
    (void)snprintf(reserved, sizeof reserved, "<|reserved_special_token_%d|>",
                   i - LLAMA3_NAMED + 2);
    const char *name = i < LLAMA3_NAMED ? llama3_special[i] : reserved;
    RD_TRY(rd_tokenizer_add(t, first + i, rd_slice_text(name), RD_ADDED_SPECIAL, e));
  }
  t->bos = first;
  t->add_bos = true;
  t->pad = first + 4;
  RD_TRY(rd_ids_add(&t->eos, first + 1, e)); /* end_of_text, eom, eot */
  RD_TRY(rd_ids_add(&t->eos, first + 8, e));
  return rd_ids_add(&t->eos, first + 9, e);
}

rd_code rd_tok_read_tiktoken(rd_tokenizer *t, rd_slice data, rd_error *e) {
  rd_slice line;
  for (size_t number = 1; next_line(&data, &line); number++) {
    char piece[768];
    const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
    if (line.size == 0)
      continue;
    rd_slice word = {line.data, space ? (size_t)(space - line.data) : 0};
    int64_t size = space && word.size <= 1024 ? rd_base64(word, piece) : -1, rank = -1;
    if (size >= 1) {
      rd_scan s = rd_scan_of((rd_slice){space, line.size - word.size});
      RD_TRY(rd_scan_integer(&s, &rank, e));
    }
    if (size < 1 || rank < 0)
      return rd_fail(e, RD_BAD_INPUT, "line %zu: not \"base64 rank\", as tiktoken rank files have",
                     number);
    RD_TRY(rd_vocab_set(&t->vocab, rank, (rd_slice){piece, (size_t)size}, RD_PIECE_NORMAL,
                        (uint32_t)rank, e));
  }
  RD_TRY(rd_tok_use_pattern(t, rd_pattern_find("llama-bpe"), e));
  t->join = rd_join_text;
  return add_llama3_special(t, (int32_t)t->vocab.count, e);
}

/* int32 longest piece; then per token float32 score, int32 length, bytes. 0..2 are unknown, BOS,
 * EOS and 3..258 the bytes. */
rd_code rd_tok_read_llama2c(rd_tokenizer *t, rd_slice data, rd_error *e) {
  rd_cursor c = rd_cursor_of(data.data, data.size);
  (void)rd_cursor_u32(&c);
  for (int32_t id = 0; rd_cursor_left(&c) > 0; id++) {
    uint32_t bits = rd_cursor_u32(&c), size = rd_cursor_u32(&c);
    const unsigned char *piece = rd_cursor_bytes(&c, size);
    float score;
    memcpy(&score, &bits, 4);
    if (c.failed || !isfinite(score))
      return rd_fail(e, RD_BAD_INPUT, "token %d: cut off, or its score is no number", id);
    rd_slice text = {(const char *)piece, size};
    int byte = rd_byte_piece(text);
    rd_piece_kind kind = id == 0               ? RD_PIECE_UNKNOWN
                       : id < 3                ? RD_PIECE_SPECIAL
                       : byte >= 0 && id < 259 ? RD_PIECE_BYTE
                                               : RD_PIECE_NORMAL;
    char marked[1024]; /* this format writes U+2581 as a space */
    if (size > sizeof marked / 3)
      return rd_fail(e, RD_BAD_INPUT, "token %d has %u bytes; at most %zu are allowed", id, size,
                     sizeof marked / 3);
    size_t used = 0;
    for (uint32_t i = 0; i < size; i++) {
      bool space = kind == RD_PIECE_NORMAL && piece[i] == ' ';
      memcpy(marked + used, space ? "\xE2\x96\x81" : (const char *)piece + i, space ? 3 : 1);
      used += space ? 3 : 1;
    }
    text = (rd_slice){marked, used};
    while (kind == RD_PIECE_SPECIAL && text.size && (*text.data == '\n' || *text.data == ' '))
      text = (rd_slice){text.data + 1, text.size - 1};
    while (kind == RD_PIECE_SPECIAL && text.size && text.data[text.size - 1] == '\n')
      text.size--;
    RD_TRY(rd_vocab_set(&t->vocab, id, text, kind, rd_score_rank(score), e));
    if (kind == RD_PIECE_SPECIAL && text.size)
      RD_TRY(rd_added_set(&t->added, text, id, RD_ADDED_SPECIAL, e));
  }
  if (t->vocab.count < 3)
    return rd_fail(e, RD_BAD_INPUT, "%zu tokens; a llama2.c tokenizer has at least 3",
                   t->vocab.count);
  t->unknown = 0;
  t->bos = 1;
  t->add_bos = true;
  RD_TRY(rd_ids_add(&t->eos, 2, e));
  return rd_tok_use_sentencepiece(t, true, false, e);
}
