/* SPDX-License-Identifier: MIT */
/* Text to ids for training rows: conversations through the chat template of the tokenizer's files,
 * as generation lays them out. */
#include "chat_template.h"
#include "trainer.h"

#include <stdlib.h>

static rd_code encode_text(void *context, const char *text, size_t size, rd_id_list *ids,
                           rd_error *e) {
  int32_t *found;
  size_t count;
  RD_TRY(rd_tokenizer_encode(context, text, size, 0, &found, &count, e));
  rd_code code = rd_id_list_add(ids, found, count, e);
  free(found);
  return code;
}

static rd_code encode_prompt(void *context, const rd_message *turns, size_t count, rd_id_list *ids,
                             rd_error *e) {
  const rd_chat_template *row;
  int32_t *found;
  size_t found_count;
  rd_code code = rd_chat_template_choose(&row, context, NULL, e);
  if (code != RD_OK)
    return code;
  RD_TRY(rd_chat_render(context, row, turns, count, &found, &found_count, e));
  code = rd_id_list_add(ids, found, found_count, e);
  free(found);
  return code;
}

rd_code rd_text_coder_of(rd_text_coder *coder, const rd_tokenizer *tokenizer, rd_error *e) {
  size_t count;
  const int32_t *eos = rd_tokenizer_eos(tokenizer, &count);
  if (count == 0)
    return rd_fail(e, RD_BAD_INPUT, "the tokenizer names no EOS token, which ends every answer");
  *coder = (rd_text_coder){(void *)(uintptr_t)tokenizer, encode_text, encode_prompt, eos[0]};
  return RD_OK;
}
