/* SPDX-License-Identifier: MIT */
/* Events shown as they come. The time spent waiting for the user does not count as work. */
#include "view_live.h"

#include "clock.h"
#include "view_terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static rd_code show(rd_live *live, rd_error *e) {
  int width = 80, height = 0;
  bool redraw = live->watching == RD_WATCH_REDRAW;
  if (redraw)
    rd_terminal_size(&width, &height);
  live->frame.hint = live->step ? "space next  q stop" : NULL;
  char *text = rd_frame_paint(&live->frame, width, height, live->flags);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "no memory to show the draft");
  if (redraw)
    rd_terminal_show(text);
  else
    fprintf(stderr, "%s\n\n", text);
  free(text);
  return RD_OK;
}

/* After a draft or a noise: until the next key, or for the pause. */
static rd_code wait(rd_live *live, rd_error *e) {
  double from = rd_seconds(), left = live->step ? -1 : live->pause;
  for (;;) {
    int key = rd_terminal_key(left);
    if (key == RD_KEY_RESIZED)
      RD_TRY(show(live, e));
    live->stopped = key == 'q' || key == RD_KEY_CLOSED;
    if (live->stopped || key == RD_KEY_SIGNAL)
      return rd_fail(e, RD_CANCELLED, "stopped");
    double over = rd_seconds() - from;
    left = live->step ? -1 : live->pause - over;
    if (key == ' ' || key == RD_KEY_NONE || (!live->step && left <= 0)) {
      live->held += over;
      return RD_OK;
    }
  }
}

static rd_code show_and_wait(rd_live *live, const rd_event *event, rd_error *e) {
  bool draft = event->kind == RD_EVENT_DRAFT, redraw = live->watching == RD_WATCH_REDRAW;
  live->frame.seconds = rd_seconds() - live->begun - live->held;
  if (redraw || draft)
    RD_TRY(show(live, e));
  return redraw && (live->step || live->pause > 0) ? wait(live, e) : RD_OK;
}

rd_code rd_live_event(rd_live *live, const rd_event *event, rd_error *e) {
  if (live->watching == RD_WATCH_NOT)
    return RD_OK;
  RD_TRY(rd_frame_event(&live->frame, event, NULL, e));
  if (event->kind == RD_EVENT_NOISE || event->kind == RD_EVENT_DRAFT)
    return show_and_wait(live, event, e);
  if (event->kind == RD_EVENT_DONE)
    return RD_OK;
  live->begun = rd_seconds();
  live->held = 0;
  if (live->watching != RD_WATCH_REDRAW)
    return RD_OK;
  return rd_terminal_open(live->step || (live->pause > 0 && isatty(STDIN_FILENO)), e);
}

void rd_live_end(rd_live *live) {
  if (live->watching == RD_WATCH_REDRAW) {
    rd_terminal_leave("");
    rd_terminal_close();
  }
  rd_frame_drop(&live->frame);
}
