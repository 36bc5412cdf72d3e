/* SPDX-License-Identifier: MIT */
/* What whoever writes with a model must know of it: the token that stands for noise, those that end
 * an answer, and whether its base can be asked from left to right. */
#ifndef RD_FACTS_H
#define RD_FACTS_H

#include "engine.h"
#include "sampler.h"
#include "view.h"

/* The mask token, -1 where there is none. */
int32_t rd_mask_of(const rd_model *model);
/* The ids that end an answer, those of config.json first; returns their number. */
int rd_ends_of(const rd_model *model, int32_t ends[RD_MOST_ENDS]);
/* Does it read from left to right: as a whole, or in front of its adapter's gate? */
bool rd_reads_causally(const rd_model *model);
/* What stands before a text that nothing stands before: BOS, or the token that ends texts; -1:
 * there is none. */
int32_t rd_start_of(const rd_model *model);
/* Its gate, all zero where it has none. */
rd_gate rd_gate_of(const rd_model *model);
/* Does the sampler write block after block behind such a gate? */
bool rd_gate_blocks(rd_gate gate, const rd_sampler *sampler);

#endif
