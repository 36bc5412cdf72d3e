/* SPDX-License-Identifier: MIT */
/* Passes of samplers that sort (WeDLM): attention looks back only, so what is written stands in
 * front of the masks, which see all of it, whatever position it has in the text. */
#ifndef RD_SORTED_H
#define RD_SORTED_H

#include "draft_state.h"

/* The canvas in the order of a pass, and the positions of its places. */
void rd_sorted_layout(rd_draft *d, rd_arena *arena);
/* A need whose canvas lies as the text does becomes one over places; what is wanted too. */
void rd_sorted_need(rd_draft *d, rd_need *need);

#endif
