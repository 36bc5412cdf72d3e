/* SPDX-License-Identifier: MIT */
/* Answers that stand between a prompt and a suffix, as two kinds of clients read them: those that
 * fill in the middle (Mistral's, Mercury's), and llama.cpp's. */
#ifndef RD_INSERT_H
#define RD_INSERT_H

#include "group.h"

/* Pieces of /v1/fim/completions: text, as Mercury's clients read it, and message or delta, as
 * Mistral's. */
json_t *rd_insert_whole(const char *text, const char *finish);
json_t *rd_insert_piece(const char *text, size_t size, bool first, const char *finish);

/* /infill: {"content", "stop", ..}, whole and streamed. */
char *rd_infill_answer(const rd_group *group);
extern const rd_reply rd_reply_infill;

#endif
