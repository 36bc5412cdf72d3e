/* SPDX-License-Identifier: MIT */
/* What searches over words look at: beginnings that grow by a word, each remembering the one before
 * it and how likely its words are. A score only falls as words are added, so that a beginning whose
 * score is not above the best whole text's leads nowhere (branch and bound). */
#ifndef RD_SEARCH_TREE_H
#define RD_SEARCH_TREE_H

#include "arena.h"

typedef struct rd_search_node {
  double score;   /* the logarithm of the probability of its words */
  int32_t parent; /* -1: nothing before it */
  int32_t token;  /* its last word; -1: none, the beginning itself */
  int32_t depth;  /* its words */
  bool open;      /* not tried yet */
} rd_search_node;

typedef struct rd_search_tree {
  rd_search_node *nodes; /* (room); node 0 has no words */
  int64_t count, room;
} rd_search_tree;

/* Place room for so many nodes. */
void rd_search_tree_layout(rd_search_tree *tree, rd_arena *a, int64_t room);
/* Nothing but the node without words. */
void rd_search_tree_clear(rd_search_tree *tree);
/* A word behind a node, of this score with those before it. Returns its node; -1: there is no room.
 */
int64_t rd_search_tree_add(rd_search_tree *tree, int64_t parent, int32_t token, double score,
                           bool open);
/* The words of a node (-1: of none) into path (their number), which is returned. */
int64_t rd_search_tree_path(const rd_search_tree *tree, int64_t node, int32_t *path);
/* The open node with the largest score + a_word for each of its words among those whose score is
 * above `bound`; it is open no more. -1: there is none. */
int64_t rd_search_tree_choose(rd_search_tree *tree, double bound, double a_word);

#endif
