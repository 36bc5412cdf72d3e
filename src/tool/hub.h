/* SPDX-License-Identifier: MIT */
/* What a hub offers under OWNER/NAME, and which of it a model is made of. Nothing here touches the
 * network or the disk. */
#ifndef RD_HUB_H
#define RD_HUB_H

#include "error.h"

#include <stdbool.h>

/* "OWNER/NAME" or "OWNER/NAME:FILE", taken apart. */
typedef struct rd_hub_name {
  char model[200]; /* "OWNER/NAME" */
  char file[200];  /* "": what the model is made of */
} rd_hub_name;

/* RD_USAGE: no such name. Letters, digits, '-', '_' and '.' between one slash, no part beginning
 * with a '.'; a file may lie in folders. So a name says nothing of a place outside. */
rd_code rd_hub_name_read(rd_hub_name *name, const char *text, rd_error *e);

typedef struct rd_hub_file {
  char *name;
  int64_t size; /* -1: the hub says none */
  char *sum;    /* in hexadecimal, or NULL: the hub says none */
  bool git;     /* the sum is git's */
} rd_hub_file;

typedef struct rd_hub_files {
  char *revision; /* what the hub calls this state of the files */
  rd_hub_file *items;
  size_t count;
} rd_hub_files;

/* Read a hub's answer to /api/models/OWNER/NAME/revision/..?blobs=true. Files whose names could
 * lead elsewhere are left out. RD_BAD_INPUT: no such list. */
rd_code rd_hub_files_read(rd_hub_files *files, const char *text, size_t size, const char *source,
                          rd_error *e);
/* Keep the files that make up the model: configuration, tokenizer, adapter, and weights of one
 * kind; or `file` alone, with the parts of it where it is split. RD_USAGE: several GGUF files, of
 * which one must be named. RD_BAD_INPUT: there is nothing that opens, or no such file. */
rd_code rd_hub_files_choose(rd_hub_files *files, const rd_hub_name *name, rd_error *e);
void rd_hub_files_drop(rd_hub_files *files);

/* Are these one file, or parts of one split file? */
bool rd_hub_parts_of_one(const char *a, const char *b);

#endif
