/* SPDX-License-Identifier: MIT */
/* Tokenizers that lie inside a model's file, written as files of their own: SentencePiece models as
 * the protobuf they once were (scores and all), byte-level vocabularies as tokenizer.json. */
#include "file.h"
#include "model_folder.h"
#include "tok_model.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code put_varint(rd_bytes *out, uint64_t value, rd_error *e) {
  char bytes[10];
  size_t n = 0;
  for (; value >= 0x80; value >>= 7)
    bytes[n++] = (char)(value | 0x80);
  bytes[n++] = (char)value;
  return rd_bytes_add(out, bytes, n, e);
}

/* Fields of sentencepiece_model.proto. */
static rd_code put_number(rd_bytes *out, uint32_t field, int64_t value, rd_error *e) {
  RD_TRY(put_varint(out, (uint64_t)field << 3, e));
  return put_varint(out, (uint64_t)value, e);
}

static rd_code put_bytes(rd_bytes *out, uint32_t field, rd_slice bytes, rd_error *e) {
  RD_TRY(put_varint(out, (uint64_t)field << 3 | 2, e));
  RD_TRY(put_varint(out, bytes.size, e));
  return rd_bytes_add(out, bytes.data, bytes.size, e);
}

/* The message gathered in `part`, as a field; `part` is empty again. */
static rd_code put_message(rd_bytes *out, uint32_t field, rd_bytes *part, rd_error *e) {
  rd_code code = put_bytes(out, field, rd_slice_of(part), e);
  part->size = 0;
  return code;
}

/* User-defined pieces have their spaces as the other pieces have them. */
static rd_code put_name(rd_bytes *part, const rd_vocab *v, int32_t id, rd_error *e) {
  const rd_slice name = rd_vocab_piece(v, id);
  rd_bytes marked = {0};
  if (v->pieces[id].kind != RD_PIECE_ADDED)
    return put_bytes(part, 1, name, e);
  rd_code code = rd_mark_spaces(&marked, name, e);
  if (code == RD_OK)
    code = put_bytes(part, 1, rd_slice_of(&marked), e);
  rd_bytes_drop(&marked);
  return code;
}

static rd_code put_piece(rd_bytes *part, const rd_vocab *v, int32_t id, rd_error *e) {
  float score = rd_rank_score(v->pieces[id].rank);
  RD_TRY(put_name(part, v, id, e));
  RD_TRY(put_varint(part, 2 << 3 | 5, e));
  RD_TRY(rd_bytes_add(part, &score, sizeof score, e));
  return put_number(part, 3, rd_piece_type(v->pieces[id].kind), e);
}

static rd_code put_trainer(rd_bytes *part, const rd_tokenizer *t, rd_error *e) {
  const struct {
    uint32_t field;
    int64_t value;
  } numbers[] = {{3, 2}, /* BPE */
                 {4, (int64_t)t->vocab.count},
                 {35, 1}, /* byte_fallback */
                 {40, t->unknown},
                 {41, t->bos},
                 {42, t->eos.size ? t->eos.data[0] : -1},
                 {43, t->pad}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    RD_TRY(put_number(part, numbers[i].field, numbers[i].value, e));
  return RD_OK;
}

static rd_code put_normaliser(rd_bytes *part, const rd_tokenizer *t, rd_error *e) {
  RD_TRY(put_bytes(part, 1, rd_slice_text("identity"), e));
  RD_TRY(put_number(part, 3, t->prefixed, e));
  RD_TRY(put_number(part, 4, t->squeezed, e));
  return put_number(part, 5, 1, e); /* spaces become U+2581 */
}

static rd_code make_spm(rd_bytes *out, rd_bytes *part, const rd_tokenizer *t, rd_error *e) {
  for (size_t id = 0; id < t->vocab.count; id++) {
    RD_TRY(put_piece(part, &t->vocab, (int32_t)id, e));
    RD_TRY(put_message(out, 1, part, e));
  }
  RD_TRY(put_trainer(part, t, e));
  RD_TRY(put_message(out, 2, part, e));
  RD_TRY(put_normaliser(part, t, e));
  return put_message(out, 3, part, e);
}

static rd_code write_spm(const rd_tokenizer *t, const char *folder, rd_error *e) {
  rd_bytes out = {0}, part = {0};
  const rd_path path = rd_path_in(folder, "tokenizer.model");
  rd_code code = make_spm(&out, &part, t, e);
  if (code == RD_OK)
    code = rd_file_write(path.text, &(rd_file_piece){out.data, out.size}, 1, e);
  rd_bytes_drop(&out);
  rd_bytes_drop(&part);
  return code;
}

static json_t *text_json(rd_slice text) {
  return json_stringn(text.data, text.size);
}

/* {"piece": id, ..}: what merging may produce, in the letters that stand for bytes, and all else,
 * added tokens too, so that the library gives each the id it has. */
static rd_code vocab_json(json_t *out, const rd_vocab *v, rd_bytes *letters, rd_error *e) {
  for (size_t id = 0; id < v->count; id++) {
    rd_piece_kind kind = v->pieces[id].kind;
    rd_slice piece = rd_vocab_piece(v, (int32_t)id);
    if (kind == RD_PIECE_NONE || kind == RD_PIECE_UNKNOWN || piece.size == 0)
      continue;
    letters->size = 0;
    RD_TRY(rd_piece_spells(kind) ? rd_alphabet_letters(piece, letters, e)
                                 : rd_bytes_add(letters, piece.data, piece.size, e));
    RD_TRY(rd_bytes_add(letters, "", 1, e));
    if (!json_object_get(out, letters->data)) /* of twins the first is the one that text becomes */
      json_object_set_new(out, letters->data, json_integer((json_int_t)id));
  }
  return RD_OK;
}

/* ["left right", ..], the earliest merge first. */
static rd_code merges_json(json_t *out, const rd_vocab *v, rd_bytes *letters, rd_error *e) {
  rd_pair *pairs = NULL;
  size_t count = 0;
  rd_code code = rd_vocab_pairs(v, &pairs, &count, e);
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    letters->size = 0;
    code = rd_vocab_pair_letters(v, &pairs[i], letters, e);
    if (code == RD_OK && json_array_append_new(out, text_json(rd_slice_of(letters))) != 0)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: the merges");
  }
  free(pairs);
  return code;
}

/* An added token as both files describe one; NULL: it is not UTF-8. */
static json_t *token_json(rd_slice piece, bool rstrip, bool special) {
  json_t *content = text_json(piece);
  return content ? json_pack("{s:o, s:b, s:b, s:b, s:b, s:b}", "content", content, "single_word", 0,
                             "lstrip", 0, "rstrip", rstrip, "normalized", 0, "special", special)
                 : NULL;
}

static rd_code added_json(json_t *out, const rd_tokenizer *t, rd_error *e) {
  for (size_t id = 0; id < t->vocab.count; id++) {
    rd_piece_kind kind = t->vocab.pieces[id].kind;
    rd_slice piece = rd_vocab_piece(&t->vocab, (int32_t)id);
    bool added = kind == RD_PIECE_SPECIAL || kind == RD_PIECE_ADDED || kind == RD_PIECE_BOTH;
    if (!added || piece.size == 0)
      continue;
    json_t *token = token_json(piece, false, kind == RD_PIECE_SPECIAL);
    if (!token)
      return rd_fail(e, RD_UNSUPPORTED, "token %zu is not UTF-8: tokenizer.json cannot hold it",
                     id);
    json_t *entry = json_pack("{s:I}", "id", (json_int_t)id);
    json_object_update(entry, token);
    json_decref(token);
    json_array_append_new(out, entry);
  }
  return RD_OK;
}

/* BOS in front of every text, where the model wants it. */
static json_t *template_json(const rd_tokenizer *t) {
  if (!t->add_bos || t->bos < 0)
    return json_null();
  rd_slice bos = rd_vocab_piece(&t->vocab, t->bos);
  json_t *name = text_json(bos);
  json_t *single = json_pack("[{s:{s:O, s:i}}, {s:{s:s, s:i}}]", "SpecialToken", "id", name,
                             "type_id", 0, "Sequence", "id", "A", "type_id", 0);
  json_t *pair = json_deep_copy(single), *tokens = json_object();
  json_array_append_new(pair, json_pack("{s:{s:s, s:i}}", "Sequence", "id", "B", "type_id", 1));
  if (name)
    json_object_set_new(
        tokens, json_string_value(name),
        json_pack("{s:O, s:[i], s:[O]}", "id", name, "ids", t->bos, "tokens", name));
  json_decref(name);
  return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", single, "pair",
                   pair, "special_tokens", tokens);
}

static json_t *byte_level_json(void) {
  return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                   "trim_offsets", 0, "use_regex", 0);
}

static json_t *split_json(const char *pattern) {
  return json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", pattern,
                   "behavior", "Isolated", "invert", 0);
}

static rd_code write_json(const rd_tokenizer *t, const char *folder, rd_error *e) {
  json_t *vocab = json_object(), *merges = json_array(), *added = json_array();
  rd_bytes letters = {0};
  rd_code code = vocab && merges && added ? vocab_json(vocab, &t->vocab, &letters, e)
                                          : rd_fail(e, RD_NO_MEMORY, "out of memory");
  if (code == RD_OK)
    code = merges_json(merges, &t->vocab, &letters, e);
  if (code == RD_OK)
    code = added_json(added, t, e);
  rd_bytes_drop(&letters);
  if (code != RD_OK) {
    json_decref(vocab);
    json_decref(merges);
    json_decref(added);
    return code;
  }
  json_t *normaliser = t->pattern->form_c ? json_pack("{s:s}", "type", "NFC") : json_null();
  json_t *steps = json_array();
  for (size_t i = 0; i < RD_MOST_PATTERNS && t->pattern->patterns[i]; i++)
    json_array_append_new(steps, split_json(t->pattern->patterns[i]));
  json_array_append_new(steps, byte_level_json());
  for (size_t i = 0; i < RD_MOST_LETTER_PATTERNS && t->pattern->letters[i]; i++)
    json_array_append_new(steps, split_json(t->pattern->letters[i]));
  json_t *words = json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", steps);
  json_t *model = json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE",
                            "dropout", "unk_token", "continuing_subword_prefix",
                            "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0,
                            "ignore_merges", t->whole_words, "vocab", vocab, "merges", merges);
  json_t *all =
      json_pack("{s:s, s:n, s:n, s:o, s:o, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation",
                "padding", "added_tokens", added, "normalizer", normaliser, "pre_tokenizer", words,
                "post_processor", template_json(t), "decoder", byte_level_json(), "model", model);
  code = rd_json_write(folder, "tokenizer.json", all, e);
  json_decref(all);
  return code;
}

/* {"id": {"content", "rstrip", ..}, ..} of added tokens that take the white space behind them, or
 * that are found before spaces are put and taken: SentencePiece's own file cannot say either. */
static json_t *decoder_json(const rd_tokenizer *t) {
  json_t *out = json_object();
  const bool spaced = t->prefixed || t->squeezed;
  for (size_t i = 0; i < t->added.count; i++) {
    const struct rd_added_token *token = &t->added.tokens[i];
    const bool strips = token->flags & RD_ADDED_RSTRIP, special = token->flags & RD_ADDED_SPECIAL;
    char id[16];
    snprintf(id, sizeof id, "%d", token->id);
    if (strips || (spaced && !special))
      json_object_set_new(out, id,
                          token_json((rd_slice){token->text, token->size}, strips, special));
  }
  return out;
}

/* tokenizer_config.json: which tokens are special, and the chat template. */
static rd_code write_settings(const rd_tokenizer *t, const char *folder, const char *class_name,
                              rd_error *e) {
  const struct {
    const char *key;
    int32_t id;
  } rows[] = {{"bos_token", t->bos},
              {"eos_token", t->eos.size ? t->eos.data[0] : -1},
              {"pad_token", t->pad},
              {"mask_token", t->mask}};
  json_t *out = json_pack("{s:s, s:b}", "tokenizer_class", class_name, "add_bos_token", t->add_bos);
  if (!t->byte_level) {
    json_object_set_new(out, "legacy", json_boolean(!t->prefix_at_start));
    json_object_set_new(out, "add_prefix_space", json_boolean(t->prefixed));
  }
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].id >= 0 && (size_t)rows[i].id < t->vocab.count)
      json_object_set_new(out, rows[i].key, text_json(rd_vocab_piece(&t->vocab, rows[i].id)));
  json_t *decoder = decoder_json(t);
  if (json_object_size(decoder) > 0)
    json_object_set(out, "added_tokens_decoder", decoder);
  json_decref(decoder);
  if (t->chat_template && t->tool_template)
    json_object_set_new(out, "chat_template",
                        json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "default", "template",
                                  t->chat_template, "name", "tool_use", "template",
                                  t->tool_template));
  else if (t->chat_template)
    json_object_set_new(out, "chat_template", json_string(t->chat_template));
  rd_code code = rd_json_write(folder, "tokenizer_config.json", out, e);
  json_decref(out);
  return code;
}

rd_code rd_tokenizer_write(const rd_tokenizer *t, const char *folder, rd_error *e) {
  bool pieces = !t->byte_level && t->join == rd_join_text;
  if (!pieces && !t->pattern)
    return rd_fail(e, RD_UNSUPPORTED, "a tokenizer of format %s is copied, not written", t->format);
  if (t->speller != rd_spell_merges)
    return rd_fail(e, RD_UNSUPPORTED,
                   "the file's Unigram vocabulary is read, not written: take the tokenizer's files "
                   "from the folder that it was made from");
  RD_TRY(pieces ? write_spm(t, folder, e) : write_json(t, folder, e));
  return write_settings(t, folder, pieces ? "LlamaTokenizer" : "PreTrainedTokenizerFast", e);
}

/* A file that is a vocabulary stands in a folder with what else is known of its tokens. */
static rd_code copy_beside(const char *file, const char *to, rd_error *e) {
  char *copy = rd_strdup(file, e);
  rd_code code = copy ? rd_model_folder_copy(dirname(copy), to, RD_FILE_CARRIED, e) : RD_NO_MEMORY;
  free(copy);
  return code;
}

rd_code rd_tokenizer_copy(const rd_tokenizer *t, const char *from, const char *to, bool *found,
                          rd_error *e) {
  char *vocabulary = NULL;
  const bool inside = t && strcmp(t->format, "gguf") == 0;
  if (rd_path_is_folder(from))
    RD_TRY(rd_model_folder_copy(from, to, inside ? RD_FILE_GENERATION : RD_FILE_CARRIED, e));
  if (inside)
    RD_TRY(rd_tokenizer_write(t, to, e));
  else if (t && !rd_path_is_folder(from))
    RD_TRY(copy_beside(from, to, e));
  RD_TRY(rd_model_folder_find(&vocabulary, to, RD_FILE_VOCABULARY, e));
  *found = vocabulary != NULL;
  free(vocabulary);
  return RD_OK;
}
