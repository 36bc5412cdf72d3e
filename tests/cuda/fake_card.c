/* SPDX-License-Identifier: MIT */
/* In the place of libredraft-cuda.so, for tests: says which card was asked for, and that there is
 * none. */
#include "device.h"

#include <stdio.h>

rd_device_opener rd_cuda_open;

__attribute__((visibility("default"))) rd_code rd_cuda_open(rd_device **out,
                                                            const rd_device_ask *ask, rd_error *e) {
  *out = NULL;
  fprintf(stderr, "card %d of version %d\n", ask->number, ask->version);
  snprintf(e->message, sizeof e->message, "no engine cuda: there is no card %d", ask->number);
  return e->code = RD_UNSUPPORTED;
}
