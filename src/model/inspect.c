/* SPDX-License-Identifier: MIT */
/* Stored tensors of an open model: counted by format, and scanned. */
#include "inspect.h"

#include "model_store.h"

const rd_tensors *rd_model_tensors(const rd_model *m) {
  return &m->store->file.tensors;
}

const rd_format *rd_tensors_format(const rd_tensors *t) {
  size_t formats = 0;
  const rd_format *rows = rd_formats(&formats), *best = NULL;
  int64_t most = 0;
  for (size_t s = 0; s < formats; s++) {
    int64_t n = 0;
    for (size_t i = 0; i < t->count; i++)
      if (t->items[i].format == &rows[s])
        n += rd_tensor_count(&t->items[i]);
    if (n > most) {
      most = n;
      best = &rows[s];
    }
  }
  return best;
}

rd_code rd_tensors_check(const rd_tensors *t, rd_error *e) {
  for (size_t i = 0; i < t->count; i++)
    if (t->items[i].format->decode)
      RD_TRY(rd_tensor_check(&t->items[i], e));
  return RD_OK;
}

rd_code rd_model_blame(const rd_model *m, rd_error *e) {
  rd_error found = {0};
  if (m->store && rd_tensors_check(rd_model_tensors(m), &found) == RD_OK)
    (void)rd_tensors_check(&m->store->adapter.tensors, &found);
  return *found.message ? rd_prefix(e, RD_NUMERIC, "%s", found.message) : RD_NUMERIC;
}
