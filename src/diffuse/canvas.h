/* SPDX-License-Identifier: MIT */
/* The answer region: how long it is, and what of it is given. From options (prefix, suffix,
 * template with gaps) or position by position. */
#ifndef RD_CANVAS_H
#define RD_CANVAS_H

#include "draft.h"
#include "tokenizer.h"

enum { RD_GAP = 16 };

typedef struct rd_canvas {
  int32_t *ids;    /* (count), or NULL: everything is masked */
  uint8_t *places; /* (count) rd_place, or NULL */
  uint8_t *spaced; /* (count) 1: a gap begins here, and its first word brings the space that stood
                      before it; or NULL */
  int64_t count;
  int64_t window;
} rd_canvas;

/* What the canvas must fit. */
typedef struct rd_canvas_frame {
  int64_t window;                /* tokens of prompt and region at most */
  int64_t positions;             /* the model's */
  int64_t prompt_count;          /* tokens before the region */
  int32_t mask, eos;             /* -1: none */
  bool fits;                     /* gaps have as many words as they need: {mask} is one of at most
                                    RD_GAP tokens, and a space before a gap is part of it */
  const rd_tokenizer *tokenizer; /* NULL: text options are refused */
} rd_canvas_frame;

/* RD_USAGE: a window that the model has no positions for. */
rd_code rd_canvas_check_window(int64_t window, int64_t positions, rd_error *e);
/* Without fixed text the region goes to the window's end, or is params.tokens long if that is less.
 * A prefix is followed by a gap of the same length; a suffix and a template end the region, with
 * one EOS after them if there is room. Fixed text is locked. RD_USAGE: a window beyond the model, a
 * prompt that fills it, text that does not fit, a template with a malformed gap or with none.
 * RD_BAD_INPUT: text that is no UTF-8. */
rd_code rd_canvas_init(rd_canvas *out, const rd_params *params, const rd_canvas_frame *frame,
                       rd_error *e);
/* The same from a draft given by position (copied); it must fit in the window. */
rd_code rd_canvas_given(rd_canvas *out, const rd_params *params, const rd_canvas_frame *frame,
                        const int32_t *ids, const uint8_t *places, int64_t count, rd_error *e);
void rd_canvas_drop(rd_canvas *canvas);

#endif
