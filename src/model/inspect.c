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

rd_code rd_model_check_adapter(const rd_model *m, rd_error *e) {
  const rd_adapter *adapter = &m->store->adapter;
  rd_code code = rd_tensors_check(&adapter->tensors, e);
  if (code == RD_OK)
    code = rd_tensors_check(&m->store->sampler_head.tensors, e);
  return code == RD_OK ? code : rd_prefix(e, code, "adapter %s", adapter->folder);
}

rd_code rd_model_check(const rd_model *m, rd_error *e) {
  RD_TRY(rd_tensors_check(rd_model_tensors(m), e));
  return rd_model_check_adapter(m, e);
}

int64_t rd_model_parameters(const rd_model *m) {
  int64_t count = 0;
  rd_walk p = rd_parts_of(&m->config, m->store->file.names, NULL, NULL);
  while (rd_parts_next(&p))
    if (p.needed || rd_tensors_find(rd_model_tensors(m), p.name))
      count += p.rows * p.cols;
  return count;
}

rd_code rd_model_blame(const rd_model *m, rd_error *e) {
  rd_error found = {0};
  if (m->store)
    (void)rd_model_check(m, &found);
  return *found.message ? rd_prefix(e, RD_NUMERIC, "%s", found.message) : RD_NUMERIC;
}
