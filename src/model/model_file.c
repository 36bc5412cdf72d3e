/* SPDX-License-Identifier: MIT */
/* The table of kinds: by how the path ends; whatever ends otherwise is a folder. */
#include "model_file.h"

#include "json.h"
#include "model_folder.h"
#include "torch_file.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static rd_code read_json(json_t **out, const char *folder, const char *name, bool needed,
                         rd_error *e) {
  *out = NULL;
  char *path = rd_path_join(folder, name);
  if (!path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  rd_code code = RD_OK;
  if (rd_path_exists(path))
    code = rd_json_open(out, path, e);
  else if (needed)
    code = rd_fail(e, RD_IO,
                   "%s: no such file; a model is a Hugging Face folder with config.json, a file of "
                   "weights beside it, or a .gguf file",
                   path);
  free(path);
  return code;
}

static rd_code read_config(rd_model_file *f, rd_config *config, rd_error *e) {
  json_t *facts = NULL, *generation = NULL;
  rd_code code = read_json(&facts, f->folder, "config.json", true, e);
  if (code == RD_OK)
    code = read_json(&generation, f->folder, "generation_config.json", false, e);
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

static rd_code open_folder(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  f->folder = rd_strdup(path, e);
  if (!f->folder)
    return RD_NO_MEMORY;
  RD_TRY(read_config(f, config, e));
  return rd_safetensors_open(&f->tensors, path, e);
}

/* A file of weights, its config.json beside it. */
static rd_code beside(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  char *copy = rd_strdup(path, e);
  f->folder = copy ? rd_strdup(dirname(copy), e) : NULL;
  free(copy);
  return f->folder ? read_config(f, config, e) : RD_NO_MEMORY;
}

static rd_code open_safetensors(rd_model_file *f, rd_config *config, const char *path,
                                rd_error *e) {
  RD_TRY(beside(f, config, path, e));
  return rd_safetensors_open(&f->tensors, path, e);
}

static rd_code open_torch(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  RD_TRY(beside(f, config, path, e));
  return rd_torch_open(&f->tensors, path, e);
}

static rd_code open_gguf(rd_model_file *f, rd_config *config, const char *path, rd_error *e) {
  f->names = &rd_gguf_names;
  RD_TRY(rd_gguf_open(&f->gguf, path, e));
  rd_code code = rd_config_read_gguf(config, &f->gguf, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s", path);
  f->tensors = f->gguf.tensors;
  f->gguf.tensors = (rd_tensors){0};
  return RD_OK;
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
  *file = (rd_model_file){0};
}

rd_code rd_model_file_vocabulary(char **found, const rd_model_file *file, const char *path,
                                 rd_error *e) {
  *found = NULL;
  if (file->folder) {
    char *vocabulary = NULL;
    RD_TRY(rd_model_folder_find(&vocabulary, file->folder, RD_FILE_VOCABULARY, e));
    path = vocabulary ? file->folder : NULL;
    free(vocabulary);
  } else if (!rd_gguf_find(&file->gguf, "tokenizer.ggml.tokens")) {
    path = NULL;
  }
  *found = path ? rd_strdup(path, e) : NULL;
  return path && !*found ? RD_NO_MEMORY : RD_OK;
}
