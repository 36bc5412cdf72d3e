/* SPDX-License-Identifier: MIT */
/* What is to be decided, as JSON: questions of every type, settings, answers written of flat
 * shares. */
#include "decide_body.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answers of all questions, each alternative as likely as the others. */
static void answer(const rd_questions *questions) {
  for (int64_t i = 0; i < questions->count; i++) {
    const rd_question *q = &questions->items[i];
    double *shares = malloc((size_t)q->count * sizeof *shares);
    for (int64_t k = 0; shares && k < q->count; k++)
      shares[k] = 1 / (double)q->count;
    json_t *value = shares ? rd_question_answer(q, shares, shares) : NULL;
    if (shares && (!value || !json_object_get(value, "type")))
      __builtin_trap();
    json_decref(value);
    free(shares);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rd_decide_body body;
  rd_error e;
  json_t *object = NULL;
  rd_code code = rd_decide_body_init(&body, &e);
  if (code == RD_OK)
    code = rd_json_parse(&object, (const char *)data, size, "the body", &e);
  if (code == RD_OK && rd_decide_body_read(&body, object, &e) == RD_OK)
    answer(&body.questions);
  json_decref(object);
  rd_decide_body_drop(&body);
  return 0;
}
