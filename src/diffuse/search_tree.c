/* SPDX-License-Identifier: MIT */
#include "search_tree.h"

#include <math.h>

void rd_search_tree_layout(rd_search_tree *tree, rd_arena *a, int64_t room) {
  tree->room = room;
  tree->nodes = RD_TAKE(a, rd_search_node, (size_t)room);
}

void rd_search_tree_clear(rd_search_tree *tree) {
  tree->nodes[0] = (rd_search_node){.parent = -1, .token = -1};
  tree->count = 1;
}

int64_t rd_search_tree_add(rd_search_tree *tree, int64_t parent, int32_t token, double score,
                           bool open) {
  if (tree->count == tree->room)
    return -1;
  tree->nodes[tree->count] = (rd_search_node){.score = score,
                                              .parent = (int32_t)parent,
                                              .token = token,
                                              .depth = tree->nodes[parent].depth + 1,
                                              .open = open};
  return tree->count++;
}

int64_t rd_search_tree_path(const rd_search_tree *tree, int64_t node, int32_t *path) {
  for (int64_t at = node; at > 0; at = tree->nodes[at].parent)
    path[tree->nodes[at].depth - 1] = tree->nodes[at].token;
  return node < 0 ? 0 : tree->nodes[node].depth;
}

int64_t rd_search_tree_choose(rd_search_tree *tree, double bound, double a_word) {
  int64_t found = -1;
  double most = -INFINITY;
  for (int64_t i = 1; i < tree->count; i++) {
    const rd_search_node *node = &tree->nodes[i];
    const double promise = node->score + a_word * node->depth;
    if (node->open && node->score > bound && promise > most) {
      most = promise;
      found = i;
    }
  }
  if (found >= 0)
    tree->nodes[found].open = false;
  return found;
}
