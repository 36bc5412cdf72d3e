/* SPDX-License-Identifier: MIT */
/* An adapter in another type: its factors converted, its norms and its settings as they are. */
#include "convert.h"

#include "file.h"
#include "ops.h"
#include "tensors.h"

#include <stdlib.h>

/* One tensor's numbers in the type of `to`, in memory that *data owns. */
static rd_code convert(rd_tensor *tensor, const rd_storage *to, void **data, rd_error *e) {
  int64_t n = rd_tensor_count(tensor);
  float *numbers = rd_calloc((size_t)n, sizeof *numbers, "an adapter's factors", e);
  *data = rd_calloc((size_t)n, rd_dtype_size((rd_dtype)to->dtype), "an adapter's factors", e);
  rd_code code = numbers && *data ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK) {
    tensor->storage->decode(numbers, tensor->data, n);
    rd_cast(*data, (rd_dtype)to->dtype, numbers, RD_F32, n);
    code = rd_convert_fits(tensor->name, *data, to, n, e);
    tensor->storage = to;
    tensor->data = *data;
    tensor->size = (size_t)n * rd_dtype_size((rd_dtype)to->dtype);
  }
  free(numbers);
  return code;
}

static rd_code write_factors(rd_tensors *t, const rd_storage *to, const char *path, rd_error *e) {
  void **copies = rd_calloc(t->count, sizeof *copies, "an adapter's factors", e);
  rd_code code = copies ? RD_OK : RD_NO_MEMORY;
  for (size_t i = 0; code == RD_OK && i < t->count; i++)
    if (t->items[i].dims == 2)
      code = convert(&t->items[i], to, &copies[i], e);
  if (code == RD_OK)
    code = rd_safetensors_write(path, t->items, t->count, e);
  for (size_t i = 0; copies && i < t->count; i++)
    free(copies[i]);
  free(copies);
  return code;
}

rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e) {
  const rd_storage *storage = NULL;
  rd_tensors tensors = {0};
  rd_map settings = {0};
  char *config = rd_path_join(adapter, "adapter_config.json");
  char *config_out = rd_path_join(out, "adapter_config.json");
  char *weights = rd_path_join(adapter, "adapter_model.safetensors");
  char *weights_out = rd_path_join(out, "adapter_model.safetensors");
  rd_code code = config && config_out && weights && weights_out
                     ? rd_convert_type(&storage, to, e)
                     : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", out);
  if (code == RD_OK && rd_path_exists(config_out))
    code = rd_fail(e, RD_USAGE, "%s already holds an adapter; name another folder", out);
  if (code == RD_OK)
    code = rd_map_open(&settings, config, e);
  if (code == RD_OK)
    code = rd_safetensors_open(&tensors, weights, e);
  if (code == RD_OK)
    code = rd_folder_make(out, e);
  if (code == RD_OK)
    code = write_factors(&tensors, storage, weights_out, e);
  if (code == RD_OK) {
    rd_file_piece part = {settings.data, settings.size};
    code = rd_file_write(config_out, &part, 1, e);
  }
  rd_tensors_drop(&tensors);
  rd_map_close(&settings);
  free(config);
  free(config_out);
  free(weights);
  free(weights_out);
  return code;
}
