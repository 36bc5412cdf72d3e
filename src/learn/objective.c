/* SPDX-License-Identifier: MIT */
/* The tables of objectives and of positions that count. */
#include "objective.h"

const rd_objective rd_objectives[] = {
    {"next-token", 1, NULL, false, false, "autoregressive: causal attention, the next token"},
    {"structural", 0, "structural", false, false,
     "LAD: masks, swaps, duplications, span shifts of the answer and its closing EOS"},
    {"structural-window", 0, "structural", true, false,
     "LAD's first notebook: the same, over the padding up to the window too"},
    {"mask", 0, "mask", true, true, "LLaDA: a uniform share of masks, weighted by 1 / share"},
    {"mixed", 0, "mixed", true, false, "structural perturbations under a uniform share of masks"},
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
