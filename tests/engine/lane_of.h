/* SPDX-License-Identifier: MIT */
/* A lane for a test that has no use for a failure. */
#ifndef LANE_OF_H
#define LANE_OF_H

#include "engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline rd_lane *lane_of(rd_engine *engine, int64_t positions) {
  rd_lane *lane;
  rd_error e = {0};
  assert_int_equal(rd_lane_open(&lane, engine, positions, &e), RD_OK);
  return lane;
}

#endif
