/* SPDX-License-Identifier: MIT */
/* The products that are checked and timed: shapes of tini, of a small and of an 8B model, by the
 * rows at which they are asked. */
#ifndef GROUP_CASES_H
#define GROUP_CASES_H

#include <stdint.h>

static const struct {
  int64_t K, N;
} group_shapes[] = {{288, 768}, {288, 8192}, {1024, 4096}, {4096, 4096}, {4096, 14336}};

static const int64_t group_counts[] = {1, 2, 4, 8, 32, 256};

#endif
