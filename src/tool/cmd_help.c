/* SPDX-License-Identifier: MIT */
/* redraft help: a command's options, the manual page, the completion of a shell. */
#include "frame.h"
#include "help.h"
#include "openapi.h"

typedef struct settings {
  rd_common common; /* help alone has a row */
  bool man, openapi;
  char *completion;
} settings;

static const struct shell {
  const char *name;
  rd_code (*write)(FILE *out, rd_error *e);
} shells[] = {{"bash", rd_help_bash}, {"zsh", rd_help_zsh}};
static const rd_table shell_table = RD_TABLE("shell", shells);

static const rd_option rows[] = {
    {"man", RD_OPTION_AT(settings, man), .group = "Form",
     .help = "every command as a manual page (troff)"},
    {"completion", RD_OPTION_AT(settings, completion), .choices = &shell_table, .group = "Form",
     .help = "every command as a completion script of this shell"},
    {"openapi", RD_OPTION_AT(settings, openapi), .group = "Form",
     .help = "the server's interface as OpenAPI has it (JSON), as /openapi.json gives it"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_help_parts[] = {
    {&own_rows, 0}, {&rd_help_rows, offsetof(settings, common)}, {NULL, 0}};

static rd_code about(const char *name, rd_error *e) {
  const rd_command *command = rd_table_row(&rd_command_table, name);
  const char *near = rd_table_nearest(&rd_command_table, name);
  if (command)
    return rd_help_show(command, e);
  return rd_fail(e, RD_USAGE, "there is no command %.60s%s%s; redraft help lists them", name,
                 near ? "; did you mean " : "", near ? near : "");
}

static rd_code show_openapi(rd_error *e) {
  json_t *value = rd_openapi();
  bool written = value && json_dumpf(value, stdout, JSON_INDENT(1)) == 0 && putchar('\n') != EOF;
  json_decref(value);
  return written || ferror(stdout) /* which is said of every command */
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: the interface");
}

static rd_code run(void *context, char **names, rd_error *e) {
  const settings *s = context;
  if ((names[0] != NULL) + s->man + (s->completion != NULL) + s->openapi > 1)
    return rd_fail(e, RD_USAGE, "one of COMMAND, --man, --completion and --openapi at a time");
  if (s->openapi)
    return show_openapi(e);
  if (s->man)
    return rd_help_man(stdout, e);
  if (s->completion)
    return ((const struct shell *)rd_table_row(&shell_table, s->completion))->write(stdout, e);
  if (names[0])
    return about(names[0], e);
  rd_help_commands(stdout);
  return RD_OK;
}

rd_code rd_cmd_help(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, run, e);
}
