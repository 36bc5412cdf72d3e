/* SPDX-License-Identifier: MIT */
/* Answers first, then the stages one after another, each found again by what its run left. */
#include "adapt.h"

#include "asked.h"
#include "clock.h"
#include "estimate.h"
#include "file.h"
#include "folder.h"
#include "model.h"
#include "own_answers.h"
#include "run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_FILE "adapt.json"
#define ADAPTER "adapter"

/* Words of published vocabularies that chat never uses, best first. */
static const char *const masks[] = {"<|mask|>",
                                    "[MASK]",
                                    "<mask>",
                                    "<|MASK|>",
                                    "<empty_output>",
                                    "<|fim_pad|>",
                                    "<|reserved_special_token_0|>",
                                    "<|extra_0|>",
                                    "<unused0>",
                                    "<|placeholder1|>"};

/* --- the model ----------------------------------------------------------------------------------
 */

static rd_code open_with(rd_model **out, const rd_adapt_settings *s, const char *mask,
                         rd_error *e) {
  const rd_model_options options = {.path = s->model,
                                    .chat_template = s->prompt.chat_template,
                                    .mask_token = mask,
                                    .system = s->prompt.system,
                                    .engine = s->engine};
  return rd_model_open(out, &options, e);
}

static rd_code choose_mask(char **mask, const rd_model *m, rd_error *e) {
  for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
    if (rd_tokenizer_id(m->tokenizer, masks[i]) >= 0) {
      *mask = rd_strdup(masks[i], e);
      return *mask ? RD_OK : RD_NO_MEMORY;
    }
  return rd_fail(e, RD_USAGE,
                 "%s: its vocabulary has no word that is known to stand for nothing: name one that "
                 "chat does not use with --mask-token",
                 m->name);
}

/* Open the model that is adapted, with the mask that was asked for or, where its files name none,
 * the first of a list of words that chat never uses. *mask (new) is that word; NULL: its own. */
static rd_code open_model(rd_model **out, char **mask, const rd_adapt_settings *s, rd_error *e) {
  *mask = NULL;
  RD_TRY(open_with(out, s, s->prompt.mask_token, e));
  rd_model *m = *out;
  rd_code code = RD_OK;
  if (!m->tokenizer || !m->chat_template)
    code = rd_fail(e, RD_USAGE, "%s: adapting needs a chat model: it has no %s", s->model,
                   m->tokenizer ? "chat template (--chat-template names one)" : "tokenizer");
  else if (m->config.block != 1)
    code = rd_fail(e, RD_USAGE,
                   "%s: adapting begins with a model from left to right, and this one is none",
                   s->model);
  bool has = m->config.mask >= 0 || (m->tokenizer && rd_tokenizer_mask(m->tokenizer) >= 0);
  if (code == RD_OK && s->prompt.mask_token)
    *mask = rd_strdup(s->prompt.mask_token, e);
  else if (code == RD_OK && !has)
    code = choose_mask(mask, m, e);
  if (code == RD_OK && *mask && !s->prompt.mask_token) {
    rd_model_close(out);
    code = open_with(out, s, *mask, e);
  }
  return code;
}

/* --- settings of a stage ------------------------------------------------------------------------
 */

static const char *const common_keys[] = {"objective=blocks",
                                          "gate=answer",
                                          "loss_on=answer",
                                          "train_norms=true",
                                          "block_lengths=8,16,32",
                                          "branches=0.4",
                                          "turns=all",
                                          "batch=4",
                                          "warmup=40",
                                          "validate_every=200",
                                          "validate_rows=64",
                                          "checkpoint_every=100",
                                          "quiet=true",
                                          NULL};

static rd_code set_keys(rd_train_settings *t, const char *const *keys, rd_error *e) {
  for (; *keys; keys++)
    RD_TRY(rd_train_settings_set(t, *keys, e));
  return RD_OK;
}

/* Keys that are the same whatever --set says, since stages follow one another by them, and what
 * says them instead. */
static const struct {
  const char *key, *instead;
} own_keys[] = {{"out", "-o names the folder of all stages"},
                {"data", "--prompts says what the model is asked, and its answers are the data"},
                {"validation", "some of its own answers are held out"},
                {"model", "the model is named on the command line"},
                {"adapter", "a stage begins with what the one before it left"},
                {"updates", "--updates or --minutes say how long all stages train"},
                {"epochs", "--updates or --minutes say how long all stages train"},
                {"resume", "--resume goes on with all of it"},
                {"overwrite", "--overwrite starts all of it anew"},
                {"dry_run", "--dry-run says what all of it takes"}};

static rd_code check_key(const char *line, rd_error *e) {
  char key[64];
  snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "="), line);
  for (size_t i = 0; i < sizeof own_keys / sizeof *own_keys; i++)
    if (rd_name_same(key, own_keys[i].key))
      return rd_fail(e, RD_USAGE, "--set %s: no key of single stages: %s", key,
                     own_keys[i].instead);
  return RD_OK;
}

/* The lines of --set. */
static rd_code set_lines(rd_train_settings *t, const char *lines, rd_error *e) {
  for (const char *at = lines; at && *at;) {
    size_t n = strcspn(at, "\n");
    char *line = rd_print("%.*s", (int)n, at);
    rd_code code = line ? check_key(line, e) : rd_fail(e, RD_NO_MEMORY, "out of memory: --set");
    if (code == RD_OK)
      code = rd_train_settings_set(t, line, e);
    free(line);
    RD_TRY(code);
    at += n + (at[n] == '\n');
  }
  return RD_OK;
}

static rd_code set_text(rd_train_settings *t, const char *key, const char *folder, const char *name,
                        rd_error *e) {
  char *line = !folder ? NULL
             : name    ? rd_print("%s=%s/%s", key, folder, name)
                       : rd_print("%s=%s", key, folder);
  if (!folder)
    return RD_OK;
  rd_code code =
      line ? rd_train_settings_set(t, line, e) : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", key);
  free(line);
  return code;
}

static rd_code set_number(rd_train_settings *t, const char *key, int64_t value, rd_error *e) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  return set_text(t, key, text, NULL, e);
}

/* The trainer is told of the answers' files in a list. */
static rd_code check_out(const rd_adapt_settings *s, rd_error *e) {
  return strchr(s->out, ',')
           ? rd_fail(e, RD_USAGE,
                     "-o %s: name a folder without a comma: the answers in it are told to the "
                     "trainer in a list, which commas separate",
                     s->out)
           : RD_OK;
}

/* All keys of stage `nth`, of `updates` in all. */
static rd_code settings_of(rd_train_settings *t, const rd_adapt_settings *s, const rd_model *m,
                           const char *mask, size_t nth, int64_t updates, rd_error *e) {
  const rd_adapt_stage *stage = &rd_adapt_stages[nth];
  int64_t own = (int64_t)(stage->share * (double)updates + 0.5);
  RD_TRY(rd_train_settings_default(t, e));
  RD_TRY(set_keys(t, common_keys, e));
  RD_TRY(set_number(t, "window", rd_answers_window(s, m), e));
  RD_TRY(set_keys(t, stage->keys, e));
  RD_TRY(set_text(t, "model", s->model, NULL, e));
  RD_TRY(set_text(t, "data", s->out, RD_ANSWERS_FILE, e));
  RD_TRY(set_text(t, "validation", s->out, RD_HELD_FILE, e));
  RD_TRY(set_text(t, "out", s->out, stage->name, e));
  RD_TRY(set_text(t, "mask_token", mask, NULL, e));
  RD_TRY(set_text(t, "chat_template", s->prompt.chat_template, NULL, e));
  RD_TRY(set_text(t, "system", s->prompt.system, NULL, e));
  RD_TRY(set_text(t, "precision", s->precision, NULL, e));
  RD_TRY(set_text(t, "engine", s->engine, NULL, e));
  RD_TRY(set_number(t, "seed", (s->seed + (int64_t)nth) % (RD_MOST_SEED + 1), e));
  RD_TRY(set_number(t, "threads", s->threads, e));
  RD_TRY(set_number(t, "updates", own > 0 ? own : 1, e));
  if (nth == 0) {
    RD_TRY(set_number(t, "lora_rank", s->rank, e));
  } else {
    const rd_path before = rd_path_in(s->out, rd_adapt_stages[nth - 1].name);
    RD_TRY(set_text(t, "adapter", before.text, "final", e));
  }
  RD_TRY(set_lines(t, s->set, e));
  return rd_train_settings_finish(t, e);
}

/* --- state --------------------------------------------------------------------------------------
 */

/* What a run's numbers depend on. */
static json_t *asked_for(const rd_adapt_settings *s) {
  return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:f, s:s}", "model",
                   s->model, "prompts", s->prompts, "set", s->set, "mask_token",
                   s->prompt.mask_token, "chat_template", s->prompt.chat_template, "system",
                   s->prompt.system, "answers", (json_int_t)s->answers, "tokens",
                   (json_int_t)s->tokens, "rank", (json_int_t)s->rank, "seed", (json_int_t)s->seed,
                   "temperature", s->temperature, "precision", s->precision);
}

static rd_code write_state(const rd_adapt_settings *s, int64_t updates, rd_error *e) {
  json_t *state = asked_for(s);
  if (state)
    json_object_set_new(state, "minutes", json_real(s->minutes));
  if (state && updates > 0)
    json_object_set_new(state, "updates", json_integer(updates));
  rd_code code = rd_json_write(s->out, STATE_FILE, state, e);
  json_decref(state);
  return code;
}

static rd_code another(const rd_adapt_settings *s, const char *key, const char *was, const char *is,
                       rd_error *e) {
  return rd_fail(e, RD_USAGE,
                 "%s: the run there has %s %s, and now it is %s: give the value of before, or "
                 "--overwrite",
                 s->out, key, was, is);
}

/* Every key as it was? Those of the trainer may change until it `trains`. */
static rd_code same(const rd_adapt_settings *s, const json_t *before, bool trains, rd_error *e) {
  json_t *now = asked_for(s), *value;
  const char *key;
  rd_code code = now ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the settings");
  json_object_foreach(now, key, value) {
    const json_t *old = json_object_get(before, key);
    if (code != RD_OK || (json_is_null(value) && !old) || json_equal(value, old) ||
        (!trains && strcmp(key, "set") == 0))
      continue;
    char *was = rd_json_dumps(old, JSON_ENCODE_ANY), *is = rd_json_dumps(value, JSON_ENCODE_ANY);
    code = another(s, key, was ? was : "unset", is ? is : "unset", e);
    free(was);
    free(is);
  }
  json_decref(now);
  return code;
}

/* How long it trains stands once training has begun: the learning rate falls over all of it. The
 * updates that the minutes held may be said as --updates. */
static rd_code same_length(const rd_adapt_settings *s, const json_t *before, int64_t updates,
                           rd_error *e) {
  const json_t *minutes = json_object_get(before, "minutes");
  char was[60], is[40];
  if (updates > 0 && s->updates > 0 && s->updates != updates) {
    snprintf(was, sizeof was, "%lld", (long long)updates);
    snprintf(is, sizeof is, "%lld", (long long)s->updates);
    return another(s, "updates", was, is, e);
  }
  if (updates > 0 && s->updates == 0 && minutes && json_number_value(minutes) != s->minutes) {
    snprintf(was, sizeof was, "%g, %lld updates", json_number_value(minutes), (long long)updates);
    snprintf(is, sizeof is, "%g", s->minutes);
    return another(s, "minutes", was, is, e);
  }
  return RD_OK;
}

static const char *const own_files[] = {RD_ANSWERS_FILE, RD_HELD_FILE, STATE_FILE};
enum { OWN_FILES = sizeof own_files / sizeof *own_files };

static rd_code clear(const rd_adapt_settings *s, rd_error *e) {
  for (size_t i = 0; i < OWN_FILES; i++) {
    const rd_path path = rd_path_in(s->out, own_files[i]);
    RD_TRY(rd_path_apart(path.text, s->prompts, e));
  }
  for (size_t i = 0; i < rd_adapt_stage_count; i++) {
    const rd_path path = rd_path_in(s->out, rd_adapt_stages[i].name);
    if (rd_path_is_folder(path.text))
      RD_TRY(rd_run_folder_clear(path.text, e));
  }
  for (size_t i = 0; i < OWN_FILES; i++) {
    const rd_path path = rd_path_in(s->out, own_files[i]);
    unlink(path.text);
  }
  return RD_OK;
}

/* What has a name that the run would write under, without the run's state beside it, is somebody's
 * own. */
static rd_code check_foreign(const rd_adapt_settings *s, const char *name, rd_error *e) {
  const rd_path path = rd_path_in(s->out, name);
  return rd_path_exists(path.text)
           ? rd_fail(e, RD_USAGE,
                     "%s is there, and is of no run that can be gone on with (there is no %s): -o "
                     "names another folder, --overwrite takes its place",
                     path.text, STATE_FILE)
           : RD_OK;
}

static rd_code check_empty(const rd_adapt_settings *s, rd_error *e) {
  for (size_t i = 0; i < OWN_FILES; i++)
    RD_TRY(check_foreign(s, own_files[i], e));
  for (size_t i = 0; i < rd_adapt_stage_count; i++)
    RD_TRY(check_foreign(s, rd_adapt_stages[i].name, e));
  return check_foreign(s, ADAPTER, e);
}

/* Claim the folder: what an earlier run left is gone on with or given up because somebody said so.
 * *updates: of the run that is gone on with; 0: not known yet. */
static rd_code claim(const rd_adapt_settings *s, int *lock, int64_t *updates, rd_error *e) {
  json_t *before = NULL;
  *updates = 0;
  if (s->resume && s->overwrite)
    return rd_fail(e, RD_USAGE, "--resume and --overwrite: one of them");
  RD_TRY(rd_folder_make(s->out, e));
  RD_TRY(rd_folder_lock(s->out, lock, e));
  if (s->overwrite)
    RD_TRY(clear(s, e));
  const rd_path path = rd_path_in(s->out, STATE_FILE);
  if (!rd_path_exists(path.text)) {
    if (!s->overwrite)
      RD_TRY(check_empty(s, e));
    return write_state(s, 0, e);
  }
  if (!s->resume)
    return rd_fail(e, RD_USAGE,
                   "%s holds a run: --resume goes on with it, --overwrite starts anew in its "
                   "place, -o names another folder",
                   s->out);
  RD_TRY(rd_json_open(&before, path.text, e));
  rd_code code = rd_json_int(before, "updates", 1, INT64_MAX, updates, e);
  if (code == RD_OK)
    code = same(s, before, *updates > 0, e);
  if (code == RD_OK)
    code = same_length(s, before, *updates, e);
  json_decref(before);
  return code;
}

/* --- stages -------------------------------------------------------------------------------------
 */

/* How many updates the minutes hold, by the first stage's flops and this machine's speed. */
static rd_code budget(int64_t *updates, double *seconds, rd_train_estimate *estimate,
                      const rd_adapt_settings *s, const rd_model *m, const char *mask,
                      rd_error *e) {
  rd_train_settings t = {0};
  rd_trainer trainer = {0};
  rd_code code = settings_of(&t, s, m, mask, 0, 1000, e);
  t.dry_run = true;
  if (code == RD_OK)
    code = rd_trainer_open(&trainer, &t, NULL, e);
  if (code == RD_OK)
    code = rd_trainer_estimate(&trainer, estimate, e);
  if (code == RD_OK) {
    *seconds = estimate->flops_per_update / estimate->flops_per_second;
    *updates = (int64_t)(60 * s->minutes / *seconds);
    *updates = s->updates > 0 ? s->updates : *updates > 2 ? *updates : 2;
  }
  rd_trainer_close(&trainer);
  rd_train_settings_drop(&t);
  return code;
}

static bool is_done(const rd_train_settings *t) {
  const rd_path final = rd_path_in(t->out, "final");
  return rd_path_is_folder(final.text);
}

/* A stage can begin anew: the one before it left what it begins with. */
static void tell_of_damage(const rd_adapt_watch *watch, const rd_train_settings *t) {
  if (t->resume || rd_run_damaged(t->out) < 0 || !watch->note)
    return;
  char *message = rd_print("%s: no checkpoint is left whole: this stage begins anew", t->out);
  if (message)
    watch->note(watch->context, message);
  free(message);
}

static rd_code run_stage(const rd_adapt_settings *s, const rd_adapt_watch *watch, const rd_model *m,
                         const char *mask, size_t nth, int64_t updates, rd_error *e) {
  rd_train_settings t = {0};
  rd_trainer trainer = {0};
  rd_train_watch told = {0};
  rd_code code = settings_of(&t, s, m, mask, nth, updates, e);
  if (code == RD_OK && !is_done(&t)) {
    t.resume = rd_run_newest(t.out, INT64_MAX) >= 0;
    t.overwrite = !t.resume;
    tell_of_damage(watch, &t);
    if (watch->stage)
      watch->stage(watch->context, &rd_adapt_stages[nth], &trainer, &told);
    told.stop = watch->stop;
    code = rd_trainer_open(&trainer, &t, &told, e);
    if (code == RD_OK)
      code = rd_trainer_run(&trainer, e);
    rd_trainer_close(&trainer);
  }
  rd_train_settings_drop(&t);
  return code;
}

/* The last stage's adapter, which is used to draft what the model checks unless another sampler is
 * asked for. */
static rd_code copy_adapter(const char *from, const char *to, rd_error *e) {
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  rd_remembered r = RD_REMEMBERED_NOTHING;
  rd_code code = RD_OK;
  for (size_t i = 0; code == RD_OK && i < sizeof files / sizeof *files; i++) {
    const rd_path a = rd_path_in(from, files[i]), b = rd_path_in(to, files[i]);
    code = rd_file_copy(a.text, b.text, e);
  }
  if (code == RD_OK)
    code = rd_remembered_read(&r, from, e);
  if (code == RD_OK && !r.defaults)
    r.defaults = json_pack("{s:s, s:i}", "sampler", "verify", "temperature", 0);
  if (code == RD_OK)
    code = rd_remembered_write(&r, to, e);
  rd_remembered_drop(&r);
  return code;
}

static rd_code give_adapter(const rd_adapt_settings *s, rd_error *e) {
  const char *last = rd_adapt_stages[rd_adapt_stage_count - 1].name;
  const rd_path stage = rd_path_in(s->out, last), from = rd_path_in(stage.text, "final"),
                to = rd_path_in(s->out, ADAPTER);
  char *part = NULL;
  rd_code code = rd_folder_begin(to.text, &part, e);
  if (code == RD_OK)
    code = copy_adapter(from.text, part, e);
  if (code == RD_OK)
    code = rd_folder_commit(to.text, part, e);
  if (code != RD_OK && part)
    rd_folder_abandon(part);
  free(part);
  return code;
}

static rd_code run(const rd_adapt_settings *s, const rd_adapt_watch *watch, const rd_model *m,
                   const char *mask, int64_t updates, rd_error *e) {
  RD_TRY(rd_answers_write(s, m, watch, e));
  if (updates == 0) {
    double seconds;
    rd_train_estimate estimate;
    RD_TRY(budget(&updates, &seconds, &estimate, s, m, mask, e));
    RD_TRY(write_state(s, updates, e));
  }
  for (size_t i = 0; i < rd_adapt_stage_count; i++)
    RD_TRY(run_stage(s, watch, m, mask, i, updates, e));
  return give_adapter(s, e);
}

/* A file of prompts is gone through as often as there are answers, and one prompt of it is held
 * out. */
static rd_code check_prompts(const rd_adapt_settings *s, const rd_adapt_watch *watch,
                             const rd_asked *asked, rd_error *e) {
  const size_t wanted = (size_t)s->answers, count = asked->count < wanted ? asked->count : wanted;
  size_t alike = 1;
  while (alike < count && strcmp(asked->prompts[alike], asked->prompts[0]) == 0)
    alike++;
  if (count > 0 && alike == count)
    return rd_fail(e, RD_USAGE,
                   "%s: one prompt is asked again and again, and adapting needs two: one of them "
                   "is held out",
                   s->prompts);
  if (count == 0 || count == wanted || !watch->note)
    return RD_OK;
  char *message = rd_print("%s: %zu prompts for %zu answers: they come again from the first one on "
                           "(--answers %zu asks each once)",
                           s->prompts, count, wanted, count);
  if (message)
    watch->note(watch->context, message);
  free(message);
  return RD_OK;
}

/* A stage's keys together. A later one begins with an adapter that is not there yet, of a first
 * one whose keys say the same of it. */
static rd_code check_stage(const rd_adapt_settings *s, const rd_model *m, const char *mask,
                           size_t nth, rd_error *e) {
  rd_train_settings t = {0};
  rd_code code = settings_of(&t, s, m, mask, nth, 1000, e);
  free(t.adapter);
  t.adapter = NULL;
  if (code == RD_OK)
    code = rd_trainer_check(&t, m, e);
  rd_train_settings_drop(&t);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "stage %s", rd_adapt_stages[nth].name);
}

/* What would be found wrong when the answers are written: keys of --set, and the prompts. */
static rd_code check_before(const rd_adapt_settings *s, const rd_adapt_watch *watch,
                            const rd_model *m, const char *mask, rd_error *e) {
  rd_asked asked = {0};
  rd_code code = rd_answers_asked(&asked, s, e);
  if (code == RD_OK)
    code = check_prompts(s, watch, &asked, e);
  rd_asked_drop(&asked);
  for (size_t i = 0; i < rd_adapt_stage_count && code == RD_OK; i++)
    code = check_stage(s, m, mask, i, e);
  return code;
}

rd_code rd_adapt_run(const rd_adapt_settings *s, const rd_adapt_watch *watch, rd_error *e) {
  rd_model *model = NULL;
  char *mask = NULL;
  int lock = 0;
  int64_t updates = 0;
  RD_TRY(check_out(s, e));
  rd_code code = open_model(&model, &mask, s, e);
  if (code == RD_OK)
    code = check_before(s, watch, model, mask, e);
  if (code == RD_OK)
    code = claim(s, &lock, &updates, e);
  if (code == RD_OK)
    code = run(s, watch, model, mask, updates, e);
  rd_folder_unlock(&lock);
  rd_model_close(&model);
  free(mask);
  return code;
}

/* --- dry run ------------------------------------------------------------------------------------
 */

rd_code rd_adapt_estimate_of(rd_adapt_estimate *out, const rd_adapt_settings *s,
                             const rd_adapt_watch *watch, rd_error *e) {
  enum { SOME = 16 };
  char folder[] = "/tmp/redraft_adapt_XXXXXX";
  rd_model *model = NULL;
  char *mask = NULL;
  rd_adapt_settings few = *s;
  RD_TRY(check_out(s, e));
  if (!mkdtemp(folder))
    return rd_fail(e, RD_IO, "%s: cannot be made", folder);
  few.out = folder;
  few.answers = s->answers < SOME ? s->answers : SOME;
  out->answers = s->answers;
  rd_code code = open_model(&model, &mask, s, e);
  if (code == RD_OK)
    code = check_before(s, watch, model, mask, e);
  double start = rd_seconds();
  if (code == RD_OK)
    code = rd_answers_write(&few, model, watch, e);
  out->answer_seconds = (rd_seconds() - start) / (double)few.answers;
  if (code == RD_OK)
    code = budget(&out->updates, &out->update_seconds, out->training, &few, model, mask, e);
  rd_model_close(&model);
  free(mask);
  (void)clear(&few, NULL);
  rmdir(folder);
  return code;
}
