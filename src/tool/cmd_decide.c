/* SPDX-License-Identifier: MIT */
/* redraft decide: typed questions about a text, answered with probabilities. */
#include "decide_body.h"
#include "file.h"
#include "frame.h"
#include "input.h"
#include "prompt.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  rd_decide_settings decide;
  char *ask, *state, *options, *levels;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)
static const rd_option rows[] = {
    {"ask", AT(ask), .letter = 'p', .group = "Question", .value = "TEXT",
     .help = "one question: yes or no, unless --options or --levels say what may be answered"},
    {"state", AT(state), .group = "Question", .value = "TEXT",
     .help = "what the question of --ask is about"},
    {"options", AT(options), .group = "Question", .value = "A,B,..",
     .help = "the answers among which --ask chooses"},
    {"levels", AT(levels), .group = "Question", .value = "A,B,..",
     .help = "the levels by which --ask scores, from low to high"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_decide_parts[] = {{&own_rows, 0},
                                          {&rd_decide_rows, offsetof(settings, decide)},
                                          RD_COMMON_PARTS(settings, common),
                                          {NULL, 0}};

enum { MOST_FILE = 64 << 20 };

/* --- the question ------------------------------------------------------------------------------
 */

/* "A, B" as the criteria of a type: an object with null behind each name, or a list. */
static json_t *criteria_of(const char *list, bool named) {
  json_t *criteria = named ? json_object() : json_array();
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    const char *begin = at + strspn(at, " ");
    size_t size = strcspn(begin, ",");
    while (size > 0 && begin[size - 1] == ' ')
      size--;
    char *name = strndup(begin, size);
    if (name && named)
      json_object_set_new(criteria, name, json_null());
    else if (name)
      json_array_append_new(criteria, json_string(name));
    free(name);
  }
  return criteria;
}

/* Answers among which there is something to choose. */
static rd_code check_list(const char *option, const char *list, rd_error *e) {
  if (list)
    RD_TRY(rd_utf8_check(list, strlen(list), option, e));
  json_t *names = list ? criteria_of(list, true) : NULL;
  rd_code code = RD_OK;
  if (list && json_object_size(names) < 2)
    code = rd_fail(e, RD_USAGE, "--%s: at least two different ones, with a comma between", option);
  else if (json_object_get(names, ""))
    code = rd_fail(e, RD_USAGE, "--%s: one of them is empty", option);
  json_decref(names);
  return code;
}

/* The one question of the command line, as a body. */
static rd_code ask_body(json_t **out, const settings *s, rd_error *e) {
  if (s->options && s->levels)
    return rd_fail(e, RD_USAGE, "--options choose and --levels score: one of the two");
  if (rd_prompt_blank(s->ask))
    return rd_fail(e, RD_USAGE, "--ask: the question is empty");
  RD_TRY(check_list("options", s->options, e));
  RD_TRY(check_list("levels", s->levels, e));
  const char *type = s->options ? "choice" : s->levels ? "score" : "noul";
  json_t *criteria = s->options ? criteria_of(s->options, true)
                   : s->levels  ? criteria_of(s->levels, false)
                                : json_null();
  *out = json_pack("{s:s, s:{s:{s:s, s:s, s:o}}}", "state", s->state ? s->state : "", "questions",
                   "answer", "type", type, "instructions", s->ask, "criteria", criteria);
  return *out ? RD_OK : rd_fail(e, RD_BAD_INPUT, "--ask, --state: text that is not UTF-8");
}

/* The body in a file, or on standard input. */
static rd_code read_body(json_t **out, const char *path, rd_error *e) {
  char *text = NULL;
  size_t size = 0;
  rd_code code = RD_OK;
  RD_TRY(rd_tool_no_dash(path, "without a name standard input is read", e));
  RD_TRY(rd_tool_there(path, "a question itself is asked with --ask", e));
  if (!path && isatty(STDIN_FILENO))
    return rd_fail(e, RD_USAGE,
                   "nothing to decide: name a JSON file with state and questions, give it on "
                   "standard input, or ask with --ask");
  if (path)
    code = rd_file_read(path, MOST_FILE, &text, &size, e);
  else
    code = rd_tool_input(&text, "a question", false, e);
  if (code == RD_OK && !path && rd_prompt_blank(text))
    code = rd_fail(e, RD_BAD_INPUT,
                   "standard input is empty: expected a JSON object with state and questions");
  if (code == RD_OK)
    code = rd_json_parse(out, text, path ? size : strlen(text), path ? path : "standard input", e);
  free(text);
  return code;
}

/* What is in the file and was not asked for: a slip of the pen may be behind it. */
static rd_code tell_strays(const rd_decide_body *body, const json_t *object, bool quiet,
                           rd_error *e) {
  char *strays = NULL;
  if (quiet)
    return RD_OK;
  RD_TRY(rd_decide_body_strays(&strays, body, object, e));
  if (*strays)
    fprintf(stderr, "redraft: passed over, since nothing is called so here: %s\n", strays);
  free(strays);
  return RD_OK;
}

/* What the command line says goes before what the file says. */
static rd_code override(rd_decide_body *body, const settings *s, rd_error *e) {
  for (size_t i = 0; i < rd_decide_rows.count; i++) {
    const rd_option *row = (const rd_option *)rd_decide_rows.rows + i;
    if (!rd_option_given(s->common.options, row->name))
      continue;
    json_t *value =
        rd_option_value(s->common.options, rd_option_find(s->common.options, row->name));
    rd_code code =
        rd_option_set_json(&body->options, rd_option_find(&body->options, row->name), value, e);
    json_decref(value);
    RD_TRY(code);
  }
  return RD_OK;
}

/* --- the answer --------------------------------------------------------------------------------
 */

/* A line for each question: the answer, then the share of each alternative. */
static void show(const rd_decision *o, const rd_questions *questions) {
  for (int64_t i = 0; i < questions->count; i++) {
    const rd_question *q = &questions->items[i];
    const double *shares = o->shares + o->first[i];
    int64_t best = 0;
    for (int64_t k = 1; k < q->count; k++)
      best = shares[k] > shares[best] ? k : best;
    const rd_alternative *a = &q->alternatives[best];
    printf("%s: %s", q->id, a->name);
    if (a->description)
      printf(" (%s)", a->description);
    for (int64_t k = 0; k < q->count; k++) {
      printf("%s%s %.3f", k > 0 ? ", " : "  ", q->alternatives[k].name, shares[k]);
      if (o->errors)
        printf(" +-%.3f", o->errors[o->first[i] + k]);
    }
    printf("  confidence %.2f\n", rd_confidence(shares, q->count));
  }
}

static rd_code print(const settings *s, const rd_decision *o, const rd_decide_body *body,
                     const char *model, rd_error *e) {
  if (!s->common.json) {
    show(o, &body->questions);
    return RD_OK;
  }
  json_t *answer = rd_decision_json(o, &body->questions, model);
  char *text = answer ? rd_json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(answer);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  puts(text);
  free(text);
  return RD_OK;
}

static rd_code decide(const settings *s, const rd_decide_body *body, rd_error *e) {
  rd_model *model = NULL;
  rd_decision answer = {0};
  RD_TRY(rd_tool_open(&model, &s->common, e));
  rd_decider d = {.model = model};
  rd_code code = rd_decide(&answer, &d, body->state, &body->questions, &body->settings, e);
  if (code == RD_OK)
    code = print(s, &answer, body, model->name, e);
  rd_decision_drop(&answer);
  rd_decider_drop(&d);
  rd_model_close(&model);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  json_t *object = NULL;
  rd_decide_body body;
  if (!s->ask && (s->options || s->levels || s->state))
    return rd_fail(e, RD_USAGE, "--state, --options and --levels belong to a question of --ask");
  if (s->ask && names[0])
    return rd_fail(e, RD_USAGE, "--ask, or a file of questions: one of the two");
  rd_code code = rd_decide_body_init(&body, e);
  if (code == RD_OK)
    code = s->ask ? ask_body(&object, s, e) : read_body(&object, names[0], e);
  if (code == RD_OK)
    code = rd_decide_body_read(&body, object, e);
  if (code == RD_OK)
    code = tell_strays(&body, object, s->common.quiet, e);
  if (code == RD_OK)
    code = override(&body, s, e);
  if (code == RD_OK)
    code = decide(s, &body, e);
  json_decref(object);
  rd_decide_body_drop(&body);
  return code;
}

rd_code rd_cmd_decide(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
