/* SPDX-License-Identifier: MIT */
/* What commands can be told, for people and for tools: --help, the man page and the completion of
 * shells are three ways to write the same option rows.
 *
 * A command shows its rows where it is asked with --help. A walk runs every command so, with its
 * rows diverted from standard output to a writer: no list of options exists but the commands' own.
 */
#ifndef RD_HELP_H
#define RD_HELP_H

#include "commands.h"
#include "option.h"

#include <stdio.h>

/* The list of commands. */
void rd_help_commands(FILE *out);
/* What the next rd_help_show is about: its usage line is said once. */
void rd_help_about(const rd_command *command);
/* Say what --help says: `above` (whole lines; "" for none), then the rows. A command with several
 * tables calls it for each. `key`: the rows are no options but keys below this one of a
 * configuration file; NULL for options. */
rd_code rd_help_show(const char *above, const char *key, const rd_options *o, rd_error *e);

/* Receives one table of rows of a command, with `key` as above. */
typedef void rd_help_taker(void *context, const rd_command *command, const char *key,
                           const rd_options *o);
/* Call `take` for every table of every command, in the order of rd_commands. */
rd_code rd_help_walk(rd_help_taker *take, void *context, rd_error *e);

/* Is it one of the options that most commands share? */
bool rd_help_common(const rd_option *row);
/* The words a row's value may be, separated by spaces, as a new string; NULL: any text. */
char *rd_help_words(const rd_option *row);
/* How the row's value is called: "PATH", "N"; "" for a flag. */
const char *rd_help_value(const rd_option *row);
/* Does the value name a file or folder? */
bool rd_help_is_path(const rd_option *row);

/* Write all of it in one form. */
rd_code rd_help_man(FILE *out, rd_error *e);
rd_code rd_help_bash(FILE *out, rd_error *e);
rd_code rd_help_zsh(FILE *out, rd_error *e);

#endif
