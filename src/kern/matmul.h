/* SPDX-License-Identifier: MIT */
/* Matrix products of views (mat.h).
 *
 * Layers: y = x W' with x (T,K) and W (N,K) is rd_matmul(y, x, rd_mat_transposed(W)); the input
 * gradient is rd_matmul(dx, dy, W); the weight gradient is rd_matmul(dw, rd_mat_transposed(dy), x)
 * with beta = 1 to accumulate. */
#ifndef RD_MATMUL_H
#define RD_MATMUL_H

#include "error.h"
#include "mat.h"

/* c = a b + beta c, with c (M,N), a (M,K), b (K,N), accumulated in f32.
 *
 * Types: a and b f32 and c f32; or a and b bf16 and c f32 or bf16. `beta` is 0 or 1. Sizes of zero
 * are fine: K = 0 gives zeros (or leaves c). c must not overlap a or b. Each row of c is bitwise
 * the same whatever M is and however many threads run, when a is row-major, the rows of c follow
 * each other and N > 1: a token's result does not depend on what it was batched with. With a turned
 * (the gradient of weights) c does not depend on the threads. May be called from several threads at
 * once; inside rd_parallel it runs on the calling thread alone. The first product of a shape in a
 * thread prepares it (allocates); later ones only run. Without bf16 instructions such operands are
 * converted in pieces and multiplied in f32. Shapes and types must fit (asserted). Errors:
 * RD_UNSUPPORTED when oneDNN refuses, RD_NO_MEMORY.
 */
rd_code rd_matmul(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e);

/* The right side of many products, packed once in the layout that the kernels read, which a product
 * with plain b makes again each time. Results are bitwise the same. Bytes of a packed b: those of
 * its numbers, with rows filled up to 32 and columns to 64; 0 where this machine multiplies the
 * type in no such layout (all but bf16 instructions). `to` is aligned to 64. */
size_t rd_matmul_packed_size(rd_mat b);
rd_code rd_matmul_pack(void *to, rd_mat b, rd_error *e);

/* At least `bytes` of the calling thread's own memory, aligned to 64, until the thread ends or asks
 * for more (its content is lost then); NULL without memory. For kernels that finish products. */
void *rd_matmul_scratch(size_t bytes, rd_error *e);

#endif
