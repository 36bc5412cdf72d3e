/* SPDX-License-Identifier: MIT */
/* redraft calibrate: decisions whose right answers are known, a temperature fitted to them, and the
 * curve of reliability. */
#include "calibration.h"
#include "curves.h"
#include "decide_body.h"
#include "file.h"
#include "frame.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  rd_decide_settings decide;
  char *data, *output;
  int64_t limit;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)
static const rd_option rows[] = {
    {"data", AT(data), .group = "Data", .value = "FILE",
     .help = "rows of JSONL: state and questions as for decide, and labels {id: true|false, a key, "
             "or a level}"},
    {"limit", AT(limit), .fallback = "0", .max = 1e9, .group = "Data",
     .help = "rows at most; 0: all"},
    {"output", AT(output), .letter = 'o', .group = "Data", .value = "FILE.svg",
     .help = "draw the curve of reliability"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_calibrate_parts[] = {{&own_rows, 0},
                                             {&rd_decide_rows, offsetof(settings, decide)},
                                             RD_COMMON_PARTS(settings, common),
                                             {NULL, 0}};

/* All answers so far; scores are kept one behind the other. */
typedef struct graded {
  rd_graded *items; /* (count) whose scores are set at the end, from `starts` */
  size_t *starts;   /* (count) in scores */
  double *scores;   /* (used) */
  size_t count, used, room;
  int64_t widest;
} graded;

static void graded_drop(graded *g) {
  free(g->items);
  free(g->starts);
  free(g->scores);
}

/* --- rows --------------------------------------------------------------------------------------
 */

/* The alternative that a label names: a truth of yes or no, a key, a level by number. -1: none. */
static int64_t right_of(const rd_question *q, const json_t *label) {
  if (json_is_boolean(label))
    return !q->type->truth ? -1 : json_is_true(label) ? 0 : 1;
  char number[24];
  snprintf(number, sizeof number, "%lld", (long long)json_integer_value(label));
  const char *name = json_is_integer(label) ? number : json_string_value(label);
  for (int64_t i = 0; name && i < q->count; i++)
    if (strcmp(q->alternatives[i].name, name) == 0)
      return i;
  return -1;
}

static rd_code keep(graded *g, const double *scores, int64_t count, int64_t right, rd_error *e) {
  const size_t more = (size_t)count;
  RD_TRY(rd_grow_one((void **)&g->items, g->count, sizeof *g->items, e));
  RD_TRY(rd_grow_one((void **)&g->starts, g->count, sizeof *g->starts, e));
  RD_TRY(rd_grow((void **)&g->scores, &g->room, g->used + more, sizeof *scores, e));
  memcpy(g->scores + g->used, scores, more * sizeof *scores);
  g->starts[g->count] = g->used;
  g->items[g->count++] = (rd_graded){.count = count, .right = right};
  g->used += more;
  g->widest = count > g->widest ? count : g->widest;
  return RD_OK;
}

static rd_code no_alternative(const rd_question *q, const json_t *label, rd_error *e) {
  char *said = rd_json_dumps(label, JSON_ENCODE_ANY);
  rd_code code = rd_fail(e, RD_BAD_INPUT, "labels: %.60s: no alternative of type %s is %.60s",
                         q->id, q->type->name, said ? said : "that");
  free(said);
  return code;
}

/* A label that no question is there for would be passed over. */
static rd_code check_labels(const json_t *labels, const rd_questions *questions, rd_error *e) {
  const char *id;
  json_t *label;
  if (!json_is_object(labels))
    return rd_fail(e, RD_BAD_INPUT, "labels: expected an object {id: label}");
  json_object_foreach((json_t *)(uintptr_t)labels, id, label) {
    bool asked = false;
    for (int64_t i = 0; i < questions->count; i++)
      asked = asked || strcmp(questions->items[i].id, id) == 0;
    if (!asked)
      return rd_fail(e, RD_BAD_INPUT, "labels: %.60s: no question has this id", id);
  }
  return RD_OK;
}

/* The labelled questions of a row, decided. */
static rd_code grade(graded *g, rd_decider *d, const rd_decide_settings *s, const json_t *row,
                     rd_error *e) {
  const json_t *labels = json_object_get(row, "labels");
  rd_decide_body body;
  rd_decision o = {0};
  rd_code code = rd_decide_body_init(&body, e);
  if (code == RD_OK)
    code = rd_decide_body_read(&body, row, e);
  if (code == RD_OK)
    code = check_labels(labels, &body.questions, e);
  if (code == RD_OK)
    code = rd_decide(&o, d, body.state, &body.questions, s, e);
  for (int64_t i = 0; code == RD_OK && i < body.questions.count; i++) {
    const rd_question *q = &body.questions.items[i];
    const json_t *label = json_object_get(labels, q->id);
    int64_t right = label ? right_of(q, label) : -1;
    if (label && right < 0)
      code = no_alternative(q, label, e);
    else if (label)
      code = keep(g, o.scores + o.first[i], q->count, right, e);
  }
  rd_decision_drop(&o);
  rd_decide_body_drop(&body);
  return code;
}

static rd_code grade_line(graded *g, rd_decider *d, const settings *s, const char *line,
                          size_t size, rd_error *e) {
  json_t *row = NULL;
  rd_code code = rd_json_parse(&row, line, size, "a row", e);
  if (code == RD_OK)
    code = grade(g, d, &s->decide, row, e);
  json_decref(row);
  return code;
}

static rd_code grade_all(graded *g, rd_decider *d, const settings *s, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, s->data, e));
  const char *at = (const char *)map.data, *end = at + map.size;
  rd_code code = RD_OK;
  int64_t number = 1, taken = 0;
  for (; code == RD_OK && at < end && (s->limit == 0 || taken < s->limit); number++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    if (size > strspn(at, " \t\r")) {
      code = grade_line(g, d, s, at, size, e);
      taken++;
    }
    at += size + 1;
  }
  rd_map_close(&map);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s: line %lld", s->data, (long long)number - 1);
  for (size_t i = 0; i < g->count; i++)
    g->items[i].scores = g->scores + g->starts[i];
  return g->count >= 2 ? RD_OK
                       : rd_fail(e, RD_BAD_INPUT,
                                 "%s: %zu labelled answers; two are needed, and "
                                 "some hundred to trust it",
                                 s->data, g->count);
}

/* --- what is said ------------------------------------------------------------------------------
 */

static rd_code draw_points(rd_curve *curve, const rd_calibration *c, rd_error *e) {
  for (int i = 0; i < RD_CALIBRATION_BINS; i++)
    if (c->bins[i].count > 0)
      RD_TRY(rd_curve_point(curve, 100 * c->bins[i].confidence, 100 * c->bins[i].right, e));
  return RD_OK;
}

static rd_code draw(const char *path, const rd_calibration *before, const rd_calibration *after,
                    rd_error *e) {
  static const rd_axes axes = {"% confidence", "% right", false};
  rd_curves curves = {.axes = &axes};
  rd_code code = rd_curve_add(&curves, strdup("as often right as sure"), e);
  for (int i = 0; i <= 1 && code == RD_OK; i++)
    code = rd_curve_point(&curves.items[0], 100 * i, 100 * i, e);
  if (code == RD_OK)
    code = rd_curve_add(&curves, rd_print("temperature 1, error %.3f", before->error), e);
  if (code == RD_OK)
    code = draw_points(&curves.items[1], before, e);
  if (code == RD_OK)
    code = rd_curve_add(&curves, rd_print("fitted, error %.3f", after->error), e);
  if (code == RD_OK)
    code = draw_points(&curves.items[2], after, e);
  if (code == RD_OK)
    code = rd_curves_svg(&curves, path, e);
  rd_curves_drop(&curves);
  return code;
}

static void show(const settings *s, size_t n, double temperature, const rd_calibration *before,
                 const rd_calibration *after) {
  if (s->common.json) {
    printf("{\"answers\":%zu,\"temperature\":%.6f", n, temperature);
    const char *const names[] = {"before", "after"};
    const rd_calibration *const both[] = {before, after};
    for (int i = 0; i < 2; i++)
      printf(",\"%s\":{\"accuracy\":%.6f,\"ece\":%.6f,\"brier\":%.6f,\"nll\":%.6f}", names[i],
             both[i]->accuracy, both[i]->error, both[i]->brier, both[i]->nll);
    puts("}");
    return;
  }
  printf("%zu answers, %.1f%% right\n\n%-34s %8s %8s %8s\n", n, 100 * before->accuracy, "", "ECE",
         "Brier", "-ln p");
  printf("%-34s %8.4f %8.4f %8.4f\n", "temperature 1", before->error, before->brier, before->nll);
  printf("%-34s %8.4f %8.4f %8.4f\n", "fitted on the other half of them", after->error,
         after->brier, after->nll);
  printf("\nredraft decide --temperature %.4g\n", temperature);
}

static rd_code calibrate(const settings *s, graded *g, rd_error *e) {
  rd_model *model = NULL;
  RD_TRY(rd_tool_open(&model, &s->common, e));
  rd_decider d = {.model = model};
  rd_code code = grade_all(g, &d, s, e);
  rd_decider_drop(&d);
  rd_model_close(&model);
  RD_TRY(code);
  double *scratch = rd_calloc((size_t)g->widest, sizeof *scratch, "shares", e);
  if (!scratch)
    return RD_NO_MEMORY;
  rd_calibration before = rd_calibration_at(g->items, g->count, 1, scratch);
  rd_calibration after = rd_calibration_crossed(g->items, g->count, scratch);
  double temperature = rd_calibration_fit(g->items, g->count, scratch);
  free(scratch);
  show(s, g->count, temperature, &before, &after);
  return s->output ? draw(s->output, &before, &after, e) : RD_OK;
}

static rd_code work(void *context, char **names, rd_error *e) {
  const settings *s = context;
  graded g = {0};
  (void)names;
  if (!s->data)
    return rd_fail(e, RD_USAGE, "--data FILE: rows whose right answers are known");
  if (rd_option_given(s->common.options, "temperature"))
    return rd_fail(e, RD_USAGE, "--temperature is what is fitted here");
  RD_TRY(rd_path_apart(s->output, s->data, e));
  rd_code code = calibrate(s, &g, e);
  graded_drop(&g);
  return code;
}

rd_code rd_cmd_calibrate(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, work, e);
}
