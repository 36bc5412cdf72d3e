/* SPDX-License-Identifier: MIT */
/* The region as a list of stretches: text, which is encoded and locked, and gaps of masks. */
#include "canvas.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char GAP[] = "{mask";

void rd_canvas_drop(rd_canvas *canvas) {
  if (!canvas)
    return;
  free(canvas->ids);
  free(canvas->places);
  free(canvas->spaced);
  *canvas = (rd_canvas){0};
}

rd_code rd_canvas_check_window(int64_t window, int64_t positions, rd_error *e) {
  return window <= positions
           ? RD_OK
           : rd_fail(e, RD_USAGE, "--window %lld is beyond the model's %lld positions",
                     (long long)window, (long long)positions);
}

static rd_code check_window(const rd_canvas_frame *f, rd_error *e) {
  RD_TRY(rd_canvas_check_window(f->window, f->positions, e));
  char way_out[80] = "";
  if (f->window < f->positions)
    snprintf(way_out, sizeof way_out, " or give a larger --window (the model allows %lld)",
             (long long)f->positions);
  if (f->prompt_count >= f->window)
    return rd_fail(e, RD_USAGE,
                   "the prompt has %lld tokens and the window %lld: nothing is left for the "
                   "answer; shorten the prompt%s",
                   (long long)f->prompt_count, (long long)f->window,
                   *way_out ? way_out : ": the model has no larger window");
  return RD_OK;
}

/* --- building -----------------------------------------------------------------------------------
 */

/* A canvas that grows at its end. */
typedef struct builder {
  rd_canvas *canvas;
  const rd_canvas_frame *frame;
  int64_t room; /* places that the window leaves */
  bool begun;   /* text goes on from earlier text */
  bool spaced;  /* the space that ended it was left to the gap that follows */
} builder;

static rd_code append(builder *b, const int32_t *ids, int64_t count, rd_place place,
                      const char *what, rd_error *e) {
  rd_canvas *c = b->canvas;
  if (count > b->room - c->count)
    return rd_fail(e, RD_USAGE,
                   "%s needs %lld tokens, but of the window's %lld the prompt takes %lld and the "
                   "text before it %lld",
                   what, (long long)count, (long long)c->window, (long long)b->frame->prompt_count,
                   (long long)c->count);
  size_t n = (size_t)(c->count + count) + 1;
  int32_t *more_ids = realloc(c->ids, n * sizeof *more_ids);
  c->ids = more_ids ? more_ids : c->ids;
  uint8_t *more_places = realloc(c->places, n);
  c->places = more_places ? more_places : c->places;
  uint8_t *more_spaced = realloc(c->spaced, n);
  c->spaced = more_spaced ? more_spaced : c->spaced;
  if (!more_ids || !more_places || !more_spaced)
    return rd_fail(e, RD_NO_MEMORY, "no memory for a canvas of %zu tokens", n);
  for (int64_t i = 0; i < count; i++) {
    c->ids[c->count + i] = ids ? ids[i] : b->frame->mask;
    c->places[c->count + i] = (uint8_t)place;
    c->spaced[c->count + i] = 0;
  }
  c->count += count;
  return RD_OK;
}

static rd_code append_text(builder *b, const char *text, size_t size, const char *what,
                           rd_error *e) {
  int32_t *ids;
  size_t count;
  if (size == 0)
    return RD_OK;
  if (!b->frame->tokenizer)
    return rd_fail(e, RD_USAGE, "%s: the model has no tokenizer", what);
  RD_TRY(rd_utf8_check(text, size, what, e));
  RD_TRY(rd_tokenizer_encode(b->frame->tokenizer, text, size, b->begun ? RD_TOK_CONTINUE : 0, &ids,
                             &count, e));
  rd_code code = append(b, ids, (int64_t)count, RD_PLACE_LOCKED, what, e);
  free(ids);
  b->begun = true;
  return code;
}

/* Text before a gap. Most words begin with their space, and after a space alone few are right. */
static rd_code append_before(builder *b, const char *text, size_t size, const char *what,
                             rd_error *e) {
  b->spaced = b->frame->fits && size > 0 && text[size - 1] == ' ';
  return append_text(b, text, size - b->spaced, what, e);
}

static rd_code append_gap(builder *b, int64_t count, const char *what, rd_error *e) {
  int64_t first = b->canvas->count;
  b->begun = true;
  RD_TRY(append(b, NULL, count, RD_PLACE_MASKED, what, e));
  b->canvas->spaced[first] = b->spaced;
  return RD_OK;
}

/* One locked EOS tells the model that the text ends here. */
static rd_code append_end(builder *b, rd_error *e) {
  if (b->frame->eos < 0 || b->canvas->count >= b->room)
    return RD_OK;
  return append(b, &b->frame->eos, 1, RD_PLACE_LOCKED, "EOS", e);
}

/* {mask:N}, or {mask} where gaps have as many words as they need; *end is what stands behind it. */
static rd_code read_gap(const builder *b, const char *gap, int64_t *places, const char **end,
                        rd_error *e) {
  const char *at = gap + sizeof GAP - 1;
  char *stop = NULL;
  bool numbered = *at == ':' && at[1] >= '0' && at[1] <= '9';
  long long n = numbered ? strtoll(at + 1, &stop, 10) : RD_GAP;
  const char *close = numbered ? stop : at;
  if (*close != '}' || n < 1 || n > (1 << 20))
    return rd_fail(e, RD_USAGE,
                   "--template: a gap is written {mask:N} with N from 1 to 1048576, found %.20s",
                   gap);
  if (!numbered && !b->frame->fits)
    return rd_fail(e, RD_USAGE,
                   "--template: how long a gap is must be said, {mask:N}: only --sampler infill "
                   "and daedal find it");
  *places = n;
  *end = close + 1;
  return RD_OK;
}

static rd_code build_template(builder *b, const char *text, rd_error *e) {
  bool gaps = false;
  for (const char *gap; (gap = strstr(text, GAP)); gaps = true) {
    int64_t places = 0;
    RD_TRY(append_before(b, text, (size_t)(gap - text), "--template", e));
    RD_TRY(read_gap(b, gap, &places, &text, e));
    RD_TRY(append_gap(b, places, "a gap of --template", e));
  }
  if (!gaps)
    return rd_fail(e, RD_USAGE,
                   "--template has no gap: write {mask:N} where N tokens are to be "
                   "found");
  RD_TRY(append_text(b, text, strlen(text), "--template", e));
  return append_end(b, e);
}

static rd_code build_around(builder *b, const rd_params *p, rd_error *e) {
  const char *prefix = p->prefix ? p->prefix : "", *suffix = p->suffix ? p->suffix : "";
  RD_TRY(append_before(b, prefix, strlen(prefix), "--prefix", e));
  int64_t rest = b->room - b->canvas->count;
  if (rest < 1)
    return rd_fail(e, RD_USAGE,
                   "--prefix fills the window of %lld tokens: nothing is left to "
                   "write",
                   (long long)b->canvas->window);
  if (!p->suffix)
    return append_gap(b, p->tokens > 0 && p->tokens < rest ? p->tokens : rest, "the answer", e);
  RD_TRY(append_gap(b, p->tokens, "the gap before --suffix", e));
  RD_TRY(append_text(b, suffix, strlen(suffix), "--suffix", e));
  return append_end(b, e);
}

rd_code rd_canvas_init(rd_canvas *out, const rd_params *params, const rd_canvas_frame *frame,
                       rd_error *e) {
  *out = (rd_canvas){.window = frame->window};
  RD_TRY(check_window(frame, e));
  builder b = {.canvas = out, .frame = frame, .room = out->window - frame->prompt_count};
  rd_code code = RD_OK;
  if (params->gaps)
    code = build_template(&b, params->gaps, e);
  else if (params->prefix || params->suffix)
    code = build_around(&b, params, e);
  else
    out->count = params->tokens > 0 && params->tokens < b.room ? params->tokens : b.room;
  if (code != RD_OK)
    rd_canvas_drop(out);
  return code;
}

rd_code rd_canvas_given(rd_canvas *out, const rd_params *params, const rd_canvas_frame *frame,
                        const int32_t *ids, const uint8_t *places, int64_t count, rd_error *e) {
  *out = (rd_canvas){.window = frame->window};
  RD_TRY(check_window(frame, e));
  if (params->gaps || params->prefix || params->suffix)
    return rd_fail(e, RD_USAGE,
                   "a draft given by position goes without prefix, suffix and "
                   "template");
  builder b = {.canvas = out, .frame = frame, .room = out->window - frame->prompt_count};
  rd_code code = append(&b, ids, count, RD_PLACE_MASKED, "the draft", e);
  if (code == RD_OK)
    memcpy(out->places, places, (size_t)count);
  else
    rd_canvas_drop(out);
  return code;
}
