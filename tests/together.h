/* SPDX-License-Identifier: MIT */
/* Drafts side by side, each iteration of all in one call of the engine, as a server runs them. */
#ifndef TOGETHER_H
#define TOGETHER_H

#include "draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST_TOGETHER = 32 };

/* `drafts` (count) to their ends; `what` names the run in a failure. */
static inline void run_together(rd_engine *engine, rd_draft *const *drafts, int count,
                                const char *what) {
  rd_error e = {0};
  assert_in_range(count, 1, MOST_TOGETHER);
  for (;;) {
    rd_need needs[MOST_TOGETHER];
    int whose[MOST_TOGETHER], n = 0;
    for (int i = 0; i < count; i++)
      if (rd_draft_need(drafts[i], &needs[n]))
        whose[n++] = i;
    if (n == 0)
      break;
    if (engine->propose(engine, needs, n, &e) != RD_OK)
      fail_msg("%s: %s", what, e.message);
    for (int i = 0; i < n; i++)
      assert_int_equal(rd_draft_advance(drafts[whose[i]], &e), RD_OK);
  }
}

#endif
