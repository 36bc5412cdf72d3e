/* SPDX-License-Identifier: MIT */
/* Shapes: what a body that asks for a draft may hold, and how its answer is laid out. A row each,
 * found by the path that takes it. */
#ifndef RD_SHAPE_H
#define RD_SHAPE_H

#include "json.h"
#include "table.h"

typedef struct rd_shape {
  const char *path;
  const char *id;     /* what the ids of its answers begin with */
  const char *fields; /* rows of body.c that it takes beside options of generation; space separated
                       */
  const char *needs;  /* what to give, where a body has nothing to answer: "messages" */
  bool raw;           /* the prompt is text to go on from: no chat template */
  bool events;        /* every event is sent as it happens; what follows is for the others */
  const char *object, *chunk; /* the kinds of a whole answer and of a piece of one */
  /* A whole answer, and a piece: new references. `finish` is NULL where more follows; `first` is
   * the piece before any text. */
  json_t *(*whole)(const char *text, const char *finish);
  json_t *(*piece)(const char *text, size_t size, bool first, const char *finish);
} rd_shape;

extern const rd_shape rd_shapes[];
extern const size_t rd_shape_count;
extern const rd_table rd_shape_table; /* the same */

#endif
