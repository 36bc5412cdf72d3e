/* SPDX-License-Identifier: MIT */
/* The activations of gated feed-forward layers, by the names that configurations give them. */
#ifndef RD_ACTIVATION_H
#define RD_ACTIVATION_H

#include "kernels.h"
#include "table.h"

typedef struct rd_activation {
  const char *name;
  size_t kernels; /* where its functions lie in rd_kernels */
} rd_activation;

/* Find one by name with rd_table_row. Several names may mean one function. */
extern const rd_table rd_activation_table;

/* Its functions among those of a level; NULL: those of silu. */
const rd_gate_kernels *rd_activation_kernels(const rd_activation *f, const rd_kernels *kernels);

#endif
