/* SPDX-License-Identifier: MIT */
/* A request of a model made into a draft, ready to run: special ids gathered, canvas laid, seed
 * drawn. The command line runs one with rd_draft_run; a server keeps several and packs their needs
 * into one propose of an engine. */
#ifndef RD_REQUEST_H
#define RD_REQUEST_H

#include "canvas.h"
#include "kept.h"

typedef struct rd_request {
  const rd_model *model;   /* borrowed until the draft is freed */
  const rd_params *params; /* resolved; borrowed as long */
  const rd_sampler *sampler;
  const int32_t *prompt; /* (prompt_count) ids, copied */
  int64_t prompt_count;
  const int32_t *ids; /* (count) a draft by position, or NULL: the region comes from params. Ids of
                      masked places count for samplers that search alone: where a word with a
                      space stood, one with a space is looked for */
  const uint8_t *places; /* (count) rd_place */
  int64_t count;
  bool goes_on; /* the answer's text goes on from the prompt's: a space at its beginning counts */
  rd_observer *observer; /* or NULL */
  void *context;
} rd_request;

/* What spells a model's ids, of a text that `goes_on` or one of its own; its mask and its ends are
 * left to who knows them. */
rd_speller rd_speller_of(const rd_model *model, bool goes_on);
/* The seed `wanted`, or for -1 one that the system draws: 53 bits, exact in JSON. */
rd_code rd_seed_draw(uint64_t *seed, int64_t wanted, rd_error *e);
/* Emits start and the initial noise. A seed of -1 is drawn from the system. Errors: those of
 * rd_canvas_init and rd_draft_new. */
rd_code rd_request_draft(rd_draft **out, const rd_request *request, rd_error *e);
/* Make it and run it to its end, on what is kept for this model, or (NULL) on an engine of its own.
 * *text is the answer, or, where the draft was made but did not come to its end, what it had come
 * to: new, NULL when memory is out. */
rd_code rd_request_run(char **text, const rd_request *request, rd_kept *kept, atomic_int *cancelled,
                       rd_error *e);

#endif
