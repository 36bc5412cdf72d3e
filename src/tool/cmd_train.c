/* SPDX-License-Identifier: MIT */
/* redraft train: settings from YAML and the command line, a bar on a terminal, plain lines
 * elsewhere. */
#include "commands.h"
#include "cpu.h"
#include "help.h"
#include "interrupt.h"
#include "pulled.h"
#include "training_view.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int stop_wanted; /* set by the signal handler */

static void on_interrupt(int number) {
  (void)number;
  stop_wanted = 1;
  signal(SIGINT, SIG_DFL); /* the second one ends the program */
}

static void put_row(void *context, const char *text) {
  (void)context;
  puts(text);
  fflush(stdout);
}

/* The command line: a configuration file first, then options and --set, in the order given. */
static rd_code read_arguments(rd_train_settings *s, int argc, char **argv, bool *help,
                              rd_error *e) {
  for (int i = 0; i < argc; i++)
    *help = *help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
  if (*help)
    return RD_OK;
  char **plain = rd_calloc((size_t)argc + 1, sizeof *plain, "arguments", e), **rest = NULL;
  if (!plain)
    return RD_NO_MEMORY;
  int count = 0, rest_count = 0;
  rd_options rows;
  rd_code code = rd_options_open(&rows, rd_train_parts, s, e);
  /* Once for the name of the file, whose values come first; then again over them. */
  for (int round = 0; round < 2 && code == RD_OK; round++) {
    count = 0;
    for (int i = 0; i < argc && code == RD_OK; i++) {
      bool apart = strcmp(argv[i], "--set") == 0 && i + 1 < argc;
      if (!apart && strcmp(argv[i], "--set") == 0)
        code = rd_fail(e, RD_USAGE, "--set needs a value: KEY=VALUE");
      const char *set = apart ? argv[++i] : strncmp(argv[i], "--set=", 6) == 0 ? argv[i] + 6 : NULL;
      if (!set)
        plain[count++] = argv[i];
      else if (round == 1)
        code = rd_train_settings_set(s, set, e);
    }
    free(rest);
    rest = NULL;
    if (code == RD_OK)
      code = rd_options_parse(&rows, count, plain, &rest, &rest_count, e);
    if (code == RD_OK && rest_count > 1)
      code = rd_fail(e, RD_USAGE, "expected one configuration file, found %s and %s", rest[0],
                     rest[1]);
    if (code == RD_OK && round == 0 && rest_count == 1) {
      json_t *object = NULL;
      code = rd_yaml_open(&object, rest[0], e);
      if (code == RD_OK && (code = rd_train_settings_read(s, object, e)) != RD_OK)
        code = rd_prefix(e, code, "%s", rest[0]);
      json_decref(object);
    }
  }
  rd_options_close(&rows);
  free(rest);
  free(plain);
  return code == RD_OK ? rd_train_settings_finish(s, e) : code;
}

static rd_code train(const rd_train_settings *s, rd_error *e) {
  rd_training_view v;
  rd_trainer t = {0};
  rd_train_watch watch = rd_training_watch(&v, &t, s->quiet);
  watch.row = s->json ? put_row : NULL;
  watch.stop = &stop_wanted;
  rd_code code = rd_trainer_open(&t, s, &watch, e);
  if (code == RD_OK && s->dry_run) {
    rd_train_estimate estimate;
    code = rd_trainer_estimate(&t, &estimate, e);
    if (code == RD_OK && t.ranks->rank == 0)
      rd_training_estimate(&estimate);
  } else if (code == RD_OK) {
    if (!s->quiet && t.ranks->rank == 0)
      rd_training_data(&t);
    const struct sigaction action = {.sa_handler = on_interrupt,
                                     .sa_flags = SA_RESTART | rd_interrupt_stack()};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = rd_trainer_run(&t, e);
    if (code != RD_OK && v.terminal && !v.quiet)
      fputc('\n', stderr);
  }
  if (code != RD_OK && t.ranks && t.ranks->rank > 0)
    *e->message = '\0'; /* the first rank says it for all */
  rd_trainer_close(&t);
  return code;
}

rd_code rd_cmd_train(const rd_command *self, int argc, char **argv, rd_error *e) {
  rd_train_settings s = {0};
  bool help = false;
  rd_code code = rd_train_settings_default(&s, e);
  if (code == RD_OK)
    code = read_arguments(&s, argc, argv, &help, e);
  if (code == RD_OK && help) {
    code = rd_help_show(self, e);
  } else if (code == RD_OK) {
    if (s.threads > 0)
      rd_threads_set((int)s.threads);
    code = rd_pulled_resolve(&s.model, e);
    if (code == RD_OK)
      code = train(&s, e);
  }
  rd_train_settings_drop(&s);
  return code;
}
