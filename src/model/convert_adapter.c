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

/* Nothing that is there is written over. */
static rd_code check_free(const char *out, rd_error *e) {
  enum { OWN = 3, MOST = 16 };
  const char *names[MOST] = {"adapter_config.json", "adapter_model.safetensors", "redraft.json"};
  for (size_t i = 0; i + OWN + 1 < MOST && rd_adapter_companion(i); i++)
    names[OWN + i] = rd_adapter_companion(i);
  return rd_convert_free(out, "an adapter", names, e);
}

rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e) {
  const rd_format *format = NULL;
  rd_tensors tensors = {0};
  rd_remembered remembered = RD_REMEMBERED_NOTHING;
  rd_map settings = {0};
  const rd_path config = rd_path_in(adapter, "adapter_config.json"),
                config_out = rd_path_in(out, "adapter_config.json"),
                weights_out = rd_path_in(out, "adapter_model.safetensors");
  rd_code code = rd_convert_type(&format, to, false, e);
  if (code == RD_OK)
    code = check_free(out, e);
  if (code == RD_OK)
    code = rd_map_open(&settings, config.text, e);
  if (code == RD_OK)
    code = rd_remembered_read(&remembered, adapter, e);
  if (code == RD_OK)
    code = rd_adapter_tensors_open(&tensors, adapter, e);
  if (code == RD_OK && (code = rd_tensors_check(&tensors, e)) != RD_OK)
    rd_prefix(e, code, "adapter %s", adapter);
  if (code == RD_OK)
    code = rd_folder_make(out, e);
  if (code == RD_OK)
    code = write_factors(&tensors, format, weights_out.text, e);
  if (code == RD_OK)
    code = rd_adapter_companions_copy(adapter, out, e);
  if (code == RD_OK)
    code = rd_remembered_write(&remembered, out, e);
  if (code == RD_OK) {
    rd_file_piece part = {settings.data, settings.size};
    code = rd_file_write(config_out.text, &part, 1, e);
  }
  rd_tensors_drop(&tensors);
  rd_remembered_drop(&remembered);
  rd_map_close(&settings);
  return code;
}
