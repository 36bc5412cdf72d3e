/* SPDX-License-Identifier: MIT */
/* Best-first branch and bound over the words of a gap.
 *
 * The score of a beginning only falls as words are added, and so does that of the text behind it:
 * a beginning whose score is below the best whole text found cannot lead to a better one. Which
 * beginning is tried next is another matter: by score alone short ones would come before long ones,
 * so that every word counts as if it had cost what a word of a likely text costs. */
#include "gap_search.h"

#include "draft_state.h"
#include "rng.h"

#include <math.h>
#include <string.h>

/* What a word of a text that is good as it is costs, in nats. */
static const double A_WORD = 1.5;

/* How likely a word behind the gap is where the base is surprised. The text was written by somebody
 * else, and what is odd in it is odd with whatever stands in the gap: without this, a word that the
 * base would never write decides everything, since it is a little less odd behind nonsense. */
static const double ODD = 0.001;

void rd_gaps_layout(rd_draft *d, rd_arena *a) {
  rd_gap_search *g = &d->gaps;
  size_t n = (size_t)d->setup.count, words = ((size_t)d->setup.vocab + 63) / 64;
  g->source = RD_TAKE(a, int32_t, n);
  g->text = RD_TAKE(a, int32_t, n);
  g->path = RD_TAKE(a, int32_t, n);
  g->gap = RD_TAKE(a, uint8_t, n);
  g->spaced = RD_TAKE(a, uint8_t, n);
  g->own = RD_TAKE(a, uint8_t, n);
  rd_search_tree_layout(&g->tree, a, d->params->iterations * RD_GAP_WORDS + 1);
  g->words = d->setup.words ? RD_TAKE(a, uint64_t, words) : NULL;
  g->spaced_words = d->setup.words ? RD_TAKE(a, uint64_t, words) : NULL;
}

/* --- the gap in work -------------------------------------------------------------------------- */

/* Text up to the next gap is copied, and the gap becomes the one in work, after so many passes;
 * false: there is none. */
static bool next_gap(rd_draft *d, int64_t made) {
  rd_gap_search *g = &d->gaps;
  int64_t p = g->end, count = d->setup.count;
  for (; p < count && !g->gap[p]; p++) {
    g->own[g->written] = 0;
    g->text[g->written++] = g->source[p];
  }
  if (p == count)
    return false;
  for (g->first = p; p < count && g->gap[p] && (p == g->first || !g->spaced[p]);)
    p++;
  g->end = p;
  g->behind_count = 0;
  for (bool ended = false; p < count && !g->gap[p] && !ended && g->behind_count < RD_GAP_BEHIND;
       p++) {
    g->behind[g->behind_count++] = g->source[p];
    ended = rd_is_end(&d->view, g->source[p]);
  }
  if (g->end == count && d->setup.end_count > 0) /* the answer ends behind it */
    g->behind[g->behind_count++] = d->setup.ends[0];
  rd_search_tree_clear(&g->tree);
  g->now = 0;
  g->best = -1;
  g->best_total = -INFINITY;
  g->until = made + (d->view.iterations - made) / g->gaps_left;
  return true;
}

rd_code rd_gaps_begin(rd_draft *d, rd_error *e) {
  rd_gap_search *g = &d->gaps;
  const rd_draft_setup *s = &d->setup;
  bool inside = false;
  g->gaps_left = g->written = g->first = g->end = 0;
  g->over = g->cut = false;
  const size_t bits = ((size_t)s->vocab + 63) / 64 * sizeof *g->words;
  if (g->words) {
    memcpy(g->words, s->words, bits);
    memcpy(g->spaced_words, s->spaced_words, bits);
  }
  for (int64_t p = 0; p < s->count; p++) {
    g->source[p] = d->canvas[s->prompt_count + p];
    g->gap[p] = !s->ids || s->places[p] == RD_PLACE_MASKED;
    g->spaced[p] = g->words && s->spaced && s->spaced[p];
    g->gaps_left += g->gap[p] && (!inside || g->spaced[p]);
    inside = g->gap[p];
  }
  if (s->prompt_count == 0 && g->gap[0])
    return rd_fail(e, RD_USAGE,
                   "--sampler %s goes on from what stands before a gap, and nothing stands before "
                   "the first: give a prompt",
                   d->sampler->name);
  if (d->view.iterations < 2 * g->gaps_left)
    return rd_fail(e, RD_USAGE, "%lld gaps need %lld passes, and --iterations is %lld",
                   (long long)g->gaps_left, 2 * (long long)g->gaps_left,
                   (long long)d->view.iterations);
  next_gap(d, 0);
  return RD_OK;
}

/* --- a pass ----------------------------------------------------------------------------------- */

static void want(rd_draft *d, int64_t place, rd_row_query *query) {
  int64_t inside = place < d->setup.count ? place : d->setup.count - 1;
  d->wanted[d->wanted_count++] =
      (rd_wanted){.position = d->setup.prompt_count + place,
                  .draw = {&d->rule, (uint32_t)d->view.iteration, (uint32_t)inside},
                  .query = query};
}

/* The text so far, the node's words, what follows; asked of each word that follows how likely it
 * is, and of the first one's row what else may stand there. */
void rd_gaps_need(rd_draft *d, rd_need *need) {
  rd_gap_search *g = &d->gaps;
  int32_t *region = d->canvas + d->setup.prompt_count;
  int64_t depth = rd_search_tree_path(&g->tree, g->now, g->path), at = g->written + depth;
  int64_t asked = depth > 0 ? g->behind_count : 0, more = asked > 0 ? asked : 1;
  d->view.iteration = d->drafts + 1;
  memcpy(region, g->text, (size_t)g->written * sizeof *region);
  memcpy(region + g->written, g->path, (size_t)depth * sizeof *region);
  if (asked > 1)
    memcpy(region + at, g->behind, (size_t)(asked - 1) * sizeof *region);
  d->wanted_count = 0;
  for (int64_t i = 0; i < more; i++) {
    g->queries[i] =
        (rd_row_query){.ids = g->behind + i, .scores = g->scores + i, .count = i < asked};
    if (i == 0 && depth < g->end - g->first) {
      g->queries[i].best = g->best_ids;
      g->queries[i].best_scores = g->best_scores;
      g->queries[i].best_count = RD_GAP_WORDS < d->setup.vocab ? RD_GAP_WORDS : d->setup.vocab;
    }
    want(d, at + i, &g->queries[i]);
  }
  need->length = d->setup.prompt_count + at + more - 1;
  need->gated = d->setup.gate.answer ? need->length : 0;
  need->attention = RD_CAUSAL;
  need->shift = true;
  need->wanted = d->wanted;
  need->count = d->wanted_count;
}

/* May the word stand behind a node? */
static bool may_follow(const rd_draft *d, const rd_search_node *node, int32_t id, float score) {
  const rd_gap_search *g = &d->gaps;
  const uint64_t *words = node->depth == 0 && g->spaced[g->first] ? g->spaced_words : g->words;
  bool allowed = !words || (words[id / 64] >> (id % 64) & 1);
  return allowed && isfinite(score) && id != d->setup.mask && !rd_is_end(&d->view, id);
}

/* How likely the text is with a node's words; the text behind them was read in this pass. */
static double total_of(const rd_draft *d, const rd_search_node *node) {
  const rd_gap_search *g = &d->gaps;
  double total = node->score;
  for (int64_t i = 0; i < g->behind_count; i++)
    total += log(exp((double)g->scores[i]) + ODD);
  bool ends = g->end == d->setup.count && d->setup.end_count > 0;
  return total + (ends ? d->params->eos_bias : 0);
}

/* Is it the best? At a temperature T the one with the largest total + T times a number of Gumbel's
 * distribution is one drawn by exp(total / T). */
static void judge(rd_draft *d, const rd_search_node *node) {
  rd_gap_search *g = &d->gaps;
  double total = total_of(d, node), drawn = total;
  if (!rd_propose_greedy(d->params->temperature)) {
    rd_rng rng = rd_rng_at(d->setup.seed, RD_STREAM_SAMPLE, (uint32_t)d->view.iteration, 0);
    drawn -= d->params->temperature * log(-log(rd_rng_uniform(&rng) + 1e-300));
  }
  if (g->best >= 0 && !(drawn > g->best_drawn))
    return;
  g->best_drawn = drawn;
  g->best_total = total;
  g->best = g->now;
}

/* The node was tried: is it the best, and what may come behind it? */
static void learn(rd_draft *d) {
  rd_gap_search *g = &d->gaps;
  const rd_params *p = d->params;
  const rd_search_node node = g->tree.nodes[g->now];
  double share = 0; /* of the words before */
  int64_t most = g->queries[0].best_count;
  most = p->top_k > 0 && p->top_k < most ? p->top_k : most;
  if (node.depth > 0)
    judge(d, &node);
  for (int64_t i = 0; i < most && share < p->top_p; i++) {
    double score = node.score + (double)g->best_scores[i];
    share += exp((double)g->best_scores[i]);
    if (score > g->best_total && may_follow(d, &node, g->best_ids[i], g->best_scores[i]))
      rd_search_tree_add(&g->tree, g->now, g->best_ids[i], score, true);
  }
}

/* The gap has its words: they are text. */
static void close_gap(rd_draft *d) {
  rd_gap_search *g = &d->gaps;
  int64_t depth = rd_search_tree_path(&g->tree, g->best, g->path);
  for (int64_t i = 0; i < depth; i++) {
    g->own[g->written] = 1;
    g->text[g->written++] = g->path[i];
  }
  g->gaps_left--;
  g->over = !next_gap(d, d->drafts + 1);
  if (g->over)
    g->best = -1;
}

/* The region with the best words of the gap, or masks while there are none. */
static void show(rd_draft *d) {
  rd_gap_search *g = &d->gaps;
  int64_t depth = rd_search_tree_path(&g->tree, g->best, g->path), n = 0;
  for (; n < g->written; n++) {
    d->draft[n] = g->text[n];
    d->fixed[n] = !g->own[n];
  }
  for (int64_t i = 0; i < depth; i++, n++) {
    d->draft[n] = g->path[i];
    d->fixed[n] = 0;
  }
  for (int64_t p = depth > 0 ? g->end : g->first; p < d->setup.count && !g->over; p++, n++) {
    d->draft[n] = g->source[p];
    d->fixed[n] = !g->gap[p];
  }
  for (int64_t p = 0; p < n; p++)
    d->confidence[p] = d->draft[p] == d->setup.mask && !d->fixed[p] ? 0 : 1;
  d->n = n;
}

void rd_gaps_take(rd_draft *d) {
  rd_gap_search *g = &d->gaps;
  learn(d);
  int64_t next = rd_search_tree_choose(&g->tree, g->best_total, A_WORD);
  if (next >= 0 && d->drafts + 1 < g->until) {
    g->now = next;
    return show(d);
  }
  g->cut |= next >= 0;
  close_gap(d);
  show(d);
}
