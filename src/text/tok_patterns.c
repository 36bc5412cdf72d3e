/* SPDX-License-Identifier: MIT */
/* The pre-tokenizer patterns of files that do not carry their own: vocab.json + merges.txt (chosen
 * by tokenizer_class), tiktoken ranks (LLaMA 3's), GGUF (by tokenizer.ggml.pre). Each row as the
 * model's publisher states it. */
#include "tok_model.h"

#include <string.h>

const rd_pattern_row rd_patterns[] = {
    {.name = "gpt-2",
     .classes = "GPT2Tokenizer CodeGenTokenizer RobertaTokenizer",
     .aliases = "gpt-2 default",
     .pattern =
         "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {.name = "llama-bpe",
     .classes = "",
     .aliases = "llama-bpe llama3 llama-v3",
     .pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     .whole_words = true},
    {.name = "qwen2",
     .classes = "Qwen2Tokenizer DreamTokenizer",
     .aliases = "qwen2",
     .pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     .form_c = true},
    {.name = "tini",
     .classes = "",
     .aliases = "tini",
     .pattern =
         "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
};
const size_t rd_patterns_count = sizeof rd_patterns / sizeof *rd_patterns;

/* Is `word` (`size` bytes) one of the space-separated words of `list`? */
static bool listed(const char *list, const char *word, size_t size) {
  for (const char *at = list; size && *at;) {
    size_t length = strcspn(at, " ");
    if (length == size && memcmp(at, word, size) == 0)
      return true;
    at += length + (at[length] == ' ');
  }
  return false;
}

const rd_pattern_row *rd_pattern_find(const char *name) {
  for (size_t i = 0; i < rd_patterns_count; i++)
    if (listed(rd_patterns[i].aliases, name, strlen(name)))
      return &rd_patterns[i];
  return NULL;
}

const rd_pattern_row *rd_pattern_of_class(const char *class_name) {
  size_t size = strlen(class_name);
  if (size > 4 && strcmp(class_name + size - 4, "Fast") == 0)
    size -= 4;
  for (size_t i = 0; i < rd_patterns_count; i++)
    if (listed(rd_patterns[i].classes, class_name, size))
      return &rd_patterns[i];
  return NULL;
}

rd_code rd_tok_use_pattern(rd_tokenizer *t, const rd_pattern_row *row, rd_error *e) {
  bool known = true;
  t->byte_level = true;
  t->pattern = row;
  t->whole_words = row->whole_words;
  if (row->form_c)
    RD_TRY(rd_normal_form(&t->normaliser, "NFC", &known, e));
  return rd_splitter_add(&t->splitter, rd_slice_text(row->pattern), false, "Isolated", false, e);
}
