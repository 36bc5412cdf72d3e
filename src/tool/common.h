/* SPDX-License-Identifier: MIT */
/* The options that commands share, as rows, and opening the model they name. */
#ifndef RD_COMMON_H
#define RD_COMMON_H

#include "model.h"
#include "option.h"
#include "precision.h"

/* First member of every command's parameter struct. */
typedef struct rd_common {
  char *model, *adapter, *precision, *engine;
  rd_prompt_choice prompt;
  int64_t threads;
  bool profile, json, quiet, verbose, help;
  const rd_options *options; /* all of the command: which were given */
  const char *outputs[2];    /* files that will be written, which are no model's; or NULL */
} rd_common;

/* Its rows: what names a model, how the program runs, and --help alone. */
extern const rd_table rd_model_rows, rd_program_rows, rd_help_rows;
extern const rd_table rd_path_rows; /* of those that name a model its path alone */

/* The parts of a command's options that are rd_common, the member `common` of its struct. */
#define RD_COMMON_PARTS(type, common)                                                              \
  {&rd_model_rows, offsetof(type, common)}, {&rd_prompt_rows, offsetof(type, common.prompt)}, {    \
    &rd_program_rows, offsetof(type, common)                                                       \
  }

/* RD_USAGE where the user gave one of these options (names with spaces between), which means
 * nothing here: `why` goes on from "--name means nothing". */
rd_code rd_tool_refuse(const rd_common *common, const char *names, const char *why, rd_error *e);
/* The model that the options name (--model, else $REDRAFT_MODEL, else the built-in one) and, unless
 * NULL, its adapter. New strings; *adapter may be NULL. */
rd_code rd_tool_model_path(char **out, char **adapter, const rd_common *common, rd_error *e);
/* The adapter of the model at `path`: the one asked for, none for "none"; where nothing is asked,
 * the one in the model's own folder. A new string, or NULL for none. */
rd_code rd_tool_adapter_of(char **out, const char *path, const char *asked, rd_error *e);
/* For samplers from left to right: the adapter that lies in a model's folder makes it a denoiser,
 * and is left away; one that was named stays. */
rd_code rd_tool_name_causal(rd_common *common, rd_error *e);
/* Open the model that the options name. */
rd_code rd_tool_open(rd_model **out, const rd_common *common, rd_error *e);
/* The same for who gives it to an engine that is kept (kept.h), which has its weights made. */
rd_code rd_tool_open_late(rd_model **out, const rd_common *common, rd_error *e);
/* rd_engine_lay_out with a bar, for an open model that will write from left to right: many passes
 * of a row pay for it. */
rd_code rd_tool_lay_out(rd_model *m, const rd_common *common, rd_error *e);

#endif
