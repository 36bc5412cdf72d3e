/* SPDX-License-Identifier: MIT */
/* The task `loss`: training's validation on any rows and model. Corruption is a function of (seed,
 * example), so that models and adapters are compared on the same noise. */
#include "task.h"
#include "validation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PASS_ROWS = 2048 }; /* tokens of a pass at least */

typedef struct work {
  const rd_eval *eval;
  rd_batch_rules rules;
  rd_examples examples;
  rd_batch batch;
  rd_step *step;
  float *row_loss;         /* (2, rows) */
  rd_example_loss *losses; /* (examples) */
} work;

static rd_code set_rules(work *w, const rd_text_coder *coder, rd_error *e) {
  const rd_eval_settings *s = w->eval->settings;
  const rd_config *c = &w->eval->model->config;
  rd_batch_rules *r = &w->rules;
  RD_TRY(rd_objective_find(&r->objective, s->objective, e));
  RD_TRY(rd_loss_on_find(&r->loss_on, "answer", e));
  if (r->objective->corruption)
    RD_TRY(rd_corruption_find(&r->corruption, r->objective->corruption, e));
  r->window = rd_config_window(c, s->params.window);
  r->rows = r->window < PASS_ROWS ? PASS_ROWS : r->window;
  r->eos_padding_loss = true;
  r->mask = c->mask;
  r->eos = coder->eos;
  r->seed = (uint64_t)s->params.seed;
  RD_TRY(rd_objective_check_mask(r->objective, r->mask, e));
  const rd_model *m = w->eval->model;
  bool shift = m->weights.plain ? m->remembered.gate.shift : c->shift_logits;
  r->shift = r->corruption && shift;
  r->block_lengths[0] = m->remembered.gate.block;
  r->block_count = 1;
  if (r->objective->parent && !m->weights.plain)
    return rd_fail(e, RD_USAGE, "objective %s is for adapters with a gate: %s has none",
                   r->objective->name, m->name);
  if (r->window < 2 || r->window > c->positions)
    return rd_fail(e, RD_USAGE, "--window %lld: between 2 and the model's %lld positions",
                   (long long)r->window, (long long)c->positions);
  return RD_OK;
}

static rd_code read_examples(work *w, const rd_text_coder *coder, rd_error *e) {
  const rd_eval_settings *s = w->eval->settings;
  rd_data_source source = {s->data, 1};
  const rd_data_sources sources = {&source, 1};
  unsigned long long found = 0;
  const rd_read_rules rules = {.window = w->rules.window,
                               .room_for_eos = w->rules.corruption != NULL,
                               .take_cut = w->rules.objective->parent,
                               .allow_bad = s->allow_bad,
                               .columns = s->columns,
                               .found = &found,
                               .note = w->eval->watch.note,
                               .context = w->eval->watch.context};
  RD_TRY(rd_row_columns_check(s->columns, e));
  RD_TRY(rd_examples_read(&w->examples, &sources, coder, &rules, e));
  RD_TRY(rd_row_columns_found(s->columns, found, e));
  if (s->limit > 0 && s->limit < w->examples.count)
    w->examples.count = s->limit;
  if (w->examples.count == 0)
    return rd_fail(e, RD_BAD_INPUT, "%s: no row fits into a window of %lld tokens", s->data,
                   (long long)w->rules.window);
  return RD_OK;
}

/* The ratio of sums over the examples that `level` takes (-1: all), with its interval. */
static rd_code add_ratio(const work *w, rd_finding *f, const char *name, int level, rd_error *e) {
  size_t count = (size_t)w->examples.count, n = 0;
  double *over = rd_calloc(2 * count, sizeof *over, "losses of a level", e);
  if (!over)
    return RD_NO_MEMORY;
  double *under = over + count, top = 0, bottom = 0;
  for (size_t i = 0; i < count; i++) {
    const rd_example_loss *x = &w->losses[i];
    if (level >= 0 && (rd_noise_level(x->noise) != level || x->answer_count <= 0))
      continue;
    over[n] = level < 0 ? x->loss : x->answer;
    under[n] = level < 0 ? x->weight : x->answer_count;
    top += over[n];
    bottom += under[n++];
  }
  rd_interval interval = rd_bootstrap(over, under, n, w->rules.seed);
  rd_finding_add(f, name, bottom > 0 ? top / bottom : NAN, interval, false);
  free(over);
  return RD_OK;
}

static rd_code report(const work *w, rd_error *e) {
  static const char *const levels[RD_NOISE_LEVELS] = {"noise_to_25", "noise_to_50", "noise_to_75",
                                                      "noise_to_100"};
  const rd_file_report *file = &w->examples.reports[0];
  for (int64_t i = 0; i < w->examples.count; i++) {
    const rd_example_loss *x = &w->losses[i];
    RD_TRY(rd_eval_tell(w->eval,
                        json_pack("{s:I, s:f, s:f, s:f}", "example", (json_int_t)i + 1, "loss",
                                  x->weight > 0 ? x->loss / x->weight : 0, "weight", x->weight,
                                  "noise", x->noise),
                        e));
  }
  rd_finding f = {.rows = (size_t)w->examples.count, .bad = (size_t)(file->bad + file->too_long)};
  RD_TRY(add_ratio(w, &f, "loss", -1, e));
  for (int i = 0; i < RD_NOISE_LEVELS; i++)
    RD_TRY(add_ratio(w, &f, levels[i], i, e));
  return rd_eval_report(w->eval, &f, e);
}

static rd_code make_room(work *w, rd_error *e) {
  const rd_model *m = w->eval->model;
  const rd_batch_rules *r = &w->rules;
  w->losses = rd_calloc((size_t)w->examples.count, sizeof *w->losses, "losses of examples", e);
  w->row_loss = rd_calloc(2 * (size_t)r->rows, sizeof *w->row_loss, "losses of rows", e);
  if (!w->losses || !w->row_loss)
    return RD_NO_MEMORY;
  RD_TRY(rd_batch_init(&w->batch, r->rows, e));
  const rd_step_plan plan = {.config = &m->config,
                             .weights = &m->weights,
                             .rows = r->rows,
                             .longest = r->window,
                             .recompute = true};
  return rd_step_open(&w->step, m->engine, &plan, e);
}

static rd_code measure(work *w, rd_error *e) {
  const rd_model *m = w->eval->model;
  const rd_batch_rules *r = &w->rules;
  const rd_aim aim = {.parent = r->objective->parent, .shift = m->remembered.gate.shift};
  rd_step_aim(w->step, &aim);
  const rd_validation_work how = {.ranks = w->eval->ranks,
                                  .step = w->step,
                                  .batch = &w->batch,
                                  .rules = r,
                                  .examples = &w->examples,
                                  .row_loss = w->row_loss,
                                  .others = w->row_loss + r->rows};
  for (int64_t next = 0; next < w->examples.count;) {
    RD_TRY(rd_validation_passes(w->losses, &next, &how, e));
    rd_eval_progress(w->eval, (size_t)next, (size_t)w->examples.count);
  }
  return report(w, e);
}

rd_code rd_task_loss(const rd_eval *eval, rd_error *e) {
  work w = {.eval = eval};
  rd_text_coder coder;
  if (!eval->model->tokenizer)
    return rd_fail(e, RD_BAD_INPUT, "the model has no tokenizer to read the data with");
  const rd_prompter prompter = rd_model_prompter(eval->model);
  rd_code code = rd_text_coder_of(&coder, &prompter, e);
  if (code == RD_OK)
    code = set_rules(&w, &coder, e);
  if (code == RD_OK)
    code = read_examples(&w, &coder, e);
  if (code == RD_OK)
    code = make_room(&w, e);
  code = rd_ranks_agree(eval->ranks, code, e);
  if (code == RD_OK)
    code = measure(&w, e);
  rd_step_free(&w.step);
  rd_batch_drop(&w.batch);
  rd_examples_drop(&w.examples);
  free(w.row_loss);
  free(w.losses);
  return code;
}
