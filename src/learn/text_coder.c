/* SPDX-License-Identifier: MIT */
/* Text to ids for training rows: conversations laid out as generation lays them out. */
#include "examples.h"

#include <stdlib.h>

static rd_code encode_text(const void *context, const char *text, size_t size, rd_id_list *ids,
                           rd_error *e) {
  const rd_prompter *p = context;
  int32_t *found;
  size_t count;
  RD_TRY(rd_tokenizer_encode(p->tokenizer, text, size, 0, &found, &count, e));
  rd_code code = rd_id_list_add(ids, found, count, e);
  free(found);
  return code;
}

static rd_code encode_prompt(const void *context, const rd_message *turns, size_t count,
                             rd_id_list *ids, rd_error *e) {
  const rd_prompter *p = context;
  int32_t *found;
  int64_t found_count;
  if (!p->chat_template)
    return rd_chat_template_none(e);
  RD_TRY(rd_prompt_encode(&found, &found_count, p, turns, count, false, e));
  rd_code code = rd_id_list_add(ids, found, (size_t)found_count, e);
  free(found);
  return code;
}

rd_code rd_text_coder_of(rd_text_coder *coder, const rd_prompter *prompter, rd_error *e) {
  size_t count;
  const int32_t *eos = rd_tokenizer_eos(prompter->tokenizer, &count);
  if (count == 0)
    return rd_fail(e, RD_BAD_INPUT, "the tokenizer names no EOS token, which ends every answer");
  *coder = (rd_text_coder){prompter, encode_text, encode_prompt, eos[0]};
  return RD_OK;
}
