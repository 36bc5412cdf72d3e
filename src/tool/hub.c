/* SPDX-License-Identifier: MIT */
/* The choice among a hub's files is two tables: what always comes along, and kinds of weights, of
 * which the first that is there is taken. */
#include "hub.h"

#include "json.h"
#include "model_folder.h"
#include "table.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parts between slashes: not empty, of harmless characters, none that begins with a '.'. */
static bool harmless(const char *text, size_t size, int slashes_least, int slashes_most) {
  int slashes = 0;
  bool begins = true;
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '/' ? begins : begins && c == '.')
      return false;
    if (c != '/' && !isalnum(c) && !strchr("-_.", c))
      return false;
    slashes += c == '/';
    begins = c == '/';
  }
  return size > 0 && !begins && slashes >= slashes_least && slashes <= slashes_most;
}

rd_code rd_hub_name_read(rd_hub_name *name, const char *text, rd_error *e) {
  *name = (rd_hub_name){0};
  size_t size = strcspn(text, ":");
  const char *file = text[size] ? text + size + 1 : NULL;
  if (size >= sizeof name->model || !harmless(text, size, 1, 1) ||
      (file && (strlen(file) >= sizeof name->file || !harmless(file, strlen(file), 0, 8))))
    return rd_fail(e, RD_USAGE, "%.80s: expected OWNER/NAME or OWNER/NAME:FILE", text);
  memcpy(name->model, text, size);
  if (file)
    memcpy(name->file, file, strlen(file));
  return RD_OK;
}

static void file_drop(rd_hub_file *file) {
  free(file->name);
  free(file->sum);
}

void rd_hub_files_drop(rd_hub_files *files) {
  for (size_t i = 0; i < files->count; i++)
    file_drop(&files->items[i]);
  free(files->items);
  free(files->revision);
  *files = (rd_hub_files){0};
}

static bool is_sum(const char *text, size_t digits) {
  return text && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static rd_code read_file(rd_hub_files *files, const json_t *row, rd_error *e) {
  const char *name = json_string_value(json_object_get(row, "rfilename"));
  const json_t *lfs = json_object_get(row, "lfs");
  const char *sha256 = json_string_value(json_object_get(lfs, "sha256"));
  const char *blob = json_string_value(json_object_get(row, "blobId"));
  if (!name || strlen(name) >= sizeof((rd_hub_name *)NULL)->file ||
      !harmless(name, strlen(name), 0, 8))
    return RD_OK;
  rd_hub_file *file = &files->items[files->count];
  file->size = -1;
  RD_TRY(rd_json_int(row, "size", 0, INT64_MAX, &file->size, e));
  bool whole = is_sum(sha256, 64);
  const char *sum = whole ? sha256 : !lfs && is_sum(blob, 40) ? blob : NULL;
  file->name = rd_strdup(name, e);
  file->sum = sum ? rd_strdup(sum, e) : NULL;
  file->git = sum && !whole;
  files->count++;
  return file->name && (file->sum || !sum) ? RD_OK : RD_NO_MEMORY;
}

static rd_code read_files(rd_hub_files *files, const json_t *json, rd_error *e) {
  const json_t *rows = json_object_get(json, "siblings");
  const char *revision = json_string_value(json_object_get(json, "sha"));
  if (!json_is_array(rows) || !revision || !harmless(revision, strlen(revision), 0, 0))
    return rd_fail(e, RD_BAD_INPUT, "expected \"sha\" and a list of \"siblings\"");
  files->revision = rd_strdup(revision, e);
  files->items = rd_calloc(json_array_size(rows) + 1, sizeof *files->items, "names of files", e);
  if (!files->revision || !files->items)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < json_array_size(rows); i++)
    RD_TRY(read_file(files, json_array_get(rows, i), e));
  return RD_OK;
}

rd_code rd_hub_files_read(rd_hub_files *files, const char *text, size_t size, const char *source,
                          rd_error *e) {
  json_t *json = NULL;
  *files = (rd_hub_files){0};
  RD_TRY(rd_json_parse(&json, text, size, source, e));
  rd_code code = read_files(files, json, e);
  json_decref(json);
  if (code != RD_OK)
    rd_hub_files_drop(files);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%.200s", source);
}

/* --- choosing --- */

/* Beside what model_folder.h lists. */
static const char *const settings[] = {"config.json",
                                       "redraft.json",
                                       "adapter_config.json",
                                       "adapter_model.safetensors",
                                       "adapter_model.bin",
                                       "sampler_head.safetensors",
                                       "normalization_state.pt",
                                       "resolved_config.json"};
/* The folder of an adapter beside the model that it was made for. */
static const char beside[] = "adapter/";

/* Names of weights; folders of a repository hold other forms of the same, and are left. */
static const struct weights {
  const char *patterns[3];
  bool one; /* each is a model of its own */
} weights[] = {
    {.patterns = {"model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"}},
    {.patterns = {"*.safetensors", "*.safetensors.index.json"}},
    {.patterns = {"*.gguf"}, .one = true},
    {.patterns = {"pytorch_model*.bin", "*.pth", "pytorch_model.bin.index.json"}},
};

static bool is_setting(const char *name) {
  name += strncmp(name, beside, sizeof beside - 1) == 0 ? sizeof beside - 1 : 0;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (strcmp(name, settings[i]) == 0)
      return true;
  return rd_model_folder_role(name) != 0;
}

static bool is_of(const struct weights *kind, const char *name) {
  for (size_t i = 0; i < sizeof kind->patterns / sizeof *kind->patterns && kind->patterns[i]; i++)
    if (fnmatch(kind->patterns[i], name, FNM_PATHNAME) == 0 && !is_setting(name))
      return true;
  return false;
}

/* The name without "-00001-of-00003" before its ending: the same for all parts of a split file. */
static void whole_name(char *out, size_t room, const char *name) {
  const char *end = strrchr(name, '.');
  int part = 0, parts = 0, used = 0;
  snprintf(out, room, "%s", name);
  if (end && end - name > 15 && sscanf(end - 15, "-%5d-of-%5d%n", &part, &parts, &used) == 2 &&
      used == 15)
    snprintf(out, room, "%.*s%s", (int)(end - 15 - name), name, end);
}

bool rd_hub_parts_of_one(const char *a, const char *b) {
  char first[400], second[400];
  whole_name(first, sizeof first, a);
  whole_name(second, sizeof second, b);
  return strcmp(first, second) == 0;
}

static rd_code check_one(const rd_hub_files *files, const struct weights *kind,
                         const rd_hub_name *name, rd_error *e) {
  const char *first = NULL;
  char list[600] = "";
  bool several = false;
  for (size_t i = 0; i < files->count; i++) {
    const char *file = files->items[i].name;
    if (!is_of(kind, file))
      continue;
    several = several || (first && !rd_hub_parts_of_one(first, file));
    first = first ? first : file;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", file);
  }
  return several ? rd_fail(e, RD_USAGE, "%s holds several models; name one, as %s:%s; there are %s",
                           name->model, name->model, first, list)
                 : RD_OK;
}

static const struct weights *find_weights(const rd_hub_files *files) {
  for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
    for (size_t i = 0; i < files->count; i++)
      if (is_of(&weights[k], files->items[i].name))
        return &weights[k];
  return NULL;
}

/* An adapter without weights of its own is something to pull too. */
static bool has_adapter(const rd_hub_files *files) {
  for (size_t i = 0; i < files->count; i++)
    if (rd_name_listed("adapter_model.safetensors adapter_model.bin", files->items[i].name))
      return true;
  return false;
}

rd_code rd_hub_files_choose(rd_hub_files *files, const rd_hub_name *name, rd_error *e) {
  const struct weights *kind = *name->file ? NULL : find_weights(files);
  if (!*name->file && !kind && !has_adapter(files))
    return rd_fail(e, RD_BAD_INPUT,
                   "%s has no weights that open: no safetensors, .gguf, .bin or .pth among its %zu "
                   "files",
                   name->model, files->count);
  if (kind && kind->one)
    RD_TRY(check_one(files, kind, name, e));
  size_t kept = 0, count = files->count;
  for (size_t i = 0; i < count; i++) {
    const char *file = files->items[i].name;
    bool wanted = *name->file ? rd_hub_parts_of_one(name->file, file)
                              : is_setting(file) || (kind && is_of(kind, file));
    if (wanted) {
      rd_hub_file taken = files->items[i];
      files->items[i] = files->items[kept];
      files->items[kept++] = taken;
    }
  }
  for (size_t i = kept; i < count; i++)
    file_drop(&files->items[i]);
  files->count = kept;
  return kept ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s has no file %s", name->model, name->file);
}
