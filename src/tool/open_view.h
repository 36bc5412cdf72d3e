/* SPDX-License-Identifier: MIT */
/* What a terminal sees while a model is opened: how much of its weights is made, on a line of
 * standard error that is taken away in the end. Nothing where standard error is no terminal.
 *
 *   rd_open_view view = {.name = path, .quiet = common->quiet};
 *   rd_model_options options = {.path = path, .made = rd_open_view_made, .context = &view};
 *   code = rd_model_open(&model, &options, e);
 *   rd_open_view_end(&view); */
#ifndef RD_OPEN_VIEW_H
#define RD_OPEN_VIEW_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rd_open_view {
  const char *name;
  bool quiet;
  int shown; /* percents; 0: nothing yet */
} rd_open_view;

/* As rd_model_options.made; the context is the view. */
void rd_open_view_made(void *context, size_t done, size_t of);
void rd_open_view_end(const rd_open_view *view);

#endif
