/* SPDX-License-Identifier: MIT */
/* --help, and the walk over every command's option rows that the other forms of help are made by.
 */
#include "help.h"

#include "chat_template.h"
#include "common.h"
#include "reuse.h"
#include "sampler.h"
#include "task.h"

#include <stdlib.h>
#include <string.h>

/* What is being said, and to whom: one command at a time, on the main thread. */
static struct {
  const rd_command *about; /* its usage line is still due */
  rd_help_taker *take;     /* NULL: standard output */
  const rd_command *command;
  void *context;
} now;

void rd_help_commands(FILE *out) {
  fprintf(out, "redraft %s: text by iterative refinement\n\nusage: redraft COMMAND [options]\n\n",
          rd_version());
  for (size_t i = 0; i < rd_command_count; i++)
    fprintf(out, "  %-10s %-34s %s\n", rd_commands[i].name, rd_commands[i].arguments,
            rd_commands[i].summary);
  fprintf(out, "\nredraft COMMAND --help lists its options.\n");
}

void rd_help_about(const rd_command *command) {
  now.about = command;
}

rd_code rd_help_show(const char *above, const char *key, const rd_options *o, rd_error *e) {
  if (now.take) {
    now.take(now.context, now.command, key, o);
    return RD_OK;
  }
  char *text = rd_options_help(o);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list of options");
  if (now.about)
    printf("usage: redraft %s [options] %s\n%s\n\n", now.about->name, now.about->arguments,
           now.about->summary);
  now.about = NULL;
  printf("%s%s", above, text);
  free(text);
  return RD_OK;
}

rd_code rd_help_walk(rd_help_taker *take, void *context, rd_error *e) {
  rd_code code = RD_OK;
  now.take = take;
  now.context = context;
  for (size_t i = 0; i < rd_command_count && code == RD_OK; i++) {
    char help[] = "--help", *arguments[] = {help, NULL};
    now.command = &rd_commands[i];
    code = now.command->run(1, arguments, e);
  }
  now.take = NULL;
  return code;
}

bool rd_help_common(const rd_option *row) {
  for (size_t i = 0; i < rd_common_option_count; i++)
    if (strcmp(rd_common_options[i].name, row->name) == 0 &&
        strcmp(rd_common_options[i].help, row->help) == 0)
      return true;
  return false;
}

static const char *sampler_name(size_t i) {
  return i < rd_sampler_count ? rd_samplers[i].name : NULL;
}

static const char *reuse_name(size_t i) {
  return i < rd_reuse_count ? rd_reuses[i].name : NULL;
}

static const char *template_name(size_t i) {
  const rd_chat_template *row = rd_chat_template_row(i);
  return row ? row->name : NULL;
}

static const char *task_name(size_t i) {
  return i < rd_task_count ? rd_tasks[i].name : NULL;
}

/* Options whose values are the rows of a table. */
static const struct {
  const char *option;
  const char *(*name)(size_t i);
} tables[] = {{"sampler", sampler_name},
              {"reuse", reuse_name},
              {"chat-template", template_name},
              {"task", task_name}};

char *rd_help_words(const rd_option *row) {
  char *words = row->choices ? strdup(row->choices) : NULL;
  for (char *p = words; p && *p; p++)
    if (*p == '|')
      *p = ' ';
  for (size_t t = 0; !words && t < sizeof tables / sizeof *tables; t++) {
    if (strcmp(tables[t].option, row->name) != 0)
      continue;
    for (size_t i = 0; tables[t].name(i); i++) {
      char *longer = rd_print("%s%s%s", words ? words : "", words ? " " : "", tables[t].name(i));
      free(words);
      words = longer;
    }
  }
  return words;
}

const char *rd_help_value(const rd_option *row) {
  static const char *const kinds[] = {
      [RD_FLAG] = "", [RD_INT] = "N", [RD_REAL] = "X", [RD_TEXT] = "TEXT", [RD_CHOICE] = "NAME"};
  return row->value ? row->value : row->choices ? row->choices : kinds[row->kind];
}

bool rd_help_is_path(const rd_option *row) {
  static const char *const paths[] = {"PATH", "FILE", "FILES", "DIR"};
  for (size_t i = 0; row->kind == RD_TEXT && i < sizeof paths / sizeof *paths; i++)
    if (strcmp(rd_help_value(row), paths[i]) == 0)
      return true;
  return false;
}
