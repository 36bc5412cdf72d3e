/* SPDX-License-Identifier: MIT */
/* The table of kinds: by how the path ends; whatever ends otherwise is a folder. */
#include "model_file.h"

#include "json.h"
#include "model_folder.h"
#include "parts.h"
#include "torch_file.h"
#include "weights_folder.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code read_json(json_t **out, const char *folder, const char *name, rd_error *e) {
  *out = NULL;
  const rd_path path = rd_path_in(folder, name);
  return rd_path_exists(path.text) ? rd_json_open(out, path.text, e) : RD_OK;
}

/* A folder without config.json: its redraft.json may say which command fetches the rest. */
static rd_code no_config(const char *folder, rd_error *e) {
  json_t *json = NULL;
  const char *fetch = NULL;
  RD_TRY(read_json(&json, folder, "redraft.json", e));
  rd_code code = rd_json_text(json, "fetch", &fetch, e);
  if (code == RD_OK && fetch)
    code = rd_fail(e, RD_IO, "%s: the model's weights are not there; `%.60s` fetches them", folder,
                   fetch);
  else if (code == RD_OK)
    code = rd_fail(e, RD_IO,
                   "%s%s; a model is a Hugging Face folder with config.json, a file of weights "
                   "beside it, or a .gguf file",
                   folder,
                   rd_path_exists(folder) && !rd_path_is_folder(folder)
                       ? ": no kind of file that holds a model"
                       : "/config.json: no such file");
  json_decref(json);
  return code;
}

static rd_code read_config(rd_model_file *f, rd_config *config, rd_error *e) {
  json_t *facts = NULL, *generation = NULL;
  RD_TRY(read_json(&facts, f->folder, "config.json", e));
  if (!facts)
    return no_config(f->folder, e);
  rd_code code = read_json(&generation, f->folder, "generation_config.json", e);
  if (code == RD_OK) {
    code = rd_config_read(config, facts, generation, e);
    if (code != RD_OK)
      rd_prefix(e, code, "%s/config.json", f->folder);
  }
  json_decref(facts);
  json_decref(generation);
  f->names = code == RD_OK ? config->family->names : NULL;
  return code;
}

/* A model that was saved without its head has the names of that part alone: what its makers call it
 * is the first word of the others' names. */
static rd_code name_in_full(rd_model_file *f, rd_error *e) {
  const char *first = f->names->embedding, *dot = strchr(first, '.');
  char prefix[RD_NAME], bare[RD_NAME], whole[RD_NAME];
  if (!dot)
    return RD_OK;
  snprintf(prefix, sizeof prefix, "%.*s", (int)(dot + 1 - first), first);
  snprintf(bare, sizeof bare, "%s.weight", dot + 1);
  snprintf(whole, sizeof whole, "%s.weight", first);
  if (rd_tensors_find(&f->tensors, whole) || !rd_tensors_find(&f->tensors, bare))
    return RD_OK;
  RD_TRY(rd_tensors_prefix(&f->tensors, prefix, f->names->head, e));
  return rd_tensors_finish(&f->tensors, e);
}

/* A file of weights, its config.json beside it. */
static rd_code open_weights(rd_model_file *f, rd_config *config, const char *path,
                            rd_tensors_parser *parse, rd_error *e) {
  char *copy = rd_strdup(path, e);
  f->folder = copy ? rd_strdup(dirname(copy), e) : NULL;
  free(copy);
  RD_TRY(f->folder ? read_config(f, config, e) : RD_NO_MEMORY);
  RD_TRY(rd_tensors_open(&f->tensors, path, parse, e));
  return name_in_full(f, e);
}

static rd_code open_safetensors(rd_model_file *f, rd_config *config, const char *path,
                                rd_error *e) {
  return open_weights(f, config, path, rd_safetensors_parse, e);
}

static rd_code open_torch(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  return open_weights(f, config, path, rd_torch_parse, e);
}

static rd_code open_gguf(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  f->gguf_path = rd_strdup(path, e);
  if (!f->gguf_path)
    return RD_NO_MEMORY;
  RD_TRY(rd_gguf_open(&f->gguf, path, e));
  rd_code code = rd_config_read_gguf(config, &f->gguf, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s", path);
  f->names = config->family->gguf_names ? config->family->gguf_names : &rd_gguf_names;
  f->tensors = f->gguf.tensors;
  f->gguf.tensors = (rd_tensors){0};
  return RD_OK;
}

/* A GGUF file in a folder of its own, with what may lie beside it. */
static rd_code open_gguf_folder(rd_model_file *f, rd_config *config, const char *path,
                                rd_error *e) {
  json_t *generation = NULL;
  RD_TRY(open_gguf(f, config, path, e));
  RD_TRY(read_json(&generation, f->folder, "generation_config.json", e));
  rd_code code = rd_config_read_eos(config, generation, e);
  json_decref(generation);
  return code == RD_OK ? code : rd_prefix(e, code, "%s/generation_config.json", f->folder);
}

static rd_code open_folder(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  char *gguf = NULL;
  f->folder = rd_strdup(path, e);
  if (!f->folder)
    return RD_NO_MEMORY;
  RD_TRY(rd_model_folder_gguf(&gguf, path, e));
  rd_code code = gguf ? open_gguf_folder(f, config, gguf, e) : read_config(f, config, e);
  if (code == RD_OK && !gguf)
    code = rd_weights_folder_open(&f->tensors, path, e);
  if (code == RD_OK && !gguf)
    code = name_in_full(f, e);
  free(gguf);
  return code;
}

static const struct kind {
  const char *end; /* of the path; "": any other */
  rd_code (*open)(rd_model_file *f, rd_config *config, const char *path, rd_error *e);
} kinds[] = {{".gguf", open_gguf}, {".safetensors", open_safetensors},
             {".bin", open_torch}, {".pth", open_torch},
             {".pt", open_torch},  {"", open_folder}};
const rd_table rd_model_file_kinds = RD_TABLE("kind of files", kinds);

static bool ends_in(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return m == 0 || (n > m && strcmp(path + n - m, end) == 0 && !rd_path_is_folder(path));
}

rd_code rd_model_file_open(rd_model_file *file, rd_config *config, const char *path, rd_error *e) {
  *file = (rd_model_file){0};
  const struct kind *kind = kinds;
  if (!*path)
    return rd_fail(e, RD_USAGE, "an empty path names no model");
  while (!ends_in(path, kind->end))
    kind++;
  rd_code code = kind->open(file, config, path, e);
  if (code != RD_OK)
    rd_model_file_drop(file);
  return code;
}

void rd_model_file_drop(rd_model_file *file) {
  rd_gguf_drop(&file->gguf);
  rd_tensors_drop(&file->tensors);
  free(file->folder);
  free(file->gguf_path);
  *file = (rd_model_file){0};
}

rd_code rd_model_file_vocabulary(char **path, const rd_model_file *file, rd_error *e) {
  *path = NULL;
  const bool inside = rd_gguf_find(&file->gguf, "tokenizer.ggml.tokens") != NULL;
  const char *found = inside ? file->gguf_path : NULL;
  if (file->folder) {
    char *vocabulary = NULL;
    RD_TRY(rd_model_folder_find(&vocabulary, file->folder, RD_FILE_VOCABULARY, e));
    found = vocabulary ? file->folder : found;
    free(vocabulary);
  }
  *path = found ? rd_strdup(found, e) : NULL;
  return found && !*path ? RD_NO_MEMORY : RD_OK;
}

rd_code rd_model_file_remembered(rd_remembered *r, const rd_model_file *file, rd_error *e) {
  rd_gguf_text text = {0};
  json_t *json = NULL;
  RD_TRY(rd_gguf_text_of(&file->gguf, RD_GGUF_REMEMBERED, &text, e));
  rd_code code = RD_OK;
  if (text.data)
    code = rd_json_parse(&json, text.data, text.size, "redraft.json", e);
  if (code == RD_OK && json)
    code = rd_remembered_take(r, json, e);
  json_decref(json);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s: key %s", file->gguf_path, RD_GGUF_REMEMBERED);
  return file->folder ? rd_remembered_read(r, file->folder, e) : RD_OK;
}
