/* SPDX-License-Identifier: MIT */
/* Progress, validations and estimates of training, for people. */
#include "training_view.h"

#include "sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *rd_duration(char *buffer, size_t size, double seconds) {
  long s = (long)seconds;
  if (s >= 3600)
    snprintf(buffer, size, "%ld h %02ld min", s / 3600, s / 60 % 60);
  else
    snprintf(buffer, size, "%ld min %02ld s", s / 60, s % 60);
  return buffer;
}

static void show(void *context, const rd_train_progress *p) {
  rd_training_view *v = context;
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
          rd_duration(left, sizeof left, p->seconds_left), v->terminal && !last ? "" : "\n");
}

static void say(void *context, const char *message) {
  const rd_training_view *v = context;
  if (!v->quiet)
    fprintf(stderr, "%s%s\n", v->terminal ? "\r\x1b[K" : "", message);
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
  const rd_training_view *v = context;
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

rd_train_watch rd_training_watch(rd_training_view *view, const rd_trainer *trainer, bool quiet) {
  *view = (rd_training_view){
      .trainer = trainer, .terminal = isatty(STDERR_FILENO) != 0, .quiet = quiet};
  return (rd_train_watch){
      .context = view, .updated = show, .note = say, .validated = show_validation};
}

void rd_training_estimate(const rd_train_estimate *x) {
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
         rd_duration(time_text, sizeof time_text,
                     (double)x->updates * x->flops_per_update / x->flops_per_second),
         x->flops_per_second);
}

void rd_training_data(const rd_trainer *t) {
  for (size_t i = 0; i < t->examples.report_count; i++) {
    const rd_file_report *r = &t->examples.reports[i];
    fprintf(stderr, "%s: %lld rows, %lld bad, %lld too long; %lld examples, %lld tokens\n", r->path,
            (long long)r->rows, (long long)r->bad, (long long)r->too_long, (long long)r->examples,
            (long long)r->ids);
  }
  fprintf(stderr, "%lld examples to train on, %lld to validate on\n", (long long)t->examples.count,
          (long long)t->validation.count);
}
