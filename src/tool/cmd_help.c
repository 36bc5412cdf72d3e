/* SPDX-License-Identifier: MIT */
/* redraft help: a command's options, the manual page, the completion of a shell. */
#include "help.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
  bool man, help;
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
     offsetof(settings, help)}};

static rd_code about(const char *name, rd_error *e) {
  const rd_command *command = rd_command_find(name);
  if (!command)
    return rd_fail(e, RD_USAGE, "there is no command %s; redraft help lists them", name);
  char help[] = "--help", *arguments[] = {help, NULL};
  rd_help_about(command);
  return command->run(1, arguments, e);
}

static rd_code run(const settings *s, char **rest, int count, rd_error *e) {
  if (count > 1 || (count == 1) + s->man + (s->completion != NULL) > 1)
    return rd_fail(e, RD_USAGE, "one of COMMAND, --man and --completion at a time");
  if (s->man)
    return rd_help_man(stdout, e);
  for (size_t i = 0; s->completion && i < sizeof shells / sizeof *shells; i++)
    if (strcmp(shells[i].name, s->completion) == 0)
      return shells[i].write(stdout, e);
  if (count == 1)
    return about(rest[0], e);
  rd_help_commands(stdout);
  return RD_OK;
}

rd_code rd_cmd_help(int argc, char **argv, rd_error *e) {
  settings s = {0};
  rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  char **rest = NULL;
  int count = 0;
  rd_code code = rd_options_default(&o, e);
  if (code == RD_OK)
    code = rd_options_parse(&o, argc, argv, &rest, &count, e);
  if (code == RD_OK)
    code = s.help ? rd_help_show("", NULL, &o, e) : run(&s, rest, count, e);
  free(rest);
  rd_options_drop(&o);
  return code;
}
