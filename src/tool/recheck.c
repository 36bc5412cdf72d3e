/* SPDX-License-Identifier: MIT */
/* The signature is read from the trace's first line, the model is held against it before anything
 * runs, and an observer compares each event with the line that was written. */
#include "recheck.h"

#include "file.h"
#include "interrupt.h"
#include "params.h"
#include "precision.h"
#include "request.h"
#include "signature.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- the signature ----------------------------------------------------------------------------
 */

static rd_code read_signature(json_t **out, const rd_map *text, rd_error *e) {
  json_t *start = NULL;
  const char *at = (const char *)text->data;
  size_t size = 0;
  const char *line = rd_trace_line(&at, at + text->size, &size);
  *out = NULL;
  RD_TRY(rd_json_parse(&start, line, size, "event", e));
  *out = json_incref(json_object_get(start, "signed"));
  json_decref(start);
  return json_is_object(*out)
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "the trace is not signed: generate --trace writes signed ones");
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "none";
}

/* Are the files at `path` (NULL: none) the ones that signed? `what` they are. */
static rd_code compare_files(const char *what, const char *path, const char *wanted,
                             const char *was, rd_error *e) {
  char found[RD_SIGN_SIZE] = "none";
  if (path)
    RD_TRY(rd_sign_files(found, path, e));
  return strcmp(found, wanted) == 0
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "the trace is of another %s: %s, whose files hash to %s; those of %s hash to "
                     "%s. Name the right one with %s",
                     what, was, wanted, path ? path : "none", found,
                     strcmp(what, "model") == 0 ? "-m" : "--adapter");
}

static rd_code compare_model(const json_t *signature, const rd_event *start, rd_common *common,
                             rd_error *e) {
  char *path = NULL, *adapter = NULL;
  const char *signed_adapter = text_of(signature, "adapter");
  if (strcmp(signed_adapter, "none") == 0) /* not even the one in its folder */
    RD_TRY(rd_tool_name_causal(common, e));
  RD_TRY(rd_tool_model_path(&path, &adapter, common, e));
  rd_code code = compare_files("model", path, text_of(signature, "model"), start->model, e);
  if (code == RD_OK)
    code = compare_files("adapter", adapter, signed_adapter, "one", e);
  const char *name = json_string_value(json_object_get(signature, "name"));
  if (code == RD_OK && name && strcmp(name, start->model) != 0)
    code = rd_fail(e, RD_BAD_INPUT, "start: model: \"%.60s\" in the trace, signed as \"%.60s\"",
                   start->model, name);
  free(path);
  free(adapter);
  return code;
}

static rd_code compare_sign(const json_t *signature, const rd_event *start, rd_error *e) {
  char sign[RD_SIGN_SIZE];
  RD_TRY(
      rd_signature_sign(sign, signature, start->seed, start->prompt_ids, start->prompt_count, e));
  return strcmp(sign, text_of(signature, "sign")) == 0
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "the trace's options, seed or prompt are not those that were signed: %s, not "
                     "%s",
                     sign, text_of(signature, "sign"));
}

/* --- the drafts -------------------------------------------------------------------------------
 */

typedef struct comparison {
  const rd_trace *trace;
  const char *line, *end; /* its text, from the event on that comes next */
  size_t at;              /* the event that comes next */
  int64_t drafts, left;   /* made again; to come */
  rd_params params;       /* of the run: its time is over where the trace's was */
  bool late;              /* in the draft that was the last */
  atomic_int stop;        /* the run ends before its next pass */
  rd_error error;
} comparison;

/* Is the event that comes next the end, for this reason? */
static bool ends_next(const comparison *c, const char *why) {
  const rd_event *next = c->at < c->trace->count ? &c->trace->events[c->at].event : NULL;
  return next && next->kind == RD_EVENT_DONE && strcmp(next->stopped, why) == 0;
}

/* What was stopped from outside, or breaks off, is stopped where that happened. */
static void stop_where_it_was(comparison *c) {
  if (c->at == c->trace->count || ends_next(c, "cancelled"))
    atomic_store(&c->stop, 1);
  if (c->left == 1 && c->late)
    c->params.deadline = DBL_MIN;
}

/* A place that two events tell differently, or -1. */
static int64_t first_difference(const rd_event *a, const rd_event *b) {
  int64_t n = a->count < b->count ? a->count : b->count;
  for (int64_t i = 0; i < n; i++)
    if (a->ids[i] != b->ids[i])
      return i;
  return a->count == b->count ? -1 : n;
}

/* Probabilities are rounded otherwise by another processor, though tokens are the same. */
static bool near(const json_t *a, const json_t *b) {
  const double bound = 0.1;
  bool same = json_array_size(a) == json_array_size(b);
  for (size_t i = 0; same && i < json_array_size(a); i++)
    same = fabs(json_number_value(json_array_get(a, i)) - json_number_value(json_array_get(b, i))) <
           bound;
  return same;
}

/* Do two events have the same behind a key? How long it took is nobody's to tell again, nor what
 * the model is called; the signature was looked at. */
static bool same_value(const char *key, const json_t *was, const json_t *now) {
  if (rd_name_listed("seconds model signed", key))
    return true;
  return strcmp(key, "confidence") == 0 ? near(was, now) : was && now && json_equal(was, now);
}

/* A value for a message, cut; a new string, or NULL. */
static char *shown(const json_t *value) {
  char *text =
      value ? rd_json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
  char *cut = text && strlen(text) > 60 ? rd_print("%.57s...", text) : NULL;
  if (!cut)
    return text;
  free(text);
  return cut;
}

static rd_code say_difference(comparison *c, const char *key, const json_t *was,
                              const json_t *now) {
  char *old = shown(was), *new = shown(now);
  rd_code code =
      rd_fail(&c->error, RD_BAD_INPUT, "event %zu: %.30s: %s in the trace, %s made again",
              c->at - 1, key, old ? old : "nothing", new ? new : "nothing");
  free(old);
  free(new);
  return code;
}

/* Every key of both: what the tokens spell, what became of them, the verdict. */
static rd_code compare_values(comparison *c, const json_t *was, const json_t *now) {
  json_t *all = json_copy((json_t *)(uintptr_t)now), *value;
  const char *key;
  rd_code code = all && json_object_update_missing(all, (json_t *)(uintptr_t)was) == 0
                   ? RD_OK
                   : rd_fail(&c->error, RD_NO_MEMORY, "out of memory: an event");
  json_object_foreach(all, key, value) {
    const json_t *old = json_object_get(was, key), *new = json_object_get(now, key);
    if (code == RD_OK && !same_value(key, old, new))
      code = say_difference(c, key, old, new);
  }
  json_decref(all);
  return code;
}

static rd_code compare_lines(comparison *c, const char *line, size_t size, const rd_event *event) {
  json_t *was = NULL, *now = rd_event_value(event);
  rd_code code = now ? rd_json_parse(&was, line, size, "event", &c->error)
                     : rd_fail(&c->error, RD_NO_MEMORY, "out of memory: an event");
  if (code == RD_OK)
    code = compare_values(c, was, now);
  json_decref(was);
  json_decref(now);
  return code;
}

static rd_code compare_events(comparison *c, const rd_event *was, const rd_event *event) {
  size_t size;
  const char *line = rd_trace_line(&c->line, c->end, &size);
  int64_t place = first_difference(was, event);
  if (was->kind != event->kind ||
      (event->kind != RD_EVENT_DONE && was->iteration != event->iteration))
    return rd_fail(&c->error, RD_BAD_INPUT,
                   "event %zu is of another kind or iteration than when the trace was made",
                   c->at - 1);
  if (place >= 0)
    return rd_fail(
        &c->error, RD_BAD_INPUT,
        "iteration %lld: other tokens from place %lld on, though model, options and seed "
        "are the same: either the trace was changed, or this machine computes "
        "differently (--precision)",
        (long long)event->iteration, (long long)place);
  return compare_lines(c, line, size, event);
}

static rd_code compare(void *context, const rd_event *event) {
  comparison *c = context;
  if (c->error.code != RD_OK) /* the end that follows a refusal */
    return c->error.code;
  if (rd_interrupt_seen() || c->at == c->trace->count ||
      (event->kind != RD_EVENT_DONE && ends_next(c, "cancelled")))
    return RD_CANCELLED;
  RD_TRY(compare_events(c, &c->trace->events[c->at++].event, event));
  c->drafts += event->kind == RD_EVENT_DRAFT;
  c->left -= event->kind == RD_EVENT_DRAFT;
  stop_where_it_was(c);
  return RD_OK;
}

static rd_code set_options(const rd_options *o, const json_t *signature, uint64_t seed,
                           rd_error *e) {
  const char *name;
  json_t *value, *options = json_object_get(signature, "options");
  json_object_foreach(options, name, value) {
    const rd_option *row = rd_option_find(o, name);
    if (!row)
      return rd_fail(e, RD_BAD_INPUT, "the trace's options: there is no option %.60s", name);
    if (!json_is_null(value))
      RD_TRY(rd_option_set_json(o, row, value, e));
  }
  json_t *number = json_integer((json_int_t)seed);
  rd_code code = rd_option_set_json(o, rd_option_find(o, "seed"), number, e);
  json_decref(number);
  return code;
}

/* Whether all of the trace was made again, and whether that is all there was. */
static rd_code conclude(const comparison *c, rd_code code, rd_error *e) {
  const rd_trace *trace = c->trace;
  if (c->error.code != RD_OK) {
    *e = c->error;
    return c->error.code;
  }
  if (c->at < trace->count && rd_interrupt_seen())
    return rd_fail(e, RD_CANCELLED, "interrupted");
  if (code != RD_OK && code != RD_CANCELLED)
    return code;
  if (c->at < trace->count)
    return rd_fail(e, RD_BAD_INPUT, "event %zu was not made again: the drafts end before it",
                   c->at);
  if (trace->events[trace->count - 1].event.kind != RD_EVENT_DONE)
    return rd_fail(e, RD_BAD_INPUT,
                   "the trace ends early: %lld drafts were made again, token for token, and behind "
                   "them the event done is missing",
                   (long long)c->drafts);
  return RD_OK;
}

static rd_code make_again(comparison *c, const rd_model *model, rd_error *e) {
  const rd_event *start = &c->trace->events[0].event;
  const rd_sampler *sampler = NULL;
  char *text = NULL;
  RD_TRY(rd_sampler_find(&sampler, c->params.sampler, e));
  c->params.deadline = 0;
  const rd_request request = {.model = model,
                              .params = &c->params,
                              .sampler = sampler,
                              .prompt = start->prompt_ids,
                              .prompt_count = start->prompt_count,
                              .observer = compare,
                              .context = c};
  rd_interrupt_open();
  rd_code code = conclude(c, rd_request_run(&text, &request, NULL, &c->stop, e), e);
  rd_interrupt_close();
  free(text);
  return code;
}

/* Where there was a deadline, but another reason to stop came before it, only trying tells whether
 * the last draft was one that had run out of time. */
static rd_code make_by_deadline(comparison *c, const rd_model *model, double deadline,
                                rd_error *e) {
  comparison other = *c;
  const rd_event *last = &c->trace->events[c->trace->count - 1].event;
  rd_error why;
  other.late = true;
  if (deadline > 0 && last->kind == RD_EVENT_DONE && strcmp(last->stopped, "deadline") == 0)
    *c = other;
  rd_code code = make_again(c, model, e);
  if (code != RD_BAD_INPUT || deadline == 0 || c->late)
    return code;
  *c = other;
  rd_code again = make_again(c, model, &why);
  if (again == RD_OK || again == RD_BAD_INPUT)
    return again == RD_OK ? again : code;
  *e = why;
  return again;
}

static rd_code check_drafts(comparison *c, const json_t *signature, const rd_common *common,
                            rd_error *e) {
  rd_options o;
  rd_model *model = NULL;
  rd_code code = rd_options_open(&o, rd_sampler_parts, &c->params, e);
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  if (code == RD_OK)
    code = set_options(&o, signature, c->trace->events[0].event.seed, e);
  if (code == RD_OK)
    code = rd_tool_open(&model, common, e);
  if (code == RD_OK)
    code = make_by_deadline(c, model, c->params.deadline, e);
  rd_model_close(&model);
  rd_options_drop(&o);
  rd_options_close(&o);
  return code;
}

static int64_t drafts_of(const rd_trace *trace) {
  int64_t drafts = 0;
  for (size_t i = 0; i < trace->count; i++)
    drafts += trace->events[i].event.kind == RD_EVENT_DRAFT;
  return drafts;
}

static rd_code check(comparison *c, const rd_map *text, rd_common *common, rd_error *e) {
  json_t *signature = NULL;
  const rd_event *start = &c->trace->events[0].event;
  rd_code code = read_signature(&signature, text, e);
  if (code == RD_OK)
    code = compare_sign(signature, start, e);
  if (code == RD_OK)
    code = compare_model(signature, start, common, e);
  if (code == RD_OK && !rd_option_given(common->options, "precision")) {
    free(common->precision);
    common->precision = rd_strdup(text_of(signature, "precision"), e);
    code = common->precision ? RD_OK : RD_NO_MEMORY;
  }
  if (code == RD_OK)
    code = check_drafts(c, signature, common, e);
  json_decref(signature);
  return code;
}

rd_code rd_trace_check(const char *path, rd_common *common, int64_t *drafts, rd_error *e) {
  rd_map text;
  rd_trace trace = {0};
  *drafts = 0;
  RD_TRY(rd_map_open(&text, path, e));
  const char *lines = (const char *)text.data;
  rd_code code = rd_trace_parse(&trace, lines, text.size, path, e);
  if (code == RD_OK) {
    comparison c = {
        .trace = &trace, .line = lines, .end = lines + text.size, .left = drafts_of(&trace)};
    code = check(&c, &text, common, e);
    if (code != RD_OK && code != RD_CANCELLED)
      rd_prefix(e, code, "%s", path);
    *drafts = c.drafts;
  }
  rd_trace_drop(&trace);
  rd_map_close(&text);
  return code;
}
