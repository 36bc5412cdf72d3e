/* SPDX-License-Identifier: MIT */
/* What a model's path may be: a folder, or one file. A row for each kind says how it is opened. */
#ifndef RD_MODEL_FILE_H
#define RD_MODEL_FILE_H

#include "config.h"
#include "family.h"
#include "gguf.h"
#include "table.h"

/* What was found at a path: tensors under the names of `names`, and where the files beside them
 * (tokenizer, templates) lie. */
typedef struct rd_model_file {
  rd_tensors tensors;
  rd_gguf gguf;          /* keys of a GGUF; its tensors are in `tensors` */
  const rd_names *names; /* the family's, or GGUF's */
  char *folder;          /* of config.json; NULL: everything lies in one GGUF */
} rd_model_file;

/* The kinds, named by how their paths end; the last, "", is any other path: a folder. */
extern const rd_table rd_model_file_kinds;

/* Open what is at `path` and read its configuration. On failure *file is empty. */
rd_code rd_model_file_open(rd_model_file *file, rd_config *config, const char *path, rd_error *e);
void rd_model_file_drop(rd_model_file *file);
/* Does it bring a vocabulary? *path, a new string, says where rd_tokenizer_open finds it; NULL: it
 * does not. */
rd_code rd_model_file_vocabulary(char **found, const rd_model_file *file, const char *path,
                                 rd_error *e);

#endif
