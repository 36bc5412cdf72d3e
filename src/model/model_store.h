/* SPDX-License-Identifier: MIT */
/* What an open model owns besides its plain facts: mapped files and converted weights. */
#ifndef RD_MODEL_STORE_H
#define RD_MODEL_STORE_H

#include "adapter.h"
#include "arena.h"
#include "bind.h"
#include "model.h"
#include "model_file.h"
#include "sampler_head.h"

struct rd_model_store {
  rd_model_file file;
  rd_adapter adapter;
  rd_sampler_head sampler_head; /* of the adapter */
  bool adapter_words;           /* the vocabulary is that of the adapter's folder */
  rd_arena weights;             /* what is not used in place */
  rd_binder binder;             /* which makes it */
  rd_arena tight, lists;        /* matrices in 12 bits (tighten.h) */
  char *path;                   /* the model's, for messages */
  size_t unmade;                /* bytes that are still to be made (rd_model_make), or 0 */
  bool gated;
  rd_arena tables; /* layers */
};

/* An empty model whose configuration is set: layers made, weights still unset. */
rd_code rd_model_new(rd_model **out, const rd_config *config, const char *name, rd_error *e);
/* As rd_model_open, but what is not used in place may be left to rd_model_make, where that is done
 * in a moment: before the first engine. Until then the weights have no numbers, and what is damaged
 * in them is not known. */
rd_code rd_model_open_late(rd_model **out, const rd_model_options *options, rd_error *e);
/* Nothing to do where it was done before. */
rd_code rd_model_make(rd_model *m, rd_error *e);
#endif
