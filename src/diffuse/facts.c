/* SPDX-License-Identifier: MIT */
/* From the files of model and tokenizer, the model's own first. */
#include "facts.h"

static int add_end(int32_t *ends, int count, int32_t id) {
  for (int i = 0; i < count; i++)
    if (ends[i] == id)
      return count;
  if (id >= 0 && count < RD_MOST_ENDS)
    ends[count++] = id;
  return count;
}

int rd_ends_of(const rd_model *model, int32_t ends[RD_MOST_ENDS]) {
  const rd_config *c = &model->config;
  int count = 0;
  size_t n = 0;
  for (int i = 0; i < c->eos_count; i++)
    count = add_end(ends, count, c->eos[i]);
  const int32_t *more = model->tokenizer ? rd_tokenizer_eos(model->tokenizer, &n) : NULL;
  for (size_t i = 0; i < n; i++)
    if (more[i] < c->vocab)
      count = add_end(ends, count, more[i]);
  return count;
}

int32_t rd_mask_of(const rd_model *model) {
  int32_t mask = model->config.mask;
  if (mask < 0 && model->tokenizer)
    mask = rd_tokenizer_mask(model->tokenizer);
  return mask < model->config.vocab ? mask : -1;
}

rd_gate rd_gate_of(const rd_model *model) {
  return model->weights.plain ? model->remembered.gate : (rd_gate){0};
}

bool rd_gate_blocks(rd_gate gate, const rd_sampler *s) {
  return gate.answer && (gate.shift || gate.block > 0) && !s->ahead && !rd_sampler_asks(s);
}

bool rd_reads_causally(const rd_model *model) {
  return model->config.block == 1 && (!rd_model_denoises(model) || rd_gate_of(model).answer);
}

int32_t rd_start_of(const rd_model *m) {
  int32_t ends[RD_MOST_ENDS], bos = m->tokenizer ? rd_tokenizer_bos(m->tokenizer) : -1;
  if (bos >= 0 && bos < m->config.vocab)
    return bos;
  return rd_ends_of(m, ends) > 0 ? ends[0] : -1;
}
