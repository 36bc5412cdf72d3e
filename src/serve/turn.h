/* SPDX-License-Identifier: MIT */
/* Turns of a conversation: whose they may be, and such as say more than a role and a text, calls of
 * tools and their results. */
#ifndef RD_TURN_H
#define RD_TURN_H

#include "error.h"
#include "json.h"
#include "model.h"

/* May a turn have this role? system, user, assistant and tool may in any conversation; another word
 * of letters, digits, - and _ where the model's own chat template has it in quotes. */
bool rd_turn_role(const char *role, const rd_model *model);
/* Has the message keys beside role and content? */
bool rd_turn_rich(const json_t *message);
/* Append to `turns` the message as templates see it: the role and the content given, all other keys
 * of `message` (NULL: none) as they are, but arguments of calls as objects where they came as JSON
 * text. RD_BAD_INPUT names the field. */
rd_code rd_turn_add(json_t *turns, const json_t *message, const char *role, const char *content,
                    rd_error *e);

#endif
