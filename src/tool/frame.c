/* SPDX-License-Identifier: MIT */
/* Parsing, help, and the work of a command. */
#include "frame.h"

#include "cpu.h"
#include "help.h"
#include "profile.h"

#include <stdlib.h>

/* What is no option goes to *rest, at most `most` names. */
static rd_code parse(const rd_options *o, int argc, char **argv, int most, char ***rest,
                     rd_error *e) {
  rd_common *common = o->params;
  int count = 0;
  RD_TRY(rd_options_default(o, e));
  RD_TRY(rd_options_parse(o, argc, argv, rest, &count, e));
  if (!common->help && most >= 0 && count > most)
    return rd_fail(e, RD_USAGE, "unexpected argument %s", (*rest)[most]);
  common->options = o;
  return RD_OK;
}

static rd_code work_at(rd_common *common, char **names, rd_tool_work *work, rd_error *e) {
  if (common->threads > 0)
    rd_threads_set((int)common->threads);
  if (common->profile)
    rd_profile_start();
  return work(common, names, e);
}

rd_code rd_tool_command(const rd_command *command, void *settings, int most, int argc, char **argv,
                        rd_tool_work *work, rd_error *e) {
  rd_common *common = settings;
  rd_options o;
  char **rest = NULL;
  rd_code code = rd_options_open(&o, command->options, settings, e);
  if (code == RD_OK)
    code = parse(&o, argc, argv, most, &rest, e);
  if (code == RD_OK)
    code = common->help ? rd_help_show(command, e) : work_at(common, rest, work, e);
  free(rest);
  rd_options_drop(&o);
  rd_options_close(&o);
  return code;
}
