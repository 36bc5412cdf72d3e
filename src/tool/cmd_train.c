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

/* What argv[*i] sets, where that is --set, or NULL; *i moves on to its last word. */
static rd_code value_of_set(const char **value, int argc, char **argv, int *i, rd_error *e) {
  static const char joined[] = "--set=";
  *value = NULL;
  if (strncmp(argv[*i], joined, sizeof joined - 1) == 0)
    *value = argv[*i] + sizeof joined - 1;
  else if (strcmp(argv[*i], "--set") != 0)
    return RD_OK;
  else if (*i + 1 < argc)
    *value = argv[++*i];
  return *value ? RD_OK : rd_fail(e, RD_USAGE, "--set needs a value: KEY=VALUE");
}

/* Options between two --set; what is none of them is the configuration file. */
static rd_code take_options(const rd_options *rows, int argc, char **argv, const char **file,
                            rd_error *e) {
  char **rest = NULL;
  int count = 0;
  rd_code code = rd_options_parse(rows, argc, argv, &rest, &count, e);
  for (int i = 0; i < count && code == RD_OK; i++) {
    if (*file)
      code =
          rd_fail(e, RD_USAGE, "expected one configuration file, found %s and %s", *file, rest[i]);
    *file = rest[i];
  }
  free(rest);
  return code;
}

/* Options and --set in the order given, so that what is said later counts. */
static rd_code take_all(const rd_options *rows, rd_train_settings *s, int argc, char **argv,
                        const char **file, rd_error *e) {
  int first = 0;
  *file = NULL;
  for (int i = 0; i < argc; i++) {
    const int before = i;
    const char *set;
    RD_TRY(value_of_set(&set, argc, argv, &i, e));
    if (!set)
      continue;
    RD_TRY(take_options(rows, before - first, argv + first, file, e));
    RD_TRY(rd_train_settings_set(s, set, e));
    first = i + 1;
  }
  return take_options(rows, argc - first, argv + first, file, e);
}

static rd_code read_file(rd_train_settings *s, const char *file, rd_error *e) {
  json_t *object = NULL;
  rd_code code = rd_yaml_open(&object, file, e);
  if (code == RD_OK && (code = rd_train_settings_read(s, object, e)) != RD_OK)
    code = rd_prefix(e, code, "%s", file);
  json_decref(object);
  return code;
}

/* The command line: once for the name of the file, whose values come first; then again over them.
 */
static rd_code read_arguments(rd_train_settings *s, int argc, char **argv, bool *help,
                              rd_error *e) {
  for (int i = 0; i < argc; i++)
    *help = *help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
  if (*help)
    return RD_OK;
  rd_options rows;
  const char *file = NULL;
  rd_code code = rd_options_open(&rows, rd_train_parts, s, e);
  if (code == RD_OK)
    code = take_all(&rows, s, argc, argv, &file, e);
  if (code == RD_OK && file)
    code = read_file(s, file, e);
  if (code == RD_OK && file)
    code = take_all(&rows, s, argc, argv, &file, e);
  rd_options_close(&rows);
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
