/* SPDX-License-Identifier: MIT */
/* What matmul.c asks of oneDNN: products on the calling thread alone, prepared once for each shape
 * and kept by the thread. */
#ifndef RD_ONEDNN_H
#define RD_ONEDNN_H

#include "error.h"
#include "mat.h"

/* c = a b + beta c, as in rd_matmul; sizes are not zero. Where the rows of c do not follow each
 * other, or parts of a or b are taken across their direction, oneDNN takes another way, which adds
 * up in another order. */
rd_code rd_onednn_multiply(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e);

/* b packed into `to`. */
rd_code rd_onednn_pack(void *to, rd_mat b, rd_error *e);

/* Memory of the calling thread for a purpose, aligned to 64, until it ends or asks for more (the
 * content is lost then); NULL without memory. */
enum { RD_ROOM_PIECES, RD_ROOM_APART, RD_ROOM_LENT, RD_ONEDNN_ROOMS };
void *rd_onednn_room(int which, size_t bytes, rd_error *e);

#endif
