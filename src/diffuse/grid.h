/* SPDX-License-Identifier: MIT */
/* How a canvas is cut into blocks: those of attention, by position, and those that its region is
 * written in. */
#ifndef RD_GRID_H
#define RD_GRID_H

#include "sampler.h"

typedef struct rd_grid {
  int64_t attention; /* as a need's */
  int64_t origin;    /* where its blocks are counted from, by position of the canvas */
  int64_t size;      /* of the blocks that the region is written in */
  int64_t phase;     /* places of the first of them that lie before the region */
} rd_grid;

/* What it depends on, beside sampler and options. */
typedef struct rd_grid_frame {
  int64_t prompt, count; /* tokens of the prompt, places of the region */
  int64_t lead;          /* places at the region's beginning that are given */
  int64_t attention;     /* the model's, as in rd_draft_setup */
  int64_t stride;        /* rd_config.stride */
} rd_grid_frame;

rd_grid rd_grid_of(const rd_sampler *sampler, const rd_params *params, const rd_grid_frame *frame);

#endif
