/* SPDX-License-Identifier: MIT */
/* Tables are filled as far as a run goes: a pass that could go far seldom does. Where angles depend
 * on a sequence's length, its rows are made anew for every run. */
#include "angles.h"

#include <string.h>

void rd_angles_take(rd_angles *a, rd_arena *arena, const rd_rotary *rope, int64_t turned,
                    int64_t longest, int64_t rows) {
  int64_t half = turned / 2;
  *a = (rd_angles){.rope = rope, .turned = turned};
  a->table_cos = RD_TAKE(arena, float, longest *half);
  a->table_sin = RD_TAKE(arena, float, longest *half);
  a->cosines = RD_TAKE(arena, float, rows *half);
  a->sines = RD_TAKE(arena, float, rows *half);
}

void rd_angles_place(rd_angles *a, int64_t at, int64_t first, int64_t count, int64_t length) {
  int64_t half = a->turned / 2, last = first + count;
  float *cosines = a->cosines + at * half, *sines = a->sines + at * half;
  size_t bytes = (size_t)(count * half) * sizeof(float);
  if (rd_rope_by_length(a->rope, length)) {
    rd_rope_tables(cosines, sines, a->rope, a->turned, length, first, count);
    return;
  }
  if (last > a->known) {
    rd_rope_tables(a->table_cos + a->known * half, a->table_sin + a->known * half, a->rope,
                   a->turned, 0, a->known, last - a->known);
    a->known = last;
  }
  memcpy(cosines, a->table_cos + first * half, bytes);
  memcpy(sines, a->table_sin + first * half, bytes);
}
