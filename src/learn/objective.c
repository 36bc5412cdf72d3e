/* SPDX-License-Identifier: MIT */
/* The tables of objectives and of positions that count. */
#include "objective.h"

const rd_objective rd_objectives[] = {
    {.name = "next-token", .block = 1, .help = "autoregressive: causal attention, the next token"},
    {.name = "structural",
     .corruption = "structural",
     .help = "LAD: masks, swaps, duplications, span shifts of the answer and its closing EOS"},
    {.name = "structural-window",
     .corruption = "structural",
     .covers_padding = true,
     .help = "LAD's first notebook: the same, over the padding up to the window too"},
    {.name = "mask",
     .corruption = "mask",
     .covers_padding = true,
     .by_rate = true,
     .help = "LLaDA: a uniform share of masks, weighted by 1 / share"},
    {.name = "mixed",
     .corruption = "mixed",
     .covers_padding = true,
     .help = "structural perturbations under a uniform share of masks"},
    {.name = "blocks",
     .corruption = "mask",
     .parent = true,
     .help =
         "behind a gate: masked blocks of the answer beside the clean text, onto the base's own "
         "distribution"},
};
const size_t rd_objective_count = sizeof rd_objectives / sizeof *rd_objectives;

const rd_loss_on rd_loss_ons[] = {{.name = "all", .prompt = true, .unchanged = true},
                                  {.name = "assistant", .answers = true, .unchanged = true},
                                  {.name = "answer", .unchanged = true},
                                  {.name = "corrupted"}};
const size_t rd_loss_on_count = sizeof rd_loss_ons / sizeof *rd_loss_ons;

const rd_table rd_objective_table = RD_TABLE("objective", rd_objectives);
const rd_table rd_loss_on_table = RD_TABLE("loss_on", rd_loss_ons);

rd_code rd_objective_find(const rd_objective **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_objective_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}

rd_code rd_objective_check_mask(const rd_objective *objective, int32_t mask, rd_error *e) {
  if (!objective->corruption || mask >= 0)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT,
                 "objective %s needs a mask token, and the model names none: choose a word of its "
                 "tokenizer with mask_token (--mask-token WORD)",
                 objective->name);
}

rd_code rd_loss_on_find(const rd_loss_on **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_loss_on_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}
