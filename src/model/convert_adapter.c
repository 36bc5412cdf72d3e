/* SPDX-License-Identifier: MIT */
/* An adapter in another type: its factors converted, its norms and its settings as they are. */
#include "convert.h"

#include "adapter.h"
#include "file.h"
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

rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e) {
  const rd_format *format = NULL;
  rd_tensors tensors = {0};
  rd_remembered remembered = RD_REMEMBERED_NOTHING;
  rd_map settings = {0};
  const rd_path config = rd_path_in(adapter, "adapter_config.json"),
                config_out = rd_path_in(out, "adapter_config.json"),
                weights_out = rd_path_in(out, "adapter_model.safetensors");
  rd_code code = rd_convert_type(&format, to, false, e);
  if (code == RD_OK && rd_path_exists(config_out.text))
    code = rd_fail(e, RD_USAGE, "%s already holds an adapter; name another folder", out);
  if (code == RD_OK)
    code = rd_map_open(&settings, config.text, e);
  if (code == RD_OK)
    code = rd_remembered_read(&remembered, adapter, e);
  if (code == RD_OK)
    code = rd_adapter_tensors_open(&tensors, adapter, e);
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
