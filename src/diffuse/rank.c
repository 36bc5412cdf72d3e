/* SPDX-License-Identifier: MIT */
/* Ordering and drawing of positions: a heap sort (no memory of its own, unlike qsort) and
 * sequential weighted draws without replacement. */
#include "rng.h"
#include "view.h"

static bool after(int32_t a, int32_t b, const double *score) {
  return score[a] < score[b] || (score[a] == score[b] && a > b);
}

static void sift(int32_t *order, int64_t n, int64_t i, const double *score) {
  for (;;) {
    int64_t last = i, left = 2 * i + 1;
    for (int64_t child = left; child < left + 2 && child < n; child++)
      if (after(order[child], order[last], score))
        last = child;
    if (last == i)
      return;
    int32_t swap = order[i];
    order[i] = order[last];
    order[last] = swap;
    i = last;
  }
}

void rd_rank(int32_t *order, int64_t n, const double *score) {
  for (int64_t i = n / 2; i-- > 0;)
    sift(order, n, i, score);
  for (int64_t end = n - 1; end > 0; end--) {
    int32_t last = order[0];
    order[0] = order[end];
    order[end] = last;
    sift(order, end, 0, score);
  }
}

void rd_draw_weighted(const rd_view *v, int stream, int64_t count, int64_t first, int32_t *order,
                      int64_t n, double *weight, uint8_t mark, uint8_t *marks) {
  for (int64_t k = 0; k < count && n > 0; k++) {
    rd_rng rng =
        rd_rng_at(v->seed, (rd_stream)stream, (uint32_t)v->iteration, (uint32_t)(first + k));
    double sum = 0, reached = 0;
    for (int64_t i = 0; i < n; i++)
      sum += weight[order[i]];
    double u = rd_rng_uniform(&rng) * sum;
    int64_t i = 0;
    for (; i + 1 < n; i++) {
      reached += weight[order[i]];
      if (u < reached)
        break;
    }
    marks[order[i]] = mark;
    for (n--; i < n; i++)
      order[i] = order[i + 1];
  }
}

bool rd_is_end(const rd_view *v, int32_t id) {
  for (int i = 0; i < v->end_count; i++)
    if (v->ends[i] == id)
      return true;
  return false;
}
