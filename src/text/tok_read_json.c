/* SPDX-License-Identifier: MIT */
/* tokenizer.json (Hugging Face tokenizers). Normalisers, pre-tokenizers and decoders
 * are rows of tables by their "type"; a type that is no row is refused by name. */
#include "json.h"
#include "tok_category.h"
#include "tok_model.h"
#include "tok_numbering.h"
#include "tok_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "\xE2\x96\x81";

typedef rd_code (*reader)(rd_tokenizer *t, const json_t *part, rd_error *e);
typedef struct part_row {
  const char *type;
  reader read;
} part_row;

static const char *text_of(const json_t *part, const char *key, const char *fallback) {
  const json_t *value = json_object_get(part, key);
  return json_is_string(value) ? json_string_value(value) : fallback;
}

static bool flag_of(const json_t *part, const char *key, bool fallback) {
  const json_t *value = json_object_get(part, key);
  return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static rd_code read_part(rd_tokenizer *t, const json_t *part, const char *what,
                         const part_row *rows, rd_error *e) {
  if (!part || json_is_null(part))
    return RD_OK;
  const char *type = text_of(part, "type", "(none)");
  for (const part_row *row = rows; row->type; row++)
    if (strcmp(row->type, type) == 0)
      return row->read(t, part, e);
  return rd_fail(e, RD_UNSUPPORTED, "%s of type %s is not supported", what, type);
}

static rd_code nothing(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)t, (void)part, (void)e;
  return RD_OK;
}

/* {"String": ..} or {"Regex": ..} */
static rd_code pattern_of(const json_t *part, rd_slice *pattern, bool *literal, rd_error *e) {
  const json_t *object = json_object_get(part, "pattern");
  const char *text = text_of(object, "String", NULL);
  *literal = text != NULL;
  if (!text)
    text = text_of(object, "Regex", NULL);
  if (!text)
    return rd_fail(e, RD_BAD_INPUT, "%s: a pattern {\"String\": ..} or {\"Regex\": ..} is missing",
                   text_of(part, "type", "?"));
  *pattern = rd_slice_text(text);
  return RD_OK;
}

static rd_code normal_form(rd_tokenizer *t, const json_t *part, rd_error *e) {
  bool known;
  return rd_normal_form(&t->normaliser, text_of(part, "type", ""), &known, e);
}

static rd_code normal_prepend(rd_tokenizer *t, const json_t *part, rd_error *e) {
  rd_slice prefix = rd_slice_text(text_of(part, "prepend", mark));
  t->prefixed = t->prefixed || prefix.size;
  return rd_normal_prefix(&t->normaliser, prefix, false, false, e);
}

static rd_code normal_replace(rd_tokenizer *t, const json_t *part, rd_error *e) {
  rd_slice from;
  bool literal;
  RD_TRY(pattern_of(part, &from, &literal, e));
  rd_slice to = rd_slice_text(text_of(part, "content", ""));
  return literal ? rd_normal_replace(&t->normaliser, from, to, e)
                 : rd_normal_replace_matches(&t->normaliser, from, to, e);
}

static rd_code normal_lowercase(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)part;
  return rd_normal_lowercase(&t->normaliser, e);
}

static rd_code normal_strip(rd_tokenizer *t, const json_t *part, rd_error *e) {
  return rd_normal_strip(&t->normaliser, flag_of(part, "strip_left", true),
                         flag_of(part, "strip_right", true), e);
}

static rd_code normal_strip_accents(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)part;
  return rd_normal_strip_accents(&t->normaliser, e);
}

static rd_code normal_bert(rd_tokenizer *t, const json_t *part, rd_error *e) {
  bool lowercase = flag_of(part, "lowercase", true);
  return rd_normal_bert(&t->normaliser, flag_of(part, "clean_text", true),
                        flag_of(part, "handle_chinese_chars", true),
                        flag_of(part, "strip_accents", lowercase), lowercase, e);
}

static rd_code normal_nmt(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)part;
  return rd_normal_nmt(&t->normaliser, e);
}

static rd_code normal_precompiled(rd_tokenizer *t, const json_t *part, rd_error *e) {
  rd_slice text = rd_slice_text(text_of(part, "precompiled_charsmap", ""));
  if (text.size == 0)
    return RD_OK;
  char *blob = rd_calloc(text.size, 1, "a charsmap", e);
  if (!blob)
    return RD_NO_MEMORY;
  int64_t size = rd_base64(text, blob);
  rd_code code = size < 0
                   ? rd_fail(e, RD_BAD_INPUT, "precompiled_charsmap is not base64")
                   : rd_normal_charsmap(&t->normaliser, (rd_slice){blob, (size_t)size}, false, e);
  free(blob);
  return code;
}

static const part_row normalisers[] = {
    {"NFC", normal_form},
    {"NFD", normal_form},
    {"NFKC", normal_form},
    {"NFKD", normal_form},
    {"Prepend", normal_prepend},
    {"Replace", normal_replace},
    {"Lowercase", normal_lowercase},
    {"Strip", normal_strip},
    {"StripAccents", normal_strip_accents},
    {"BertNormalizer", normal_bert},
    {"Nmt", normal_nmt},
    {"Precompiled", normal_precompiled},
    {NULL, NULL},
};

/* Behind ByteLevel the letters that stand for bytes are cut. */
static rd_splitter *splitter_of(rd_tokenizer *t) {
  return t->byte_level ? &t->after_bytes : &t->splitter;
}

static rd_code split_pattern(rd_tokenizer *t, const json_t *part, rd_error *e) {
  rd_slice pattern;
  bool literal;
  RD_TRY(pattern_of(part, &pattern, &literal, e));
  return rd_splitter_add(splitter_of(t), pattern, literal, text_of(part, "behavior", "Isolated"),
                         flag_of(part, "invert", false), e);
}

static rd_code split_bytes(rd_tokenizer *t, const json_t *part, rd_error *e) {
  if (t->byte_level)
    return rd_fail(e, RD_UNSUPPORTED, "pre-tokenizer ByteLevel after another ByteLevel");
  t->byte_level = true;
  if (flag_of(part, "add_prefix_space", true)) {
    if (t->splitter.count)
      return rd_fail(e, RD_UNSUPPORTED,
                     "pre-tokenizer ByteLevel with add_prefix_space after another");
    RD_TRY(rd_normal_prefix(&t->spacer, rd_slice_text(" "), true, false, e));
  }
  return flag_of(part, "use_regex", true)
           ? rd_splitter_add(&t->splitter, rd_slice_text(rd_pattern_find("gpt-2")->patterns[0]),
                             false, "Isolated", false, e)
           : RD_OK;
}

static rd_code split_digits(rd_tokenizer *t, const json_t *part, rd_error *e) {
  bool single = flag_of(part, "individual_digits", false);
  return rd_splitter_add(splitter_of(t), rd_slice_text(single ? "\\p{N}" : "\\p{N}+"), false,
                         "Isolated", false, e);
}

static rd_code split_metaspace(rd_tokenizer *t, const json_t *part, rd_error *e) {
  const char *scheme =
      text_of(part, "prepend_scheme", flag_of(part, "add_prefix_space", true) ? "always" : "never");
  bool split = flag_of(part, "split", true), always = strcmp(scheme, "always") == 0;
  bool words = t->splitter.count == 1 && t->at_spaces; /* behind WhitespaceSplit alone */
  if (t->byte_level || (t->splitter.count && !(words && always && split)) ||
      strcmp(text_of(part, "replacement", mark), mark) != 0)
    return rd_fail(e, RD_UNSUPPORTED,
                   "pre-tokenizer Metaspace after another (but for prepend_scheme always after "
                   "WhitespaceSplit), or not with U+2581");
  if (words) {
    t->prefixed = true;
    rd_splitter_drop(&t->splitter);
    RD_TRY(rd_normal_words(&t->spacer, rd_slice_text(mark), e));
    return rd_splitter_add(splitter_of(t), rd_slice_text(mark), true, "MergedWithNext", false, e);
  }
  RD_TRY(rd_normal_replace(&t->spacer, rd_slice_text(" "), rd_slice_text(mark), e));
  t->prefixed = strcmp(scheme, "never") != 0;
  t->prefix_at_start = strcmp(scheme, "first") == 0;
  if (t->prefixed)
    RD_TRY(rd_normal_prefix(&t->spacer, rd_slice_text(mark), true, t->prefix_at_start, e));
  return split
           ? rd_splitter_add(splitter_of(t), rd_slice_text(mark), true, "MergedWithNext", false, e)
           : RD_OK;
}

/* Words and runs of other characters; white space goes. */
static rd_code split_whitespace(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)part;
  return rd_splitter_add(splitter_of(t),
                         rd_slice_text("[\\p{alpha}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}]+|"
                                       "[^\\p{alpha}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}\\s]+"),
                         false, "Removed", true, e);
}

static rd_code split_spaces(rd_tokenizer *t, const json_t *part, rd_error *e) {
  (void)part;
  t->at_spaces = t->splitter.count == 0;
  return rd_splitter_add(splitter_of(t), rd_slice_text("\\s"), false, "Removed", false, e);
}

static rd_code split_punctuation(rd_tokenizer *t, const json_t *part, rd_error *e) {
  return rd_splitter_add(splitter_of(t), rd_slice_text(RD_PUNCTUATION), false,
                         text_of(part, "behavior", "Isolated"), false, e);
}

static rd_code split_bert(rd_tokenizer *t, const json_t *part, rd_error *e) {
  RD_TRY(split_spaces(t, part, e));
  return rd_splitter_add(splitter_of(t), rd_slice_text(RD_PUNCTUATION), false, "Isolated", false,
                         e);
}

static rd_code split_character(rd_tokenizer *t, const json_t *part, rd_error *e) {
  const char *delimiter = text_of(part, "delimiter", "");
  if (!*delimiter)
    return rd_fail(e, RD_BAD_INPUT, "CharDelimiterSplit: the delimiter is missing");
  return rd_splitter_add(splitter_of(t), rd_slice_text(delimiter), true, "Removed", false, e);
}

/* So many characters each. */
static rd_code split_length(rd_tokenizer *t, const json_t *part, rd_error *e) {
  enum { MOST = 4096 };
  const json_t *length = json_object_get(part, "length");
  json_int_t n = json_is_integer(length) ? json_integer_value(length) : 5;
  char pattern[32];
  if (n < 1 || n > MOST)
    return rd_fail(e, RD_UNSUPPORTED, "pre-tokenizer FixedLength of %lld: 1 to %d are supported",
                   (long long)n, MOST);
  snprintf(pattern, sizeof pattern, "(?s:.{1,%d})", (int)n);
  return rd_splitter_add(splitter_of(t), rd_slice_text(pattern), false, "Isolated", false, e);
}

static const part_row splitters[] = {
    {"Split", split_pattern},
    {"ByteLevel", split_bytes},
    {"Digits", split_digits},
    {"Metaspace", split_metaspace},
    {"Whitespace", split_whitespace},
    {"WhitespaceSplit", split_spaces},
    {"Punctuation", split_punctuation},
    {"BertPreTokenizer", split_bert},
    {"CharDelimiterSplit", split_character},
    {"FixedLength", split_length},
    {NULL, NULL},
};

/* Pieces within a word are joined, others get a space. */
static rd_code decode_words(rd_tokenizer *t, const json_t *part, rd_error *e) {
  const char *prefix = text_of(part, "prefix", "##");
  if (strlen(prefix) >= sizeof t->joint)
    return rd_fail(e, RD_UNSUPPORTED, "decoder WordPiece: a prefix of %zu bytes", strlen(prefix));
  t->spaced = true;
  t->cleaned = flag_of(part, "cleanup", true);
  strcpy(t->joint, prefix);
  return RD_OK;
}

/* Decoding follows from the vocabulary; the types are checked so that no other rule is missed. */
static const part_row decoders[] = {
    {"ByteLevel", nothing}, {"Replace", nothing},   {"ByteFallback", nothing},   {"Fuse", nothing},
    {"Strip", nothing},     {"Metaspace", nothing}, {"WordPiece", decode_words}, {NULL, NULL},
};

static bool is_id(const json_t *id) {
  return json_is_integer(id) && json_integer_value(id) >= 0 &&
         json_integer_value(id) < RD_VOCAB_LIMIT;
}

/* What stands before a text is its BOS, what stands behind it an end of answers. */
static void put_before(rd_tokenizer *t, const json_t *id) {
  if (!is_id(id))
    return;
  t->bos = (int32_t)json_integer_value(id);
  t->add_bos = true;
}

static rd_code put_behind(rd_tokenizer *t, const json_t *id, rd_error *e) {
  return is_id(id) ? rd_ids_add(&t->eos, (int32_t)json_integer_value(id), e) : RD_OK;
}

/* The name of {"SpecialToken": {"id": name}}, or NULL, and the ids of a name. */
static const char *special_name(const json_t *element) {
  return text_of(json_object_get(element, "SpecialToken"), "id", NULL);
}

static const json_t *special_ids(const json_t *part, const char *name) {
  const json_t *tokens = json_object_get(part, "special_tokens");
  return json_object_get(json_object_get(tokens, name ? name : ""), "ids");
}

/* A template may put one token before a text; that of more would be half of it. */
static rd_code post_template(rd_tokenizer *t, const json_t *part, rd_error *e) {
  const json_t *single = json_object_get(part, "single");
  const char *name = special_name(json_array_get(single, 0));
  const json_t *ids = special_ids(part, name);
  if (name && (special_name(json_array_get(single, 1)) || json_array_size(ids) > 1))
    return rd_fail(e, RD_UNSUPPORTED,
                   "TemplateProcessing puts \"%.40s\" and more before a text; one token is "
                   "computed: take the others out of post_processor's single",
                   name);
  put_before(t, json_array_get(ids, 0));
  const char *last = special_name(json_array_get(single, name ? 2 : 1));
  return put_behind(t, json_array_get(special_ids(part, last), 0), e);
}

/* {"cls": ["<s>", 0], "sep": ["</s>", 2]}. */
static rd_code post_pair(rd_tokenizer *t, const json_t *part, rd_error *e) {
  put_before(t, json_array_get(json_object_get(part, "cls"), 1));
  return put_behind(t, json_array_get(json_object_get(part, "sep"), 1), e);
}

static const part_row processors[] = {{"TemplateProcessing", post_template},
                                      {"ByteLevel", nothing},
                                      {"RobertaProcessing", post_pair},
                                      {"BertProcessing", post_pair},
                                      {NULL, NULL}};

/* The parts beside the model; each may be a Sequence of its kind. */
static const struct section_row {
  const char *key, *members, *what;
  const part_row *rows;
} sections[] = {
    {"normalizer", "normalizers", "a normaliser", normalisers},
    {"pre_tokenizer", "pretokenizers", "a pre-tokenizer", splitters},
    {"post_processor", "processors", "a post-processor", processors},
    {"decoder", "decoders", "a decoder", decoders},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static rd_code parse(rd_slice text, const char *name, json_t **out, rd_error *e) {
  json_error_t reason;
  *out = text.data ? rd_json_load(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &reason)
                   : json_null();
  return *out ? RD_OK : rd_json_wrong(&reason, name, e);
}

/* A part, or a Sequence of parts, which may hold Sequences too. */
static rd_code read_parts(rd_tokenizer *t, const struct section_row *row, const json_t *part,
                          unsigned depth, rd_error *e) {
  enum { DEEPEST = 8 };
  if (strcmp(text_of(part, "type", ""), "Sequence") != 0)
    return read_part(t, part, row->what, row->rows, e);
  const json_t *members = json_object_get(part, row->members);
  if (depth == DEEPEST)
    return rd_fail(e, RD_UNSUPPORTED, "%s: Sequences within each other, more than %d", row->what,
                   DEEPEST);
  for (size_t i = 0; i < json_array_size(members); i++)
    RD_TRY(read_parts(t, row, json_array_get(members, i), depth + 1, e));
  return RD_OK;
}

static rd_code read_section(rd_tokenizer *t, const struct section_row *row, rd_slice text,
                            rd_error *e) {
  json_t *part;
  RD_TRY(parse(text, row->key, &part, e));
  rd_code code = read_parts(t, row, part, 0, e);
  json_decref(part);
  return code;
}

static rd_code add_list(rd_tokenizer *t, const json_t *list, rd_numbering *n, rd_error *e) {
  RD_TRY(rd_numbering_begin(n, t, e));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *token = json_array_get(list, i), *content = json_object_get(token, "content");
    const json_t *id = json_object_get(token, "id");
    const rd_slice text = {json_string_value(content), json_string_length(content)};
    if (text.size)
      RD_TRY(rd_numbering_check(n, t, text, json_is_integer(id) ? json_integer_value(id) : -1, e));
    RD_TRY(rd_tok_add_described(t, token, -1, e));
  }
  return RD_OK;
}

static rd_code read_added(rd_tokenizer *t, rd_slice text, rd_error *e) {
  json_t *list;
  rd_numbering n = {.next = 0};
  RD_TRY(parse(text, "added_tokens", &list, e));
  rd_code code = add_list(t, list, &n, e);
  rd_ids_drop(&n.hidden);
  json_decref(list);
  return code;
}

/* "left right", or ["left", "right"]. */
static rd_code scan_merge(rd_scan *s, rd_bytes buffers[2], rd_slice *left, rd_slice *right,
                          uint32_t rank, rd_error *e) {
  bool more = true;
  buffers[0].size = buffers[1].size = 0;
  if (rd_scan_peek(s) == '"') {
    RD_TRY(rd_scan_string(s, &buffers[0], e));
    return rd_tok_split_merge(rd_slice_of(&buffers[0]), left, right, rank, e);
  }
  RD_TRY(rd_scan_open(s, '[', e));
  for (int i = 0; i < 2; i++) {
    RD_TRY(rd_scan_more(s, ']', &more, e));
    RD_TRY(rd_scan_string(s, &buffers[i], e));
  }
  RD_TRY(rd_scan_more(s, ']', &more, e));
  *left = rd_slice_of(&buffers[0]);
  *right = rd_slice_of(&buffers[1]);
  return more ? rd_fail(e, RD_BAD_INPUT, "merge %u has more than two sides", rank) : RD_OK;
}

static rd_code scan_merges(rd_tokenizer *t, rd_slice list, rd_bytes buffers[4], rd_error *e) {
  rd_scan s = rd_scan_of(list);
  bool more = false;
  size_t count = 0;
  RD_TRY(rd_scan_open(&s, '[', e));
  for (;; count++) { /* count first, so that the table is sized once */
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    if (!more)
      break;
    RD_TRY(rd_scan_skip(&s, NULL, e));
  }
  RD_TRY(rd_vocab_expect_pairs(&t->vocab, count, e));
  s = rd_scan_of(list);
  RD_TRY(rd_scan_open(&s, '[', e));
  for (uint32_t rank = 0; rank < count; rank++) {
    rd_slice left, right;
    RD_TRY(rd_scan_more(&s, ']', &more, e));
    RD_TRY(scan_merge(&s, buffers, &left, &right, rank, e));
    RD_TRY(rd_tok_add_merge(t, left, right, rank, buffers + 2, e));
  }
  return RD_OK;
}

enum { TYPE, VOCAB, MERGES, UNKNOWN, FALLBACK, FUSE, IGNORE, PREFIX, SUFFIX, DROPOUT, MODEL_KEYS };
static const char *const model_keys[MODEL_KEYS] = {"type",
                                                   "vocab",
                                                   "merges",
                                                   "unk_token",
                                                   "byte_fallback",
                                                   "fuse_unk",
                                                   "ignore_merges",
                                                   "continuing_subword_prefix",
                                                   "end_of_word_suffix",
                                                   "dropout"};

rd_code rd_tok_cut(rd_slice object, const char *const *keys, size_t count, rd_slice *values,
                   rd_error *e) {
  rd_bytes key = {0};
  rd_scan s = rd_scan_of(object);
  bool more = false;
  rd_code code = rd_scan_open(&s, '{', e);
  while (code == RD_OK && (code = rd_scan_more(&s, '}', &more, e)) == RD_OK && more) {
    rd_slice value;
    code = rd_scan_key(&s, &key, e);
    if (code == RD_OK)
      code = rd_scan_skip(&s, &value, e);
    for (size_t i = 0; i < count && code == RD_OK; i++)
      if (rd_slice_same(rd_slice_of(&key), rd_slice_text(keys[i])))
        values[i] = value;
  }
  rd_bytes_drop(&key);
  return code == RD_OK ? rd_scan_end(&s, e) : code;
}

static bool is(rd_slice value, const char *text) {
  return value.data && rd_slice_same(value, rd_slice_text(text));
}

static bool absent(rd_slice value) {
  return !value.data || is(value, "null") || is(value, "\"\"");
}

static rd_code read_unknown(rd_tokenizer *t, rd_slice value, rd_error *e) {
  rd_bytes name = {0};
  if (absent(value))
    return RD_OK;
  rd_scan s = rd_scan_of(value);
  rd_code code = rd_scan_string(&s, &name, e);
  t->unknown = code == RD_OK ? rd_vocab_find(&t->vocab, rd_slice_of(&name)) : -1;
  rd_bytes_drop(&name);
  return code;
}

static rd_code read_merges(rd_tokenizer *t, rd_slice model, rd_error *e) {
  rd_slice values[MODEL_KEYS] = {{0}};
  rd_bytes buffers[4] = {{0}, {0}, {0}, {0}};
  RD_TRY(rd_tok_cut(model, model_keys, MODEL_KEYS, values, e));
  for (int i = PREFIX; i <= DROPOUT; i++)
    if (!absent(values[i]) && !(i == DROPOUT && (is(values[i], "0.0") || is(values[i], "0"))))
      return rd_fail(e, RD_UNSUPPORTED,
                     "model BPE: %s is %.*s, which is not computed here; what is computed: null",
                     model_keys[i], (int)(values[i].size < 40 ? values[i].size : 40),
                     values[i].data);
  if (!values[VOCAB].data || !values[MERGES].data)
    return rd_fail(e, RD_BAD_INPUT, "model: \"vocab\" or \"merges\" is missing");
  t->whole_words = is(values[IGNORE], "true");
  t->byte_fallback = is(values[FALLBACK], "true");
  t->fuse_unknown = is(values[FUSE], "true");
  RD_TRY(rd_tok_scan_vocab(t, values[VOCAB], e));
  RD_TRY(read_unknown(t, values[UNKNOWN], e));
  rd_code code = scan_merges(t, values[MERGES], buffers, e);
  for (int i = 0; i < 4; i++)
    rd_bytes_drop(&buffers[i]);
  for (size_t id = 0; id < t->vocab.count && t->byte_fallback; id++)
    if (rd_byte_piece(rd_vocab_piece(&t->vocab, (int32_t)id)) >= 0)
      t->vocab.pieces[id].kind = RD_PIECE_BYTE;
  if (t->unknown >= 0)
    t->vocab.pieces[t->unknown].kind = RD_PIECE_UNKNOWN;
  return code;
}

static const struct model_row {
  const char *type; /* as JSON */
  rd_code (*read)(rd_tokenizer *t, rd_slice model, rd_error *e);
} models[] = {{"\"BPE\"", read_merges},
              {"\"WordPiece\"", rd_tok_read_wordpiece},
              {"\"WordLevel\"", rd_tok_read_wordlevel},
              {"\"Unigram\"", rd_tok_read_unigram}};

/* By its type; a model without one that has merges is BPE. */
static rd_code read_model(rd_tokenizer *t, rd_slice model, rd_error *e) {
  static const char *const keys[] = {"type", "merges"};
  rd_slice values[2] = {{0}};
  RD_TRY(rd_tok_cut(model, keys, 2, values, e));
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    if (is(values[0], models[i].type) || (!values[0].data && values[1].data))
      return models[i].read(t, model, e);
  return rd_fail(e, RD_UNSUPPORTED,
                 "tokenizer model of type %.*s is not supported: BPE, WordPiece, WordLevel and "
                 "Unigram are",
                 (int)(values[0].size < 40 ? values[0].size : 40),
                 values[0].data ? values[0].data : "");
}

rd_code rd_tok_read_json(rd_tokenizer *t, rd_slice data, rd_error *e) {
  enum { MODEL = SECTIONS, ADDED, KEYS };
  const char *keys[KEYS] = {[MODEL] = "model", [ADDED] = "added_tokens"};
  rd_slice values[KEYS] = {{0}};
  for (int i = 0; i < SECTIONS; i++)
    keys[i] = sections[i].key;
  RD_TRY(rd_tok_cut(data, keys, KEYS, values, e));
  if (!values[MODEL].data)
    return rd_fail(e, RD_BAD_INPUT, "\"model\" is missing: not a tokenizer.json");
  for (int i = 0; i < SECTIONS; i++)
    RD_TRY(read_section(t, &sections[i], values[i], e));
  RD_TRY(read_model(t, values[MODEL], e));
  rd_tok_find_bytes(t);
  return read_added(t, values[ADDED], e);
}
