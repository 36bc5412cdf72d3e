/* SPDX-License-Identifier: MIT */
/* redraft train: settings from YAML and the command line, a bar on a terminal, plain lines
 * elsewhere. */
#include "commands.h"
#include "cpu.h"
#include "estimate.h"
#include "help.h"
#include "interrupt.h"
#include "sample.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile int stop_wanted; /* set by the signal handler */

static void on_interrupt(int number) {
  (void)number;
  stop_wanted = 1;
  signal(SIGINT, SIG_DFL); /* the second one ends the program */
}

typedef struct view {
  const rd_trainer *trainer;
  bool terminal, quiet;
  time_t shown;
} view;

static const char *duration(char *buffer, size_t size, double seconds) {
  long s = (long)seconds;
  if (s >= 3600)
    snprintf(buffer, size, "%ld h %02ld min", s / 3600, s / 60 % 60);
  else
    snprintf(buffer, size, "%ld min %02ld s", s / 60, s % 60);
  return buffer;
}

static void show(void *context, const rd_train_progress *p) {
  view *v = context;
  time_t now = time(NULL);
  bool last = p->update == p->updates;
  if (v->quiet)
    return;
  if (!last && now - v->shown < (v->terminal ? 1 : 15))
    return;
  v->shown = now;
  char left[32], bar[33];
  int full = (int)(32 * p->update / p->updates);
  for (int i = 0; i < 32; i++)
    bar[i] = i < full ? '#' : '.';
  bar[32] = '\0';
  fprintf(stderr, "%s%s%s%lld/%lld  loss %.4f  %.0f tokens/s  %s left%s",
          v->terminal ? "\r\x1b[K[" : "", v->terminal ? bar : "", v->terminal ? "] " : "update ",
          (long long)p->update, (long long)p->updates, p->loss, p->tokens_per_second,
          duration(left, sizeof left, p->seconds_left), v->terminal && !last ? "" : "\n");
}

static void say(void *context, const char *message) {
  const view *v = context;
  if (!v->quiet)
    fprintf(stderr, "%s%s\n", v->terminal ? "\r\x1b[K" : "", message);
}

static void put_row(void *context, const char *text) {
  (void)context;
  puts(text);
  fflush(stdout);
}

/* The first validation prompts and what the model answers now. */
static rd_code show_drafts(const rd_trainer *t, const rd_model *live, rd_error *e) {
  enum { DRAFTS = 2 };
  int shown = 0;
  for (int64_t i = 0; i < t->validation.count && shown < DRAFTS; i++) {
    const rd_example *x = &t->validation.items[i];
    const int32_t *ids = t->validation.pool + x->offset;
    char *prompt = NULL, *answer = NULL;
    size_t size;
    if (x->prompt == 0)
      continue;
    RD_TRY(rd_trainer_sample(t, live, ids, x->prompt, &answer, e));
    rd_code code =
        rd_tokenizer_decode(t->tokenizer, ids, (size_t)x->prompt, RD_TOK_SKIP, &prompt, &size, e);
    if (code == RD_OK)
      fprintf(stderr, "  %s -> %s\n", prompt, answer);
    free(prompt);
    free(answer);
    RD_TRY(code);
    shown++;
  }
  return RD_OK;
}

static rd_code show_validation(void *context, const rd_model *live, int64_t update,
                               const rd_validation *validation, rd_error *e) {
  const view *v = context;
  if (v->quiet)
    return RD_OK;
  fprintf(stderr, "%supdate %lld  validation loss %.4f", v->terminal ? "\r\x1b[K" : "",
          (long long)update, validation->loss);
  for (int i = 0; i < RD_NOISE_LEVELS; i++)
    if (isfinite(validation->by_noise[i]))
      fprintf(stderr, "  noise to %d%%: %.4f", 100 * (i + 1) / RD_NOISE_LEVELS,
              validation->by_noise[i]);
  fputc('\n', stderr);
  return show_drafts(v->trainer, live, e);
}

static void show_estimate(const rd_train_estimate *x) {
  const double mb = 1024.0 * 1024.0;
  char time_text[32];
  double total = (double)(x->program_bytes + x->data_bytes + x->model_bytes + x->packed_bytes +
                          x->master_bytes + x->state_bytes + x->pass_bytes + x->draft_bytes);
  printf("parameters           %14lld, trained %lld\n", (long long)x->parameters,
         (long long)x->trained);
  printf("program, data        %14.1f MB\n", (double)(x->program_bytes + x->data_bytes) / mb);
  printf("model                %14.1f MB\n", (double)x->model_bytes / mb);
  printf("packed weights       %14.1f MB\n", (double)x->packed_bytes / mb);
  printf("trained weights      %14.1f MB\n", (double)x->master_bytes / mb);
  printf("gradients, optimizer %14.1f MB\n", (double)x->state_bytes / mb);
  printf("activations          %14.1f MB\n", (double)x->pass_bytes / mb);
  printf("drafts               %14.1f MB\n", (double)x->draft_bytes / mb);
  printf("memory in all        %14.1f MB\n", total / mb);
  printf("updates              %14lld of %lld tokens, %.3g flops each\n", (long long)x->updates,
         (long long)x->tokens_per_update, x->flops_per_update);
  printf("time                 %14s at %.3g flop/s\n",
         duration(time_text, sizeof time_text,
                  (double)x->updates * x->flops_per_update / x->flops_per_second),
         x->flops_per_second);
}

static void show_data(const rd_trainer *t) {
  for (size_t i = 0; i < t->examples.report_count; i++) {
    const rd_file_report *r = &t->examples.reports[i];
    fprintf(stderr, "%s: %lld rows, %lld bad, %lld too long; %lld examples, %lld tokens\n", r->path,
            (long long)r->rows, (long long)r->bad, (long long)r->too_long, (long long)r->examples,
            (long long)r->ids);
  }
  fprintf(stderr, "%lld examples to train on, %lld to validate on\n", (long long)t->examples.count,
          (long long)t->validation.count);
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
  view v = {.terminal = isatty(STDERR_FILENO) != 0, .quiet = s->quiet};
  rd_train_watch watch = {.context = &v,
                          .updated = show,
                          .note = say,
                          .validated = show_validation,
                          .row = s->json ? put_row : NULL,
                          .stop = &stop_wanted};
  rd_trainer t;
  v.trainer = &t;
  rd_code code = rd_trainer_open(&t, s, &watch, e);
  if (code == RD_OK && s->dry_run) {
    rd_train_estimate estimate;
    code = rd_trainer_estimate(&t, &estimate, e);
    if (code == RD_OK)
      show_estimate(&estimate);
  } else if (code == RD_OK) {
    if (!s->quiet)
      show_data(&t);
    const struct sigaction action = {.sa_handler = on_interrupt,
                                     .sa_flags = SA_RESTART | rd_interrupt_stack()};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = rd_trainer_run(&t, e);
    if (code != RD_OK && v.terminal && !v.quiet)
      fputc('\n', stderr);
  }
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
    code = train(&s, e);
  }
  rd_train_settings_drop(&s);
  return code;
}
