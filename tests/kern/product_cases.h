/* SPDX-License-Identifier: MIT */
/* Dense products C (m,n) += A (m,k) B (k,n) that are checked, whose gradients of weights are, and
 * that are timed: odd sizes, and those of small models. */
#ifndef PRODUCT_CASES_H
#define PRODUCT_CASES_H

#include <stdint.h>

typedef struct product_case {
  int64_t m, n, k, pad; /* pad: numbers between the lines, when it is checked */
} product_case;

static const product_case products[] = {{1, 1, 1, 0},       {1, 48, 33, 0},     {3, 17, 5, 2},
                                        {7, 288, 288, 0},   {16, 1, 64, 1},     {33, 100, 77, 3},
                                        {64, 31, 256, 0},   {130, 257, 96, 5},  {5, 9, 0, 0},
                                        {2, 64, 1000, 0},   {4, 8192, 288, 0},  {288, 768, 512, 0},
                                        {32, 576, 1024, 0}, {576, 32, 1024, 0}, {40, 3000, 300, 0},
                                        {7, 96, 5000, 0},   {16, 4096, 300, 0}, {1, 4096, 4096, 0}};
enum { PRODUCTS = sizeof products / sizeof *products };

#endif
