/* SPDX-License-Identifier: MIT */
/* Group products in plain C: the reference that the other sets are tested against. */
#include "groups_kernels.h"

#include <string.h>

/* The sum of a group's products of one row with one output. `w` is the output's first number of the
 * group's first step. */
static int32_t products(const uint8_t *w, const int8_t *low, const int8_t *high, unsigned spill) {
  int32_t sum = 0, spilled = 0;
  for (int t = 0; t < 8; t++, w += RD_PANEL * 4)
    for (int i = 0; i < 4; i++) {
      sum += w[i] * low[4 * t + i];
      if (spill >> t & 1)
        spilled += w[i] * high[4 * t + i];
    }
  return sum + spilled * 256;
}

/* Sums over groups that share a step are multiplied by it together. */
static void add_tile(float *sums, const rd_group_block *b, const rd_group_slice *a, int rows) {
  for (int r = 0; r < rows; r++)
    for (int n = 0; n < RD_PANEL; n++)
      for (int64_t g = 0; g < b->groups;) {
        const float step = a->step[r * RD_STEPS + g / RD_STEP_GROUPS];
        const int64_t end = g + RD_STEP_GROUPS < b->groups ? g + RD_STEP_GROUPS : b->groups;
        float part = 0;
        for (; g < end; g++) {
          const int32_t offset = a->offset[r * RD_TILE_GROUPS + g];
          const int64_t place = r * RD_PIECE + g * RD_GROUP;
          const int32_t sum = products(b->quants + g * RD_GROUP_BYTES + 4 * n, a->low + place,
                                       a->high + place, a->spill[r * RD_TILE_GROUPS + g]);
          part += (float)(sum + offset) * b->scales[g * RD_PANEL + n];
          if (b->minima != NULL)
            part += (float)offset * b->minima[g * RD_PANEL + n];
        }
        sums[r * RD_PANEL + n] += part * step;
      }
}

static void widen(uint8_t *out, const uint8_t *from, int64_t groups, int bias) {
  for (int64_t g = 0; g < groups; g++, from += 512, out += RD_GROUP_BYTES)
    for (int i = 0; i < 512; i++) {
      out[i] = (uint8_t)((from[i] & 15) + bias);
      out[512 + i] = (uint8_t)((from[i] >> 4) + bias);
    }
}

static void from_f16(float *out, const rd_f16 *from, float factor, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    out[i] = rd_f32_of_f16(from[i]) * factor;
}

#define GROUPS_PACKED false
#define GROUPS_TABLE rd_group_kernels_scalar
#include "groups_rows.inc"
