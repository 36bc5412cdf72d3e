/* SPDX-License-Identifier: MIT */
/* Gaps filled by search: the words of a gap are those that make the text before, in and behind it
 * likeliest, as the base reads it from left to right. A gap has as many words as it needs, at least
 * one and at most as many as it has places.
 *
 * Every pass tries one beginning of a gap with the text that follows, and learns from the same rows
 * which words may come next. What cannot become better than the best that is known is not tried,
 * so that a search that comes to its end has found the best there is among the words that were
 * looked at: of each row the top-k best that make up top-p, at most RD_GAP_WORDS. At a temperature
 * above 0 what was tried is drawn from, by its probability. */
#ifndef RD_GAP_SEARCH_H
#define RD_GAP_SEARCH_H

#include "arena.h"
#include "engine.h"

struct rd_draft;

enum {
  RD_GAP_WORDS = 64, /* words that are looked at behind each beginning */
  RD_GAP_BEHIND = 24 /* tokens behind the gap that have a say */
};

/* A beginning of the gap: a word behind another beginning. */
typedef struct rd_gap_node {
  double score;   /* how likely its words are */
  int32_t parent; /* -1: nothing before it */
  int32_t token;  /* its last word; -1: none, the gap's beginning itself */
  int32_t depth;  /* its words */
  bool open;      /* not tried yet */
} rd_gap_node;

typedef struct rd_gap_search {
  int32_t *source;    /* (count) the region as it was laid out */
  uint8_t *gap;       /* (count) 1: a place of a gap */
  uint8_t *spaced;    /* (count) 1: a gap whose first word brings a space */
  uint64_t *words;    /* (ceil(V / 64)) bits of the words that do; NULL: no gap asks for it */
  int32_t *text;      /* (count) what is written, up to the gap in work */
  uint8_t *own;       /* (count) 1: a word of text that was found */
  int64_t written;    /* places of text */
  int64_t first, end; /* the gap in work, in source */
  int32_t *path;      /* (count) the words of a node */
  rd_gap_node *nodes; /* (room) */
  int64_t node_count, room;
  int64_t now, best; /* nodes: the one that is tried; the best so far, or -1 */
  double best_total; /* how likely it is with the text that follows */
  double best_drawn; /* the same with the luck of a temperature above 0 */
  int64_t until;     /* passes, all counted, after which the gap must do with what it has */
  int64_t gaps_left; /* the one in work counted */
  rd_reading readings[RD_GAP_BEHIND];
  float scores[RD_GAP_BEHIND];
  int32_t behind[RD_GAP_BEHIND]; /* (behind_count) the text that follows the gap */
  int64_t behind_count;
  int32_t best_ids[RD_GAP_WORDS];
  float best_scores[RD_GAP_WORDS];
  bool cut;  /* a gap had to do with what it had */
  bool over; /* every gap is filled */
} rd_gap_search;

/* Place its arrays for a draft whose setup is known. */
void rd_gaps_layout(struct rd_draft *d, rd_arena *a);
/* The first gap. RD_USAGE: nothing stands before it, or fewer passes than gaps need. */
rd_code rd_gaps_begin(struct rd_draft *d, rd_error *e);
/* The next pass, but for what of it is computed. */
void rd_gaps_need(struct rd_draft *d, rd_need *need);
/* What the pass has shown; the draft is the best that is known. */
void rd_gaps_take(struct rd_draft *d);

#endif
