/* SPDX-License-Identifier: MIT */
/* The table of files. A folder may hold several vocabularies of the same tokens: the one that says
 * most stands first. */
#include "model_folder.h"

#include "file.h"

#include <stdlib.h>

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
    {"generation_config.json", RD_FILE_GENERATION},
};
enum { FILES = sizeof files / sizeof *files };

rd_code rd_model_folder_find(char **path, const char *folder, unsigned roles, rd_error *e) {
  *path = NULL;
  for (size_t i = 0; i < FILES; i++) {
    if (!(files[i].role & roles))
      continue;
    char *file = rd_path_join(folder, files[i].name);
    if (!file)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", files[i].name);
    if (rd_path_exists(file)) {
      *path = file;
      return RD_OK;
    }
    free(file);
  }
  return RD_OK;
}

rd_code rd_model_folder_copy(const char *from, const char *to, unsigned roles, rd_error *e) {
  rd_code code = RD_OK;
  for (size_t i = 0; i < FILES && code == RD_OK; i++) {
    if (!(files[i].role & roles))
      continue;
    char *source = rd_path_join(from, files[i].name), *target = rd_path_join(to, files[i].name);
    if (!source || !target)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: %s", files[i].name);
    else if (rd_path_exists(source))
      code = rd_file_copy(source, target, e);
    free(source);
    free(target);
  }
  return code;
}
