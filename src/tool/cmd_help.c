/* SPDX-License-Identifier: MIT */
/* redraft help: a command's options, the manual page, the completion of a shell. */
#include "help.h"

#include "common.h"

#include <string.h>

typedef struct settings {
  rd_common common; /* help alone has a row */
  bool man;
  char *completion;
} settings;

static const struct shell {
  const char *name;
  rd_code (*write)(FILE *out, rd_error *e);
} shells[] = {{"bash", rd_help_bash}, {"zsh", rd_help_zsh}};

static const rd_option rows[] = {
    {"man", 0, RD_FLAG, NULL, 0, 0, NULL, "Form", NULL, "every command as a manual page (troff)",
     offsetof(settings, man)},
    {"completion", 0, RD_CHOICE, NULL, 0, 0, "bash|zsh", "Form", NULL,
     "every command as a completion script of this shell", offsetof(settings, completion)},
    {"help", 'h', RD_FLAG, NULL, 0, 0, NULL, "Program", NULL, "this list",
     offsetof(settings, common.help)}};

static rd_code about(const char *name, rd_error *e) {
  const rd_command *command = rd_command_find(name);
  if (!command)
    return rd_fail(e, RD_USAGE, "there is no command %s; redraft help lists them", name);
  char help[] = "--help", *arguments[] = {help, NULL};
  rd_help_about(command);
  return command->run(1, arguments, e);
}

static rd_code run(void *context, char **names, rd_error *e) {
  const settings *s = context;
  if ((names[0] != NULL) + s->man + (s->completion != NULL) > 1)
    return rd_fail(e, RD_USAGE, "one of COMMAND, --man and --completion at a time");
  if (s->man)
    return rd_help_man(stdout, e);
  for (size_t i = 0; s->completion && i < sizeof shells / sizeof *shells; i++)
    if (strcmp(shells[i].name, s->completion) == 0)
      return shells[i].write(stdout, e);
  if (names[0])
    return about(names[0], e);
  rd_help_commands(stdout);
  return RD_OK;
}

rd_code rd_cmd_help(int argc, char **argv, rd_error *e) {
  settings s = {0};
  const rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  return rd_tool_command(&o, 1, argc, argv, run, e);
}
