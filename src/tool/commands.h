/* SPDX-License-Identifier: MIT */
/* The commands of the program: one row each, one cmd_NAME.c each. */
#ifndef RD_COMMANDS_H
#define RD_COMMANDS_H

#include "error.h"

/* Runs a command with the arguments after its name; RD_OK, or the code that decides the exit
 * status. */
typedef rd_code rd_command_run(int argc, char **argv, rd_error *e);

typedef struct rd_command {
  const char *name, *arguments, *summary;
  rd_command_run *run;
} rd_command;

extern const rd_command rd_commands[];
extern const size_t rd_command_count;

/* The row of that name, or NULL. */
const rd_command *rd_command_find(const char *name);

rd_command_run rd_cmd_bench, rd_cmd_logits;
rd_command_run rd_cmd_chat;
rd_command_run rd_cmd_convert;
rd_command_run rd_cmd_eval;
rd_command_run rd_cmd_inspect;
rd_command_run rd_cmd_generate;
rd_command_run rd_cmd_help;
rd_command_run rd_cmd_replay;
rd_command_run rd_cmd_serve;
rd_command_run rd_cmd_tokenize;
rd_command_run rd_cmd_plot, rd_cmd_train;

#endif
