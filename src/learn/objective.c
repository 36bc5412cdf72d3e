/* SPDX-License-Identifier: MIT */
/* The tables of objectives and of positions that count. */
#include "objective.h"

#include <string.h>

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

const rd_loss_on rd_loss_ons[] = {
    {"all", true, true}, {"answer", false, true}, {"corrupted", false, false}};
const size_t rd_loss_on_count = sizeof rd_loss_ons / sizeof *rd_loss_ons;

rd_code rd_objective_find(const rd_objective **out, const char *name, rd_error *e) {
  for (size_t i = 0; i < rd_objective_count; i++)
    if (strcmp(rd_objectives[i].name, name) == 0) {
      *out = &rd_objectives[i];
      return RD_OK;
    }
  return rd_fail(e, RD_USAGE,
                 "objective: %s is none of next-token, structural, structural-window, mask, mixed",
                 name);
}

rd_code rd_loss_on_find(const rd_loss_on **out, const char *name, rd_error *e) {
  for (size_t i = 0; i < rd_loss_on_count; i++)
    if (strcmp(rd_loss_ons[i].name, name) == 0) {
      *out = &rd_loss_ons[i];
      return RD_OK;
    }
  return rd_fail(e, RD_USAGE, "loss_on: %s is none of all, answer, corrupted", name);
}
