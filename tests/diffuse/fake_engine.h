/* SPDX-License-Identifier: MIT */
/* Engines without a model, for tests: logits by hand, put through the real proposals. */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include "draft.h"
#include "params.h"

#include <stdlib.h>
#include <string.h>

/* Logits (V) of row `row` of a canvas of which `count` positions are seen. */
typedef void fake_logits(float *logits, int64_t V, const int32_t *ids, int64_t count, int64_t row);

typedef struct fake_engine {
  rd_engine base;
  fake_logits *logits;
  int64_t V, runs;
  float *given, *unguided;
  void *workspace;
} fake_engine;

static inline rd_code fake_propose(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e) {
  fake_engine *f = (fake_engine *)self;
  f->runs++;
  for (int64_t k = 0; k < n; k++) {
    const rd_need *need = &needs[k];
    for (int64_t i = 0; i < need->count; i++) {
      int64_t row = rd_wanted_row(need, i);
      f->logits(f->given, f->V, need->canvas, need->end, row);
      if (need->unguided) {
        f->logits(f->unguided, f->V, need->unguided, need->end, row);
        rd_propose_guide(f->given, f->unguided, need->guidance, f->V);
      }
      if (need->wanted[i].query)
        rd_query_row(need->wanted[i].query, f->given, f->V);
      RD_TRY(rd_propose(&need->out[i], f->given, 1, f->V, &need->wanted[i].draw, f->workspace, e));
      if (need->see)
        need->see(need->context, i, f->given, &need->out[i]);
    }
  }
  return RD_OK;
}

/* Lanes that know ids alone. */
static inline void fake_lane_close(rd_lane *lane) {
  rd_lane_drop(lane);
  free(lane);
}

static inline rd_code fake_lane_open(rd_engine *self, rd_lane **out, int64_t positions,
                                     rd_error *e) {
  *out = malloc(sizeof **out);
  return rd_lane_init(*out, self, positions, e);
}

static inline fake_engine fake_open(fake_logits *logits, int64_t V) {
  return (fake_engine){
      .base = {.propose = fake_propose, .lane_open = fake_lane_open, .lane_close = fake_lane_close},
      .logits = logits,
      .V = V,
      .given = malloc((size_t)V * sizeof(float)),
      .unguided = malloc((size_t)V * sizeof(float)),
      .workspace = malloc(rd_propose_workspace(V))};
}

static inline void fake_close(fake_engine *f) {
  free(f->given);
  free(f->unguided);
  free(f->workspace);
}

/* Parameters for tests: defaults, then "name=value" pairs, resolved. */
enum { FAKE_OPTIONS = 64 };
typedef struct fake_params {
  rd_params p;
  bool given[FAKE_OPTIONS];
  const rd_sampler *sampler;
} fake_params;

static inline rd_code fake_params_init(fake_params *f, const char *const *pairs, rd_error *e) {
  memset(f, 0, sizeof *f);
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &f->p, f->given};
  RD_TRY(rd_options_default(&o, e));
  for (; *pairs; pairs++) {
    char name[40];
    size_t n = strcspn(*pairs, "=");
    memcpy(name, *pairs, n);
    name[n] = '\0';
    const rd_option *row = rd_option_find(&o, name);
    if (!row)
      return rd_fail(e, RD_USAGE, "no option %s", name);
    RD_TRY(rd_option_set(&o, row, *pairs + n + 1, e));
  }
  return rd_params_resolve(&f->p, &o, NULL, &f->sampler, e);
}

static inline void fake_params_drop(fake_params *f) {
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &f->p, f->given};
  rd_options_drop(&o);
}

#endif
