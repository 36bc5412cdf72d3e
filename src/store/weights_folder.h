/* SPDX-License-Identifier: MIT */
/* The weights of a Hugging Face folder, whichever kind of files holds them. */
#ifndef RD_WEIGHTS_FOLDER_H
#define RD_WEIGHTS_FOLDER_H

#include "tensors.h"

/* model.safetensors, or the shards of model.safetensors.index.json, which may lie in folders below
 * and of which the index names the one that counts where two hold one name; without either the same
 * of pytorch_model.bin. Mapped and sorted; on failure `t` is empty. */
rd_code rd_weights_folder_open(rd_tensors *t, const char *folder, rd_error *e);

#endif
