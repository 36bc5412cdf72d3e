/* SPDX-License-Identifier: MIT */
/* Views by hand, for tests of policies, schedules and noises. */
#ifndef FAKE_VIEW_H
#define FAKE_VIEW_H

#include "sampler.h"

#include <stdlib.h>
#include <string.h>

enum { VIEW_MOST = 256, VIEW_MASK = 99, VIEW_EOS = 98 };

typedef struct fake_view {
  rd_view v;
  rd_params p;
  int32_t ids[VIEW_MOST], draft[VIEW_MOST], order[VIEW_MOST], ends[1];
  uint8_t fixed[VIEW_MOST], proposed[VIEW_MOST], settled[VIEW_MOST], marks[VIEW_MOST];
  rd_proposal proposals[VIEW_MOST];
  double weight[VIEW_MOST];
} fake_view;

/* n masked places, all wanted, token 10 + p proposed everywhere with confidence 1/2. */
static inline void fake_view_init(fake_view *f, int64_t n) {
  memset(f, 0, sizeof *f);
  f->ends[0] = VIEW_EOS;
  f->p = (rd_params){.noise_start = 0.5,
                     .sharpness = 1,
                     .noise_clip = 0.01,
                     .noise_level = 0.5,
                     .threshold = 0.9,
                     .factor = 1,
                     .proportional = true};
  for (int64_t i = 0; i < n; i++) {
    f->ids[i] = VIEW_MASK;
    f->draft[i] = (int32_t)(10 + i);
    f->proposed[i] = 1;
    f->proposals[i] = (rd_proposal){.id = (int32_t)(10 + i), .probability = 0.5f};
  }
  f->v = (rd_view){.n = n,
                   .ids = f->ids,
                   .fixed = f->fixed,
                   .proposed = f->proposed,
                   .proposals = f->proposals,
                   .draft = f->draft,
                   .settled = f->settled,
                   .iteration = 1,
                   .iterations = 8,
                   .block_end = n,
                   .block_masks = n,
                   .block_steps = 8,
                   .mask = VIEW_MASK,
                   .ends = f->ends,
                   .end_count = 1,
                   .seed = 3,
                   .params = &f->p,
                   .order = f->order,
                   .weight = f->weight};
}

static inline void fake_view_confidence(fake_view *f, const double *probability) {
  for (int64_t i = 0; i < f->v.n; i++)
    f->proposals[i].probability = (float)probability[i];
}

static inline int fake_view_count(const fake_view *f, rd_mark mark) {
  int n = 0;
  for (int64_t i = 0; i < f->v.n; i++)
    n += f->marks[i] == mark;
  return n;
}

/* The marks as a string of digits, for comparison with one by hand. */
static inline const char *fake_view_marks(const fake_view *f) {
  static char text[VIEW_MOST + 1];
  for (int64_t i = 0; i < f->v.n; i++)
    text[i] = (char)('0' + f->marks[i]);
  text[f->v.n] = '\0';
  return text;
}

#endif
