/* SPDX-License-Identifier: MIT */
/* A canvas, its wanted positions, and what comes out of an engine. */
#ifndef SCENE_H
#define SCENE_H

#include "engine.h"

#include <string.h>

enum { SCENE_LENGTH = 40, SCENE_VOCAB = 304 }; /* at most */

typedef struct scene {
  int32_t ids[SCENE_LENGTH], masked[SCENE_LENGTH]; /* the second without its first words */
  rd_wanted wanted[SCENE_LENGTH];
  rd_propose_rule rule;
  rd_proposal out[SCENE_LENGTH];
  float logits[SCENE_LENGTH][SCENE_VOCAB]; /* by position */
  int64_t vocab;
  rd_need need;
} scene;

/* A canvas of `length`, every position of `need`'s range wanted; of the need are set besides the
 * range what the test wants of it. */
static inline void scene_begin(scene *s, int64_t length, int64_t vocab, rd_propose_rule rule,
                               uint32_t iteration, rd_need need) {
  memset(s, 0, sizeof *s);
  s->vocab = vocab;
  s->rule = rule;
  for (int i = 0; i < length; i++) {
    s->ids[i] = 33 + 11 * i % 200;
    s->masked[i] = i < 5 ? 285 : s->ids[i];
  }
  s->need = need;
  s->need.canvas = s->ids;
  s->need.length = length;
  s->need.wanted = s->wanted;
  s->need.out = s->out;
  for (int64_t p = need.first; p < need.end; p++)
    s->wanted[s->need.count++] =
        (rd_wanted){.position = p, .draw = {&s->rule, iteration, (uint32_t)p}};
}

/* A sink of scores for an array of scenes, one a need. */
static inline rd_code scene_keep(void *context, int64_t need, int64_t first, int64_t count,
                                 float *logits, rd_error *e) {
  scene *s = (scene *)context + need;
  (void)e;
  for (int64_t i = 0; i < count; i++)
    memcpy(s->logits[s->wanted[first + i].position], logits + i * s->vocab,
           (size_t)s->vocab * sizeof *logits);
  return RD_OK;
}

#endif
