/* SPDX-License-Identifier: MIT */
/* The training loop: batches, passes, AdamW, validations, checkpoints. */
#include "checkpoint.h"
#include "clock.h"
#include "export.h"
#include "file.h"
#include "folder.h"
#include "identity.h"
#include "model_store.h"
#include "ops.h"
#include "own_draft.h"
#include "rank_start.h"
#include "run_folder.h"
#include "run_log.h"
#include "trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void note(const rd_trainer *t, char *message) {
  if (t->watch.note && message)
    t->watch.note(t->watch.context, message);
  free(message);
}

static rd_code take_memory(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  RD_TRY(rd_parameters_place(&t->parameters, (uint64_t)s->seed, e));
  if (t->base && s->adapter && !rd_train_settings_all(s)) /* else it is merged into the base */
    RD_TRY(rd_parameters_adopt(&t->parameters, &t->base->store->adapter.tensors, "", e));
  RD_TRY(rd_batch_init(&t->batch, t->rules.rows, e));
  t->row_loss = rd_calloc(2 * (size_t)t->rules.rows, sizeof *t->row_loss, "losses of rows", e);
  if (!t->row_loss)
    return RD_NO_MEMORY;
  const rd_step_plan plan = rd_trainer_plan(t);
  return rd_step_open(&t->step, s->engine, &plan, e);
}

/* What rows aim at: with objective blocks the base, and `align` of its hidden states. */
static rd_aim aim_of(const rd_trainer *t, double align) {
  bool parent = t->rules.objective->parent;
  return (rd_aim){.parent = parent, .shift = t->gate.shift, .align = parent ? align : 0};
}

/* The next batch, and forward and backward where it is this rank's: every rank sees all batches go
 * by, so that all are at the same place of the data. */
static rd_code pass(rd_trainer *t, int64_t number, const rd_aim *aim, bool mine, double *loss,
                    double *total, rd_error *e) {
  rd_batch *b = &t->batch;
  RD_TRY(rd_batch_next(b, &t->rules, &t->examples, &t->order, number, e));
  *total += b->total;
  t->tokens += b->rows;
  if (!mine)
    return RD_OK;
  if (t->rules.own_drafts > 0)
    RD_TRY(rd_batch_own_draft(b, &t->rules, number, t->step, e));
  rd_step_aim(t->step, aim);
  return rd_step_run(t->step, b->sequences, b->sequence_count, t->rules.objective->block,
                     b->targets, b->weights, &t->parameters.gradient, loss, NULL, e);
}

/* A pass of each rank, from `number` on. */
static rd_code passes(rd_trainer *t, int64_t number, const rd_aim *aim, double *loss, double *total,
                      rd_error *e) {
  const rd_ranks *r = t->ranks;
  rd_code code = RD_OK;
  double mine = 0;
  for (int i = 0; i < r->count && code == RD_OK; i++)
    code = pass(t, number + i, aim, i == r->rank, &mine, total, e);
  RD_TRY(rd_ranks_agree(r, code, e));
  for (int i = 0; i < r->count; i++) {
    double theirs = mine;
    RD_TRY(rd_ranks_share(r, i, &theirs, sizeof theirs, e));
    *loss += theirs;
  }
  return RD_OK;
}

/* The gradients of the passes that are done join those before them: where the step has them, or
 * here, together with those of the other ranks. */
static rd_code add_passes(rd_trainer *t, rd_error *e) {
  rd_parameters *p = &t->parameters;
  if (rd_step_sums(t->step))
    return rd_step_add(t->step, e);
  if (!rd_step_updates(t->step) || p->apart)
    RD_TRY(rd_step_gather(t->step, e));
  return p->apart ? rd_ranks_sum_add(p->apart, &p->sum, e) : RD_OK;
}

static rd_code sum_passes(rd_trainer *t, rd_error *e) {
  rd_parameters *p = &t->parameters;
  if (rd_step_sums(t->step))
    return rd_step_sum(t->step, e);
  if (p->apart)
    RD_TRY(rd_ranks_sum_end(p->apart, &p->sum, e));
  return p->apart && rd_step_updates(t->step) ? rd_step_spread(t->step, e) : RD_OK;
}

/* All passes of an update: the mean loss, and what to divide gradients by. Where there are several,
 * each one's gradients begin at zero and are added to the sum when they are done, so that the sum
 * does not depend on who made them. */
static rd_code accumulate(rd_trainer *t, double *loss, double *total, rd_error *e) {
  rd_parameters *p = &t->parameters;
  *loss = *total = 0;
  const double at = (double)t->update / (double)t->updates;
  const rd_aim aim = aim_of(t, at < 0.5 ? t->settings->align * (1 - 2 * at) : 0);
  for (int64_t a = 0; a < t->settings->accumulate; a += t->ranks->count) {
    if (a == 0 || p->apart || rd_step_sums(t->step))
      RD_TRY(rd_step_clear(t->step, e));
    RD_TRY(passes(t, (t->update - 1) * t->settings->accumulate + a, &aim, loss, total, e));
    RD_TRY(add_passes(t, e));
  }
  RD_TRY(sum_passes(t, e));
  if (*total > 0)
    *loss /= *total;
  return rd_parameters_unfold(p, e);
}

static rd_code step(rd_trainer *t, double rate, double scale, rd_error *e) {
  const rd_train_settings *s = t->settings;
  rd_adamw_step how = {.lr = (float)rate,
                       .beta1 = (float)s->beta1,
                       .beta2 = (float)s->beta2,
                       .eps = 1e-8f,
                       .weight_decay = (float)s->weight_decay,
                       .grad_scale = (float)scale,
                       .step = t->update};
  if (rd_step_updates(t->step))
    return rd_step_update(t->step, &how, e);
  for (size_t i = 0; i < t->parameters.count; i++) {
    rd_parameter *p = &t->parameters.items[i];
    how.weight_decay = p->matrix ? (float)s->weight_decay : 0.0f;
    rd_adamw(p->master, p->m, p->v, p->gradient, p->count, &how);
  }
  RD_TRY(rd_parameters_refresh(&t->parameters, e));
  return rd_step_refresh(t->step, e);
}

/* A checkpoint of the update before has the weights that led here; an older one has not. */
static rd_code not_a_number(const rd_trainer *t, double loss, double norm, rd_error *e) {
  const char *out = t->settings->out;
  const bool older = rd_run_newest(out, t->update - 2) >= 0;
  const bool one = !older && rd_run_newest(out, t->update - 1) >= 0;
  return rd_fail(e, RD_NUMERIC,
                 "update %lld: loss %g, gradient norm %g: not a number any more; %s%s with a lower "
                 "learning_rate or clip%s",
                 (long long)t->update, loss, norm, older ? out : "start anew",
                 older ? ": the checkpoints left in it are good: --resume"
                 : one ? " (--overwrite)"
                       : "",
                 one ? ": the only checkpoint there has the weights that led here (--keep 2 leaves "
                       "one before it)"
                     : "");
}

static rd_code train_update(rd_trainer *t, rd_train_progress *progress, rd_error *e) {
  double loss, total;
  RD_TRY(accumulate(t, &loss, &total, e));
  double scale = total > 0 ? 1.0 / total : 0.0;
  double norm = 0;
  if (rd_step_updates(t->step))
    RD_TRY(rd_step_norm(t->step, scale, &norm, e));
  else
    norm = rd_parameters_norm(&t->parameters, scale);
  if (!isfinite(loss) || !isfinite(norm))
    return not_a_number(t, loss, norm, e);
  double clip = t->settings->clip;
  double rate = rd_rate_at(t->schedule, t->settings->learning_rate, t->update, t->settings->warmup,
                           t->updates);
  RD_TRY(step(t, rate, clip > 0 && norm > clip ? scale * clip / norm : scale, e));
  progress->loss = loss;
  progress->learning_rate = rate;
  progress->grad_norm = norm;
  return RD_OK;
}

/* The loss of held-out examples under fixed corruption. */
static rd_code validate(rd_trainer *t, rd_validation *v, rd_error *e) {
  int64_t count = t->validation.count;
  rd_example_loss *losses = rd_calloc((size_t)count, sizeof *losses, "validation losses", e);
  rd_code code = losses ? RD_OK : RD_NO_MEMORY;
  const rd_aim aim = aim_of(t, 0);
  rd_step_aim(t->step, &aim);
  const rd_validation_work work = {.ranks = t->ranks,
                                   .step = t->step,
                                   .batch = &t->batch,
                                   .rules = &t->rules,
                                   .examples = &t->validation,
                                   .row_loss = t->row_loss,
                                   .others = t->row_loss + t->rules.rows};
  for (int64_t next = 0; code == RD_OK && next < count;)
    code = rd_validation_passes(losses, &next, &work, e);
  if (code == RD_OK)
    rd_validation_sum(v, losses, count);
  for (int i = 0; i < RD_NOISE_LEVELS && !t->rules.corruption; i++)
    v->by_noise[i] = NAN;
  free(losses);
  return code;
}

/* Does this rank write what the run leaves? */
static bool writes(const rd_trainer *t) {
  return t->ranks->rank == 0;
}

static rd_code validate_and_tell(rd_trainer *t, rd_error *e) {
  rd_validation v;
  RD_TRY(validate(t, &v, e));
  if (!isfinite(v.loss))
    return rd_fail(e, RD_NUMERIC, "update %lld: the validation loss is %g", (long long)t->update,
                   v.loss);
  const bool best = v.loss < t->best_loss;
  if (best)
    t->best_loss = v.loss;
  if (!writes(t))
    return RD_OK;
  RD_TRY(
      rd_run_log_validation(t->settings->out, &t->watch, t->update, t->tokens, t->seconds, &v, e));
  if (best)
    RD_TRY(rd_trainer_export(t, "best", e));
  rd_model live = rd_trainer_live(t);
  return t->watch.validated ? t->watch.validated(t->watch.context, &live, t->update, &v, e) : RD_OK;
}

static bool due(int64_t update, int64_t every, bool last) {
  return last || (every > 0 && update % every == 0);
}

static rd_code write_config(const rd_trainer *t, rd_error *e) {
  char *text = rd_train_settings_yaml(t->settings);
  rd_code code = rd_file_put(t->settings->out, "config.yaml", text, e);
  free(text);
  return code;
}

/* The run that was found has updates before it. */
static rd_code check_place(const rd_trainer *t, rd_error *e) {
  return t->update <= t->updates
           ? RD_OK
           : rd_fail(e, RD_USAGE,
                     "--resume: %s is at update %lld, and the run ends at %lld: more `updates` or "
                     "`epochs` go on with it, --overwrite starts anew",
                     t->settings->out, (long long)t->update, (long long)t->updates);
}

/* The folder of the run, by the rank that writes. */
static rd_code open_folder(rd_trainer *t, bool *found, rd_error *e) {
  const char *out = t->settings->out;
  if (t->settings->overwrite)
    RD_TRY(rd_run_folder_clear(out, e));
  RD_TRY(rd_identity_find(&t->identity, t, e));
  if (t->settings->resume)
    RD_TRY(rd_checkpoint_read(t, found, e));
  RD_TRY(check_place(t, e));
  if (t->settings->resume)
    note(t, *found ? rd_print("going on from update %lld", (long long)t->update)
                   : rd_print("%s: no checkpoint yet, starting anew", out));
  RD_TRY(rd_run_log_rewind(out, *found ? t->update : -1, e));
  return write_config(t, e);
}

static rd_code prepare(rd_trainer *t, rd_error *e) {
  bool found = false;
  rd_code code = writes(t) ? rd_run_folder_claim(t->settings, &t->lock, e) : RD_OK;
  if (code == RD_OK)
    code = take_memory(t, e);
  if (code == RD_OK && writes(t))
    code = open_folder(t, &found, e);
  RD_TRY(rd_ranks_agree(t->ranks, code, e));
  if (t->ranks->count > 1)
    RD_TRY(rd_rank_start(t, e));
  return rd_step_refresh(t->step, e);
}

/* What a step has changed elsewhere is brought for those who read it here. */
static rd_code bring(rd_trainer *t, rd_error *e) {
  if (!rd_step_updates(t->step))
    return RD_OK;
  RD_TRY(rd_step_bring(t->step, e));
  return rd_parameters_refresh(&t->parameters, e);
}

/* Log, validate, checkpoint: what follows an update. */
static rd_code follow_up(rd_trainer *t, rd_train_progress *progress, bool stop, rd_error *e) {
  const rd_train_settings *s = t->settings;
  bool last = t->update == t->updates;
  t->logged_loss += progress->loss;
  t->logged++;
  if (due(t->update, s->log_every, last)) {
    rd_train_progress row = *progress;
    row.loss = t->logged_loss / (double)t->logged;
    t->logged_loss = 0;
    t->logged = 0;
    if (writes(t))
      RD_TRY(rd_run_log_progress(s->out, &t->watch, &row, e));
  }
  const bool validates = t->validation.count > 0 && due(t->update, s->validate_every, last);
  const bool checkpoints = due(t->update, s->checkpoint_every, last || stop) && writes(t);
  if (validates || checkpoints)
    RD_TRY(bring(t, e));
  if (validates)
    RD_TRY(validate_and_tell(t, e));
  if (checkpoints)
    RD_TRY(rd_checkpoint_write(t, e));
  return RD_OK;
}

/* Does any rank's watcher want to stop? */
static rd_code stop_wanted(const rd_trainer *t, bool *stop, rd_error *e) {
  const bool mine = t->watch.stop && *t->watch.stop;
  *stop = false;
  for (int i = 0; i < t->ranks->count; i++) {
    bool theirs = mine;
    RD_TRY(rd_ranks_share(t->ranks, i, &theirs, sizeof theirs, e));
    *stop = *stop || theirs;
  }
  return RD_OK;
}

static rd_code after_update(rd_trainer *t, rd_train_progress *progress, rd_error *e) {
  bool stop = false;
  if (t->watch.updated)
    t->watch.updated(t->watch.context, progress);
  RD_TRY(stop_wanted(t, &stop, e));
  RD_TRY(rd_ranks_agree(t->ranks, follow_up(t, progress, stop, e), e));
  if (stop && t->update < t->updates)
    return rd_fail(e, RD_CANCELLED, "stopped after update %lld; --resume goes on from there",
                   (long long)t->update);
  return RD_OK;
}

static rd_code run(rd_trainer *t, rd_error *e) {
  RD_TRY(prepare(t, e));
  double before = t->seconds, start = rd_seconds(), recent = 0;
  int64_t first = t->update;
  while (t->update < t->updates) {
    double began = rd_seconds();
    int64_t tokens = t->tokens;
    t->update++;
    rd_train_progress progress = {.update = t->update, .updates = t->updates};
    rd_code code = train_update(t, &progress, e);
    if (code == RD_NUMERIC && writes(t))
      rd_checkpoint_retreat(t);
    RD_TRY(rd_ranks_agree(t->ranks, code, e));
    double lately = (double)(t->tokens - tokens) / (rd_seconds() - began + 1e-9);
    recent = recent > 0 ? 0.95 * recent + 0.05 * lately : lately;
    t->seconds = before + rd_seconds() - start;
    progress.tokens = t->tokens;
    progress.seconds = t->seconds;
    progress.tokens_per_second = recent;
    progress.seconds_left =
        (rd_seconds() - start) / (double)(t->update - first) * (double)(t->updates - t->update);
    RD_TRY(after_update(t, &progress, e));
  }
  return rd_ranks_agree(t->ranks, writes(t) ? rd_trainer_export(t, "final", e) : RD_OK, e);
}

rd_code rd_trainer_run(rd_trainer *t, rd_error *e) {
  rd_code code = run(t, e);
  rd_folder_unlock(&t->lock);
  return code;
}
