/* SPDX-License-Identifier: MIT */
/* The model's own blocks lie at fixed positions of the canvas, whatever the prompt's length; those
 * of a sampler begin with the answer; without either the region is cut from its first place on. */
#include "grid.h"

#include "attention.h"

enum { OF_SDLM = 4, OF_WEDLM = 16, OF_DLLM = 32 }; /* where neither options nor files say a size */

rd_grid rd_grid_of(const rd_sampler *s, const rd_params *params, const rd_grid_frame *f) {
  const int64_t asked = params->block_length, begin = f->prompt + f->lead;
  rd_grid g = {.attention = s->attention > 0 ? s->attention : f->attention,
               .size = asked > 0 && asked < f->count ? asked : f->count};
  if (s->leads) {
    g.attention = g.size = asked > 0 ? asked : f->stride > 0 ? f->stride : OF_SDLM;
  } else if (s->sorts) {
    g.attention = RD_CAUSAL;
    g.size = asked > 0 ? asked : OF_WEDLM;
  } else if (s->own_blocks) {
    g.attention = g.size = asked > 0 ? asked : f->attention > RD_CAUSAL ? f->attention : OF_DLLM;
    g.origin = begin % g.size;
    g.phase = f->prompt - rd_block_start(f->prompt, g.size, g.origin);
  } else if (asked == 0 && g.attention > RD_CAUSAL && rd_sampler_takes(s, "block-length")) {
    g.size = g.attention;
    g.phase = f->prompt % g.size;
  }
  return g;
}
