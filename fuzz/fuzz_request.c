/* SPDX-License-Identifier: MIT */
/* Request bodies of each shape (chosen by the first byte), without a model. */
#include "body.h"
#include "shapes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_body body;
  rd_error e;
  if (size == 0)
    return 0;
  const rd_shape *shape = &rd_shapes[*data % rd_shape_count];
  rd_code code = rd_body_parse(&body, (const char *)data + 1, size - 1, shape, NULL, &e);
  if (code == RD_OK && !body.sampler)
    __builtin_trap();
  rd_body_drop(&body);
  return 0;
}
