/* SPDX-License-Identifier: MIT */
/* What clients read: every option that a body can hold is called as the field, those of the server
 * as they are; a message whose bytes were cut is a message all the same. */
#include "decide.h"
#include "params.h"
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void says(const char *message, const char *wanted) {
  json_t *said = rd_said(message);
  assert_non_null(said);
  assert_string_equal(json_string_value(said), wanted);
  json_decref(said);
}

static void messages(void **state) {
  (void)state;
  says("--sampler ar needs a prompt to continue", "sampler ar needs a prompt to continue");
  says("--window 9 is beyond the model's 4 positions",
       "window 9 is beyond the model's 4 positions");
  says("shorten it (or give a larger --window)", "shorten it (or give a larger window)");
  says("it goes without --no-eos and --eos-last.", "it goes without no_eos and eos_last.");
  says("--no-base-lead means nothing to --sampler ar", "base_lead means nothing to sampler ar");
  says("--no-noise and --no-watch", "no_noise and --no-watch");
  says("noise-start: expected a number", "noise_start: expected a number");
  says("--mode: unknown mode x", "mode: unknown mode x");
  says("8 at a time (--max-queue)", "8 at a time (--max-queue)");
  says("name one with --mask-token", "name one with --mask-token");
  says("a noise-start -- --windows --window-frame -",
       "a noise-start -- --windows --window-frame -");
  says("", "");
}

/* The field of a row: its name with underscores. */
static void row_is_said(const char *name) {
  char *message = rd_print("take --%s or --%s=1", name, name), *field = strdup(name);
  assert_non_null(message);
  assert_non_null(field);
  for (char *p = field; *p; p++)
    *p = *p == '-' ? '_' : *p;
  char *wanted = rd_print("take %s or %s=1", field, field);
  assert_non_null(wanted);
  says(message, wanted);
  free(wanted);
  free(field);
  free(message);
}

static void every_row(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_sampler_rows.count; i++)
    row_is_said(rd_table_name(&rd_sampler_rows, i));
  for (size_t i = 0; i < rd_decide_rows.count; i++)
    row_is_said(rd_table_name(&rd_decide_rows, i));
}

static void cut_bytes(void **state) {
  (void)state;
  says("unknown sampler \xC3\xA9\xF0\x9F; there are two",
       "unknown sampler é\xEF\xBF\xBD; there are two");
  says("\xFF", "\xEF\xBF\xBD");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_row),
                                     cmocka_unit_test(cut_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
