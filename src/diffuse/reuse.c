/* SPDX-License-Identifier: MIT */
/* The table of reuses. Keys and values depend on everything that a position sees. Under causal and
 * block attention that is nothing behind its block, so what lies before the first change is still
 * right, and every row there does the same: it computes from the block of the first change to the
 * block of the last row wanted. Where attention looks both ways, whatever is not computed again is
 * an approximation; Fast-dLLM (Wu et al. 2025) found it good within a block of the answer, and
 * computes everything when a block begins. Masks far behind the block say little more than how many
 * they are: `near` leaves them out (DPad, Chen et al. 2025), so that neither they nor their share
 * of attention are computed before their turn comes. */
#include "reuse.h"

#include "attention.h"
#include "whole.h"

#include <string.h>

static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static rd_reuse_range range_changed(const rd_reuse_view *v) {
  int64_t block = v->attention, first = rd_least(v->changed, v->wanted_first);
  int64_t last = most(first + 1, v->wanted_end) - 1;
  if (v->led) /* what stands ahead was computed for a pass alone */
    return (rd_reuse_range){rd_least(first, v->origin), v->length, v->length};
  return (rd_reuse_range){most(rd_block_start(first, block, v->origin), 0),
                          rd_least(rd_block_start(last, block, v->origin) + block, v->length),
                          v->length};
}

static rd_reuse_range range_prefix(const rd_reuse_view *v) {
  if (v->attention != RD_BIDIRECTIONAL)
    return range_changed(v);
  return (rd_reuse_range){v->begins ? 0 : v->block_first, v->length, v->length};
}

static rd_reuse_range range_dual(const rd_reuse_view *v) {
  rd_reuse_range range = range_prefix(v);
  if (v->attention == RD_BIDIRECTIONAL && !v->begins)
    range.end = rd_least(v->block_end, v->length);
  return range;
}

static rd_reuse_range range_moving(const rd_reuse_view *v) {
  if (v->attention != RD_BIDIRECTIONAL)
    return range_changed(v);
  return (rd_reuse_range){v->moving_first, rd_least(v->moving_end, v->length), v->length};
}

const rd_reuse rd_reuses[] = {
    {.name = "exact",
     .help = "what changes nothing: causal where attention only looks back, else none"},
    {.name = "none", .help = "every position is computed at every pass"},
    {.name = "causal",
     .help = "what stands before the first change is kept: exact, where attention only looks back",
     .range = range_changed,
     .looks_back = true},
    {.name = "prefix",
     .help = "the prompt and finished blocks are kept until a block ends: exact where attention "
             "only looks back, else other words may come out",
     .range = range_prefix},
    {.name = "dual",
     .help = "Fast-dLLM: so are the masks behind the block, and it alone is computed",
     .range = range_dual},
    {.name = "near",
     .help = "as prefix, and of the masks behind the block the first 64 alone are seen (DPad): "
             "other words may come out where attention looks both ways",
     .range = range_prefix,
     .near = 64},
    {.name = "settled",
     .help = "only the stretch of places that still move; everything at every fourth pass. Other "
             "words may come out where attention looks both ways",
     .range = range_moving,
     .settles = true},
};
const size_t rd_reuse_count = sizeof rd_reuses / sizeof *rd_reuses;

const rd_table rd_reuse_table = RD_TABLE("reuse", rd_reuses);

rd_code rd_reuse_find(const rd_reuse **out, const char *name, int64_t attention, rd_error *e) {
  if (!name || strcmp(name, "exact") == 0)
    name = attention == RD_BIDIRECTIONAL ? "none" : "causal";
  const rd_reuse *row = *out = rd_table_find(&rd_reuse_table, name, e);
  if (!row)
    return RD_USAGE;
  return attention != RD_BIDIRECTIONAL || !row->looks_back
           ? RD_OK
           : rd_fail(e, RD_USAGE,
                     "--reuse %s needs attention that only looks back: this model's positions see "
                     "all others",
                     name);
}

rd_reuse_range rd_reuse_choose(const rd_reuse *row, const rd_reuse_view *v) {
  rd_reuse_range range = {0, v->length, v->length};
  if (row->range)
    range = row->range(v);
  if (row->near > 0 && v->attention == RD_BIDIRECTIONAL)
    range.seen = rd_least(v->length, most(v->block_end + row->near, v->wanted_end));
  if (v->wanted_first < v->wanted_end) {
    range.first = rd_least(range.first, v->wanted_first);
    range.end = most(range.end, v->wanted_end);
  }
  range.end = rd_least(range.end, range.seen);
  range.first = most(0, rd_least(range.first, range.seen - 1));
  return range;
}
