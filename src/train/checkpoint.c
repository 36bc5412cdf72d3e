/* SPDX-License-Identifier: MIT */
/* Writing, finding and taking checkpoints. */
#include "checkpoint.h"

#include "file.h"
#include "folder.h"
#include "identity.h"
#include "run_folder.h"
#include "seal.h"
#include "tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TENSORS[] = "tensors.safetensors", STATE[] = "state.json";
enum { KINDS = 3 }; /* master, first moment, second moment */
static const char *const kind_names[KINDS] = {"weight:", "first:", "second:"};

static float *array_of(const rd_parameter *item, int kind) {
  return kind == 0 ? item->master : kind == 1 ? item->m : item->v;
}

static json_t *state_json(const rd_trainer *t) {
  json_t *state = json_pack(
      "{s:I, s:I, s:I, s:I, s:f, s:o, s:f, s:I, s:o, s:o}", "update", (json_int_t)t->update,
      "epoch", (json_int_t)t->order.epoch, "position", (json_int_t)t->order.position, "tokens",
      (json_int_t)t->tokens, "seconds", t->seconds, "best_loss",
      isfinite(t->best_loss) ? json_real(t->best_loss) : json_null(), "logged_loss", t->logged_loss,
      "logged", (json_int_t)t->logged, "files", rd_identity_files(&t->examples), "settings",
      rd_train_settings_json(t->settings));
  if (state && json_object_update(state, t->identity) == 0)
    return state;
  json_decref(state);
  return NULL;
}

static rd_code write_tensors(const rd_trainer *t, const char *path, rd_error *e) {
  const rd_parameters *p = &t->parameters;
  rd_tensor *tensors = rd_calloc(KINDS * p->count, sizeof *tensors, "a checkpoint's list", e);
  rd_code code = tensors ? RD_OK : RD_NO_MEMORY;
  for (size_t i = 0; code == RD_OK && i < KINDS * p->count; i++) {
    const rd_parameter *item = &p->items[i % p->count];
    size_t kind = i / p->count;
    code = rd_parameter_tensor(&tensors[i], item, kind_names[kind], RD_F32,
                               array_of(item, (int)kind), e);
  }
  if (code == RD_OK)
    code = rd_safetensors_write(path, tensors, KINDS * p->count, e);
  for (size_t i = 0; tensors && i < KINDS * p->count; i++)
    free(tensors[i].name);
  free(tensors);
  return code;
}

static rd_code write_into(const rd_trainer *t, const char *folder, rd_error *e) {
  const rd_path tensors = rd_path_in(folder, TENSORS);
  json_t *object = state_json(t);
  char *text = object ? rd_json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
  rd_code code = write_tensors(t, tensors.text, e);
  if (code == RD_OK)
    code = rd_file_put(folder, STATE, text, e);
  json_decref(object);
  free(text);
  return code;
}

static rd_path checkpoint(const rd_trainer *t, int64_t update) {
  char name[40];
  snprintf(name, sizeof name, "checkpoint-%lld", (long long)update);
  return rd_path_in(t->settings->out, name);
}

/* The one just written is the first that is kept, whatever else lies there. */
static void remove_old(const rd_trainer *t) {
  const char *out = t->settings->out;
  int64_t limit = t->update;
  for (int64_t kept = 0; kept < t->settings->keep; kept++) {
    int64_t n = rd_run_newest(out, limit);
    if (n < 0)
      return;
    limit = n - 1;
  }
  for (int64_t n; (n = rd_run_newest(out, limit)) >= 0; limit = n - 1) {
    const rd_path path = checkpoint(t, n);
    rd_folder_abandon(path.text);
  }
}

void rd_checkpoint_retreat(const rd_trainer *t) {
  int64_t before = t->update - 1;
  bool there = rd_run_newest(t->settings->out, before) == before;
  const rd_path path = checkpoint(t, before);
  if (there && rd_run_newest(t->settings->out, before - 1) >= 0)
    rd_folder_abandon(path.text);
}

rd_code rd_checkpoint_write(const rd_trainer *t, rd_error *e) {
  const rd_path path = checkpoint(t, t->update);
  char *part = NULL;
  rd_code code = rd_folder_begin(path.text, &part, e);
  if (code == RD_OK)
    code = write_into(t, part, e);
  if (code == RD_OK)
    code = rd_folder_commit(path.text, part, e);
  if (code == RD_OK)
    remove_old(t);
  else if (part)
    rd_folder_abandon(part);
  free(part);
  return code == RD_OK ? code
                       : rd_prefix(e, code, "checkpoint of update %lld", (long long)t->update);
}

static rd_code read_tensors(rd_trainer *t, const char *path, rd_error *e) {
  rd_tensors tensors = {0};
  RD_TRY(rd_safetensors_open(&tensors, path, e));
  rd_code code = RD_OK;
  if (tensors.count != KINDS * t->parameters.count)
    code =
        rd_fail(e, RD_BAD_INPUT,
                "%s: %zu tensors of a run that trained %zu, and this one trains %zu (lora_targets "
                "may say which)",
                path, tensors.count, tensors.count / KINDS, t->parameters.count);
  for (size_t i = 0; code == RD_OK && i < t->parameters.count; i++)
    for (int kind = 0; code == RD_OK && kind < KINDS; kind++) {
      const rd_parameter *item = &t->parameters.items[i];
      char name[RD_NAME + 8];
      snprintf(name, sizeof name, "%s%s", kind_names[kind], item->name);
      const rd_tensor *tensor = rd_tensors_find(&tensors, name);
      size_t size = (size_t)item->count * sizeof(float);
      if (!tensor || tensor->size != size)
        code = rd_fail(e, RD_BAD_INPUT,
                       "%s: tensor %s: expected %zu bytes, found %zu: the run trained others "
                       "(lora_rank and lora_targets may say which)",
                       path, name, size, tensor ? tensor->size : 0);
      else
        memcpy(array_of(item, kind), tensor->data, size);
    }
  rd_tensors_drop(&tensors);
  return code;
}

/* The arithmetic that was found says more than the precision that was asked for: `auto` may find
 * another on another machine, and may then be said by its name. */
static rd_code same_run(const rd_trainer *t, const json_t *state, rd_error *e) {
  json_t *before = json_object_get(state, "settings");
  if (json_object_get(state, "arithmetic"))
    json_object_set_new(before, "precision", json_string(t->settings->precision));
  RD_TRY(rd_train_settings_same(t->settings, before, e));
  RD_TRY(rd_identity_same_files(&t->examples, json_object_get(state, "files"), e));
  return rd_identity_same(t, state, e);
}

static rd_code read_state(rd_trainer *t, const json_t *state, rd_error *e) {
  int64_t epoch = 0, position = 0;
  RD_TRY(same_run(t, state, e));
  RD_TRY(rd_json_int(state, "update", 0, INT64_MAX, &t->update, e));
  RD_TRY(rd_json_int(state, "epoch", 0, UINT32_MAX, &epoch, e));
  RD_TRY(rd_json_int(state, "position", 0, INT64_MAX, &position, e));
  RD_TRY(rd_json_int(state, "tokens", 0, INT64_MAX, &t->tokens, e));
  RD_TRY(rd_json_int(state, "logged", 0, INT64_MAX, &t->logged, e));
  RD_TRY(rd_json_real(state, "logged_loss", -1e300, 1e300, &t->logged_loss, e));
  RD_TRY(rd_json_real(state, "best_loss", -1e300, 1e300, &t->best_loss, e));
  RD_TRY(rd_json_real(state, "seconds", 0, 1e300, &t->seconds, e));
  rd_order_drop(&t->order);
  return rd_order_init(&t->order, t->examples.weights, t->examples.count,
                       (uint64_t)t->settings->seed, epoch, position, e);
}

/* The state of checkpoint N, where that is whole: its files are as they were sealed, and it says of
 * itself what its name says. */
static rd_code open_whole(json_t **state, const char *folder, int64_t n, rd_error *e) {
  int64_t update = -1;
  const rd_path path = rd_path_in(folder, STATE);
  RD_TRY(rd_seal_check(folder, NULL, e));
  RD_TRY(rd_json_open(state, path.text, e));
  RD_TRY(rd_json_int(*state, "update", 0, INT64_MAX, &update, e));
  return update == n ? RD_OK
                     : rd_fail(e, RD_BAD_INPUT, "%s/%s says that it is of update %lld", folder,
                               STATE, (long long)update);
}

/* A damaged checkpoint is put aside, and said to be. */
static void put_aside(const rd_trainer *t, const char *folder, const rd_error *why) {
  char *aside = rd_print("%s.damaged", folder);
  bool moved = aside && rename(folder, aside) == 0;
  char *message = rd_print("%s: damaged, %s; the one before is tried%s%s", folder, why->message,
                           moved ? ", and this one is now " : "", moved ? aside : "");
  if (message && t->watch.note)
    t->watch.note(t->watch.context, message);
  free(message);
  free(aside);
}

static rd_code take(rd_trainer *t, const char *folder, const json_t *state, rd_error *e) {
  const rd_path tensors = rd_path_in(folder, TENSORS);
  RD_TRY(read_state(t, state, e));
  RD_TRY(read_tensors(t, tensors.text, e));
  return rd_parameters_refresh(&t->parameters, e);
}

rd_code rd_checkpoint_read(rd_trainer *t, bool *found, rd_error *e) {
  int64_t n, limit = INT64_MAX;
  rd_error why = {0};
  *found = false;
  for (; !*found && (n = rd_run_newest(t->settings->out, limit)) >= 0; limit = n - 1) {
    json_t *state = NULL;
    why = (rd_error){0};
    const rd_path folder = checkpoint(t, n);
    rd_code code = open_whole(&state, folder.text, n, &why);
    *found = code == RD_OK;
    if (*found)
      code = take(t, folder.text, state, e);
    else if (code == RD_NO_MEMORY)
      rd_fail(e, code, "%s", why.message);
    else
      put_aside(t, folder.text, &why);
    json_decref(state);
    if (*found || code == RD_NO_MEMORY)
      return code;
  }
  return *why.message ? rd_fail(e, RD_BAD_INPUT, "no checkpoint is left whole: %s", why.message)
                      : RD_OK;
}
