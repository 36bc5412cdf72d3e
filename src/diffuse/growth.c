/* SPDX-License-Identifier: MIT */
/* DAEDAL's rule, for each gap by itself. How sure the model is that a gap is long enough is the
 * mean probability of end words over its last places, as many as it began with: those count that
 * are proposed there from the gap's end on, the others are 0. An answer that nothing stands behind
 * is measured first: while that is below one half it gets more masks at its end. Then it is
 * written, and while it is below --end-bound the mask with the least likely proposal, if that is
 * below --doubt, becomes --grow masks.
 *
 * Published for answers. In a gap, whose text goes on behind it, hardly any model proposes end
 * words (so CAL, Niu et al. 2026, found, who measure such gaps with the same rule and without the
 * first part): it grows wherever the model is in doubt. An end word that is written there after all
 * means that nothing stands at its place, which goes: no text has an end inside. */
#include "growth.h"

#include "draft_state.h"

#include <string.h>

static const double ENOUGH = 0.5; /* of an answer that is measured */

void rd_growth_layout(rd_draft *d, rd_arena *a) {
  rd_growth *g = &d->growth;
  size_t n = (size_t)d->setup.count, words = ((size_t)d->setup.vocab + 63) / 64;
  g->stretches = RD_TAKE(a, rd_stretch, n);
  g->of = RD_TAKE(a, int32_t, n);
  g->spaced = RD_TAKE(a, uint8_t, n);
  g->words = d->setup.words ? RD_TAKE(a, uint64_t, words) : NULL;
  g->spaced_words = d->setup.words ? RD_TAKE(a, uint64_t, words) : NULL;
}

/* --- places come and go ----------------------------------------------------------------------- */

#define MOVE(array, to, from, count)                                                               \
  memmove((array) + (to), (array) + (from), (size_t)(count) * sizeof *(array))

/* What stands at `from` and behind it stands at `to` and behind it. */
static void move_places(rd_draft *d, int64_t to, int64_t from) {
  int64_t rest = d->n - from;
  int32_t *region = d->canvas + d->setup.prompt_count;
  MOVE(region, to, from, rest);
  MOVE(d->draft, to, from, rest);
  MOVE(d->previous, to, from, rest);
  MOVE(d->proposals, to, from, rest);
  MOVE(d->confidence, to, from, rest);
  MOVE(d->fixed, to, from, rest);
  MOVE(d->proposed, to, from, rest);
  MOVE(d->settled, to, from, rest);
  MOVE(d->still, to, from, rest);
  MOVE(d->growth.of, to, from, rest);
  MOVE(d->growth.spaced, to, from, rest);
  d->n += to - from;
  d->growth.moved = d->growth.moved || to != from;
  d->previous_n = d->n;
}

static void put_mask(rd_draft *d, int64_t p, int32_t stretch) {
  d->canvas[d->setup.prompt_count + p] = d->draft[p] = d->previous[p] = d->setup.mask;
  d->proposals[p].id = -1;
  d->confidence[p] = 0;
  d->fixed[p] = d->proposed[p] = d->settled[p] = d->still[p] = d->growth.spaced[p] = 0;
  d->growth.of[p] = stretch;
}

/* Behind what stands nothing is open: blocks look as far as the region may grow. */
static void close_rest(rd_draft *d) {
  memset(d->fixed + d->n, 1, (size_t)(d->setup.count - d->n));
}

/* So many masks more before a place, as far as the stretch may have them; returns their number. */
static int64_t insert(rd_draft *d, int64_t p, int32_t stretch, int64_t count) {
  rd_stretch *s = &d->growth.stretches[stretch];
  count = count < s->most - s->had ? count : s->most - s->had;
  if (count <= 0)
    return 0;
  move_places(d, p + count, p);
  for (int64_t i = p; i < p + count; i++)
    put_mask(d, i, stretch);
  s->had += count;
  close_rest(d);
  return count;
}

/* --- beginning -------------------------------------------------------------------------------- */

rd_code rd_growth_begin(rd_draft *d, rd_error *e) {
  rd_growth *g = &d->growth;
  const rd_draft_setup *s = &d->setup;
  const int64_t room = d->params->room > 0 ? d->params->room : s->count;
  const size_t bits = ((size_t)s->vocab + 63) / 64 * sizeof *g->words;
  int32_t stretches = 0;
  if (d->by_block)
    return rd_fail(e, RD_USAGE,
                   "--sampler %s moves places, and this adapter's gate is for blocks that stay "
                   "where they are: use its own sampler",
                   d->sampler->name);
  if (g->words) {
    memcpy(g->words, s->words, bits);
    memcpy(g->spaced_words, s->spaced_words, bits);
  }
  for (int64_t p = 0; p < s->count; p++) {
    bool gap = !s->ids || s->places[p] == RD_PLACE_MASKED;
    g->spaced[p] = gap && g->words && s->spaced && s->spaced[p];
    bool begins = gap && (p == 0 || g->of[p - 1] < 0 || g->spaced[p]);
    if (begins)
      g->stretches[stretches++] = (rd_stretch){0};
    g->of[p] = gap ? stretches - 1 : -1;
    if (gap)
      g->stretches[stretches - 1].most++;
  }
  if (g->of[s->count - 1] >= 0)
    g->stretches[stretches - 1].open = g->measuring = true;
  d->n = s->count;
  for (int64_t p = s->count; p-- > 0;) { /* places beyond those that a gap begins with go */
    rd_stretch *stretch = g->of[p] >= 0 ? &g->stretches[g->of[p]] : NULL;
    bool first = stretch && (p == 0 || g->of[p - 1] != g->of[p]);
    if (!first)
      continue;
    stretch->had = stretch->most < room ? stretch->most : room;
    move_places(d, p + stretch->had, p + stretch->most);
  }
  close_rest(d);
  g->moved = false;
  d->view.iterations += s->count; /* those that measure */
  return RD_OK;
}

void rd_growth_need(rd_draft *d) {
  const rd_growth *g = &d->growth;
  for (int64_t i = 0; i < d->wanted_count && g->words; i++) {
    int64_t p = d->wanted[i].draw.position;
    const rd_stretch *s = &g->stretches[g->of[p]];
    bool first = p == 0 || g->of[p - 1] != g->of[p];
    if (first && (!s->open || g->spaced[p]))
      d->wanted[i].allowed = g->spaced[p] ? g->spaced_words : g->words;
  }
}

/* --- is it long enough? ----------------------------------------------------------------------- */

/* The mean over the last places of the stretch that ends before `end`. */
static double end_share(const rd_draft *d, int64_t end) {
  const rd_growth *g = &d->growth;
  const int32_t stretch = g->of[end - 1];
  const int64_t room = d->params->room, most = g->stretches[stretch].most;
  const int64_t wide = room > 0 && room < most ? room : most;
  double sum = 0;
  int64_t found = 0;
  for (int64_t p = end; p-- > 0 && g->of[p] == stretch && found < wide;) {
    int32_t id = d->proposed[p] ? d->proposals[p].id : d->draft[p];
    if (!rd_is_end(&d->view, id))
      continue;
    sum += d->proposed[p] ? (double)d->proposals[p].probability : 1;
    found++;
  }
  return sum / (double)wide;
}

bool rd_growth_measures(rd_draft *d) {
  rd_growth *g = &d->growth;
  const rd_stretch *last = g->measuring ? &g->stretches[g->of[d->n - 1]] : NULL;
  g->measuring = last && last->had < last->most && end_share(d, d->n) < ENOUGH;
  return g->measuring;
}

void rd_growth_take(rd_draft *d) {
  const rd_growth *g = &d->growth;
  for (int64_t p = d->n; p-- > 0;) {
    bool inside = g->of[p] >= 0 && !g->stretches[g->of[p]].open;
    if (inside && rd_is_end(&d->view, d->draft[p]))
      move_places(d, p, p + 1);
  }
  close_rest(d);
}

/* The mask of a stretch, of those up to the end of the block, of which the model is least sure; -1:
 * it is sure enough of all. */
static int64_t doubtful(const rd_draft *d, int64_t first, int64_t end) {
  int64_t found = -1;
  double least = d->params->doubt;
  for (int64_t p = first; p < end && p < d->view.block_end; p++) {
    bool open = d->draft[p] == d->setup.mask && d->proposed[p];
    if (open && (double)d->proposals[p].probability < least) {
      least = (double)d->proposals[p].probability;
      found = p;
    }
  }
  return found;
}

/* From the last place on, so that those before it are not moved. */
int64_t rd_growth_next(rd_draft *d) {
  rd_growth *g = &d->growth;
  int64_t more = d->params->grow, added = 0;
  for (int64_t end = d->n; end > 0;) {
    int64_t first = end - 1, at = -1, count = 0;
    while (first > 0 && g->of[first - 1] == g->of[end - 1])
      first--;
    if (g->of[first] >= 0 && g->measuring && g->stretches[g->of[first]].open) {
      count = insert(d, at = end, g->of[first], more);
    } else if (g->of[first] >= 0 && end_share(d, end) < d->params->end_bound) {
      at = doubtful(d, first, end);
      count = at < 0 ? 0 : insert(d, at + 1, g->of[at], more - 1);
      at++;
    }
    for (int64_t i = 0; i < added && count > 0; i++)
      d->list[i] += (int32_t)count;
    for (int64_t i = 0; i < count; i++)
      d->list[added++] = (int32_t)(at + i);
    end = first;
  }
  return added;
}
