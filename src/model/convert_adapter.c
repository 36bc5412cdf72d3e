/* SPDX-License-Identifier: MIT */
/* An adapter in another type: its factors converted, its norms and its settings as they are. */
#include "convert.h"

#include "adapter.h"
#include "file.h"
#include "inspect.h"
#include "remembered.h"
#include "written.h"

#include <stdlib.h>

/* The factors of `from` into `list`, those of another type made in the arena. */
static rd_code convert(const rd_tensors *from, rd_tensor *list, const rd_format *to,
                       rd_arena *arena, rd_error *e) {
  for (size_t i = 0; i < from->count; i++) {
    list[i] = from->items[i];
    if (list[i].dims == 2)
      RD_TRY(rd_convert_tensor(&list[i], to, arena, e));
  }
  return RD_OK;
}

static rd_code write_factors(const rd_tensors *t, const rd_format *to, const char *path,
                             rd_error *e) {
  rd_arena measure = rd_arena_measure(), arena = {0};
  rd_tensor *list = rd_calloc(t->count, sizeof *list, "an adapter's factors", e);
  rd_code code = list ? convert(t, list, to, &measure, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_arena_init(&arena, measure.used, "an adapter's factors", e);
  if (code == RD_OK)
    code = convert(t, list, to, &arena, e);
  if (code == RD_OK)
    code = rd_safetensors_write(path, list, t->count, e);
  rd_arena_drop(&arena);
  free(list);
  return code;
}

/* What is written beside the files that are carried. */
enum { OWN = 3, MOST = 16 };
static void name_files(const char *names[MOST]) {
  static const char *const own[OWN] = {"adapter_config.json", "adapter_model.safetensors",
                                       "redraft.json"};
  for (size_t i = 0; i + 1 < MOST; i++)
    names[i] = i < OWN ? own[i] : rd_adapter_companion(i - OWN);
  names[MOST - 1] = NULL;
}

typedef struct opened {
  rd_tensors tensors;
  rd_remembered remembered;
  rd_map settings;
} opened;

static rd_code write_files(const opened *a, const char *from, const rd_format *to, const char *out,
                           rd_error *e) {
  const rd_path config = rd_path_in(out, "adapter_config.json"),
                weights = rd_path_in(out, "adapter_model.safetensors");
  const rd_file_piece part = {a->settings.data, a->settings.size};
  RD_TRY(rd_folder_make(out, e));
  RD_TRY(write_factors(&a->tensors, to, weights.text, e));
  RD_TRY(rd_adapter_companions_copy(from, out, e));
  RD_TRY(rd_remembered_write(&a->remembered, out, e));
  return rd_file_write(config.text, &part, 1, e);
}

rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e) {
  const rd_format *format = NULL;
  opened a = {.remembered = RD_REMEMBERED_NOTHING};
  const char *names[MOST];
  const rd_path config = rd_path_in(adapter, "adapter_config.json");
  name_files(names);
  rd_code code = rd_convert_type(&format, to, false, e);
  if (code == RD_OK) /* nothing that is there is written over */
    code = rd_convert_free(out, "an adapter", names, e);
  if (code == RD_OK)
    code = rd_map_open(&a.settings, config.text, e);
  if (code == RD_OK)
    code = rd_remembered_read(&a.remembered, adapter, e);
  if (code == RD_OK)
    code = rd_adapter_tensors_open(&a.tensors, adapter, e);
  if (code == RD_OK && (code = rd_tensors_check(&a.tensors, e)) != RD_OK)
    rd_prefix(e, code, "adapter %s", adapter);
  if (code == RD_OK) {
    const bool made = !rd_path_exists(out);
    code = write_files(&a, adapter, format, out, e);
    if (code != RD_OK)
      rd_convert_take_back(out, made, names);
  }
  rd_tensors_drop(&a.tensors);
  rd_remembered_drop(&a.remembered);
  rd_map_close(&a.settings);
  return code;
}
