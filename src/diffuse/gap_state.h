/* SPDX-License-Identifier: MIT */
/* What a search for the words of gaps is made of: for gap_search.c, inside a draft. */
#ifndef RD_GAP_STATE_H
#define RD_GAP_STATE_H

#include "engine.h"
#include "search_tree.h"

enum {
  RD_GAP_WORDS = 64, /* words that are looked at behind each beginning */
  RD_GAP_BEHIND = 24 /* tokens behind the gap that have a say */
};

typedef struct rd_gap_search {
  int32_t *source;                /* (count) the region as it was laid out */
  uint8_t *gap;                   /* (count) 1: a place of a gap */
  uint8_t *spaced;                /* (count) 1: a gap whose first word brings a space */
  uint64_t *words, *spaced_words; /* (ceil(V / 64)) bits: as in rd_draft_setup; or NULL: all */
  int32_t *text;                  /* (count) what is written, up to the gap in work */
  uint8_t *own;                   /* (count) 1: a word of text that was found */
  int64_t written;                /* places of text */
  int64_t first, end;             /* the gap in work, in source */
  int32_t *path;                  /* (count) the words of a node */
  rd_search_tree tree;            /* beginnings of the gap */
  int64_t now, best;              /* nodes: the one that is tried; the best so far, or -1 */
  double best_total;              /* how likely it is with the text that follows */
  double best_drawn;              /* the same with the luck of a temperature above 0 */
  int64_t until;     /* passes, all counted, after which the gap must do with what it has */
  int64_t gaps_left; /* the one in work counted */
  rd_row_query queries[RD_GAP_BEHIND];
  float scores[RD_GAP_BEHIND];
  int32_t behind[RD_GAP_BEHIND]; /* (behind_count) the text that follows the gap */
  int64_t behind_count;
  int32_t best_ids[RD_GAP_WORDS];
  float best_scores[RD_GAP_WORDS];
  bool cut;  /* a gap had to do with what it had */
  bool over; /* every gap is filled */
} rd_gap_search;

#endif
