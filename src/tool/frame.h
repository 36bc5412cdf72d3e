/* SPDX-License-Identifier: MIT */
/* The frame that commands are run in: options parsed, help shown, work done, all of it dropped. */
#ifndef RD_FRAME_H
#define RD_FRAME_H

#include "commands.h"
#include "common.h"

/* What a command does once its options are known: `settings` is its struct, `names` what stood
 * beside the options, then NULL. */
typedef rd_code rd_tool_work(void *settings, char **names, rd_error *e);
/* The frame of most commands: parse into `settings` (zeroed, rd_common first), work unless --help
 * was asked for, drop. `most`: names beside the options (-1: any number). */
rd_code rd_tool_command(const rd_command *command, void *settings, int most, int argc, char **argv,
                        rd_tool_work *work, rd_error *e);
#endif
