/* SPDX-License-Identifier: MIT */
/* What a search for the likeliest answer is made of: for likeliest.c, inside a draft. */
#ifndef RD_LIKELIEST_STATE_H
#define RD_LIKELIEST_STATE_H

#include "engine.h"
#include "search_tree.h"

enum { RD_LIKELIEST_WORDS = 8 /* words that are looked at in each place */ };

typedef struct rd_likeliest {
  bool on;
  int64_t first;       /* places at the beginning that are given */
  rd_search_tree tree; /* beginnings of answers */
  rd_row_query *asks;  /* (count) of each place: which words may stand there */
  int32_t *ids;        /* (count, RD_LIKELIEST_WORDS) */
  float *scores;       /* the same */
  int32_t *path;       /* (count) the words of a node */
  int64_t at;          /* the node of the last place that the base has settled; -1: no room */
  int64_t best;        /* the likeliest whole answer so far; -1: none */
  double best_score;
  int64_t next; /* the beginning from which the next pass goes on; -1: it goes on as it is */
  bool over;    /* nothing that was looked at can be likelier */
} rd_likeliest;

#endif
