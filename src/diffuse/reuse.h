/* SPDX-License-Identifier: MIT */
/* Reuse: which positions of a canvas a pass computes, and which are read from the lane as an
 * earlier pass left them. Rows of a table; each is a pure function of what is known before the
 * pass. */
#ifndef RD_REUSE_H
#define RD_REUSE_H

#include "engine.h"
#include "table.h"

/* All numbers are positions of the canvas. */
typedef struct rd_reuse_view {
  int64_t length;                   /* what stands in the canvas */
  int64_t block_first, block_end;   /* the block being written */
  bool begins;                      /* with its first pass */
  int64_t changed;                  /* the first that is not as the lane knows it */
  int64_t wanted_first, wanted_end; /* rows whose proposals are wanted; none: equal */
  int64_t attention, origin;        /* as a need's */
  bool led;
  int64_t moving_first, moving_end; /* the stretch of places that are not settled; all: refreshed */
} rd_reuse_view;

typedef struct rd_reuse_range {
  int64_t first, end; /* computed */
  int64_t seen;       /* what stands behind is not there for this pass */
} rd_reuse_range;

typedef struct rd_reuse {
  const char *name, *help;
  rd_reuse_range (*range)(const rd_reuse_view *v); /* NULL: everything, and no lane */
  int64_t near;    /* so many masks behind the block are seen; 0: all */
  bool settles;    /* places whose proposals stand still are not asked again */
  bool looks_back; /* has a meaning only where no position sees what comes after its block */
} rd_reuse;

extern const rd_reuse rd_reuses[];
extern const size_t rd_reuse_count;
extern const rd_table rd_reuse_table; /* the same */

/* The row called `name`; NULL or "exact": the one that computes least and changes nothing under
 * this attention. RD_USAGE: unknown (lists them), or without meaning under this attention. */
rd_code rd_reuse_find(const rd_reuse **out, const char *name, int64_t attention, rd_error *e);
/* What the row computes: never empty, and always what is wanted. */
rd_reuse_range rd_reuse_choose(const rd_reuse *row, const rd_reuse_view *v);

#endif
