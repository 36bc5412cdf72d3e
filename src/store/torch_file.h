/* SPDX-License-Identifier: MIT */
/* What torch.save wrote (.pth, .pt, .bin): tensors out of state dicts and pickled modules. Such
 * files are programs to Python; nothing in them is ever executed here (pickle.h). */
#ifndef RD_TORCH_FILE_H
#define RD_TORCH_FILE_H

#include "tensors.h"

/* The tensors of a file, named by where they stand: the keys of dicts and the numbers of lists, one
 * after another with dots between; of a module what its state_dict() would call them. They point
 * into data where that holds them in order, aligned and in this machine's byte order, else into
 * copies that `t` owns. Refused by name: classes and functions that do not hold weights, the format
 * from before torch 1.6, TorchScript, storages and views that lie about their size, tensors that
 * are no plain arrays (quantised, sparse, on no device). */
rd_code rd_torch_parse(rd_tensors *t, const unsigned char *data, size_t size, rd_error *e);
/* The same of a mapped file, sorted by name; on failure `t` is empty. */
rd_code rd_torch_open(rd_tensors *t, const char *path, rd_error *e);

#endif
