/* SPDX-License-Identifier: MIT */
/* What an open model owns besides its plain facts: mapped files and converted weights. */
#ifndef RD_MODEL_STORE_H
#define RD_MODEL_STORE_H

#include "adapter.h"
#include "arena.h"
#include "model.h"
#include "model_file.h"
#include "sampler_head.h"

struct rd_model_store {
  rd_model_file file;
  rd_adapter adapter;
  rd_sampler_head sampler_head; /* of the adapter */
  bool adapter_words;           /* the vocabulary is that of the adapter's folder */
  rd_arena weights;             /* what is not used in place */
  rd_arena tables;              /* layers */
};

/* An empty model whose configuration is set: layers made, weights still unset. */
rd_code rd_model_new(rd_model **out, const rd_config *config, const char *name, rd_error *e);
#endif
