/* SPDX-License-Identifier: MIT */
/* Denoisers without a model, for tests: logits by hand, put through the real proposals. */
#ifndef FAKE_DENOISER_H
#define FAKE_DENOISER_H

#include "draft.h"

#include <stdlib.h>
#include <string.h>

/* Logits (V) of row `row` of a sequence. */
typedef void fake_logits(float *logits, int64_t V, const int32_t *ids, int64_t count, int64_t row);

typedef struct fake_denoiser {
  rd_denoiser base;
  fake_logits *logits;
  int64_t V, runs;
  float *given, *unguided;
  void *workspace;
} fake_denoiser;

static inline rd_code fake_run(rd_denoiser *self, const rd_need *needs, int64_t n, rd_error *e) {
  fake_denoiser *f = (fake_denoiser *)self;
  f->runs++;
  for (int64_t k = 0; k < n; k++)
    for (int64_t i = 0; i < needs[k].row_count; i++) {
      f->logits(f->given, f->V, needs[k].ids, needs[k].count, needs[k].rows[i]);
      if (needs[k].unguided) {
        f->logits(f->unguided, f->V, needs[k].unguided, needs[k].count, needs[k].rows[i]);
        rd_propose_guide(f->given, f->unguided, needs[k].guidance, f->V);
      }
      RD_TRY(rd_propose(&needs[k].out[i], f->given, 1, f->V, &needs[k].where[i], f->workspace, e));
    }
  return RD_OK;
}

static inline fake_denoiser fake_open(fake_logits *logits, int64_t V) {
  return (fake_denoiser){.base.run = fake_run,
                         .logits = logits,
                         .V = V,
                         .given = malloc((size_t)V * sizeof(float)),
                         .unguided = malloc((size_t)V * sizeof(float)),
                         .workspace = malloc(rd_propose_workspace(V))};
}

static inline void fake_close(fake_denoiser *f) {
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
  return rd_params_resolve(&f->p, &o, &f->sampler, e);
}

static inline void fake_params_drop(fake_params *f) {
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &f->p, f->given};
  rd_options_drop(&o);
}

#endif
