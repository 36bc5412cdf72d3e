/* SPDX-License-Identifier: MIT */
/* What a model's path may be: a folder, or one file. A row for each kind says how it is opened. */
#ifndef RD_MODEL_FILE_H
#define RD_MODEL_FILE_H

#include "config.h"
#include "family.h"
#include "gguf.h"
#include "remembered.h"
#include "table.h"

/* What was found at a path: tensors under the names of `names`, and where the files beside them
 * (tokenizer, templates) lie. */
typedef struct rd_model_file {
  rd_tensors tensors;
  rd_gguf gguf;          /* keys of a GGUF; its tensors are in `tensors` */
  const rd_names *names; /* the family's, or GGUF's */
  char *folder;          /* that was named, or of config.json; NULL: a GGUF file was named */
  char *gguf_path;       /* of the GGUF, or NULL */
} rd_model_file;

/* The kinds, named by how their paths end; the last, "", is any other path: a folder. */
extern const rd_table rd_model_file_kinds;

/* Open what is at `path` and read its configuration. On failure *file is empty. */
rd_code rd_model_file_open(rd_model_file *file, rd_config *config, const char *path, rd_error *e);
void rd_model_file_drop(rd_model_file *file);
/* Does it bring a vocabulary? *path, a new string, says where rd_tokenizer_open finds it; NULL: it
 * does not. */
rd_code rd_model_file_vocabulary(char **path, const rd_model_file *file, rd_error *e);
/* The key of a GGUF that holds what redraft.json holds elsewhere. */
#define RD_GGUF_REMEMBERED "redraft.remembered"
/* What was chosen when it was trained, by that key or by a redraft.json in its folder, which counts
 * where both speak. */
rd_code rd_model_file_remembered(rd_remembered *r, const rd_model_file *file, rd_error *e);

#endif
