/* SPDX-License-Identifier: MIT */
/* One generation on a model, ready to run: prompt, canvas, cache, text of events, draft. The
 * command line runs one with rd_draft_run; a server keeps several and packs their needs into one
 * denoiser->run. */
#ifndef RD_GENERATION_H
#define RD_GENERATION_H

#include "canvas.h"
#include "denoiser.h"

typedef struct rd_request {
  const rd_model *model;   /* borrowed */
  const rd_params *params; /* resolved; borrowed until the generation is freed */
  const rd_sampler *sampler;
  const int32_t *prompt; /* (prompt_count) ids, copied */
  int64_t prompt_count;
  const int32_t *ids;    /* (count) a draft by position, or NULL: the region comes from params */
  const uint8_t *places; /* (count) rd_place */
  int64_t count;
  rd_observer *observer; /* or NULL */
  void *context;
} rd_request;

typedef struct rd_generation rd_generation;

/* Emits start and the initial noise. Errors: those of rd_canvas_init and rd_draft_new. */
rd_code rd_generation_new(rd_generation **out, const rd_request *request, rd_error *e);
void rd_generation_free(rd_generation **generation);
rd_draft *rd_generation_draft(rd_generation *generation);
/* The seed in use, drawn from the system when params.seed is -1. */
uint64_t rd_generation_seed(const rd_generation *generation);
/* Rows that a pass for this generation takes at most (guided ones twice their canvas). */
int64_t rd_generation_rows(const rd_generation *generation);
/* The answer's text so far: new string. */
char *rd_generation_text(const rd_generation *generation);

#endif
