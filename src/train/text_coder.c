/* SPDX-License-Identifier: MIT */
/* Text to ids for training rows. A conversation is laid out as <|role|> tokens in front of the
 * contents, an assistant's turn ended by EOS. */
#include "trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code encode_text(void *context, const char *text, size_t size, rd_id_list *ids,
                           rd_error *e) {
  int32_t *found;
  size_t count;
  RD_TRY(rd_tokenizer_encode(context, text, size, 0, &found, &count, e));
  rd_code code = rd_id_list_add(ids, found, count, e);
  free(found);
  return code;
}

static rd_code add_role(const rd_tokenizer *t, const char *role, rd_id_list *ids, rd_error *e) {
  char piece[64];
  snprintf(piece, sizeof piece, "<|%.50s|>", role);
  int32_t id = rd_tokenizer_id(t, piece);
  if (id < 0)
    return rd_fail(e, RD_BAD_INPUT, "the tokenizer has no token %s for the role %.50s", piece,
                   role);
  return rd_id_list_add(ids, &id, 1, e);
}

static rd_code encode_prompt(void *context, const rd_turn *turns, size_t count, rd_id_list *ids,
                             rd_error *e) {
  const rd_tokenizer *t = context;
  size_t eos_count;
  const int32_t *eos = rd_tokenizer_eos(t, &eos_count);
  for (size_t i = 0; i < count; i++) {
    RD_TRY(add_role(t, turns[i].role, ids, e));
    RD_TRY(encode_text(context, turns[i].content, strlen(turns[i].content), ids, e));
    if (strcmp(turns[i].role, "assistant") == 0)
      RD_TRY(rd_id_list_add(ids, eos, 1, e));
  }
  return add_role(t, "assistant", ids, e);
}

rd_code rd_text_coder_of(rd_text_coder *coder, const rd_tokenizer *tokenizer, rd_error *e) {
  size_t count;
  const int32_t *eos = rd_tokenizer_eos(tokenizer, &count);
  if (count == 0)
    return rd_fail(e, RD_BAD_INPUT, "the tokenizer names no EOS token, which ends every answer");
  *coder = (rd_text_coder){(void *)(uintptr_t)tokenizer, encode_text, encode_prompt, eos[0]};
  return RD_OK;
}
