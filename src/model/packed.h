/* SPDX-License-Identifier: MIT */
/* Frozen matrices, packed once for all the products of a training run. */
#ifndef RD_PACKED_H
#define RD_PACKED_H

#include "arena.h"
#include "weights.h"

/* Pack the matrices that rows are multiplied with, for both directions, into an arena that is taken
 * here and dropped by the caller: w's own structs then point there. Nothing may change the matrices
 * afterwards. The head comes first, then layer by layer as many as a fixed room holds; the rest,
 * and all on machines without such a layout, stays where it is. */
rd_code rd_weights_pack(rd_weights *w, const rd_config *c, rd_arena *arena, rd_error *e);
/* Bytes that it takes. */
size_t rd_weights_packed_size(const rd_weights *w, const rd_config *c);

#endif
