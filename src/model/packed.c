/* SPDX-License-Identifier: MIT */
/* Which matrices are packed. A product packs plain weights each time it runs, which costs a
 * twentieth of it at 512 rows and a fifth where few rows meet many outputs, as chunks of logits do;
 * a packed pair is two copies. So the head first, and no more than what small models take. */
#include "packed.h"

#include "parts.h"

enum { MOST = 1 << 30 }; /* bytes of packed matrices */

static rd_code pack(rd_matrix *m, rd_arena *arena, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  rd_matrix same = *m;
  RD_TRY(rd_matrix_pack_both(&same, &measure, e));
  return arena->used + measure.used <= MOST ? rd_matrix_pack_both(m, arena, e) : RD_OK;
}

static rd_code pack_all(rd_weights *w, const rd_config *c, rd_arena *arena, rd_error *e) {
  RD_TRY(pack(&w->head.w, arena, e));
  rd_walk at = rd_parts_of(c, NULL, w, NULL);
  while (rd_parts_next(&at))
    if (at.linear && at.layer >= 0)
      RD_TRY(pack(&at.linear->w, arena, e));
  return RD_OK;
}

/* An arena that measures packs nothing. */
size_t rd_weights_packed_size(const rd_weights *w, const rd_config *c) {
  rd_arena measure = rd_arena_measure();
  rd_weights same = *w;
  (void)pack_all(&same, c, &measure, NULL);
  return measure.used;
}

rd_code rd_weights_pack(rd_weights *w, const rd_config *c, rd_arena *arena, rd_error *e) {
  RD_TRY(rd_arena_init(arena, rd_weights_packed_size(w, c), "packed weights", e));
  return pack_all(w, c, arena, e);
}
