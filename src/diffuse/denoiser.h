/* SPDX-License-Identifier: MIT */
/* The back-end that runs a model on this machine: packed passes, and proposals from chunks of
 * logits. */
#ifndef RD_DENOISER_H
#define RD_DENOISER_H

#include "draft.h"
#include "model.h"

/* For passes of at most `rows` tokens together (guided needs count twice) and `longest` in one
 * sequence. More needs than fit are run in several passes. Belongs to one thread at a time; uses
 * the number of threads set when it was opened. The model is borrowed. */
rd_code rd_denoiser_open(rd_denoiser **out, const rd_model *model, int64_t rows, int64_t longest,
                         rd_error *e);
void rd_denoiser_close(rd_denoiser **denoiser);
/* Bytes that it takes. */
size_t rd_denoiser_memory(const rd_model *model, int64_t rows, int64_t longest);

#endif
