/* SPDX-License-Identifier: MIT */
/* The table of types: what their criteria may be, and what their answers say. */
#include "question.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_KEYS = 255, MOST_LEVELS = 10 };

rd_code rd_content_text(char **out, const json_t *value, rd_error *e) {
  *out = NULL;
  if (!value || json_is_null(value))
    return RD_OK;
  if (!json_is_string(value) && !json_is_object(value) && !json_is_array(value))
    return rd_fail(e, RD_BAD_INPUT, "expected text, an object or a list");
  if (json_is_string(value) && rd_json_cut(value))
    return rd_fail(e, RD_BAD_INPUT, "holds a NUL character");
  *out = json_is_string(value) ? rd_strdup(json_string_value(value), e) : rd_json_dumps(value, 0);
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a question");
}

double rd_confidence(const double *shares, int64_t count) {
  double entropy = 0;
  for (int64_t i = 0; i < count; i++)
    entropy -= shares[i] > 0 ? shares[i] * log(shares[i]) : 0;
  double sure = count > 1 ? 1 - entropy / log((double)count) : 1;
  return sure > 0 ? sure : 0;
}

/* --- criteria ---------------------------------------------------------------------------------
 */

static rd_code make_room(rd_question *q, size_t count, rd_error *e) {
  q->alternatives = rd_calloc(count, sizeof *q->alternatives, "a question", e);
  q->count = q->alternatives ? (int64_t)count : 0;
  return q->alternatives ? RD_OK : RD_NO_MEMORY;
}

static rd_code describe(rd_alternative *a, const json_t *value, rd_error *e) {
  rd_code code = rd_content_text(&a->description, value, e);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "criteria: %s", a->name);
}

/* {"true": .., "false": ..}, either or none. */
static rd_code read_noul(rd_question *q, const json_t *criteria, rd_error *e) {
  static const struct side {
    const char *key, *name, *word;
  } sides[] = {{"true", "yes", "Yes"}, {"false", "no", "No"}};
  if (criteria && !json_is_object(criteria))
    return rd_fail(e, RD_BAD_INPUT, "criteria: expected an object with true and false, or null");
  RD_TRY(make_room(q, 2, e));
  bool described = q->instructions != NULL;
  for (int i = 0; i < 2; i++) {
    q->alternatives[i] = (rd_alternative){.name = sides[i].name, .word = sides[i].word};
    RD_TRY(describe(&q->alternatives[i], json_object_get(criteria, sides[i].key), e));
    described = described || q->alternatives[i].description;
  }
  return described ? RD_OK
                   : rd_fail(e, RD_BAD_INPUT,
                             "give instructions, or criteria that say what true "
                             "or false means");
}

static rd_code read_choice(rd_question *q, const json_t *criteria, rd_error *e) {
  size_t n = json_object_size(criteria);
  const char *key;
  json_t *value;
  if (!json_is_object(criteria) || n < 2 || n > MOST_KEYS)
    return rd_fail(e, RD_BAD_INPUT,
                   "criteria: expected an object of 2 to %d keys with descriptions or null, found "
                   "%zu",
                   MOST_KEYS, n);
  RD_TRY(make_room(q, n, e));
  q->count = 0;
  json_object_foreach((json_t *)(uintptr_t)criteria, key, value) {
    rd_alternative *a = &q->alternatives[q->count++];
    *a = (rd_alternative){.name = key, .word = key};
    if (!*key)
      return rd_fail(e, RD_BAD_INPUT, "criteria: a key is empty");
    RD_TRY(describe(a, value, e));
  }
  return RD_OK;
}

static rd_code read_score(rd_question *q, const json_t *criteria, rd_error *e) {
  static const char *const levels[MOST_LEVELS] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  size_t n = json_array_size(criteria);
  if (!json_is_array(criteria) || n < 2 || n > MOST_LEVELS)
    return rd_fail(e, RD_BAD_INPUT,
                   "criteria: expected a list of 2 to %d levels, from low to high, found %zu",
                   MOST_LEVELS, n);
  RD_TRY(make_room(q, n, e));
  for (size_t i = 0; i < n; i++) {
    rd_alternative *a = &q->alternatives[i];
    *a = (rd_alternative){.name = levels[i], .word = levels[i]};
    RD_TRY(describe(a, json_array_get(criteria, i), e));
    if (!a->description)
      return rd_fail(e, RD_BAD_INPUT, "criteria: level %zu is not described", i);
  }
  return RD_OK;
}

/* --- answers ----------------------------------------------------------------------------------
 */

/* {name: share} of all alternatives. */
static json_t *by_name(const rd_question *q, const double *shares) {
  json_t *object = json_object();
  for (int64_t i = 0; i < q->count; i++)
    json_object_set_new(object, q->alternatives[i].name, json_real(shares[i]));
  return object;
}

/* Over several draws, how far the shares may be off. */
static void add_errors(json_t *answer, const rd_question *q, const double *errors) {
  if (errors)
    json_object_set_new(answer, "standard_errors", by_name(q, errors));
}

static json_t *answer_noul(const rd_question *q, const double *shares, const double *errors) {
  json_t *answer = json_pack("{s:s, s:f}", "type", q->type->name, "noul", shares[0]);
  if (errors)
    json_object_set_new(answer, "standard_error", json_real(errors[0]));
  return answer;
}

static json_t *answer_choice(const rd_question *q, const double *shares, const double *errors) {
  int64_t best = 0;
  for (int64_t i = 1; i < q->count; i++)
    best = shares[i] > shares[best] ? i : best;
  json_t *answer =
      json_pack("{s:s, s:s, s:f, s:o}", "type", q->type->name, "choice", q->alternatives[best].name,
                "confidence", rd_confidence(shares, q->count), "probabilities", by_name(q, shares));
  add_errors(answer, q, errors);
  return answer;
}

static json_t *answer_score(const rd_question *q, const double *shares, const double *errors) {
  double expected = 0;
  json_t *legend = json_object();
  for (int64_t i = 0; i < q->count; i++) {
    expected += (double)i * shares[i];
    json_object_set_new(legend, q->alternatives[i].name,
                        json_string(q->alternatives[i].description));
  }
  json_t *answer = json_pack("{s:s, s:f, s:f, s:o, s:o}", "type", q->type->name, "score", expected,
                             "confidence", rd_confidence(shares, q->count), "legend", legend,
                             "probabilities", by_name(q, shares));
  add_errors(answer, q, errors);
  return answer;
}

static const rd_question_type types[] = {
    {.name = "noul", .lead = "", .truth = true, .read = read_noul, .answer = answer_noul},
    {.name = "choice", .lead = "The answer is ", .read = read_choice, .answer = answer_choice},
    {.name = "score", .lead = "The score is ", .read = read_score, .answer = answer_score},
};
const rd_table rd_question_types = RD_TABLE("type", types);

json_t *rd_question_answer(const rd_question *q, const double *shares, const double *errors) {
  return q->type->answer(q, shares, errors);
}

/* --- reading ----------------------------------------------------------------------------------
 */

static rd_code read_question(rd_question *q, const json_t *value, rd_error *e) {
  const json_t *type = json_object_get(value, "type"),
               *criteria = json_object_get(value, "criteria");
  if (!json_is_string(type))
    return rd_fail(e, RD_BAD_INPUT, "expected an object with a type");
  q->type = rd_table_find(&rd_question_types, json_string_value(type), e);
  if (!q->type)
    return RD_BAD_INPUT;
  rd_code code = rd_content_text(&q->instructions, json_object_get(value, "instructions"), e);
  if (code != RD_OK)
    return rd_prefix(e, code, "instructions");
  return q->type->read(q, json_is_null(criteria) ? NULL : criteria, e);
}

rd_code rd_questions_read(rd_questions *out, const json_t *questions, rd_error *e) {
  *out = (rd_questions){0};
  size_t n = json_object_size(questions);
  const char *id;
  json_t *value;
  if (!json_is_object(questions) || n == 0)
    return rd_fail(e, RD_BAD_INPUT, "questions: expected an object of at least one question");
  out->items = rd_calloc(n, sizeof *out->items, "questions", e);
  if (!out->items)
    return RD_NO_MEMORY;
  out->source = json_incref((json_t *)(uintptr_t)questions);
  json_object_foreach(out->source, id, value) {
    rd_question *q = &out->items[out->count++];
    q->id = id;
    rd_code code = read_question(q, value, e);
    if (code != RD_OK)
      return rd_prefix(e, code, "questions: %.100s", id);
  }
  return RD_OK;
}

void rd_questions_drop(rd_questions *questions) {
  for (int64_t i = 0; i < questions->count; i++) {
    rd_question *q = &questions->items[i];
    for (int64_t k = 0; k < q->count; k++)
      free(q->alternatives[k].description);
    free(q->alternatives);
    free(q->instructions);
  }
  free(questions->items);
  json_decref(questions->source);
  *questions = (rd_questions){0};
}
