/* SPDX-License-Identifier: MIT */
/* Painted frames as one animated picture: an SVG that plays by CSS alone, wherever an image goes.
 */
#ifndef RD_VIEW_FILM_H
#define RD_VIEW_FILM_H

#include "error.h"

#include <stdio.h>

enum { RD_FILM_WIDTH = 76 }; /* columns that frames should be painted for */

/* A caller's storage, zeroed before the first frame. */
typedef struct rd_film {
  char **frames; /* (count) as rd_frame_paint gives them, the last line the status */
  size_t count;
  const char *title; /* shown above all, one line, as a shell's prompt; or NULL */
  double pause;      /* seconds that a frame stays; the last one stays 4 more */
} rd_film;

/* Add a frame; `painted` becomes the film's. */
rd_code rd_film_add(rd_film *film, char *painted, rd_error *e);
/* A whole SVG document. Long films lose frames between the first and the last, so that it stays
 * below about 100 KB. What cannot animate shows the last frame. RD_USAGE for a film of no frames.
 */
rd_code rd_film_write(const rd_film *film, FILE *out, rd_error *e);
void rd_film_drop(rd_film *film);

#endif
