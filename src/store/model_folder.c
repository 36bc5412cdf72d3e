/* SPDX-License-Identifier: MIT */
/* The table of files. A folder may hold several vocabularies of the same tokens: the one that says
 * most stands first. */
#include "model_folder.h"

#include "file.h"
#include "folder.h"

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct file {
  const char *name;
  unsigned role;
} files[] = {
    {"tokenizer.json", RD_FILE_VOCABULARY},
    {"vocab.json", RD_FILE_VOCABULARY},
    {"tokenizer.model", RD_FILE_VOCABULARY},
    {"tokenizer.bin", RD_FILE_VOCABULARY},
    {"merges.txt", RD_FILE_TOKENS},
    {"tokenizer_config.json", RD_FILE_TOKENS},
    {"special_tokens_map.json", RD_FILE_TOKENS},
    {"added_tokens.json", RD_FILE_TOKENS},
    {"chat_template.jinja", RD_FILE_TEMPLATE},
    {"chat_template.json", RD_FILE_TEMPLATE},
    {"additional_chat_templates/tool_use.jinja", RD_FILE_TEMPLATE},
    {"generation_config.json", RD_FILE_GENERATION},
};
enum { FILES = sizeof files / sizeof *files };

unsigned rd_model_folder_role(const char *name) {
  for (size_t i = 0; i < FILES; i++)
    if (strcmp(files[i].name, name) == 0)
      return files[i].role;
  return 0;
}

rd_code rd_model_folder_find(char **path, const char *folder, unsigned roles, rd_error *e) {
  *path = NULL;
  for (size_t i = 0; i < FILES; i++) {
    if (!(files[i].role & roles))
      continue;
    const rd_path file = rd_path_in(folder, files[i].name);
    if (rd_path_exists(file.text)) {
      *path = rd_strdup(file.text, e);
      return *path ? RD_OK : RD_NO_MEMORY;
    }
  }
  return RD_OK;
}

/* "NAME.gguf", but no part of a split file behind the first. */
static bool is_first_gguf(const char *name) {
  size_t size = strlen(name);
  int part = 1, parts = 1;
  if (size < 6 || strcmp(name + size - 5, ".gguf") != 0)
    return false;
  return size < 20 || sscanf(name + size - 20, "-%5d-of-%5d.gguf", &part, &parts) < 2 || part == 1;
}

rd_code rd_model_folder_gguf(char **path, const char *folder, rd_error *e) {
  *path = NULL;
  const rd_path whole = rd_path_in(folder, "model.safetensors"),
                parts = rd_path_in(folder, "model.safetensors.index.json");
  if (rd_path_exists(whole.text) || rd_path_exists(parts.text))
    return RD_OK;
  DIR *list = opendir(folder);
  rd_code code = RD_OK;
  for (struct dirent *item; list && code == RD_OK && (item = readdir(list));) {
    if (!is_first_gguf(item->d_name))
      continue;
    if (*path)
      code = rd_fail(e, RD_USAGE, "%s holds several GGUF files (%s is one): name the one to open",
                     folder, item->d_name);
    else if (!(*path = rd_path_join(folder, item->d_name)))
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: %s", item->d_name);
  }
  if (list)
    closedir(list);
  if (code != RD_OK) {
    free(*path);
    *path = NULL;
  }
  return code;
}

rd_code rd_model_folder_copy(const char *from, const char *to, unsigned roles, rd_error *e) {
  rd_code code = RD_OK;
  for (size_t i = 0; i < FILES && code == RD_OK; i++) {
    if (!(files[i].role & roles))
      continue;
    const rd_path source = rd_path_in(from, files[i].name), target = rd_path_in(to, files[i].name);
    if (!rd_path_exists(source.text))
      continue;
    const char *end = strrchr(files[i].name, '/');
    if (end) {
      char *folder = rd_print("%s/%.*s", to, (int)(end - files[i].name), files[i].name);
      code =
          folder ? rd_folder_make(folder, e) : rd_fail(e, RD_NO_MEMORY, "out of memory: a folder");
      free(folder);
    }
    if (code == RD_OK)
      code = rd_file_copy(source.text, target.text, e);
  }
  return code;
}

void rd_model_folder_remove(const char *folder, unsigned roles) {
  for (size_t i = 0; i < FILES; i++) {
    if (!(files[i].role & roles))
      continue;
    rd_path path = rd_path_in(folder, files[i].name);
    const bool removed = unlink(path.text) == 0;
    if (removed && strchr(files[i].name, '/')) /* a folder of its own, if that is empty now */
      rmdir(dirname(path.text));
  }
}
