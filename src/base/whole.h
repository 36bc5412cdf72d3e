/* SPDX-License-Identifier: MIT */
/* Whole numbers of parts. */
#ifndef RD_WHOLE_H
#define RD_WHOLE_H

#include <stdint.h>

/* Parts of `size` that hold n: n / size, rounded up. */
static inline int64_t rd_over(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

static inline int64_t rd_least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

#endif
