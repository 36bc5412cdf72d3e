/* SPDX-License-Identifier: MIT */
/* The vocabulary inside a GGUF file: tokenizer.ggml.* keys. "llama" is SentencePiece BPE with
 * scores, "t5" its Unigram, "gpt2" byte-level BPE with merges, whose pre-tokenizer goes by name. */
#include "file.h"
#include "gguf.h"
#include "tok_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY(name) "tokenizer.ggml." name

typedef struct source {
  rd_gguf g;
  const rd_gguf_value *tokens, *scores, *types, *merges;
} source;

static rd_code read_tokens(rd_tokenizer *t, const source *s, rd_error *e) {
  rd_cursor c = rd_cursor_of(s->tokens->data, s->tokens->size);
  rd_bytes scratch = {0};
  rd_code code = RD_OK;
  if ((s->scores && s->scores->count != s->tokens->count) ||
      (s->types && s->types->count != s->tokens->count))
    return rd_fail(e, RD_BAD_INPUT, "%llu tokens, but another number of scores or types",
                   (unsigned long long)s->tokens->count);
  for (uint64_t id = 0; id < s->tokens->count && code == RD_OK; id++) {
    rd_gguf_text text = rd_gguf_next_text(&c);
    rd_slice piece = {text.data ? text.data : "", text.size};
    double type = s->types ? rd_gguf_number(s->types, id) : 1;
    double score = s->scores ? rd_gguf_number(s->scores, id) : 0;
    rd_piece_kind kind =
        type >= 0 && type < RD_PIECE_TYPES ? rd_piece_types[(int)type] : RD_PIECE_NONE;
    if (c.failed || !isfinite(score))
      code = rd_fail(e, RD_BAD_INPUT, "token %llu: cut off, or its score is no number",
                     (unsigned long long)id);
    else if (kind == RD_PIECE_NORMAL && t->byte_level)
      code = rd_tok_set_mapped(t, (int64_t)id, piece, &scratch, e);
    else
      code = rd_vocab_set(&t->vocab, (int64_t)id, piece, kind, rd_score_rank((float)score), e);
    if (kind == RD_PIECE_UNKNOWN && code == RD_OK)
      t->unknown = (int32_t)id;
    bool special = kind == RD_PIECE_SPECIAL || kind == RD_PIECE_UNKNOWN;
    if ((special || kind == RD_PIECE_ADDED) && piece.size && code == RD_OK)
      code = rd_added_set(&t->added, piece, (int32_t)id, special ? RD_ADDED_SPECIAL : 0, e);
  }
  rd_bytes_drop(&scratch);
  return code;
}

static rd_code read_merges(rd_tokenizer *t, const rd_gguf_value *merges, rd_error *e) {
  rd_cursor c = rd_cursor_of(merges->data, merges->size);
  rd_bytes scratch[2] = {{0}, {0}};
  t->vocab.first_pair = true; /* as in llama.cpp; Hugging Face's library takes the last */
  rd_code code = rd_vocab_index(&t->vocab, e);
  if (code == RD_OK)
    code = rd_vocab_expect_pairs(&t->vocab, merges->count, e);
  for (uint64_t rank = 0; rank < merges->count && code == RD_OK; rank++) {
    rd_gguf_text line = rd_gguf_next_text(&c);
    rd_slice left, right;
    code = rd_tok_split_merge((rd_slice){line.data ? line.data : "", line.size}, &left, &right,
                              (uint32_t)rank, e);
    if (code == RD_OK)
      code = rd_tok_add_merge(t, left, right, (uint32_t)rank, scratch, e);
  }
  rd_bytes_drop(&scratch[0]);
  rd_bytes_drop(&scratch[1]);
  return code;
}

static rd_code flag_of(const source *s, const char *key, bool *flag, rd_error *e) {
  int64_t value = *flag;
  RD_TRY(rd_gguf_int(&s->g, key, 0, 1, &value, e));
  *flag = value != 0;
  return RD_OK;
}

/* Does the text hold the word, in letters of either case? */
static bool holds(rd_gguf_text text, const char *word) {
  const size_t size = strlen(word);
  for (size_t at = 0; at + size <= text.size; at++)
    if (strncasecmp(text.data + at, word, size) == 0)
      return true;
  return false;
}

/* Phi-3, as the architecture says it or, where llama.cpp looks, the model's name. */
static rd_code is_phi3(const source *s, bool *is, rd_error *e) {
  rd_gguf_text name = {"", 0}, architecture = {"", 0};
  RD_TRY(rd_gguf_text_of(&s->g, "general.name", &name, e));
  RD_TRY(rd_gguf_text_of(&s->g, "general.architecture", &architecture, e));
  *is = holds(name, "phi-3") || holds(name, "phi3") ||
        rd_slice_same((rd_slice){architecture.data, architecture.size}, rd_slice_text("phi3"));
  return RD_OK;
}

/* Phi-3's added tokens but for three take the white space behind them, and no key says so. */
static bool takes_right(const struct rd_added_token *token) {
  static const char *const others[] = {"<unk>", "<s>", "<|endoftext|>"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (rd_slice_same((rd_slice){token->text, token->size}, rd_slice_text(others[i])))
      return false;
  return true;
}

static rd_code take_right(rd_tokenizer *t, const source *s, rd_error *e) {
  bool is = false;
  RD_TRY(is_phi3(s, &is, e));
  for (size_t i = 0; is && i < t->added.count; i++)
    if (takes_right(&t->added.tokens[i]))
      t->added.tokens[i].flags |= RD_ADDED_RSTRIP;
  return RD_OK;
}

static rd_code read_sentencepiece(rd_tokenizer *t, const source *s, rd_error *e) {
  bool prefix = true, squeeze = false;
  RD_TRY(read_tokens(t, s, e));
  RD_TRY(take_right(t, s, e));
  RD_TRY(flag_of(s, KEY("add_space_prefix"), &prefix, e));
  RD_TRY(flag_of(s, KEY("remove_extra_whitespaces"), &squeeze, e));
  t->add_bos = true;
  return rd_tok_use_sentencepiece(t, prefix, squeeze, e);
}

/* SentencePiece's compiled rules, as bytes. */
static rd_code read_charsmap(rd_tokenizer *t, const source *s, rd_error *e) {
  const rd_gguf_value *map = NULL;
  const rd_gguf_value *found = rd_gguf_find(&s->g, KEY("precompiled_charsmap"));
  const bool is_signed = found && found->item == RD_GGUF_I8;
  RD_TRY(rd_gguf_array(&s->g, KEY("precompiled_charsmap"), is_signed ? RD_GGUF_I8 : RD_GGUF_U8,
                       &map, e));
  return map && map->count
           ? rd_normal_charsmap(&t->normaliser,
                                (rd_slice){(const char *)map->data, (size_t)map->count}, true, e)
           : RD_OK;
}

static rd_code read_unigram(rd_tokenizer *t, const source *s, rd_error *e) {
  bool prefix = false, squeeze = false, suffix = false, escaped = true;
  if (!s->scores)
    return rd_fail(e, RD_BAD_INPUT, KEY("scores") " is missing");
  RD_TRY(read_tokens(t, s, e));
  RD_TRY(flag_of(s, KEY("add_space_prefix"), &prefix, e));
  RD_TRY(flag_of(s, KEY("remove_extra_whitespaces"), &squeeze, e));
  RD_TRY(flag_of(s, KEY("treat_whitespace_as_suffix"), &suffix, e));
  RD_TRY(flag_of(s, KEY("escape_whitespaces"), &escaped, e));
  if (suffix || !escaped)
    return rd_fail(e, RD_UNSUPPORTED,
                   KEY("treat_whitespace_as_suffix") " true and " KEY(
                       "escape_whitespaces") " false are not computed here; the model's folder "
                                             "with tokenizer.json opens");
  for (uint64_t id = 0; id < s->tokens->count; id++)
    RD_TRY(rd_unigram_set(&t->unigram, &t->vocab, (int64_t)id, rd_gguf_number(s->scores, id), e));
  t->speller = rd_spell_unigram;
  t->unigram.narrow = true;
  RD_TRY(read_charsmap(t, s, e));
  return rd_tok_use_sentencepiece(t, prefix, squeeze, e);
}

static rd_code read_byte_level(rd_tokenizer *t, const source *s, rd_error *e) {
  rd_gguf_text name = {"", 0};
  char text[64], names[700];
  RD_TRY(rd_gguf_text_of(&s->g, KEY("pre"), &name, e));
  size_t size = name.size < sizeof text ? name.size : sizeof text - 1;
  memcpy(text, name.data, size);
  text[size] = '\0';
  const rd_pattern_row *row = rd_pattern_find(text);
  if (!row && (size == 0 || strcmp(text, "default") == 0))
    return rd_fail(
        e, RD_UNSUPPORTED,
        "the file does not say how its model cuts words (" KEY(
            "pre") " is %s): make it "
                   "anew with a newer converter, or open the folder that it was made from",
        size ? text : "missing");
  if (!row) {
    rd_pattern_names(names, sizeof names);
    return rd_fail(
        e, RD_UNSUPPORTED,
        "pre-tokenizer \"%s\" is not known: open the folder with tokenizer.json that the "
        "file was made from (%s are known)",
        text, names);
  }
  if (!s->merges)
    return rd_fail(e, RD_BAD_INPUT, KEY("merges") " is missing");
  RD_TRY(rd_tok_use_pattern(t, row, e));
  t->add_bos = row->bos;
  RD_TRY(read_tokens(t, s, e));
  return read_merges(t, s->merges, e);
}

static const struct model_row {
  const char *name;
  rd_code (*read)(rd_tokenizer *t, const source *s, rd_error *e);
} models[] = {{"llama", read_sentencepiece}, {"t5", read_unigram}, {"gpt2", read_byte_level}};

/* Ids beyond the vocabulary stand for "none" in these files. */
static rd_code read_ids(rd_tokenizer *t, const source *s, rd_error *e) {
  const struct id_row {
    const char *key;
    int32_t *place; /* NULL: one more EOS */
  } rows[] = {{KEY("bos_token_id"), &t->bos},   {KEY("padding_token_id"), &t->pad},
              {KEY("mask_token_id"), &t->mask}, {KEY("unknown_token_id"), &t->unknown},
              {KEY("eos_token_id"), NULL},      {KEY("eot_token_id"), NULL},
              {KEY("eom_token_id"), NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t id = -1;
    RD_TRY(rd_gguf_int(&s->g, rows[i].key, -1, UINT32_MAX, &id, e));
    if (id < 0 || (size_t)id >= t->vocab.count)
      continue;
    if (rows[i].place == &t->unknown && t->byte_level)
      continue; /* bytes without a piece are left out */
    if (rows[i].place)
      *rows[i].place = (int32_t)id;
    else if (!rd_tokenizer_is_eos(t, (int32_t)id))
      RD_TRY(rd_ids_add(&t->eos, (int32_t)id, e));
  }
  return flag_of(s, KEY("add_bos_token"), &t->add_bos, e);
}

static rd_code read_template(char **place, const source *s, const char *key, rd_error *e) {
  rd_gguf_text text = {NULL, 0};
  RD_TRY(rd_gguf_text_of(&s->g, key, &text, e));
  if (!text.data)
    return RD_OK;
  RD_TRY(rd_template_check(text.data, text.size, key, e));
  *place = rd_calloc(text.size + 1, 1, "the chat template", e);
  if (!*place)
    return RD_NO_MEMORY;
  memcpy(*place, text.data, text.size);
  return RD_OK;
}

static rd_code read_all(rd_tokenizer *t, source *s, rd_error *e) {
  rd_gguf_text model = {"(none)", 6};
  RD_TRY(rd_gguf_text_of(&s->g, KEY("model"), &model, e));
  RD_TRY(rd_gguf_array(&s->g, KEY("tokens"), RD_GGUF_TEXT, &s->tokens, e));
  RD_TRY(rd_gguf_array(&s->g, KEY("scores"), RD_GGUF_F32, &s->scores, e));
  RD_TRY(rd_gguf_array(&s->g, KEY("token_type"), RD_GGUF_I32, &s->types, e));
  RD_TRY(rd_gguf_array(&s->g, KEY("merges"), RD_GGUF_TEXT, &s->merges, e));
  if (!s->tokens)
    return rd_fail(e, RD_BAD_INPUT, KEY("tokens") " is missing: no vocabulary in this file");
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    if (rd_slice_same((rd_slice){model.data, model.size}, rd_slice_text(models[i].name))) {
      RD_TRY(models[i].read(t, s, e));
      RD_TRY(read_ids(t, s, e));
      RD_TRY(read_template(&t->chat_template, s, "tokenizer.chat_template", e));
      return read_template(&t->tool_template, s, "tokenizer.chat_template.tool_use", e);
    }
  return rd_fail(
      e, RD_UNSUPPORTED,
      KEY("model") " \"%.*s\" is not supported: llama, t5 and gpt2 are; the model's folder "
                   "with tokenizer.json opens",
      (int)(model.size < 60 ? model.size : 60), model.data);
}

rd_code rd_tok_read_gguf(rd_tokenizer *t, rd_slice data, rd_error *e) {
  source s = {0};
  rd_code code = rd_gguf_parse(&s.g, (const unsigned char *)data.data, data.size, e);
  if (code == RD_OK)
    code = read_all(t, &s, e);
  rd_gguf_drop(&s.g);
  return code;
}
