/* SPDX-License-Identifier: MIT */
/* What a model is asked, so that it answers: a list that is put together here, or a file's. */
#ifndef RD_ASKED_H
#define RD_ASKED_H

#include "error.h"

typedef struct rd_asked {
  char **prompts; /* (count) of a file; NULL: the built-in list */
  size_t count;
} rd_asked;

/* Read a file of rows with prompts (rd_rows_named), or of a prompt a line. Drop in any case. */
rd_code rd_asked_read(rd_asked *asked, const char *path, rd_error *e);
void rd_asked_drop(rd_asked *asked);
/* Prompt `index`, a new string: of the file, or a form and a subject drawn by seed and index. */
char *rd_asked_at(const rd_asked *asked, uint64_t seed, int64_t index);
/* What follows its answer: NULL in three of five conversations. */
const char *rd_asked_then(uint64_t seed, int64_t index);

#endif
