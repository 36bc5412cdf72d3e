/* SPDX-License-Identifier: MIT */
/* LAD's intermediate noising: a decaying number of answer positions is masked again, drawn
 * uniformly with replacement; without it among the positions never yet kept (permanent unmasking),
 * and by lack of confidence. */
#include "rng.h"
#include "view.h"

/* Free positions whose token is (or is not) the padding EOS, into order[0..). */
static int64_t gather(const rd_view *v, bool ends, bool both, int32_t *order) {
  int64_t n = 0;
  for (int64_t p = 0; p < v->n; p++) {
    bool free_to_noise = !v->fixed[p] && !((v->settled[p] & RD_SETTLED));
    bool end = v->end_count > 0 && v->draft[p] == v->ends[0];
    if (free_to_noise && (both || end == ends))
      order[n++] = (int32_t)p;
  }
  return n;
}

static void guided(const rd_view *v, int64_t count, uint8_t *marks) {
  for (int64_t p = 0; p < v->n; p++) {
    double doubt = v->proposed[p] ? 1 - (double)v->proposals[p].probability : 0;
    v->weight[p] = doubt > v->params->noise_clip ? doubt : v->params->noise_clip;
  }
  int64_t all = gather(v, false, true, v->order), words = gather(v, false, false, v->order);
  int64_t of_words = all > 0 ? count * words / all : 0;
  rd_draw_weighted(v, RD_STREAM_NOISE, of_words, 0, v->order, words, v->weight, RD_RENOISE, marks);
  int64_t ends = gather(v, true, false, v->order);
  rd_draw_weighted(v, RD_STREAM_NOISE, count - of_words, of_words, v->order, ends, v->weight,
                   RD_RENOISE, marks);
}

/* Draw k: one of the free positions; with `keep` one of those not yet drawn, which stand from
 * order[k] on. */
static void plain(const rd_view *v, int64_t count, uint8_t *marks) {
  int64_t n = gather(v, false, true, v->order);
  bool once = v->params->keep;
  for (int64_t k = 0; k < count && n > (once ? k : 0); k++) {
    rd_rng rng = rd_rng_at(v->seed, RD_STREAM_NOISE, (uint32_t)v->iteration, (uint32_t)k);
    int64_t first = once ? k : 0, drawn = first + rd_rng_below(&rng, (uint32_t)(n - first));
    marks[v->order[drawn]] = RD_RENOISE;
    if (once)
      v->order[drawn] = v->order[k]; /* what stood there may still be drawn */
  }
}

void rd_noise_lad(const rd_view *v, double quota, uint8_t *marks) {
  int64_t count = (int64_t)quota; /* the number of masks is rounded down */
  if (v->params->no_noise)
    return;
  if (v->params->confidence_noise)
    guided(v, count, marks);
  else
    plain(v, count, marks);
  for (int64_t p = 0; v->params->keep && p < v->n; p++)
    if (!v->fixed[p] && marks[p] != RD_RENOISE)
      v->settled[p] |= RD_SETTLED;
}
