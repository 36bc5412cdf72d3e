/* SPDX-License-Identifier: MIT */
/* What a person sees of a draft: the events of a generation gathered into one picture. Fed by a
 * running generation and by traces alike; knows nothing of terminals. */
#ifndef RD_VIEW_FRAME_H
#define RD_VIEW_FRAME_H

#include "error.h"

typedef enum rd_look {
  RD_LOOK_PLAIN,
  RD_LOOK_RETAINED, /* never masked again; its token may change */
  RD_LOOK_LOCKED,   /* its token stays too */
  RD_LOOK_NEW,
  RD_LOOK_DRAFTED,  /* where the base checks: drafted, and not yet its own */
  RD_LOOK_REPLACED, /* the base's own word, where another was drafted */
  RD_LOOK_MASKED,
  RD_LOOK_END,
} rd_look;

/* A caller's storage, zeroed before the first event. */
typedef struct rd_frame {
  char **pieces; /* (count) text of each position, "" where it has none */
  uint8_t *look; /* (count) rd_look */
  int64_t count;
  size_t room;
  int64_t iteration, iterations; /* now, at most */
  bool noise;                    /* the picture is a noise, put on draft `iteration` */
  int64_t tokens, masked, changed, retained, locked;
  int64_t drafted, accepted, rejected; /* by this draft, where the base checks */
  int64_t sure, end; /* places that are the base's own; up to where others were drafted */
  double confidence; /* mean over the tokens */
  double seconds;    /* since the start, set by who knows; 0: not shown */
  const char *hint;  /* shown at the end of the status line, or NULL */
  int32_t mask;      /* the id of the mask token, as far as it has been seen */
  bool mask_seen;
  const int32_t *ends; /* (end_count) ids that end answers; set by who feeds it a trace, known from
                          the events of a running generation */
  int end_count;
} rd_frame;

/* Take an event in. `pieces` (event->count) are used where given, else rd_event_piece. */
rd_code rd_frame_event(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e);
void rd_frame_drop(rd_frame *f);

enum {
  RD_PAINT_COLOUR = 1, /* masked red, new green, locked blue, retained cyan, drafted magenta,
                          replaced yellow, the status line dim */
  RD_PAINT_STATUS = 2, /* a status line at the end */
};

/* The picture as text: lines of at most `width` columns with '\n' between them and none at the end,
 * at most `height` of them (0: any number), so chosen that the end of the text shows. Wrapped at
 * spaces by display width; control characters and bytes that are not UTF-8 show as U+FFFD. A new
 * string; NULL when memory is out. Depends on its arguments alone. */
char *rd_frame_paint(const rd_frame *f, int width, int height, unsigned flags);
/* The same for a text. */
char *rd_text_paint(const char *text, int width);
/* Columns that a painted line of `size` bytes takes; escape sequences take none. */
int rd_text_width(const char *line, size_t size);

#endif
