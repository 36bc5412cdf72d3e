/* SPDX-License-Identifier: MIT */
/* The pre-tokenizer patterns of files that do not carry their own: vocab.json + merges.txt (chosen
 * by tokenizer_class), tiktoken ranks (LLaMA 3's), GGUF (by tokenizer.ggml.pre). Each row as the
 * model's publisher states it. */
#include "tok_category.h"
#include "tok_model.h"

#include <stdio.h>
#include <string.h>

/* Parts that many have: English endings, in one case and in any; words; what is left. */
#define ENDINGS "'s|'t|'re|'ve|'m|'ll|'d"
#define ANY_ENDINGS "(?i:" ENDINGS ")"
#define SPACES "\\s+(?!\\S)|\\s+"
#define GPT2 ENDINGS "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|" SPACES
#define LINES " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|" SPACES
#define LLAMA3(digits) ANY_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "|" LINES
#define CAPITALS "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SMALLS "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(endings, digits)                                                                     \
  "[^\\r\\n\\p{L}\\p{N}]?" CAPITALS "*" SMALLS "+" endings "|[^\\r\\n\\p{L}\\p{N}]?" CAPITALS      \
  "+" SMALLS "*" endings "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|" SPACES
#define NO_HAN "(?!\\p{Han})" /* PCRE2 has no && in classes */
#define CJK "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
#define CJK_OLD "[\\x{4E00}-\\x{9FA5}\\x{0800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
#define ASCII_SIGNS "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK3(lines)                                                                           \
  ASCII_SIGNS "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+" lines SPACES
#define NO_STOPS " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{0964}\\x{06D4}\\x{060C})]+"
/* DeepSeek's first: the letters that have a case, as its tokenizer.json lists them. */
#define CASED_LETTERS                                                                              \
  "[A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}"                  \
  "\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}"           \
  "\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}"                    \
  "\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}"                         \
  "\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}"                   \
  "\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}"                   \
  "\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}"          \
  "\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}"           \
  "\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}"                   \
  "\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"                    \
  "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}"                     \
  "\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}"          \
  "\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}"           \
  "\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"                    \
  "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}"                   \
  "\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}"                 \
  "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}"           \
  "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}]+"

/* Where each could be compared with the family's own tokenizer stands in doc/MODEL.md. */
const rd_pattern_row rd_patterns[] = {
    {.name = "gpt-2",
     .classes = "GPT2Tokenizer CodeGenTokenizer RobertaTokenizer",
     .aliases = "gpt-2 phi-2 roberta-bpe",
     .patterns = {GPT2}},
    {.name = "mpt",
     .classes = "GPTNeoXTokenizer",
     .aliases = "mpt olmo",
     .patterns = {GPT2},
     .form_c = true},
    {.name = "llama-bpe",
     .classes = "",
     .aliases = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .patterns = {LLAMA3("\\p{N}{1,3}")},
     .whole_words = true,
     .bos = true},
    {.name = "qwen2",
     .classes = "Qwen2Tokenizer DreamTokenizer",
     .aliases = "qwen2 deepseek-r1-qwen megrez kormo f2llmv2",
     .patterns = {LLAMA3("\\p{N}")},
     .form_c = true},
    {.name = "qwen35",
     .classes = "Qwen3_5Tokenizer",
     .aliases = "qwen35",
     .patterns = {ANY_ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                              " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|" SPACES},
     .form_c = true},
    {.name = "smollm",
     .classes = "",
     .aliases = "smollm starcoder refact",
     .patterns = {"\\p{N}", GPT2}},
    {.name = "command-r",
     .classes = "CohereTokenizer",
     .aliases = "command-r",
     .patterns = {"\\p{N}", GPT2},
     .form_c = true},
    {.name = "dbrx",
     .classes = "",
     .aliases = "dbrx smaug-bpe",
     .patterns = {LLAMA3("\\p{N}{1,3}")}},
    {.name = "glm4",
     .classes = "",
     .aliases = "glm4 chatglm-bpe",
     .patterns = {LLAMA3("\\p{N}{1,3}")},
     .whole_words = true},
    {.name = "deepseek-llm",
     .classes = "",
     .aliases = "deepseek-llm",
     .patterns = {"[\\r\\n]", "\\s?" CASED_LETTERS,
                  "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-"
                  "\\x{3002}]+",
                  "\\s+$", CJK_OLD, "\\p{N}"}},
    {.name = "deepseek-coder",
     .classes = "",
     .aliases = "deepseek-coder",
     .patterns = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK_OLD, "\\p{N}"}},
    {.name = "deepseek-v3",
     .classes = "",
     .aliases = "deepseek-v3",
     .patterns = {"\\p{N}{1,3}", CJK, DEEPSEEK3("[\\r\\n]*|\\s*[\\r\\n]+|")}},
    {.name = "spark2_5",
     .classes = "",
     .aliases = "spark2_5",
     .patterns = {"\\p{N}{1,3}", CJK, DEEPSEEK3("|[\\r\\n]|"), "\\p{N}"}},
    {.name = "falcon",
     .classes = "",
     .aliases = "falcon",
     .patterns = {"(?:" RD_PUNCTUATION ")+", GPT2},
     .letters = {"\\p{N}+", "[0-9][0-9][0-9]"}},
    {.name = "tekken",
     .classes = "",
     .aliases = "tekken",
     .patterns = {CASED("", "\\p{N}")},
     .whole_words = true,
     .bos = true},
    {.name = "gpt-4o",
     .classes = "",
     .aliases = "gpt-4o llama4 kanana2 minimax-m2 talkie",
     .patterns = {CASED(ANY_ENDINGS "?", "\\p{N}{1,3}")}},
    {.name = "tiny_aya",
     .classes = "",
     .aliases = "tiny_aya cohere2moe",
     .patterns = {"\\d{1,3}(?=(?:\\d{3})*\\b)", CASED(ANY_ENDINGS "?", "\\p{N}{1,3}")}},
    {.name = "kimi-k2",
     .classes = "",
     .aliases = "kimi-k2",
     .patterns = {"\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?(?:" NO_HAN CAPITALS ")*(?:" NO_HAN SMALLS
                  ")+" ANY_ENDINGS "?|[^\\r\\n\\p{L}\\p{N}]?(?:" NO_HAN CAPITALS
                  ")+(?:" NO_HAN SMALLS ")*" ANY_ENDINGS "?|\\p{N}{1,3}|" LINES}},
    {.name = "bailingmoe",
     .classes = "",
     .aliases = "bailingmoe bailingmoe2 llada-moe",
     .patterns = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}|"
                  " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|" SPACES}},
    {.name = "seed-coder",
     .classes = "",
     .aliases = "seed-coder",
     .patterns = {ANY_ENDINGS
                  "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|"
                  "\\s*[\\r\\n]+|" SPACES}},
    {.name = "minicpm5",
     .classes = "",
     .aliases = "minicpm5",
     .patterns = {"\\p{N}{1,3}", LLAMA3("\\p{N}+")},
     .whole_words = true},
    {.name = "bloom", .classes = "", .aliases = "bloom", .patterns = {NO_STOPS}},
    {.name = "tini",
     .classes = "",
     .aliases = "tini",
     .known_as = "gpt-2",
     .patterns = {ENDINGS "| ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|" SPACES}},
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

void rd_pattern_names(char *text, size_t size) {
  size_t used = 0;
  *text = '\0';
  for (size_t i = 0; i < rd_patterns_count && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", rd_patterns[i].name);
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
  for (size_t i = 0; i < RD_MOST_PATTERNS && row->patterns[i]; i++)
    RD_TRY(rd_splitter_add(&t->splitter, rd_slice_text(row->patterns[i]), false, "Isolated", false,
                           e));
  for (size_t i = 0; i < RD_MOST_LETTER_PATTERNS && row->letters[i]; i++)
    RD_TRY(rd_splitter_add(&t->after_bytes, rd_slice_text(row->letters[i]), false, "Isolated",
                           false, e));
  return RD_OK;
}
