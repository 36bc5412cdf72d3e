/* SPDX-License-Identifier: MIT */
/* Opening a run: model or `init`, tokenizer, rules, tensors to train, data. */
#include "trainer.h"

#include "block_batch.h"
#include "clock.h"
#include "cpu.h"
#include "family.h"
#include "file.h"
#include "folder.h"
#include "model.h"
#include "model_store.h"
#include "precision.h"
#include "rows.h"
#include "run_folder.h"
#include "whole.h"

#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code wanted_type(const rd_trainer *t, rd_dtype *type, rd_error *e) {
  const rd_precision *precision;
  RD_TRY(rd_precision_find(&precision, t->settings->precision, e));
  *type = rd_precision_trained(precision, t->kind->device);
  return RD_OK;
}

/* A LLaMA of the sizes given, its special tokens those of the tokenizer. */
static rd_code config_of_init(rd_trainer *t, rd_error *e) {
  const rd_train_init *init = &t->settings->init;
  rd_config *c = &t->config;
  RD_TRY(rd_family_find(&c->family, "llama", e));
  c->layers = init->layers;
  c->width = init->width;
  c->heads = init->heads;
  c->kv_heads = init->kv_heads ? init->kv_heads : init->heads;
  c->head_dim = init->head_dim ? init->head_dim : init->width / init->heads;
  c->ff = init->ff;
  c->positions = init->positions ? init->positions : t->settings->window;
  c->norm_eps = init->norm_eps;
  c->rope.theta = init->rope_theta;
  c->tied = init->tied;
  c->block = 1;
  c->mask = c->bos = c->pad = -1;
  if (t->tokenizer) {
    size_t count;
    const int32_t *eos = rd_tokenizer_eos(t->tokenizer, &count);
    c->vocab = (int64_t)rd_tokenizer_size(t->tokenizer);
    c->bos = rd_tokenizer_bos(t->tokenizer);
    c->pad = rd_tokenizer_pad(t->tokenizer);
    c->mask = rd_tokenizer_mask(t->tokenizer);
    for (size_t i = 0; i < count && i < RD_MOST_EOS; i++)
      c->eos[c->eos_count++] = eos[i];
  }
  if (c->width % c->heads != 0 || c->heads % c->kv_heads != 0 || c->head_dim < 2 ||
      c->head_dim % 2 != 0)
    return rd_fail(e, RD_USAGE,
                   "init: width %lld, %lld heads, %lld kv_heads, head_dim %lld: width must be a "
                   "multiple of heads, heads of kv_heads, and head_dim even",
                   (long long)c->width, (long long)c->heads, (long long)c->kv_heads,
                   (long long)c->head_dim);
  return rd_config_check(c, e);
}

/* From nothing: the tokenizer named, and a model for it. */
static rd_code open_init(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  RD_TRY(rd_tokenizer_open(&t->own_tokenizer, s->init.tokenizer, e));
  t->tokenizer = t->own_tokenizer;
  t->tokenizer_folder = rd_strdup(s->init.tokenizer, e);
  if (!t->tokenizer_folder)
    return RD_NO_MEMORY;
  RD_TRY(config_of_init(t, e));
  if (s->prompt.mask_token)
    RD_TRY(rd_tokenizer_word(t->tokenizer, s->prompt.mask_token, &t->config.mask, e));
  if (s->prompt.chat_template)
    RD_TRY(rd_chat_template_load(&t->template_choice, s->prompt.chat_template, e));
  if (t->template_choice || rd_tokenizer_has_template(t->tokenizer)) /* texts need none */
    RD_TRY(rd_chat_template_open(&t->chat_template, t->tokenizer, t->template_choice, e));
  t->prompter = (rd_prompter){s->out, t->tokenizer, t->chat_template, s->prompt.system};
  return RD_OK;
}

/* A new gate of objective blocks; that of an adapter stays. */
static rd_code begin_blocks(rd_trainer *t, rd_error *e) {
  const rd_objective *objective;
  int64_t lengths[RD_MOST_BLOCKS], count;
  RD_TRY(rd_objective_find(&objective, t->settings->objective, e));
  if (!objective->parent)
    return RD_OK;
  if (t->settings->adapter && t->base->remembered.gate.answer)
    return t->gate.shift && !t->settings->block_shift
             ? rd_fail(e, RD_USAGE, "block_shift: the gate of %s has it, and stays",
                       t->settings->adapter)
             : RD_OK;
  RD_TRY(rd_block_lengths_read(lengths, &count, t->settings->block_lengths, e));
  t->gate.shift = t->settings->block_shift;
  t->gate.block = lengths[0];
  return RD_OK;
}

/* What is not trained is not written either, and the adapter would be left without it. */
static rd_code check_adapter(const rd_train_settings *s, const rd_adapter *a, rd_error *e) {
  RD_TRY(rd_adapter_check_plain(a, e));
  const char *norm = s->train_norms ? NULL : rd_adapter_norm(a);
  return norm ? rd_fail(e, RD_USAGE,
                        "adapter %s has norms of its own (%s): train_norms goes on with them too",
                        s->adapter, norm)
              : RD_OK;
}

/* What the base says of the run. */
static rd_code take_base(rd_trainer *t, const rd_gate_choice *gate, rd_error *e) {
  t->gate = t->settings->adapter ? t->base->remembered.gate : (rd_gate){0};
  t->gate.answer |= gate->answer;
  RD_TRY(begin_blocks(t, e));
  t->config = t->base->config;
  if (t->config.family->names->fused)
    return rd_fail(e, RD_UNSUPPORTED,
                   "%s: family %s keeps queries, keys and values in one matrix, and gate and up, "
                   "which are not trained here",
                   t->settings->model, t->config.family->name);
  t->tokenizer = t->base->tokenizer;
  t->prompter = rd_model_prompter(t->base);
  return RD_OK;
}

static rd_code open_model(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  if (s->has_init)
    return open_init(t, e);
  rd_dtype type;
  RD_TRY(wanted_type(t, &type, e));
  bool f32 = rd_train_settings_all(s) || type == RD_F32;
  rd_model_options options = {.path = s->model,
                              .adapter = s->adapter,
                              .chat_template = s->prompt.chat_template,
                              .mask_token = s->prompt.mask_token,
                              .system = s->prompt.system,
                              .halves = true,
                              .precision = f32 ? "f32" : "bf16",
                              .use =
                                  rd_train_settings_all(s) ? RD_ADAPTER_MERGED : RD_ADAPTER_BESIDE};
  const rd_gate_choice *gate = rd_table_find(&rd_gate_table, s->gate, e);
  if (!gate)
    return RD_USAGE;
  options.apart = gate->answer;
  RD_TRY(rd_model_open(&t->base, &options, e));
  RD_TRY(take_base(t, gate, e));
  if (options.adapter && options.use == RD_ADAPTER_BESIDE)
    RD_TRY(check_adapter(s, &t->base->store->adapter, e));
  t->tokenizer_folder = rd_strdup(s->model, e);
  return t->tokenizer_folder ? RD_OK : RD_NO_MEMORY;
}

/* What corruptions get for a share of the examples, and what there cannot be. */
static rd_code set_shares(rd_batch_rules *r, const rd_train_settings *s, rd_error *e) {
  double all = 0;
  bool unrated = r->corruption && !r->objective->by_rate;
  for (size_t i = 0; i < rd_corruption_count; i++) {
    const rd_corruption *row = &rd_corruptions[i];
    r->shares[i] = row->shared ? rd_train_settings_share(s, row->name) : 0;
    all += r->shares[i];
    if (r->shares[i] > 0 && !r->corruption && !r->objective->parent)
      return rd_fail(e, RD_USAGE, "%s: objective %s corrupts nothing", row->name,
                     r->objective->name);
    if (r->shares[i] > 0 && row->words && (!unrated || r->objective->parent))
      return rd_fail(e, RD_USAGE,
                     "%s: wrong words have no masks to weigh; take objective structural or mixed",
                     row->name);
    if (all > 1 + 1e-9)
      return rd_fail(
          e, RD_USAGE,
          "%s: %g; with those before it, %g of the examples, and there is no more than 1",
          row->name, r->shares[i], all);
  }
  r->own_drafts = s->own_drafts;
  r->draft_temperature = s->draft_temperature;
  r->draft_top_k = s->draft_top_k;
  r->draft_drawn = s->draft_drawn;
  if (r->own_drafts > 0 && (!unrated || !r->loss_on->unchanged))
    return rd_fail(e, RD_USAGE,
                   "own_drafts: a draft has no masks to weigh and any word may be wrong; take "
                   "objective structural or mixed, and loss_on all or answer");
  if (r->draft_temperature > 0 && r->own_drafts <= 0)
    return rd_fail(e, RD_USAGE, "draft_temperature: there are no drafts to draw; give own_drafts");
  if (r->draft_drawn < 1 && r->draft_temperature <= 0)
    return rd_fail(e, RD_USAGE,
                   "draft_drawn: without a draft_temperature above 0 nothing is drawn");
  if (!r->corruption && !r->loss_on->unchanged)
    return rd_fail(e, RD_USAGE,
                   "loss_on: objective %s corrupts nothing: take all, assistant or answer",
                   r->objective->name);
  if (s->align > 0 && !r->objective->parent)
    return rd_fail(e, RD_USAGE, "align: only objective blocks reads the base's hidden states");
  if (r->draft_top_k > 0 && r->draft_temperature <= 0)
    return rd_fail(e, RD_USAGE,
                   "draft_top_k: without a draft_temperature above 0 nothing is drawn");
  return RD_OK;
}

/* Behind a gate only answers are trained. */
static rd_code check_gate(const rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  if (!t->gate.answer)
    return t->rules.objective->parent
             ? rd_fail(e, RD_USAGE, "objective %s needs gate: answer", t->rules.objective->name)
             : RD_OK;
  if (s->has_init || rd_train_settings_all(s))
    return rd_fail(e, RD_USAGE, "gate: answer is for adapters: trainable lora over a model");
  if (t->rules.loss_on->prompt)
    return rd_fail(e, RD_USAGE,
                   "gate: answer leaves prompts to the model: take loss_on answer or corrupted");
  if (!t->rules.corruption)
    return rd_fail(e, RD_USAGE, "gate: answer is for objectives that corrupt answers, not %s",
                   t->rules.objective->name);
  if ((t->gate.shift || t->gate.block > 0) && !t->rules.objective->parent)
    return rd_fail(e, RD_UNSUPPORTED,
                   "the adapter's gate has %s: it is trained on with objective blocks",
                   t->gate.shift ? "shifted rows" : "blocks");
  return RD_OK;
}

static rd_code set_rules(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  rd_batch_rules *r = &t->rules;
  RD_TRY(rd_objective_find(&r->objective, s->objective, e));
  RD_TRY(rd_loss_on_find(&r->loss_on, s->loss_on, e));
  if (r->objective->corruption)
    RD_TRY(rd_corruption_find(&r->corruption, r->objective->corruption, e));
  t->schedule = rd_table_find(&rd_rate_schedule_table, s->schedule, e);
  const rd_pad *pad = rd_table_find(&rd_pad_table, s->pad, e);
  if (!t->schedule || !pad)
    return RD_USAGE;
  r->eos_padding_loss = s->eos_padding_loss;
  r->pad_to_window = pad->to_window;
  r->pad_short = pad->small;
  r->all_masked = s->mask_all;
  r->branches = s->branches;
  RD_TRY(rd_block_lengths_read(r->block_lengths, &r->block_count, s->block_lengths, e));
  r->shift = r->corruption && (t->gate.answer ? t->gate.shift : t->config.shift_logits);
  if (r->branches > 0 && !(r->objective->parent && r->shift))
    return rd_fail(e, RD_USAGE,
                   "branches: %g of the examples, but only objective blocks with block_shift has "
                   "rows that predict the word behind a mask",
                   r->branches);
  r->window = s->window;
  r->rows = s->window * s->batch;
  r->mask = t->config.mask;
  r->eos = t->coder.eos;
  r->seed = (uint64_t)s->seed;
  RD_TRY(set_shares(r, s, e));
  RD_TRY(check_gate(t, e));
  RD_TRY(rd_objective_check_mask(r->objective, r->mask, e));
  if (t->config.positions > 0 && s->window > t->config.positions)
    return rd_fail(e, RD_USAGE, "window: %lld tokens, the model has %lld positions",
                   (long long)s->window, (long long)t->config.positions);
  return RD_OK;
}

/* Something was read, and something of it can be learnt from. */
static rd_code check_left(const rd_trainer *t, rd_error *e) {
  int64_t rows = 0, bad = 0, over = 0;
  char why[300] = "";
  if (t->examples.count > 0)
    return RD_OK;
  for (size_t i = 0; i < t->examples.report_count; i++) {
    const rd_file_report *r = &t->examples.reports[i];
    rows += r->rows;
    bad += r->bad;
    over += r->too_long;
  }
  const struct {
    int64_t count;
    const char *is;
  } reasons[] = {
      {bad, "bad"},
      {over, "cut off, or too long with their prompt for the window (--window; --long-rows "
             "truncate)"},
      {rows - bad - over, "without an answer to learn"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].count > 0) {
      size_t used = strlen(why);
      snprintf(why + used, sizeof why - used, "%s %lld %s", used ? "," : "",
               (long long)reasons[i].count, reasons[i].is);
    }
  return rd_fail(e, RD_BAD_INPUT, "data: of %lld rows none is left:%s; the window has %lld tokens",
                 (long long)rows, why, (long long)t->rules.window);
}

static rd_code read_data(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  const rd_long_rows *long_rows = rd_table_find(&rd_long_rows_table, s->long_rows, e);
  const rd_turns *turns = rd_table_find(&rd_turns_table, s->turns, e);
  if (!long_rows || !turns)
    return RD_USAGE;
  unsigned long long found = 0;
  rd_read_rules rules = {.window = s->window,
                         .room_for_eos = t->rules.corruption != NULL,
                         .truncate = long_rows->truncate,
                         .take_cut = t->rules.objective->parent,
                         .find_answers = t->rules.loss_on->answers,
                         .allow_bad = s->allow_bad,
                         .last_turn = turns->last,
                         .columns = s->columns,
                         .found = &found,
                         .note = t->watch.note,
                         .context = t->watch.context};
  RD_TRY(rd_examples_read(&t->examples, &s->sources, &t->coder, &rules, e));
  if (t->examples.count == 0)
    RD_TRY(rd_row_columns_found(s->columns, found, e));
  RD_TRY(check_left(t, e));
  if (s->validation_sources.count)
    RD_TRY(rd_examples_read(&t->validation, &s->validation_sources, &t->coder, &rules, e));
  RD_TRY(rd_row_columns_found(s->columns, found, e));
  t->validation_is_held = !s->validation_sources.count;
  if (t->validation_is_held)
    RD_TRY(rd_examples_hold_out(&t->examples, &t->validation, s->held_out, s->validate_rows,
                                (uint64_t)s->seed, e));
  else if (t->validation.count > s->validate_rows)
    t->validation.count = s->validate_rows;
  if (!t->rules.objective->parent)
    return RD_OK;
  RD_TRY(rd_block_batch_fits(&t->rules, &t->examples, e));
  return rd_block_batch_fits(&t->rules, &t->validation, e);
}

/* As many updates as the epochs need. */
static rd_code count_updates(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  rd_batch batch = {0};
  rd_order order = {0};
  int64_t passes = 0;
  rd_code code = rd_batch_init(&batch, t->rules.rows, e);
  if (code == RD_OK)
    code =
        rd_order_init(&order, t->examples.weights, t->examples.count, (uint64_t)s->seed, 0, 0, e);
  if (code == RD_OK)
    code = rd_batch_passes(&passes, &batch, &t->rules, &t->examples, &order, s->epochs, e);
  rd_order_drop(&order);
  rd_batch_drop(&batch);
  t->updates = rd_over(passes, s->accumulate);
  return code;
}

/* Factors where the adapter has none are said: they were asked for, or it has none at all. */
static void tell_of_new_modules(const rd_trainer *t) {
  const rd_parameters *p = &t->parameters;
  if (!t->settings->adapter || p->new_modules == 0 || !t->watch.note)
    return;
  char *message =
      rd_print("%s: %lld modules get factors of rank %lld that the adapter has none for",
               t->settings->adapter, (long long)p->new_modules, (long long)p->new_rank);
  if (message)
    t->watch.note(t->watch.context, message);
  free(message);
}

static rd_code plan_parameters(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  /* a device sums the passes of an update itself, unless other ranks have some of them */
  const bool apart = s->accumulate > 1 && (!t->kind->device || t->ranks->count > 1);
  const rd_parameters_plan_options options = {
      .all = rd_train_settings_all(s),
      .norms = s->train_norms,
      .gated = t->gate.answer,
      .elsewhere = t->kind->device,
      .apart = apart ? t->ranks : NULL,
      .rank = s->lora_rank,
      .usual_rank = s->adapter ? t->base->store->adapter.config.rank : RD_DEFAULT_RANK,
      .alpha = s->lora_alpha,
      .targets = s->lora_targets};
  rd_dtype type;
  RD_TRY(wanted_type(t, &type, e));
  RD_TRY(rd_parameters_plan(&t->parameters, &t->config, t->base ? &t->base->weights : NULL, type,
                            &options, e));
  tell_of_new_modules(t);
  return RD_OK;
}

/* The first rank alone speaks and writes. Each does as many passes of an update as the others. */
static rd_code join_ranks(rd_trainer *t, rd_error *e) {
  const rd_train_settings *s = t->settings;
  if (s->accumulate % t->ranks->count != 0)
    return rd_fail(e, RD_USAGE,
                   "accumulate: %lld passes make an update, which %d processes cannot share "
                   "evenly: take a multiple of %d, or another number of them",
                   (long long)s->accumulate, t->ranks->count, t->ranks->count);
  if (t->ranks->rank > 0)
    t->watch = (rd_train_watch){.stop = t->watch.stop};
  if (t->ranks->threads > 0 && s->threads == 0)
    rd_threads_set(t->ranks->threads);
  return RD_OK;
}

/* What each rank reads for itself must be the same, and its kernels must round alike. */
static rd_code compare_ranks(const rd_trainer *t, rd_error *e) {
  char *text = rd_train_settings_yaml(t->settings);
  rd_code code = text ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the settings");
  code = rd_ranks_agree(t->ranks, code, e);
  if (code == RD_OK)
    code = rd_ranks_same(t->ranks, text, strlen(text), "settings", e);
  free(text);
  for (size_t i = 0; code == RD_OK && i < t->examples.report_count; i++)
    code = rd_ranks_same(t->ranks, &t->examples.reports[i].hash, sizeof(uint64_t), "data", e);
  const rd_cpu level = rd_cpu_level();
  return code == RD_OK ? rd_ranks_same(t->ranks, &level, sizeof level,
                                       "instruction sets, whose last bits differ (REDRAFT_CPU=avx2 "
                                       "for all of them caps the better ones)",
                                       e)
                       : code;
}

static rd_code open_all(rd_trainer *t, rd_error *e) {
  const rd_train_settings *settings = t->settings;
  RD_TRY(join_ranks(t, e));
  if (!settings->dry_run && t->ranks->rank == 0)
    RD_TRY(rd_run_folder_check(settings, e));
  RD_TRY(open_model(t, e));
  if (!t->tokenizer)
    return rd_fail(e, RD_BAD_INPUT, "%s: has no tokenizer to read the data with", settings->model);
  RD_TRY(rd_text_coder_of(&t->coder, &t->prompter, e));
  RD_TRY(set_rules(t, e));
  RD_TRY(plan_parameters(t, e));
  RD_TRY(read_data(t, e));
  t->updates = settings->updates;
  if (t->updates == 0)
    RD_TRY(count_updates(t, e));
  return rd_order_init(&t->order, t->examples.weights, t->examples.count, (uint64_t)settings->seed,
                       0, 0, e);
}

rd_code rd_trainer_open(rd_trainer *t, const rd_train_settings *settings,
                        const rd_train_watch *watch, rd_error *e) {
  *t = (rd_trainer){.settings = settings, .best_loss = INFINITY};
  if (watch)
    t->watch = *watch;
  RD_TRY(rd_ranks_join(&t->ranks, e)); /* which says which card is this process's */
  RD_TRY(rd_step_kind_find(&t->kind, settings->engine, e)); /* which may open a library */
  t->program_bytes = rd_resident_bytes();
  RD_TRY(rd_ranks_agree(t->ranks, open_all(t, e), e));
  return t->ranks->count > 1 ? compare_ranks(t, e) : RD_OK;
}

rd_code rd_trainer_check(const rd_train_settings *s, const rd_model *base, rd_error *e) {
  rd_model borrowed = *base;
  rd_trainer t = {.settings = s, .base = &borrowed};
  const rd_gate_choice *gate = rd_table_find(&rd_gate_table, s->gate, e);
  if (!gate)
    return RD_USAGE;
  RD_TRY(rd_step_kind_find(&t.kind, s->engine, e));
  RD_TRY(take_base(&t, gate, e));
  if (s->prompt.mask_token)
    RD_TRY(rd_tokenizer_word(t.tokenizer, s->prompt.mask_token, &t.config.mask, e));
  RD_TRY(rd_text_coder_of(&t.coder, &t.prompter, e));
  RD_TRY(set_rules(&t, e));
  return s->lora_targets ? rd_parameters_check_targets(s->lora_targets, e) : RD_OK;
}

void rd_trainer_close(rd_trainer *t) {
  rd_step_free(&t->step);
  rd_parameters_drop(&t->parameters);
  rd_order_drop(&t->order);
  rd_batch_drop(&t->batch);
  if (t->validation_is_held)
    rd_examples_drop_held(&t->validation);
  else
    rd_examples_drop(&t->validation);
  rd_examples_drop(&t->examples);
  json_decref(t->identity);
  free(t->row_loss);
  free(t->tokenizer_folder);
  free(t->template_choice);
  rd_chat_template_close(&t->chat_template);
  rd_tokenizer_close(&t->own_tokenizer);
  rd_model_close(&t->base);
  rd_folder_unlock(&t->lock);
  *t = (rd_trainer){0};
}

rd_step_plan rd_trainer_plan(const rd_trainer *t) {
  return (rd_step_plan){.config = &t->config,
                        .weights = &t->parameters.weights,
                        .gradient = &t->parameters.gradient,
                        .gradients = t->parameters.sum.values,
                        .gradient_count = t->parameters.sum.count,
                        .trained = t->parameters.trained,
                        .trained_count = t->parameters.count,
                        .apart = t->settings->accumulate > 1 && !t->parameters.apart,
                        .rows = t->rules.rows,
                        .longest = t->rules.window,
                        .recompute = t->settings->recompute};
}

rd_model rd_trainer_live(const rd_trainer *t) {
  static char processor[] = "cpu"; /* the engine that reads weights where they change */
  rd_model live = {0};
  if (t->base)
    live = *t->base;
  else
    live.name = t->settings->out;
  live.engine = processor;
  live.config = t->config;
  live.remembered.gate = t->gate;
  live.weights = t->parameters.weights;
  live.tokenizer = (rd_tokenizer *)(uintptr_t)t->tokenizer;
  return live;
}
