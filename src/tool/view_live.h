/* SPDX-License-Identifier: MIT */
/* A generation watched while it runs: its events painted in place or as lines, with pauses, single
 * steps and a key to stop. */
#ifndef RD_VIEW_LIVE_H
#define RD_VIEW_LIVE_H

#include "view_ending.h"
#include "view_frame.h"

typedef struct rd_live {
  rd_watching watching; /* set these before the first event */
  unsigned flags;       /* of rd_frame_paint */
  bool step;            /* wait for a key after every draft and noise: space = next, q = stop */
  double pause;         /* seconds to wait after every draft and noise */
  bool stopped;         /* q was pressed: the observer returned RD_CANCELLED for it */
  rd_frame frame;
  double begun, held; /* when it began; seconds spent waiting for the user */
} rd_live;

/* Show an event. RD_CANCELLED: a key or a signal says to stop. */
rd_code rd_live_event(rd_live *live, const rd_event *event, rd_error *e);
/* Clear the picture, give the terminal back and the memory too; fine after any event or none. */
void rd_live_end(rd_live *live);

#endif
