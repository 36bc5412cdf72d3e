/* SPDX-License-Identifier: MIT */
/* The commands of the program: one row each, one cmd_NAME.c each. */
#ifndef RD_COMMANDS_H
#define RD_COMMANDS_H

#include "option.h"

struct rd_command;

/* Runs a command with the arguments after its name; RD_OK, or the code that decides the exit
 * status. */
typedef rd_code rd_command_run(const struct rd_command *self, int argc, char **argv, rd_error *e);

typedef struct rd_command {
  const char *name, *arguments, *summary;
  rd_command_run *run;
  const rd_option_part *options; /* ended by one without a table */
  /* more rows, which are no options but keys below this one of a configuration file; or NULL */
  const char *key, *key_help;
  const rd_option_part *keys;
} rd_command;

extern const rd_command rd_commands[];
extern const size_t rd_command_count;
extern const rd_table rd_command_table; /* the same */

rd_command_run rd_cmd_adapt;
rd_command_run rd_cmd_bench, rd_cmd_chat, rd_cmd_convert, rd_cmd_eval, rd_cmd_generate, rd_cmd_help;
rd_command_run rd_cmd_calibrate, rd_cmd_decide, rd_cmd_mend;
rd_command_run rd_cmd_inspect, rd_cmd_logits, rd_cmd_plot, rd_cmd_replay, rd_cmd_serve;
rd_command_run rd_cmd_tokenize, rd_cmd_train;
rd_command_run rd_cmd_models, rd_cmd_pull;
extern const rd_option_part rd_adapt_parts[];
extern const rd_option_part rd_bench_parts[], rd_chat_parts[], rd_convert_parts[], rd_eval_parts[];
extern const rd_option_part rd_generate_parts[], rd_help_parts[], rd_inspect_parts[];
extern const rd_option_part rd_logits_parts[], rd_plot_parts[], rd_replay_parts[], rd_serve_parts[];
extern const rd_option_part rd_tokenize_parts[], rd_calibrate_parts[], rd_decide_parts[];
extern const rd_option_part rd_mend_parts[];
extern const rd_option_part rd_models_parts[], rd_pull_parts[];

#endif
