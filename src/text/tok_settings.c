/* SPDX-License-Identifier: MIT */
/* The small files beside a vocabulary: which ids are BOS, EOS, padding, mask; tokens added. Nothing
 * is guessed: an id that no file names is -1. */
#include "file.h"
#include "json.h"
#include "table.h"
#include "tok_model.h"
#include "tok_numbering.h"

#include <stdlib.h>
#include <string.h>

static rd_code parse(const char *text, size_t size, const char *name, json_t **out, rd_error *e) {
  json_error_t reason;
  *out = rd_json_load_file(text, size, 0, &reason);
  return *out ? RD_OK : rd_json_wrong(&reason, name, e);
}

rd_code rd_tok_open_beside(const char *folder, const char *name, json_t **out, rd_error *e) {
  enum { LIMIT = 1 << 26 };
  const rd_path path = rd_path_in(folder, name);
  char *text = NULL;
  size_t size = 0;
  *out = NULL;
  if (!rd_path_exists(path.text))
    return RD_OK;
  RD_TRY(rd_file_read(path.text, LIMIT, &text, &size, e));
  rd_code code = parse(text, size, name, out, e);
  free(text);
  return code;
}

/* What the members of a description say; none of a text. */
static unsigned flags_of(const json_t *token) {
  static const struct flag_row {
    const char *key;
    unsigned flag;
  } rows[] = {{"special", RD_ADDED_SPECIAL},
              {"lstrip", RD_ADDED_LSTRIP},
              {"rstrip", RD_ADDED_RSTRIP},
              {"single_word", RD_ADDED_WORD},
              {"normalized", RD_ADDED_LATER}};
  unsigned flags = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    flags |= json_is_true(json_object_get(token, rows[i].key)) ? rows[i].flag : 0;
  return flags;
}

/* Of {"content": "text"}, or "text" itself; empty where it is neither. */
static rd_slice content_of(const json_t *token) {
  const json_t *content = json_is_object(token) ? json_object_get(token, "content") : token;
  return (rd_slice){json_string_value(content), json_string_length(content)};
}

rd_code rd_tok_add_described(rd_tokenizer *t, const json_t *token, int64_t id, rd_error *e) {
  const rd_slice text = content_of(token);
  if (id < 0) {
    const json_t *number = json_object_get(token, "id");
    id = json_is_integer(number) ? json_integer_value(number) : -1;
  }
  if (text.size == 0)
    return rd_fail(e, RD_BAD_INPUT, "added token %lld has no content", (long long)id);
  return rd_tokenizer_add(t, id, text, flags_of(token), e);
}

rd_code rd_tok_read_class(rd_tokenizer *t, const char *folder, rd_error *e) {
  json_t *config;
  RD_TRY(rd_tok_open_beside(folder, "tokenizer_config.json", &config, e));
  const char *name = json_string_value(json_object_get(config, "tokenizer_class"));
  const json_t *prefix = json_object_get(config, "add_prefix_space");
  t->class_name = name ? rd_strdup(name, e) : NULL;
  t->asked = (struct rd_asked){.at_start = json_is_false(json_object_get(config, "legacy")),
                               .always = json_is_true(prefix),
                               .never = json_is_false(prefix)};
  json_decref(config);
  return name && !t->class_name ? RD_NO_MEMORY : RD_OK;
}

/* added_tokens.json: {"<tok>": id}. */
static rd_code add_listed(rd_tokenizer *t, json_t *list, rd_error *e) {
  const char *key;
  json_t *value;
  json_object_foreach(list, key, value) {
    if (!rd_added_named(&t->added, rd_slice_text(key)))
      RD_TRY(rd_tokenizer_add(t, json_is_integer(value) ? json_integer_value(value) : -1,
                              rd_slice_text(key), RD_ADDED_LATER, e));
  }
  return RD_OK;
}

/* tokenizer_config.json's added_tokens_decoder: {"id": {..}}, in the order of the ids. */
typedef struct described {
  int64_t id;
  const json_t *token;
} described;

static int by_id(const void *left, const void *right) {
  const described *a = left, *b = right;
  return (a->id > b->id) - (a->id < b->id);
}

static rd_code add_described(rd_tokenizer *t, const described *all, size_t count, rd_error *e) {
  rd_numbering n = {.next = 0};
  const bool numbered = strcmp(t->format, "tokenizer.json") == 0;
  rd_code code = numbered ? rd_numbering_begin(&n, t, e) : RD_OK;
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    const rd_slice text = content_of(all[i].token);
    if (numbered && text.size)
      code = rd_numbering_check(&n, t, text, all[i].id, e);
    if (code == RD_OK)
      code = rd_tok_add_described(t, all[i].token, all[i].id, e);
  }
  rd_ids_drop(&n.hidden);
  return code;
}

static rd_code add_decoder(rd_tokenizer *t, json_t *decoder, rd_error *e) {
  const char *key;
  json_t *value;
  size_t count = 0;
  described *all = rd_calloc(json_object_size(decoder) + 1, sizeof *all, "added tokens", e);
  if (!all)
    return RD_NO_MEMORY;
  json_object_foreach(decoder, key, value) {
    char *end;
    const long long id = strtoll(key, &end, 10);
    all[count++] = (described){*end || end == key ? RD_VOCAB_LIMIT : id, value};
  }
  qsort(all, count, sizeof *all, by_id);
  rd_code code = add_described(t, all, count, e);
  free(all);
  return code;
}

enum { MOST_NAMED = 1024 };

/* Is this piece what plain text becomes, one character or what a merge makes? */
static bool is_plain(const rd_vocab *v, int32_t id) {
  const rd_slice piece = rd_vocab_piece(v, id);
  bool plain = rd_utf8_read(piece.data, piece.size).size == piece.size;
  for (size_t i = 0; v->pairs && i <= v->pair_mask && !plain; i++)
    plain = v->pairs[i].key != UINT64_MAX && v->pairs[i].id == id;
  return plain && rd_piece_spells(v->pieces[id].kind);
}

static rd_code find_piece(const rd_tokenizer *t, rd_slice text, int32_t *id, rd_error *e) {
  rd_written w;
  rd_code code = rd_written_of(&w, t, text, e);
  *id = -1;
  for (size_t i = 0; i < t->vocab.count && *id < 0 && code == RD_OK; i++)
    if (t->vocab.pieces[i].kind != RD_PIECE_BYTE && rd_written_is(&w, t, (int32_t)i))
      *id = (int32_t)i;
  rd_bytes_drop(&w.bytes);
  return code;
}

/* A token that a file names is a special one wherever its text is a piece: transformers adds it.
 * One that plain text becomes is added, but stays what such text becomes. */
static rd_code add_named(rd_tokenizer *t, const json_t *value, rd_error *e) {
  const rd_slice text = content_of(value);
  const struct rd_added_token *token = rd_added_named(&t->added, text);
  const unsigned flags = token ? token->flags : flags_of(value) & ~(unsigned)RD_ADDED_SPECIAL;
  int32_t id = token ? token->id : -1;
  if (text.size == 0 || flags & RD_ADDED_SPECIAL)
    return RD_OK;
  if (!token)
    RD_TRY(find_piece(t, text, &id, e));
  return id < 0 ? RD_OK
                : rd_tokenizer_add(t, id, text,
                                   flags | (is_plain(&t->vocab, id) ? 0 : RD_ADDED_SPECIAL), e);
}

/* Is it a name of a token: bos_token, image_token, .., that a file gives a text? */
static bool is_name(const char *key, const json_t *value) {
  static const char end[] = "_token";
  const size_t size = strlen(key);
  return size > sizeof end - 1 && strcmp(key + size - (sizeof end - 1), end) == 0 &&
         content_of(value).size > 0;
}

/* The tokens that a file names, or only lists: extra_special_tokens are either, and count instead
 * of additional_special_tokens. NULL: no memory. */
static json_t *all_named(const json_t *file) {
  const char *key;
  json_t *value, *out = json_array();
  json_t *extra = json_object_get(file, "extra_special_tokens");
  bool good = out != NULL;
  json_object_foreach((json_t *)(uintptr_t)file, key, value) {
    if (is_name(key, value))
      good = good && json_array_append(out, value) == 0;
  }
  json_object_foreach(extra, key, value) {
    good = good && json_array_append(out, value) == 0;
  }
  if (json_array_size(extra) == 0 && json_object_size(extra) == 0)
    extra = json_object_get(file, "additional_special_tokens");
  for (size_t i = 0; i < json_array_size(extra) && good; i++)
    good = json_array_append(out, json_array_get(extra, i)) == 0;
  if (good)
    return out;
  json_decref(out);
  return NULL;
}

static rd_code add_all_named(rd_tokenizer *t, const json_t *file, rd_error *e) {
  json_t *list = all_named(file);
  rd_code code = list ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: special tokens");
  if (json_array_size(list) > MOST_NAMED) /* each is looked for among all pieces */
    code = rd_fail(e, RD_UNSUPPORTED, "%zu named and extra special tokens, more than %d",
                   json_array_size(list), MOST_NAMED);
  for (size_t i = 0; i < json_array_size(list) && code == RD_OK; i++)
    code = add_named(t, json_array_get(list, i), e);
  json_decref(list);
  return code;
}

/* Where tokenizer_config.json describes its tokens, the older files do not count. */
rd_code rd_tok_read_added(rd_tokenizer *t, const char *folder, rd_error *e) {
  json_t *added = NULL, *map = NULL, *config;
  RD_TRY(rd_tok_open_beside(folder, "tokenizer_config.json", &config, e));
  json_t *decoder = json_object_get(config, "added_tokens_decoder");
  rd_code code = add_decoder(t, decoder, e);
  if (code == RD_OK && !decoder)
    code = rd_tok_open_beside(folder, "added_tokens.json", &added, e);
  if (code == RD_OK && !decoder)
    code = rd_tok_open_beside(folder, "special_tokens_map.json", &map, e);
  if (code == RD_OK)
    code = add_listed(t, added, e);
  if (code == RD_OK)
    code = add_all_named(t, config, e);
  if (code == RD_OK)
    code = add_all_named(t, map, e);
  json_decref(added);
  json_decref(map);
  json_decref(config);
  return code;
}

/* "text" or {"content": "text"}: the id, or -1. */
static int32_t named_token(const rd_tokenizer *t, const json_t *file, const char *key) {
  const json_t *value = json_object_get(file, key);
  if (json_is_object(value))
    value = json_object_get(value, "content");
  return json_is_string(value) ? rd_tokenizer_id(t, json_string_value(value)) : -1;
}

static rd_code add_eos(rd_tokenizer *t, int64_t id, rd_error *e) {
  if (id < 0 || (size_t)id >= t->vocab.count || rd_tokenizer_is_eos(t, (int32_t)id))
    return RD_OK;
  return rd_ids_add(&t->eos, (int32_t)id, e);
}

/* A mask that a file names and no piece is: said where one is needed. */
static rd_code note_lost(rd_tokenizer *t, const json_t *file, const char *name, rd_error *e) {
  const rd_slice text = content_of(json_object_get(file, "mask_token"));
  if (t->mask >= 0 || t->lost_mask || text.size == 0)
    return RD_OK;
  t->lost_mask = rd_print("%s names mask_token \"%.*s\", which is no word of this tokenizer", name,
                          (int)(text.size < 100 ? text.size : 100), text.data);
  return t->lost_mask ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the mask token");
}

/* Ids a file states; those set already stay. EOS ids are gathered. */
static rd_code read_ids(rd_tokenizer *t, const json_t *file, const char *name, rd_error *e) {
  const struct id_row {
    const char *token_key, *id_key;
    int32_t *place;
  } rows[] = {{"bos_token", "bos_token_id", &t->bos},
              {"pad_token", "pad_token_id", &t->pad},
              {"mask_token", "mask_token_id", &t->mask}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const json_t *number = json_object_get(file, rows[i].id_key);
    int64_t id = json_is_integer(number) ? json_integer_value(number)
                                         : named_token(t, file, rows[i].token_key);
    if (*rows[i].place < 0 && id >= 0 && (size_t)id < t->vocab.count)
      *rows[i].place = (int32_t)id;
  }
  RD_TRY(note_lost(t, file, name, e));
  RD_TRY(add_eos(t, named_token(t, file, "eos_token"), e));
  const json_t *eos = json_object_get(file, "eos_token_id");
  if (json_is_integer(eos))
    RD_TRY(add_eos(t, json_integer_value(eos), e));
  for (size_t i = 0; i < json_array_size(eos); i++)
    if (json_is_integer(json_array_get(eos, i)))
      RD_TRY(add_eos(t, json_integer_value(json_array_get(eos, i)), e));
  return RD_OK;
}

/* What templates are told: null and nothing at all differ from a token that another file names. */
static void read_named(rd_tokenizer *t, const json_t *config) {
  const struct named_row {
    const char *key;
    int32_t *place, other; /* where the file does not speak of it */
  } rows[] = {{"bos_token", &t->named.bos, t->bos},
              {"eos_token", &t->named.eos, t->eos.size ? t->eos.data[0] : -1},
              {"pad_token", &t->named.pad, t->pad},
              {"unk_token", &t->named.unknown, t->unknown},
              {"mask_token", &t->named.mask, t->mask}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    *rows[i].place =
        json_object_get(config, rows[i].key) ? named_token(t, config, rows[i].key) : rows[i].other;
  t->named.known = true;
}

/* Other names than these five, with their texts: sep_token, image_token. NULL: no memory. */
static json_t *other_names(const json_t *file) {
  const char *key;
  json_t *value, *out = json_object();
  bool good = out != NULL;
  json_object_foreach((json_t *)(uintptr_t)file, key, value) {
    const rd_slice text = content_of(value);
    if (is_name(key, value) &&
        !rd_name_listed("bos_token eos_token pad_token unk_token mask_token", key))
      good = good && json_object_set_new(out, key, json_stringn(text.data, text.size)) == 0;
  }
  json_object_foreach(json_object_get(file, "extra_special_tokens"), key, value) {
    const rd_slice text = content_of(value);
    if (text.size)
      good = good && json_object_set_new(out, key, json_stringn(text.data, text.size)) == 0;
  }
  if (good)
    return out;
  json_decref(out);
  return NULL;
}

static rd_code read_others(rd_tokenizer *t, const json_t *config, const json_t *map, rd_error *e) {
  t->named.others = other_names(config);
  json_t *more = json_object_get(config, "added_tokens_decoder") ? json_object() : other_names(map);
  const bool good =
      t->named.others && more && json_object_update_missing(t->named.others, more) == 0;
  json_decref(more);
  return good ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: names of tokens");
}

rd_code rd_tok_read_settings(rd_tokenizer *t, const char *folder, rd_error *e) {
  static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json",
                                      "generation_config.json", "config.json"};
  enum { NAMES = sizeof names / sizeof *names };
  json_t *files[NAMES] = {NULL};
  rd_code code = RD_OK;
  for (size_t i = 0; i < NAMES && code == RD_OK; i++) {
    code = rd_tok_open_beside(folder, names[i], &files[i], e);
    if (code == RD_OK)
      code = read_ids(t, files[i], names[i], e);
    if (i == 1 && files[0])
      read_named(t, files[0]);
  }
  if (code == RD_OK)
    code = read_others(t, files[0], files[1], e);
  /* what tokenizer.json puts before a text counts, whatever the other file says: transformers too
   */
  const bool said = strcmp(t->format, "tokenizer.json") == 0;
  const json_t *bos = said ? NULL : json_object_get(files[0], "add_bos_token");
  t->add_bos = json_is_boolean(bos) ? json_is_true(bos) : t->add_bos;
  t->splits_special = json_is_true(json_object_get(files[0], "split_special_tokens"));
  if (code == RD_OK)
    code = rd_tok_read_templates(t, folder, files[0], e);
  for (size_t i = 0; i < NAMES; i++)
    json_decref(files[i]);
  return code;
}
