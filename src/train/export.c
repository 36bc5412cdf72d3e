/* SPDX-License-Identifier: MIT */
/* Adapters in f32; full weights with matrices in the arithmetic's type, norms in f32, beside
 * config.json and the tokenizer's files as they were found. */
#include "export.h"

#include "adapter.h"
#include "checkpoint.h"
#include "family.h"
#include "file.h"
#include "folder.h"
#include "model.h"
#include "remembered.h"
#include "sampler_head.h"
#include "tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A vector's numbers as files have them, in new memory; NULL where they are the master's. */
static rd_code as_stored(float **out, const rd_parameter *item, rd_error *e) {
  *out = NULL;
  if (item->less == 0)
    return RD_OK;
  *out = rd_calloc((size_t)item->count, sizeof **out, "a norm", e);
  if (!*out)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < item->count; i++)
    (*out)[i] = item->master[i] - item->less;
  return RD_OK;
}

static rd_code write_tensors(const rd_trainer *t, const char *folder, const char *file,
                             const char *prefix, bool masters, rd_error *e) {
  const rd_parameters *p = &t->parameters;
  rd_tensor *tensors = rd_calloc(p->count, sizeof *tensors, "the list of tensors", e);
  float **stored = rd_calloc(p->count, sizeof *stored, "the list of tensors", e);
  const rd_path path = rd_path_in(folder, file);
  rd_code code = tensors && stored ? RD_OK : RD_NO_MEMORY;
  for (size_t i = 0; code == RD_OK && i < p->count; i++) {
    const rd_parameter *item = &p->items[i];
    bool narrow = !masters && item->matrix && p->type == RD_BF16;
    code = as_stored(&stored[i], item, e);
    if (code == RD_OK)
      code = rd_parameter_tensor(&tensors[i], item, prefix, narrow ? RD_BF16 : RD_F32,
                                 narrow      ? item->working
                                 : stored[i] ? stored[i]
                                             : item->master,
                                 e);
  }
  if (code == RD_OK)
    code = rd_safetensors_write(path.text, tensors, p->count, e);
  for (size_t i = 0; tensors && i < p->count; i++)
    free(tensors[i].name);
  for (size_t i = 0; stored && i < p->count; i++)
    free(stored[i]);
  free(stored);
  free(tensors);
  return code;
}

/* What was chosen for the run, for whoever opens what it leaves; `mask`: config.json does not say.
 */
static rd_code write_remembered(const rd_trainer *t, const char *folder, bool mask, rd_error *e) {
  const rd_remembered init = {.mask = -1, .chat_template = t->template_choice};
  rd_remembered r = t->base ? t->base->remembered : init;
  r.mask = mask ? r.mask : -1;
  r.gate = mask ? t->gate : (rd_gate){0}; /* an adapter's */
  r.about = NULL;                         /* of the model that it was, not of this one */
  r.examples = NULL;
  r.denoiser = t->rules.objective->corruption != NULL;
  return rd_remembered_write(&r, folder, e);
}

static rd_code write_model(const rd_trainer *t, const char *folder, rd_error *e) {
  bool found;
  json_t *config = rd_config_json(&t->config, t->parameters.type);
  rd_code code = rd_json_write(folder, "config.json", config, e);
  json_decref(config);
  RD_TRY(code);
  RD_TRY(rd_tokenizer_copy(t->tokenizer, t->tokenizer_folder, folder, &found, e));
  if (!found)
    return rd_fail(e, RD_IO,
                   "%s: the tokenizer's files (tokenizer.json, tokenizer.model, ..) are not there, "
                   "and the model would be written without them: put them back and --resume",
                   t->tokenizer_folder);
  RD_TRY(write_remembered(t, folder, false, e));
  return write_tensors(t, folder, "model.safetensors", "", false, e);
}

static void append_once(json_t *list, const char *text) {
  size_t i = 0;
  json_t *item = NULL;
  json_array_foreach(list, i, item) {
    if (strcmp(json_string_value(item), text) == 0)
      return;
  }
  json_array_append_new(list, json_string(text));
}

/* The adapter's settings from its tensors: a module has the name of its factor A up to the ending.
 * One that was warm-started may have ranks of its own in some modules. */
static json_t *adapter_json(const rd_trainer *t) {
  rd_adapter_config config = {0};
  json_t *targets = json_array(), *norms = json_array(), *ranks = json_object(),
         *alphas = json_object();
  for (size_t i = 0; i < t->parameters.count; i++) {
    const rd_parameter *item = &t->parameters.items[i];
    const char *end = strstr(item->name, item->matrix ? ".lora_A.weight" : ".weight");
    char module[RD_NAME];
    double alpha = (double)item->scale * (double)item->rows;
    if (!end)
      continue;
    snprintf(module, sizeof module, "%.*s", (int)(end - item->name), item->name);
    append_once(item->matrix ? targets : norms, rd_last_word(module));
    if (!item->matrix)
      continue;
    if (config.rank == 0) {
      config.rank = item->rows;
      config.alpha = alpha;
    }
    if (item->rows != config.rank)
      json_object_set_new(ranks, module, json_integer(item->rows));
    if (alpha != config.alpha)
      json_object_set_new(alphas, module, json_real(alpha));
  }
  config.targets = targets;
  config.norms = json_array_size(norms) ? norms : NULL;
  config.rank_pattern = ranks;
  config.alpha_pattern = alphas;
  json_t *object = rd_adapter_config_json(&config, t->settings->model);
  json_decref(targets);
  json_decref(norms);
  json_decref(ranks);
  json_decref(alphas);
  return object;
}

static rd_code write_adapter(const rd_trainer *t, const char *folder, rd_error *e) {
  json_t *config = adapter_json(t);
  rd_code code = rd_json_write(folder, "adapter_config.json", config, e);
  json_decref(config);
  RD_TRY(code);
  RD_TRY(write_remembered(t, folder, true, e));
  if (t->settings->adapter) /* a head for its drafts goes with it, though it was not trained on */
    RD_TRY(rd_sampler_head_copy(t->settings->adapter, folder, e));
  return write_tensors(t, folder, "adapter_model.safetensors", "base_model.model.", true, e);
}

rd_code rd_trainer_export(const rd_trainer *t, const char *name, rd_error *e) {
  const rd_path path = rd_path_in(t->settings->out, name);
  char *part = NULL;
  bool all = rd_train_settings_all(t->settings);
  rd_code code = rd_folder_begin(path.text, &part, e);
  if (code == RD_OK)
    code = all ? write_model(t, part, e) : write_adapter(t, part, e);
  if (code == RD_OK)
    code = rd_folder_commit(path.text, part, e);
  if (code != RD_OK && part)
    rd_folder_abandon(part);
  free(part);
  return code;
}
