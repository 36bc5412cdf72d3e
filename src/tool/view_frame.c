/* SPDX-License-Identifier: MIT */
/* Events gathered into a frame. A trace names no mask token: the first noise shows its id. */
#include "view_frame.h"

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
  if (count > f->room) {
    char **pieces = realloc(f->pieces, (size_t)count * sizeof *pieces);
    f->pieces = pieces ? pieces : f->pieces;
    uint8_t *look = pieces ? realloc(f->look, (size_t)count) : NULL;
    if (!look)
      return rd_fail(e, RD_NO_MEMORY, "no memory to show %lld tokens", (long long)count);
    f->look = look;
    f->room = count;
  }
  for (int64_t i = f->count; i < count; i++) {
    f->pieces[i] = NULL;
    f->look[i] = RD_LOOK_PLAIN;
  }
  f->count = count;
  return RD_OK;
}

static rd_code take_pieces(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  RD_TRY(resize(f, event->count, e));
  for (int64_t i = 0; i < f->count; i++) {
    free(f->pieces[i]);
    f->pieces[i] = pieces ? strdup(pieces[i]) : rd_event_piece(event, i);
    if (!f->pieces[i])
      return rd_fail(e, RD_NO_MEMORY, "no memory to show %lld tokens", (long long)f->count);
  }
  return RD_OK;
}

static void count_up(rd_frame *f) {
  f->tokens = f->masked = 0;
  for (int64_t i = 0; i < f->count; i++) {
    f->masked += f->look[i] == RD_LOOK_MASKED;
    f->tokens += f->look[i] != RD_LOOK_MASKED && *f->pieces[i];
  }
}

static rd_code take_start(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  (void)pieces;
  rd_frame_drop(f);
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
  f->iteration = event->iteration;
  count_up(f);
  return RD_OK;
}

static rd_code take_draft(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  RD_TRY(take_pieces(f, event, pieces, e));
  double sum = 0;
  for (int64_t i = 0; i < f->count; i++) {
    bool masked = f->mask_seen && event->ids[i] == f->mask;
    f->look[i] = masked ? RD_LOOK_MASKED : RD_LOOK_PLAIN;
    if (!masked && *f->pieces[i])
      sum += (double)event->confidence[i];
  }
  for (int64_t i = 0; i < event->changed_count; i++)
    if (f->look[event->changed[i]] == RD_LOOK_PLAIN)
      f->look[event->changed[i]] = RD_LOOK_NEW;
  f->iteration = event->iteration;
  f->changed = event->changed_count;
  count_up(f);
  f->confidence = f->tokens ? sum / (double)f->tokens : 0;
  return RD_OK;
}

static rd_code take_done(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  (void)pieces;
  (void)e;
  f->seconds = event->seconds;
  return RD_OK;
}

rd_code rd_frame_take(rd_frame *f, const rd_event *event, char *const *pieces, rd_error *e) {
  static rd_code (*const kinds[])(rd_frame *, const rd_event *, char *const *,
                                  rd_error *) = {[RD_EVENT_START] = take_start,
                                                 [RD_EVENT_NOISE] = take_noise,
                                                 [RD_EVENT_DRAFT] = take_draft,
                                                 [RD_EVENT_DONE] = take_done};
  return kinds[event->kind](f, event, pieces, e);
}
