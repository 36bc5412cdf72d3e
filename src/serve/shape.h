/* SPDX-License-Identifier: MIT */
/* A shape: what a body that asks for a draft may hold, and how its answer is laid out. */
#ifndef RD_SHAPE_H
#define RD_SHAPE_H

#include "json.h"

struct rd_group;
struct rd_job;
struct rd_reply;

typedef struct rd_shape {
  const char *path;
  const char *id;     /* what the ids of its answers begin with */
  const char *fields; /* rows of body.c that it takes beside options of generation, and of these
                         what other interfaces have (seed); space separated */
  const char *needs;  /* what to give, where a body has nothing to answer: "messages" */
  const char *loads;  /* without it, or empty, the model is only to be there; NULL: no such thing */
  bool streams;       /* unless the body says otherwise */
  /* Another interface's body as one of OpenAI's, whose fields are those above. NULL: it is one. */
  const struct rd_translation *translation;
  bool raw;     /* the prompt is text to go on from: no chat template */
  bool lowers;  /* a window beyond the model's is the model's */
  bool inserts; /* a suffix stands behind the answer, and does not go back with it */
  bool events;  /* every event is sent as it happens; what follows is for the others */
  const char *object, *chunk; /* the kinds of a whole answer and of a piece of one; NULL, as what
                                 follows but the last two, where they know nothing of choices */
  /* A whole answer, and a piece: new references. `finish` is NULL where more follows; `first` is
   * the piece before any text. */
  json_t *(*whole)(const char *text, const char *finish);
  json_t *(*piece)(const char *text, size_t size, bool first, const char *finish);
  json_t *(*likely)(const struct rd_job *job); /* its log-probabilities, in either of the two */
  char *(*answer)(
      const struct rd_group *group); /* not streamed: a new string, NULL without memory */
  const struct rd_reply *reply;      /* streamed */
} rd_shape;

#endif
