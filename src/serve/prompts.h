/* SPDX-License-Identifier: MIT */
/* Prompts as clients send them: a text, token ids, a list of texts, or a list of lists of
 * token ids. */
#ifndef RD_PROMPTS_H
#define RD_PROMPTS_H

#include "error.h"
#include "json.h"

/* Token ids of a JSON array, each below `vocab`: a new array of *count, 1 at least. RD_BAD_INPUT
 * names what is none, `what` first. */
rd_code rd_prompt_ids(const json_t *array, const char *what, int64_t vocab, int32_t **out,
                      int64_t *count, rd_error *e);
/* How many prompts the value of the field `what` holds. RD_BAD_INPUT: it is none of the four. */
rd_code rd_prompts_count(const json_t *value, const char *what, int64_t *count, rd_error *e);
/* Number `which` of them (borrowed): a string, or an array of ids. */
const json_t *rd_prompts_item(const json_t *value, int64_t which);

#endif
