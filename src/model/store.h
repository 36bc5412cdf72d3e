/* SPDX-License-Identifier: MIT */
/* What an open model owns besides its plain facts: mapped files and converted weights. */
#ifndef RD_STORE_H
#define RD_STORE_H

#include "arena.h"
#include "family.h"
#include "gguf.h"
#include "model.h"

struct rd_model_store {
  rd_tensors tensors; /* of the model's files; of a GGUF they lie in `gguf` */
  rd_gguf gguf;
  const rd_tensor_names *names;
  rd_tensors adapter_tensors; /* of the adapter's */
  rd_arena weights;           /* converted tensors */
  rd_arena tables;            /* layers */
  rd_arena adapter;           /* converted or merged adapter */
  rd_arena integers;          /* of --precision int8 */
};

/* An empty model whose configuration is set: layers made, weights still unset. */
rd_code rd_model_new(rd_model **out, const rd_config *config, const char *name, rd_error *e);
/* Attach the PEFT adapter in `folder` (adapter.c). */
rd_code rd_adapter_attach(rd_model *m, const char *folder, rd_adapter_use use, rd_error *e);

#endif
