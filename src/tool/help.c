/* SPDX-License-Identifier: MIT */
/* --help, and the walk over every command's option rows that the other forms of help are made by.
 */
#include "help.h"

#include "common.h"

#include <stdlib.h>
#include <string.h>

void rd_help_commands(FILE *out) {
  fprintf(out, "redraft %s: text by iterative refinement\n\nusage: redraft COMMAND [options]\n\n",
          rd_version());
  for (size_t i = 0; i < rd_command_count; i++)
    fprintf(out, "  %-10s %-34s %s\n", rd_commands[i].name, rd_commands[i].arguments,
            rd_commands[i].summary);
  fprintf(out, "\nredraft COMMAND --help lists its options.\n");
}

static rd_code walk_parts(rd_help_sink *sink, void *context, const rd_command *command,
                          const char *key, const rd_option_part *parts, rd_error *e) {
  rd_options o;
  rd_code code = rd_options_open(&o, parts, NULL, e);
  if (code == RD_OK)
    sink(context, command, key, &o);
  rd_options_close(&o);
  return code;
}

static rd_code walk_command(rd_help_sink *sink, void *context, const rd_command *command,
                            rd_error *e) {
  RD_TRY(walk_parts(sink, context, command, NULL, command->options, e));
  return command->keys ? walk_parts(sink, context, command, command->key, command->keys, e) : RD_OK;
}

rd_code rd_help_walk(rd_help_sink *sink, void *context, rd_error *e) {
  for (size_t i = 0; i < rd_command_count; i++)
    RD_TRY(walk_command(sink, context, &rd_commands[i], e));
  return RD_OK;
}

/* Keys are no options: "--width N" reads "  width N". */
static void strike_dashes(char *text) {
  for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
    if (strncmp(line, "  --", 4) == 0)
      memset(line, ' ', 4);
}

/* One table for people. *context: did memory last? */
static void show(void *context, const rd_command *command, const char *key, const rd_options *o) {
  bool *whole = context;
  char *text = rd_options_help(o);
  *whole = *whole && text;
  if (key)
    printf(
        "\nKeys below `%s:` in the file (%s), which are no options: --set %s.KEY=VALUE sets one.\n",
        key, command->key_help, key);
  if (key && text)
    strike_dashes(text);
  if (text)
    fputs(text, stdout);
  free(text);
}

rd_code rd_help_show(const rd_command *command, rd_error *e) {
  bool whole = true;
  printf("usage: redraft %s [options] %s\n%s\n\n", command->name, command->arguments,
         command->summary);
  if (command->keys)
    puts("Keys of the file are the options, with _ for -.\n");
  RD_TRY(walk_command(show, &whole, command, e));
  return whole ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the list of options");
}

const rd_table *const rd_help_shared[] = {&rd_model_rows, &rd_prompt_rows, &rd_program_rows, NULL};

bool rd_help_common(const rd_option *row) {
  for (const rd_table *const *table = rd_help_shared; *table; table++) {
    const rd_option *shared = rd_table_row(*table, row->name);
    if (shared && shared->help == row->help)
      return true;
  }
  return false;
}

char *rd_help_words(const rd_option *row) {
  return row->choices ? rd_table_names(row->choices, " ", " ") : NULL;
}
