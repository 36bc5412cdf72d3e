/* SPDX-License-Identifier: MIT */
/* The public interface to what a model reads and writes: ids, their texts, and its sizes. */
#include "generation.h"
#include "model.h"
#include "model_store.h"

#include <stdlib.h>
#include <string.h>

int64_t rd_model_vocab(const rd_model *model) {
  return model->config.vocab;
}

int64_t rd_model_positions(const rd_model *model) {
  return model->config.positions;
}

bool rd_model_causal(const rd_model *model) {
  return !rd_model_denoises(model);
}

int32_t rd_model_eos(const rd_model *model) {
  size_t count = 0;
  if (model->config.eos_count > 0)
    return model->config.eos[0];
  const int32_t *ids = model->tokenizer ? rd_tokenizer_eos(model->tokenizer, &count) : NULL;
  return count > 0 ? ids[0] : -1;
}

char *rd_model_remarks(const rd_model *model) {
  const char *folder = model->store->file.folder;
  const bool dreams = strcmp(model->config.family->name, "dream") == 0;
  char *keys = folder ? rd_generation_unheard(folder, dreams) : NULL;
  char *asked = keys ? rd_print("%s/generation_config.json asks for what is not done here: %s\n",
                                folder, keys)
                     : NULL;
  char *tied = model->head_apart
                 ? rd_print("%s ties its output matrix to its embedding and stores another: the "
                            "stored one is used\n",
                            model->name)
                 : NULL;
  const char *lost =
      model->tokenizer && model->config.mask < 0 ? rd_tokenizer_lost_mask(model->tokenizer) : NULL;
  char *remarks = rd_print("%s%s%s%s", tied ? tied : "", asked ? asked : "", lost ? lost : "",
                           lost ? "\n" : "");
  free(tied);
  free(asked);
  free(keys);
  return remarks;
}

static rd_code need_tokenizer(const rd_model *model, rd_error *e) {
  return model->tokenizer ? RD_OK
                          : rd_fail(e, RD_USAGE,
                                    "%s has no tokenizer: its folder holds no tokenizer.json, "
                                    "vocab.json or tokenizer.model",
                                    model->name);
}

rd_code rd_model_encode(const rd_model *model, const char *text, size_t size, int32_t **ids,
                        int64_t *count, rd_error *e) {
  size_t n = 0;
  *ids = NULL;
  *count = 0;
  RD_GIVEN(model, e);
  if (size > 0)
    RD_GIVEN(text, e);
  RD_TRY(need_tokenizer(model, e));
  RD_TRY(rd_tokenizer_encode(model->tokenizer, text, size, RD_TOK_SPECIAL, ids, &n, e));
  *count = (int64_t)n;
  return RD_OK;
}

rd_code rd_model_encode_messages(const rd_model *model, const rd_message *messages, size_t n,
                                 int32_t **ids, int64_t *count, rd_error *e) {
  *ids = NULL;
  *count = 0;
  RD_GIVEN(model, e);
  RD_TRY(rd_messages_check(messages, n, e));
  return rd_model_prompt(ids, count, model, messages, n, false, e);
}

rd_code rd_model_decode(const rd_model *model, const int32_t *ids, int64_t count, char **text,
                        size_t *size, rd_error *e) {
  *text = NULL;
  *size = 0;
  RD_GIVEN(model, e);
  RD_TRY(need_tokenizer(model, e));
  if (count < 0)
    return rd_fail(e, RD_USAGE, "%lld ids to decode", (long long)count);
  if (count > 0)
    RD_GIVEN(ids, e);
  return rd_tokenizer_decode(model->tokenizer, ids, (size_t)count, 0, text, size, e);
}
