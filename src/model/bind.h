/* SPDX-License-Identifier: MIT */
/* From tensors in files to the weights of a pass: looked up by name, checked for shape, used in
 * place where the stored format is the wanted one, else made once: integer groups straight from the
 * file's blocks, anything else from numbers, with an adapter's factors in them where those are
 * thick. */
#ifndef RD_BIND_H
#define RD_BIND_H

#include "adapter.h"
#include "factors.h"
#include "parts.h"
#include "precision.h"

typedef struct rd_binder {
  const rd_tensors *tensors;
  const rd_names *names;     /* that they have: the family's, or GGUF's */
  const rd_adapter *adapter; /* or NULL */
  rd_adapter_use use;        /* of its factors */
  const rd_weights *plain;   /* the model bound without it, whose numbers are shared; or NULL */
  rd_precision_choice precision;
  bool halves;             /* pairs of rotated heads lie side by side in the file, and in halves in
                              what is bound (rope.h) */
  rd_arena *arena;         /* measuring, or placed: the same calls are made in both runs */
  bool ties;               /* the files say that the head is the embedding */
  const rd_tensor *shared; /* where the head has no tensor of its own: the embedding's */
  const rd_tensor *words;  /* the embedding with words added, where it is the adapter's; or NULL */
  rd_changes embedding;    /* what the adapter does to the embedding, once that is bound */
  rd_weights_made *made;   /* called after each matrix that is made; or NULL */
  void *context;
} rd_binder;

/* An adapter that was trained with words added brings an embedding of more rows, or, for a tied
 * model, a head: they become the vocabulary's. */
rd_code rd_bind_rows(rd_binder *b, rd_config *c, rd_error *e);
/* Settle, before weights are bound, whether the model is tied: c->tied may become false. A file
 * that ties its head and stores another matrix for it (*stored) means that one, as after training
 * the head; and an adapter of the one leaves the other as it is. */
rd_code rd_bind_ties(rd_binder *b, rd_config *c, bool *stored, rd_error *e);

/* All weights of a model; w->layers has room for every layer. Errors name the tensor, the shape
 * expected and found, or the first NaN or infinity met while converting. Norms and biases are
 * looked through too; matrices used in place are not, so that a 16 GB mapping opens without being
 * read. */
rd_code rd_bind_weights(rd_binder *b, const rd_config *c, rd_weights *w, rd_error *e);

#endif
