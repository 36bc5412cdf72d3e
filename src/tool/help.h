/* SPDX-License-Identifier: MIT */
/* What commands can be told, for people and for tools: --help, the man page and the completion of
 * shells are three ways to write the option rows that the table of commands names. */
#ifndef RD_HELP_H
#define RD_HELP_H

#include "commands.h"
#include "option.h"

#include <stdio.h>

/* The list of commands. */
void rd_help_commands(FILE *out);
/* Say what --help says of a command. */
rd_code rd_help_show(const rd_command *command, rd_error *e);

/* Is given one table of rows of a command; `key`: they are no options but keys below this one of a
 * configuration file; NULL for options. */
typedef void rd_help_sink(void *context, const rd_command *command, const char *key,
                          const rd_options *o);
/* Call `sink` for every table of every command, in the order of rd_commands. */
rd_code rd_help_walk(rd_help_sink *sink, void *context, rd_error *e);

/* The tables whose rows most commands share; NULL after the last. */
extern const rd_table *const rd_help_shared[];
/* Is it one of the options that most commands share? */
bool rd_help_common(const rd_option *row);
/* The words a row's value may be, separated by spaces, as a new string; NULL: any text. */
char *rd_help_words(const rd_option *row);

/* Write all of it in one form. */
rd_code rd_help_man(FILE *out, rd_error *e);
rd_code rd_help_bash(FILE *out, rd_error *e);
rd_code rd_help_zsh(FILE *out, rd_error *e);

#endif
