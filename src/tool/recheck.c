/* SPDX-License-Identifier: MIT */
/* The signature is read from the trace's first line, the model is held against it before anything
 * runs, and an observer compares each event with the one that was written. */
#include "recheck.h"

#include "file.h"
#include "interrupt.h"
#include "params.h"
#include "precision.h"
#include "request.h"
#include "signature.h"

#include <stdlib.h>
#include <string.h>

/* --- the signature ----------------------------------------------------------------------------
 */

static rd_code read_signature(json_t **out, const char *path, rd_error *e) {
  rd_map map;
  json_t *start = NULL;
  *out = NULL;
  RD_TRY(rd_map_open(&map, path, e));
  const void *end = map.size > 0 ? memchr(map.data, '\n', map.size) : NULL;
  size_t size = end ? (size_t)((const unsigned char *)end - map.data) : map.size;
  rd_code code = rd_json_parse(&start, (const char *)map.data, size, path, e);
  rd_map_close(&map);
  RD_TRY(code);
  *out = json_incref(json_object_get(start, "signed"));
  json_decref(start);
  return json_is_object(*out) ? RD_OK
                              : rd_fail(e, RD_BAD_INPUT,
                                        "%s: the trace is not signed: generate --trace writes "
                                        "signed ones",
                                        path);
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
  size_t at; /* the event that comes next */
  int64_t drafts;
  bool cut; /* the trace's last draft is what there was when time was over */
  rd_error error;
} comparison;

/* A place that two events tell differently, or -1. */
static int64_t first_difference(const rd_event *a, const rd_event *b) {
  int64_t n = a->count < b->count ? a->count : b->count;
  for (int64_t i = 0; i < n; i++)
    if (a->ids[i] != b->ids[i])
      return i;
  return a->count == b->count ? -1 : n;
}

/* What was stopped from outside ends the comparison where that happened. */
static bool stopped_here(const comparison *c) {
  return c->at >= c->trace->count ||
         (c->cut &&
          (c->at + 2 >= c->trace->count || c->trace->events[c->at].event.kind == RD_EVENT_DONE));
}

static rd_code compare(void *context, const rd_event *event) {
  comparison *c = context;
  if (c->error.code != RD_OK) /* the end that follows a refusal */
    return c->error.code;
  if (stopped_here(c))
    return RD_CANCELLED;
  const rd_event *was = &c->trace->events[c->at++].event;
  if (was->kind != event->kind || was->iteration != event->iteration)
    return rd_fail(&c->error, RD_BAD_INPUT,
                   "event %zu is of another kind or iteration than when the trace was made",
                   c->at - 1);
  int64_t place = first_difference(was, event);
  if (place >= 0)
    return rd_fail(
        &c->error, RD_BAD_INPUT,
        "iteration %lld: other tokens from place %lld on, though model, options and seed "
        "are the same: either the trace was changed, or this machine computes "
        "differently (--precision)",
        (long long)event->iteration, (long long)place);
  c->drafts += event->kind == RD_EVENT_DRAFT;
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

static rd_code make_again(comparison *c, const rd_model *model, const rd_params *params,
                          rd_error *e) {
  const rd_event *start = &c->trace->events[0].event;
  const rd_sampler *sampler = NULL;
  char *text = NULL;
  RD_TRY(rd_sampler_find(&sampler, params->sampler, e));
  const rd_request request = {.model = model,
                              .params = params,
                              .sampler = sampler,
                              .prompt = start->prompt_ids,
                              .prompt_count = start->prompt_count,
                              .observer = compare,
                              .context = c};
  rd_interrupt_open();
  rd_code code = rd_request_run(&text, &request, NULL, rd_interrupt_flag(), e);
  rd_interrupt_close();
  free(text);
  if (c->error.code != RD_OK) {
    *e = c->error;
    return c->error.code;
  }
  return code == RD_CANCELLED && stopped_here(c) ? RD_OK : code;
}

static bool was_cut(const rd_trace *trace) {
  const rd_event *last = &trace->events[trace->count - 1].event;
  return last->kind != RD_EVENT_DONE || strcmp(last->stopped, "deadline") == 0 ||
         strcmp(last->stopped, "cancelled") == 0;
}

static rd_code check_drafts(comparison *c, const json_t *signature, const rd_common *common,
                            rd_error *e) {
  rd_params params = {0};
  rd_options o;
  rd_model *model = NULL;
  rd_code code = rd_options_open(&o, rd_sampler_parts, &params, e);
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  if (code == RD_OK)
    code = set_options(&o, signature, c->trace->events[0].event.seed, e);
  params.deadline = 0;
  if (code == RD_OK)
    code = rd_tool_open(&model, common, e);
  if (code == RD_OK)
    code = make_again(c, model, &params, e);
  rd_model_close(&model);
  rd_options_drop(&o);
  rd_options_close(&o);
  return code;
}

rd_code rd_trace_check(const rd_trace *trace, const char *path, rd_common *common, int64_t *drafts,
                       rd_error *e) {
  json_t *signature = NULL;
  const rd_event *start = &trace->events[0].event;
  comparison c = {.trace = trace, .cut = was_cut(trace)};
  rd_code code = read_signature(&signature, path, e);
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
    code = check_drafts(&c, signature, common, e);
  *drafts = c.drafts;
  json_decref(signature);
  return code;
}
