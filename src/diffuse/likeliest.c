/* SPDX-License-Identifier: MIT */
/* Best-first branch and bound over whole answers, in the passes that refine them: a beginning is as
 * likely as its words are, and only loses by more of them. Where the base was sure of its words no
 * other beginning comes near, and no pass is spent. */
#include "likeliest.h"

#include "draft_state.h"

#include <math.h>
#include <string.h>

void rd_likeliest_layout(rd_draft *d, rd_arena *a) {
  rd_likeliest *l = &d->likeliest;
  const size_t n = (size_t)d->setup.count;
  if (!d->params->likeliest)
    return;
  rd_search_tree_layout(&l->tree, a, 16 * (int64_t)n + 1);
  l->asks = RD_TAKE(a, rd_row_query, n);
  l->ids = RD_TAKE(a, int32_t, n * RD_LIKELIEST_WORDS);
  l->scores = RD_TAKE(a, float, n *RD_LIKELIEST_WORDS);
  l->path = RD_TAKE(a, int32_t, n);
}

void rd_likeliest_begin(rd_draft *d, bool led) {
  rd_likeliest *l = &d->likeliest;
  const int64_t n = d->setup.count, V = d->setup.vocab;
  l->on = d->params->likeliest && led && !d->by_block && !d->setup.form;
  while (l->first < n && d->fixed[l->first])
    l->first++;
  for (int64_t p = l->first; p < n; p++)
    l->on = l->on && !d->fixed[p];
  for (int64_t p = 0; p < n && l->on; p++)
    l->asks[p] = (rd_row_query){.best = l->ids + p * RD_LIKELIEST_WORDS,
                                .best_scores = l->scores + p * RD_LIKELIEST_WORDS,
                                .best_count = V < RD_LIKELIEST_WORDS ? V : RD_LIKELIEST_WORDS};
  if (l->on)
    rd_search_tree_clear(&l->tree);
  l->best = l->next = -1;
  l->best_score = -INFINITY;
}

const rd_row_query *rd_likeliest_ask(const rd_draft *d, int64_t place) {
  return d->likeliest.on ? &d->likeliest.asks[place] : NULL;
}

/* Room that other beginnings leave to an answer that is written to its end. */
static bool has_room(const rd_draft *d) {
  return d->likeliest.tree.count + d->setup.count < d->likeliest.tree.room;
}

/* May a word stand in a place, as far as the search is concerned? Nothing is no answer. */
static bool may_stand(const rd_draft *d, int64_t place, int32_t id, double score) {
  return isfinite(score) && id != d->setup.mask &&
         !(place == d->likeliest.first && rd_is_end(&d->view, id));
}

void rd_likeliest_settled(rd_draft *d, int64_t place) {
  rd_likeliest *l = &d->likeliest;
  if (!l->on || l->at < 0)
    return;
  const rd_row_query *asked = &l->asks[place];
  const double before = l->tree.nodes[l->at].score;
  double own = before + (double)asked->best_scores[asked->best_count - 1];
  for (int64_t i = 0; i < asked->best_count; i++) {
    const int32_t id = asked->best[i];
    const double bias = id == d->rule.eos ? d->params->eos_bias : 0;
    const double score = before + (double)asked->best_scores[i] + bias;
    if (id == d->draft[place])
      own = score;
    else if (score > l->best_score && may_stand(d, place, id, score) && has_room(d))
      rd_search_tree_add(&l->tree, l->at, id, score, true);
  }
  l->at = rd_search_tree_add(&l->tree, l->at, d->draft[place], own, false);
}

/* The draft is the best answer that is known. */
static void show(rd_draft *d) {
  rd_likeliest *l = &d->likeliest;
  const int64_t end = l->first + rd_search_tree_path(&l->tree, l->best, l->path);
  int64_t node = l->best;
  for (int64_t p = end - 1; p >= l->first; p--) {
    const rd_search_node *now = &l->tree.nodes[node];
    d->draft[p] = l->path[p - l->first];
    d->confidence[p] = (float)exp(now->score - l->tree.nodes[now->parent].score);
    d->settled[p] |= RD_SETTLED | RD_LOCKED;
    d->fixed[p] = 1;
    node = now->parent;
  }
  for (int64_t p = end; p < d->n && d->setup.end_count > 0; p++)
    d->draft[p] = d->setup.ends[0];
  d->say.led = end;
  d->say.ended = true;
}

static void remember(rd_likeliest *l, int64_t node) {
  if (l->best >= 0 && l->tree.nodes[node].score <= l->best_score)
    return;
  l->best = node;
  l->best_score = l->tree.nodes[node].score;
}

/* Is there nothing to add to a beginning: does it end, or fill the last place? */
static bool is_whole(const rd_draft *d, const rd_search_node *node) {
  return rd_is_end(&d->view, node->token) || d->likeliest.first + node->depth == d->setup.count;
}

/* The most promising beginning that is not tried, or -1. A whole one is an answer as it is. */
static int64_t most_promising(rd_draft *d) {
  rd_likeliest *l = &d->likeliest;
  for (;;) {
    const int64_t node = rd_search_tree_choose(&l->tree, l->best_score, 0);
    if (node < 0 || !is_whole(d, &l->tree.nodes[node]))
      return node;
    remember(l, node);
  }
}

void rd_likeliest_take(rd_draft *d) {
  rd_likeliest *l = &d->likeliest;
  const bool whole = d->say.ended || d->say.led == d->setup.count;
  if (!l->on || (!whole && l->at >= 0 && l->tree.nodes[l->at].score > l->best_score))
    return;
  if (whole && l->at >= 0)
    remember(l, l->at);
  l->next = l->at < 0 ? -1 : most_promising(d);
  l->over = l->next < 0;
  d->say.ended = l->over;
  if (l->over)
    show(d);
}

bool rd_likeliest_stop(rd_draft *d) {
  const bool known = d->likeliest.best >= 0;
  if (known)
    show(d);
  return known;
}

bool rd_likeliest_turns(const rd_draft *d) {
  return d->likeliest.next >= 0;
}

int64_t rd_likeliest_turn(rd_draft *d) {
  rd_likeliest *l = &d->likeliest;
  int32_t *canvas = d->canvas + d->setup.prompt_count;
  const int64_t end = l->first + rd_search_tree_path(&l->tree, l->next, l->path);
  int64_t masked = 0;
  for (int64_t p = l->first; p < d->n; p++) {
    const bool stays = p < end;
    canvas[p] = stays ? l->path[p - l->first] : d->setup.mask;
    d->fixed[p] = stays;
    if (stays)
      continue;
    d->proposals[p].id = -1;
    d->list[masked++] = (int32_t)p;
  }
  d->say.led = end;
  l->at = l->next;
  l->next = -1;
  return masked;
}

bool rd_likeliest_goes_on(const rd_draft *d) {
  return d->likeliest.on && !d->likeliest.over;
}
