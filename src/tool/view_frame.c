/* SPDX-License-Identifier: MIT */
/* Events gathered into a frame. A trace names no mask token: the first noise shows its id. */
#include "view_frame.h"

#include "draft.h"
#include "events.h"

#include <stdlib.h>
#include <string.h>

void rd_frame_drop(rd_frame *f) {
  for (int64_t i = 0; f && i < f->count; i++)
    free(f->pieces[i]);
  if (f) {
    free(f->pieces);
    free(f->look);
    memset(f, 0, sizeof *f);
  }
}

static rd_code resize(rd_frame *f, int64_t count, rd_error *e) {
  for (int64_t i = count; i < f->count; i++)
    free(f->pieces[i]);
  size_t room = f->room;
  RD_TRY(rd_grow((void **)&f->pieces, &room, (size_t)count, sizeof *f->pieces, e));
  RD_TRY(rd_grow((void **)&f->look, &f->room, (size_t)count, sizeof *f->look, e));
  for (int64_t i = f->count; i < count; i++) {
    f->pieces[i] = NULL;
    f->look[i] = RD_LOOK_PLAIN;
  }
  f->count = count;
  return RD_OK;
}

static bool is_end(const rd_frame *f, const rd_event *event, int32_t id) {
  const rd_speller *s = event->speller;
  const int32_t *ends = s ? s->ends : f->ends;
  for (int i = 0; i < (s ? s->end_count : f->end_count); i++)
    if (ends[i] == id)
      return true;
  return false;
}

static rd_code take_pieces(rd_frame *f, const rd_event *event, char *const *given, rd_error *e) {
  RD_TRY(resize(f, event->count, e));
  char **own = given ? NULL : rd_event_pieces(event);
  char *const *pieces = given ? given : own;
  bool whole = pieces != NULL;
  for (int64_t i = 0; whole && i < f->count; i++) {
    bool end = is_end(f, event, event->ids[i]);
    free(f->pieces[i]);
    f->pieces[i] = strdup(end ? "" : pieces[i]);
    f->look[i] = end ? RD_LOOK_END : RD_LOOK_PLAIN;
    whole = f->pieces[i] != NULL;
  }
  rd_event_pieces_free(&own, event->count);
  return whole ? RD_OK
               : rd_fail(e, RD_NO_MEMORY, "no memory to show %lld tokens", (long long)f->count);
}

/* Tokens are those of the answer: up to the first that ends it. */
static void count_up(rd_frame *f, const float *confidence) {
  double sum = 0;
  bool ended = false;
  f->tokens = f->masked = 0;
  for (int64_t i = 0; i < f->count; i++) {
    bool masked = f->look[i] == RD_LOOK_MASKED;
    ended = ended || f->look[i] == RD_LOOK_END;
    f->masked += masked;
    if (masked || ended)
      continue;
    f->tokens++;
    sum += confidence ? (double)confidence[i] : 0;
  }
  if (confidence)
    f->confidence = f->tokens ? sum / (double)f->tokens : 0;
}

/* What the sampler settled, where nothing more is to be said of a position. */
static void take_settled(rd_frame *f, const rd_event *event) {
  const struct {
    const int32_t *list;
    int64_t count;
    rd_look look;
  } kinds[] = {{event->retained, event->retained_count, RD_LOOK_RETAINED},
               {event->locked, event->locked_count, RD_LOOK_LOCKED}};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (int64_t i = 0; i < kinds[k].count; i++)
      if (f->look[kinds[k].list[i]] == RD_LOOK_PLAIN)
        f->look[kinds[k].list[i]] = (uint8_t)kinds[k].look;
  f->retained = event->retained_count;
  f->locked = event->locked_count;
}

/* Where the base checks, what stands behind its own words was drafted; a new word of its own where
 * something was drafted took that one's place. */
static void take_checked(rd_frame *f, const rd_event *event) {
  for (int64_t i = 0; i < event->changed_count && event->sure > 0; i++) {
    int64_t at = event->changed[i];
    if (at >= f->sure && at < f->end && at < event->sure && f->look[at] == RD_LOOK_NEW)
      f->look[at] = RD_LOOK_REPLACED;
  }
  for (int64_t i = event->sure; i < f->count && event->sure > 0; i++)
    if (f->look[i] == RD_LOOK_PLAIN || f->look[i] == RD_LOOK_NEW)
      f->look[i] = RD_LOOK_DRAFTED;
  f->sure = event->sure;
  f->end = f->count;
  f->drafted = event->drafted;
  f->accepted = event->accepted;
  f->rejected = event->rejected;
}

static rd_code take_start(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  (void)pieces;
  rd_frame ends = {.ends = f->ends, .end_count = f->end_count};
  rd_frame_drop(f);
  *f = ends;
  f->iterations = event->iterations;
  return resize(f, 0, e);
}

static rd_code take_noise(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  RD_TRY(take_pieces(f, event, pieces, e));
  for (int64_t i = 0; i < event->masked_count; i++)
    f->look[event->masked[i]] = RD_LOOK_MASKED;
  if (event->masked_count > 0) {
    f->mask = event->ids[event->masked[0]];
    f->mask_seen = true;
  }
  take_settled(f, event);
  f->iteration = event->iteration;
  f->noise = true;
  count_up(f, NULL);
  return RD_OK;
}

static rd_code take_draft(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  RD_TRY(take_pieces(f, event, pieces, e));
  for (int64_t i = 0; i < f->count; i++)
    if (f->look[i] != RD_LOOK_END)
      f->look[i] = f->mask_seen && event->ids[i] == f->mask ? RD_LOOK_MASKED : RD_LOOK_PLAIN;
  for (int64_t i = 0; i < event->changed_count; i++)
    if (f->look[event->changed[i]] == RD_LOOK_PLAIN)
      f->look[event->changed[i]] = RD_LOOK_NEW;
  take_checked(f, event);
  take_settled(f, event);
  f->iteration = event->iteration;
  f->noise = false;
  f->changed = event->changed_count;
  count_up(f, event->confidence);
  return RD_OK;
}

static rd_code take_done(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  (void)pieces;
  (void)e;
  f->seconds = event->seconds;
  return RD_OK;
}

rd_code rd_frame_event(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  static rd_code (*const kinds[])(rd_frame *, const rd_event *, char *const *,
                                  rd_error *) = {[RD_EVENT_START] = take_start,
                                                 [RD_EVENT_NOISE] = take_noise,
                                                 [RD_EVENT_DRAFT] = take_draft,
                                                 [RD_EVENT_DONE] = take_done};
  return kinds[event->kind](f, event, pieces, e);
}
