/* SPDX-License-Identifier: MIT */
/* Hashes of what was loaded: names, shapes and numbers of tensors as their files have them, a
 * template's text, ids. */
#include "identity.h"

#include "file.h"
#include "model_store.h"
#include "seal.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS = 17 };

static void print_hash(char out[DIGITS], uint64_t hash) {
  snprintf(out, DIGITS, "%016llx", (unsigned long long)hash);
}

/* As rd_hash_more, but eight bytes at a time: a model may have gigabytes. */
static uint64_t hash_numbers(uint64_t hash, const void *numbers, size_t size) {
  const unsigned char *at = numbers;
  uint64_t word;
  size_t whole = size / sizeof word;
  for (size_t i = 0; i < whole; i++, at += sizeof word) {
    memcpy(&word, at, sizeof word);
    hash = (hash ^ word) * 1099511628211u;
    hash ^= hash >> 29; /* so that what changes high bits moves low ones too */
  }
  return rd_hash_more(hash, at, size % sizeof word);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
  return rd_hash_more(hash, text, strlen(text) + 1);
}

/* What was read of a file is let go of: most of it is needed no more. */
static uint64_t hash_tensors(uint64_t hash, const rd_tensors *t) {
  for (size_t i = 0; i < t->count; i++) {
    const rd_tensor *tensor = &t->items[i];
    hash = hash_text(hash_text(hash, tensor->name), rd_tensor_type(tensor));
    hash = hash_numbers(hash, tensor->shape, (size_t)tensor->dims * sizeof *tensor->shape);
    hash = hash_numbers(hash, tensor->data, tensor->size);
    rd_tensors_let_go(t, tensor);
  }
  return hash;
}

/* Its tensors, and the settings beside them, where it is a folder. */
static rd_code hash_model(uint64_t *hash, const rd_trainer *t, rd_error *e) {
  const rd_model_file *file = &t->base->store->file;
  rd_map map;
  *hash = hash_tensors(RD_HASH_NONE, &file->tensors);
  if (!file->folder)
    return RD_OK;
  const rd_path path = rd_path_in(file->folder, "config.json");
  if (!rd_path_exists(path.text))
    return RD_OK;
  RD_TRY(rd_map_open(&map, path.text, e));
  *hash = rd_hash_more(*hash, map.data, map.size);
  rd_map_close(&map);
  return RD_OK;
}

static rd_code hash_adapter(uint64_t *hash, const rd_trainer *t, rd_error *e) {
  const rd_adapter *a = &t->base->store->adapter;
  char *settings = rd_json_dumps(a->json, JSON_COMPACT | JSON_SORT_KEYS);
  if (!settings)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the adapter's settings");
  *hash = hash_text(hash_tensors(RD_HASH_NONE, &a->tensors), settings);
  free(settings);
  return RD_OK;
}

static const char *template_of(const rd_trainer *t) {
  const char *choice = t->base ? t->base->remembered.chat_template : t->template_choice;
  return choice ? choice : rd_tokenizer_chat_template(t->tokenizer);
}

static rd_code hash_template(uint64_t *hash, const rd_trainer *t, rd_error *e) {
  (void)e;
  *hash = hash_text(RD_HASH_NONE, template_of(t));
  return RD_OK;
}

static rd_code hash_ids(uint64_t *hash, const rd_trainer *t, rd_error *e) {
  (void)e;
  const rd_id_list *lists[] = {&t->examples.list, &t->validation.list}; /* the second may be none */
  *hash = RD_HASH_NONE;
  for (size_t i = 0; i < 2; i++)
    *hash = hash_numbers(*hash, lists[i]->data, lists[i]->count * sizeof *lists[i]->data);
  return RD_OK;
}

static bool has_base(const rd_trainer *t) {
  return t->base != NULL;
}

static bool has_adapter(const rd_trainer *t) {
  return t->base && t->settings->adapter;
}

static bool has_template(const rd_trainer *t) {
  return template_of(t) != NULL;
}

static bool always(const rd_trainer *t) {
  (void)t;
  return true;
}

/* What is kept as a hash. */
static const struct {
  const char *key, *what;
  bool (*has)(const rd_trainer *t);
  rd_code (*hash)(uint64_t *hash, const rd_trainer *t, rd_error *e);
} hashed[] = {
    {"model", "the model", has_base, hash_model},
    {"adapter", "the adapter", has_adapter, hash_adapter},
    {"chat_template", "the chat template", has_template, hash_template},
    {"ids", "what is read from the data (by the tokenizer, or another version of this program)",
     always, hash_ids},
};
enum { HASHED = sizeof hashed / sizeof *hashed };

rd_code rd_identity_find(json_t **out, const rd_trainer *t, rd_error *e) {
  json_t *found = json_pack("{s:s, s:o}", "arithmetic", rd_dtype_name(t->parameters.type),
                            "validation", rd_identity_files(&t->validation));
  rd_code code = found ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: what the run is of");
  for (size_t i = 0; i < HASHED && code == RD_OK; i++) {
    uint64_t hash;
    char digits[DIGITS];
    if (!hashed[i].has(t))
      continue;
    code = hashed[i].hash(&hash, t, e);
    print_hash(digits, hash);
    if (code == RD_OK && json_object_set_new(found, hashed[i].key, json_string(digits)) != 0)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: what the run is of");
  }
  if (code != RD_OK)
    json_decref(found);
  *out = code == RD_OK ? found : NULL;
  return code;
}

rd_code rd_identity_same(const rd_trainer *t, const json_t *state, rd_error *e) {
  const json_t *files = json_object_get(state, "validation");
  const char *was = json_string_value(json_object_get(state, "arithmetic"));
  const char *is = rd_dtype_name(t->parameters.type);
  if (was && strcmp(was, is) != 0)
    return rd_fail(e, RD_USAGE,
                   "--resume: the run computed in %s, and now it would in %s: give `precision: "
                   "%s`, or start a new run",
                   was, is, was);
  if (files)
    RD_TRY(rd_identity_same_files(&t->validation, files, e));
  for (size_t i = 0; i < HASHED; i++) {
    was = json_string_value(json_object_get(state, hashed[i].key));
    is = json_string_value(json_object_get(t->identity, hashed[i].key));
    if (was && (!is || strcmp(was, is) != 0))
      return rd_fail(e, RD_BAD_INPUT,
                     "--resume: %s is not as the checkpoint has it (hash %s, now %s); bring it "
                     "back, or start a new run",
                     hashed[i].what, was, is ? is : "none");
  }
  return RD_OK;
}

json_t *rd_identity_files(const rd_examples *x) {
  json_t *files = json_array();
  for (size_t i = 0; i < x->report_count; i++) {
    const rd_file_report *report = &x->reports[i];
    char hash[DIGITS];
    print_hash(hash, report->hash);
    json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "path", report->path, "size",
                                           (json_int_t)report->size, "hash", hash));
  }
  return files;
}

rd_code rd_identity_same_files(const rd_examples *x, const json_t *files, rd_error *e) {
  for (size_t i = 0; i < x->report_count; i++) {
    const rd_file_report *report = &x->reports[i];
    const json_t *before = json_array_get(files, i);
    const char *path = json_string_value(json_object_get(before, "path"));
    const char *hash = json_string_value(json_object_get(before, "hash"));
    char now[DIGITS];
    print_hash(now, report->hash);
    if (!path || !hash || strcmp(path, report->path) != 0 || strcmp(hash, now) != 0)
      return rd_fail(e, RD_BAD_INPUT,
                     "--resume: %s is not the file of the checkpoint (%lld bytes, now %llu); "
                     "bring it back, or start a new run",
                     report->path, (long long)json_integer_value(json_object_get(before, "size")),
                     (unsigned long long)report->size);
  }
  return RD_OK;
}
