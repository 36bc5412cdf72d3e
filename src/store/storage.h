/* SPDX-License-Identifier: MIT */
/* Storage formats of tensors in files: how many bytes hold how many numbers, and how to read them.
 */
#ifndef RD_STORAGE_H
#define RD_STORAGE_H

#include "dtype.h"
#include "error.h"

typedef struct rd_storage {
  const char
      *name;     /* as safetensors (upper case) and GGUF documentation write it: "BF16", "Q4_K" */
  int gguf;      /* ggml type number, -1: not in GGUF */
  int dtype;     /* the rd_dtype when usable in place, -1 otherwise */
  int64_t block; /* numbers in a block; a row holds whole blocks */
  int64_t bytes; /* of a block */
  /* out[i], i < n; n is a multiple of block */
  void (*decode)(float *out, const unsigned char *in, int64_t n);
} rd_storage;

/* The row of a name or of a ggml type number; NULL: unknown. */
const rd_storage *rd_storage_named(const char *name);
const rd_storage *rd_storage_of_gguf(uint32_t type);
/* All rows, for tests and for listing; *count of them. */
const rd_storage *rd_storages(size_t *count);

#endif
