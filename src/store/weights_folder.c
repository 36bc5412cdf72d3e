/* SPDX-License-Identifier: MIT */
/* The kinds, as transformers looks for them: the safe one first; and the walk over an index. */
#include "weights_folder.h"

#include "json.h"
#include "torch_file.h"

#include <stdlib.h>
#include <string.h>

static const struct kind {
  const char *single, *index;
  rd_tensors_parser *parse;
} kinds[] = {
    {"model.safetensors", "model.safetensors.index.json", rd_safetensors_parse},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", rd_torch_parse},
};

/* Is `file` a path that stays below the folder? */
static bool stays_below(const char *file) {
  for (const char *part = file; part; part = strchr(part, '/')) {
    part += *part == '/' && part != file;
    size_t n = strcspn(part, "/");
    if (n == 0 || (n == 2 && part[0] == '.' && part[1] == '.'))
      return false;
  }
  return true;
}

/* Of the tensors from `first` on, which lie in `file`, only those stay that the index does not seek
 * in another shard. */
static void keep_indexed(rd_tensors *t, size_t first, const json_t *weights, const char *file) {
  size_t kept = first;
  for (size_t i = first; i < t->count; i++) {
    const char *where = json_string_value(json_object_get(weights, t->items[i].name));
    if (where && strcmp(where, file) != 0)
      free(t->items[i].name);
    else
      t->items[kept++] = t->items[i];
  }
  t->count = kept;
}

static rd_code open_shard(rd_tensors *t, const char *folder, const struct kind *kind,
                          const json_t *weights, const char *file, const char *name, rd_error *e) {
  size_t first = t->count;
  const rd_path path = rd_path_in(folder, file);
  if (!rd_path_exists(path.text))
    return rd_fail(e, RD_IO, "%s: the shard is missing; %s needs it", path.text, name);
  RD_TRY(rd_tensors_read(t, path.text, kind->parse, e));
  keep_indexed(t, first, weights, file);
  return RD_OK;
}

static rd_code open_shards(rd_tensors *t, const char *folder, const struct kind *kind,
                           const json_t *index, rd_error *e) {
  const json_t *weights = json_object_get(index, "weight_map");
  if (!json_is_object(weights))
    return rd_fail(e, RD_BAD_INPUT, "%s: %s has no weight_map", folder, kind->index);
  json_t *opened = json_object();
  rd_code code = opened ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a list of shards");
  const char *name = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)weights, name, value) {
    const char *file = json_string_value(value);
    if (code != RD_OK)
      break;
    if (!file || !stays_below(file))
      code = rd_fail(e, RD_BAD_INPUT, "%s: weight_map names no file of the folder for %s", folder,
                     name);
    else if (!json_object_get(opened, file)) {
      code = open_shard(t, folder, kind, weights, file, name, e);
      if (code == RD_OK && json_object_set_new(opened, file, json_true()) != 0)
        code = rd_fail(e, RD_NO_MEMORY, "out of memory: a list of shards");
    }
  }
  json_decref(opened);
  return code;
}

/* The weights of one kind, where the folder has them: *found. */
static rd_code open_kind(rd_tensors *t, const char *folder, const struct kind *kind, bool *found,
                         rd_error *e) {
  const rd_path single = rd_path_in(folder, kind->single),
                index_path = rd_path_in(folder, kind->index);
  json_t *index = NULL;
  const bool whole = rd_path_exists(single.text);
  *found = whole || rd_path_exists(index_path.text);
  if (whole)
    return rd_tensors_read(t, single.text, kind->parse, e);
  if (!*found)
    return RD_OK;
  RD_TRY(rd_json_open(&index, index_path.text, e));
  rd_code code = open_shards(t, folder, kind, index, e);
  json_decref(index);
  return code;
}

rd_code rd_weights_folder_open(rd_tensors *t, const char *folder, rd_error *e) {
  rd_code code = RD_OK;
  bool found = false;
  *t = (rd_tensors){0};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds && code == RD_OK && !found; i++)
    code = open_kind(t, folder, &kinds[i], &found, e);
  if (code == RD_OK && !found)
    code = rd_fail(e, RD_IO,
                   "%s: holds neither model.safetensors nor pytorch_model.bin, nor the index of "
                   "either's shards (%s)",
                   folder, kinds[0].index);
  if (code == RD_OK)
    code = rd_tensors_finish(t, e);
  if (code != RD_OK)
    rd_tensors_drop(t);
  return code;
}
