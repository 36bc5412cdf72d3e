/* SPDX-License-Identifier: MIT */
/* Hashes of files in the order of their names, and of the signature's own JSON with sorted keys. */
#include "signature.h"

#include "file.h"
#include "params.h"
#include "seal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of files that make a model what it is end so. */
static const char *const endings[] = {".safetensors", ".gguf",  ".bin", ".pth",  ".pt",
                                      ".json",        ".model", ".txt", ".jinja"};

static int counts(const struct dirent *entry) {
  size_t n = strlen(entry->d_name);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t m = strlen(endings[i]);
    if (n > m && strcmp(entry->d_name + n - m, endings[i]) == 0)
      return 1;
  }
  return 0;
}

/* One more hash to those before. */
static uint64_t join(uint64_t all, uint64_t one) {
  return (all ^ one) * 1099511628211u + (all >> 32);
}

static rd_code add_file(uint64_t *all, const char *path, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  *all = join(*all, rd_hash(&map));
  rd_map_close(&map);
  return RD_OK;
}

static rd_code add_folder(uint64_t *all, const char *folder, rd_error *e) {
  struct dirent **entries = NULL;
  int n = scandir(folder, &entries, counts, alphasort);
  rd_code code = n >= 0 ? RD_OK : rd_fail(e, RD_IO, "%s: cannot be listed", folder);
  for (int i = 0; i < n; i++) {
    const rd_path path = rd_path_in(folder, entries[i]->d_name);
    if (code == RD_OK && !rd_path_is_folder(path.text))
      code = add_file(all, path.text, e);
    free(entries[i]);
  }
  free(entries);
  return code;
}

rd_code rd_sign_files(char out[RD_SIGN_SIZE], const char *path, rd_error *e) {
  uint64_t all = 0;
  RD_TRY(rd_path_is_folder(path) ? add_folder(&all, path, e) : add_file(&all, path, e));
  snprintf(out, RD_SIGN_SIZE, "%016llx", (unsigned long long)all);
  return RD_OK;
}

static json_t *option_values(const rd_options *options) {
  json_t *values = json_object();
  for (size_t i = 0; i < rd_sampler_option_count; i++) {
    const char *name = rd_sampler_options[i].name;
    const rd_option *row = rd_option_find(options, name);
    if (row && strcmp(name, "seed") != 0)
      json_object_set_new(values, name, rd_option_value(options, row));
  }
  return values;
}

rd_code rd_signature_sign(char out[RD_SIGN_SIZE], const json_t *signature, uint64_t seed,
                          const int32_t *prompt_ids, int64_t count, rd_error *e) {
  json_t *plain = json_copy((json_t *)(uintptr_t)signature);
  json_object_del(plain, "sign");
  char *text =
      plain ? rd_json_dumps(plain, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(plain);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a signature");
  const rd_map parts[] = {{(const unsigned char *)text, strlen(text)},
                          {(const unsigned char *)&seed, sizeof seed},
                          {(const unsigned char *)prompt_ids, (size_t)count * sizeof *prompt_ids}};
  uint64_t all = 0;
  for (size_t i = 0; i < 3; i++) {
    uint64_t one = 14695981039346656037u;
    for (size_t k = 0; k < parts[i].size; k++)
      one = (one ^ parts[i].data[k]) * 1099511628211u;
    all = join(all, one);
  }
  free(text);
  snprintf(out, RD_SIGN_SIZE, "%016llx", (unsigned long long)all);
  return RD_OK;
}

rd_code rd_signature_make(json_t **out, const rd_common *common, const rd_model *model,
                          const rd_options *options, uint64_t seed, const int32_t *prompt_ids,
                          int64_t count, rd_error *e) {
  char *path = NULL, *adapter = NULL, files[RD_SIGN_SIZE], added[RD_SIGN_SIZE], sign[RD_SIGN_SIZE];
  *out = NULL;
  rd_code code = rd_tool_model_path(&path, &adapter, common, e);
  if (code == RD_OK)
    code = rd_sign_files(files, path, e);
  if (code == RD_OK && adapter)
    code = rd_sign_files(added, adapter, e);
  if (code == RD_OK) {
    *out = json_pack("{s:s, s:s, s:s?, s:s, s:o}", "model", files, "name", model->name, "adapter",
                     adapter ? added : NULL, "precision", model->precision->name, "options",
                     option_values(options));
    code = *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a signature");
  }
  if (code == RD_OK)
    code = rd_signature_sign(sign, *out, seed, prompt_ids, count, e);
  if (code == RD_OK)
    json_object_set_new(*out, "sign", json_string(sign));
  free(path);
  free(adapter);
  return code;
}
