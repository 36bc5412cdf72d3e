/* SPDX-License-Identifier: MIT */
/* What belongs to a model's folder beside config.json and the weights: one table of files, with
 * what each is for. */
#ifndef RD_MODEL_FOLDER_H
#define RD_MODEL_FOLDER_H

#include "error.h"

/* What a file is for; one bit each. */
enum {
  RD_FILE_VOCABULARY = 1, /* a tokenizer can be opened from it */
  RD_FILE_TOKENS = 2,     /* says more about its tokens */
  RD_FILE_TEMPLATE = 4,   /* how messages are laid out */
  RD_FILE_GENERATION = 8, /* how answers are written and where they end */
  RD_FILE_TOKENIZER = RD_FILE_VOCABULARY | RD_FILE_TOKENS | RD_FILE_TEMPLATE,
  RD_FILE_CARRIED = RD_FILE_TOKENIZER | RD_FILE_GENERATION /* goes where the weights go */
};

/* The role of a file of this name; 0: it has none. */
unsigned rd_model_folder_role(const char *name);
/* The first file of these roles in a folder, in the order of the table: a new string, NULL where
 * there is none. */
rd_code rd_model_folder_find(char **path, const char *folder, unsigned roles, rd_error *e);
/* The one GGUF file of a folder that holds no safetensors, a new string; of a split one the first
 * part. NULL: there is none. RD_USAGE: there are several, one of which must be named. */
rd_code rd_model_folder_gguf(char **path, const char *folder, rd_error *e);
/* Copy the files of these roles that are there. */
rd_code rd_model_folder_copy(const char *from, const char *to, unsigned roles, rd_error *e);
/* Remove those that are there. */
void rd_model_folder_remove(const char *folder, unsigned roles);

#endif
