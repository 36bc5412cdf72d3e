/* SPDX-License-Identifier: MIT */
/* redraft adapt: a chat model made a denoiser, and a report of what came of it. */
#include "adapt.h"
#include "adapt_report.h"
#include "frame.h"
#include "interrupt.h"
#include "pulled.h"
#include "training_view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common; /* quiet, threads and help alone have rows */
  rd_adapt_settings adapt;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)
static const rd_option own_rows[] = {
    {"threads", AT(common.threads), .fallback = "0", .max = 1024, .group = "Run", .value = "N",
     .help = "threads; 0: one a core"},
    {"quiet", AT(common.quiet), .letter = 'q', .group = "Run", .help = "no messages but errors"},
};
static const rd_table own_table = RD_TABLE("option", own_rows);
const rd_option_part rd_adapt_parts[] = {{&rd_adapt_rows, offsetof(settings, adapt)},
                                         {&own_table, 0},
                                         {&rd_prompt_rows, offsetof(settings, adapt.prompt)},
                                         {&rd_system_rows, offsetof(settings, adapt.prompt)},
                                         {&rd_help_rows, offsetof(settings, common)},
                                         {NULL, 0}};

typedef struct view {
  rd_training_view training;
  time_t shown;
  bool terminal, quiet;
} view;

static void note(void *context, const char *message) {
  const view *v = context;
  if (!v->quiet)
    fprintf(stderr, "%s\n", message);
}

static void answered(void *context, int64_t done, int64_t of) {
  view *v = context;
  time_t now = time(NULL);
  if (v->quiet || (done < of && now - v->shown < (v->terminal ? 1 : 15)))
    return;
  v->shown = now;
  fprintf(stderr, "%sanswers %lld/%lld%s", v->terminal ? "\r\x1b[K" : "", (long long)done,
          (long long)of, v->terminal && done < of ? "" : "\n");
}

static void begin_stage(void *context, const rd_adapt_stage *stage, rd_trainer *trainer,
                        rd_train_watch *watch) {
  view *v = context;
  *watch = rd_training_watch(&v->training, trainer, v->quiet);
  if (!v->quiet)
    fprintf(stderr, "stage %s: %s\n", stage->name, stage->help);
}

static rd_code estimate(const rd_adapt_settings *s, const rd_adapt_watch *watch, rd_error *e) {
  rd_train_estimate training = {0};
  rd_adapt_estimate x = {.training = &training};
  char answers[32], updates[32];
  RD_TRY(rd_adapt_estimate_of(&x, s, watch, e));
  printf("answers              %14lld, about %s\n", (long long)x.answers,
         rd_duration(answers, sizeof answers, x.answer_seconds * (double)x.answers));
  printf("training             %14lld updates, about %s\n", (long long)x.updates,
         rd_duration(updates, sizeof updates, x.update_seconds * (double)x.updates));
  training.updates = x.updates;
  rd_training_estimate(&training);
  return RD_OK;
}

static rd_code adapt(const settings *s, rd_error *e) {
  view v = {.terminal = isatty(STDERR_FILENO) != 0, .quiet = s->common.quiet};
  const rd_adapt_watch watch = {.context = &v,
                                .note = note,
                                .answered = answered,
                                .stage = begin_stage,
                                .stop = rd_interrupt_flag()};
  if (s->adapt.dry_run)
    return estimate(&s->adapt, &watch, e);
  rd_code code = rd_adapt_run(&s->adapt, &watch, e);
  if (code == RD_CANCELLED)
    return rd_fail(e, code, "stopped; the same command with --resume goes on from there");
  if (code == RD_OK)
    code = rd_adapt_report(&s->adapt, e);
  if (code == RD_OK && !s->common.quiet)
    fprintf(stderr,
            "%s/adapter drafts what the model checks: redraft generate -m %s --adapter "
            "%s/adapter \"..\"; %s/report.md says what it saves\n",
            s->adapt.out, s->adapt.model, s->adapt.out, s->adapt.out);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  const rd_ranks *ranks = NULL;
  RD_TRY(rd_ranks_join(&ranks, e));
  if (ranks->count > 1)
    return rd_fail(e, RD_UNSUPPORTED, "%d processes: adapt is for one; `train` is for several",
                   ranks->count);
  if (names[0] && s->adapt.model)
    return rd_fail(e, RD_USAGE, "one model: %s or %s", names[0], s->adapt.model);
  const rd_options *o = s->common.options;
  if (names[0])
    RD_TRY(rd_option_set(o, rd_option_find(o, "model"), names[0], e));
  if (!s->adapt.model)
    return rd_fail(e, RD_USAGE, "name the chat model that is to be adapted");
  RD_TRY(rd_pulled_resolve(&s->adapt.model, e));
  s->adapt.threads = s->common.threads;
  rd_interrupt_open();
  rd_code code = adapt(s, e);
  rd_interrupt_close();
  return code;
}

rd_code rd_cmd_adapt(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
