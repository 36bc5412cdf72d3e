/* SPDX-License-Identifier: MIT */
/* OpenAI's responses: an object with a list of items, of which there is one, a message; streamed as
 * events with names and numbers, which tell how that object comes about. */
#include "reply.h"

#include "said.h"

#include <stdlib.h>
#include <string.h>

static const char *status_of(const rd_job *job) {
  return strcmp(job->finish, "length") == 0 ? "incomplete" : "completed";
}

static const char *identity(const rd_job *job) {
  const char *dash = strchr(job->id, '-');
  return dash ? dash + 1 : job->id;
}

/* --- objects -----------------------------------------------------------------------------------
 */

/* Of each token, where they were asked for; they are known at the end alone. */
static json_t *logprobs_of(const rd_job *job, bool whole) {
  if (!whole || !job->body.likely || job->calls)
    return json_array();
  json_t *likely = job->shape->likely(job), *list = json_object_get(likely, "content");
  list = list ? json_incref(list) : json_array();
  json_decref(likely);
  return list;
}

static json_t *part_of(const rd_job *job, const char *text, bool whole) {
  return json_pack("{s:s, s:s, s:[], s:o}", "type", "output_text", "text", text, "annotations",
                   "logprobs", logprobs_of(job, whole));
}

/* The message; without text (NULL) it is still to come. */
static json_t *item_of(const rd_job *job, const char *text, const char *status) {
  json_t *content = text ? json_pack("[o]", part_of(job, text, true)) : json_array();
  char id[80];
  snprintf(id, sizeof id, "msg_%s", identity(job));
  return json_pack("{s:s, s:s, s:s, s:s, s:o}", "type", "message", "id", id, "status", status,
                   "role", "assistant", "content", content);
}

/* A call; without arguments (NULL) they are still to come. */
static json_t *call_of(const rd_job *job, size_t number, const json_t *arguments) {
  const json_t *call = json_array_get(job->calls, number);
  char id[80];
  snprintf(id, sizeof id, "fc_%s_%zu", identity(job), number);
  return json_pack("{s:s, s:s, s:O, s:O, s:o, s:s}", "type", "function_call", "id", id, "call_id",
                   json_object_get(call, "id"), "name",
                   json_object_get(json_object_get(call, "function"), "name"), "arguments",
                   arguments ? json_incref((json_t *)(uintptr_t)arguments) : json_string(""),
                   "status", arguments ? "completed" : "in_progress");
}

static const json_t *arguments_of(const rd_job *job, size_t number) {
  const json_t *call = json_array_get(job->calls, number);
  return json_object_get(json_object_get(call, "function"), "arguments");
}

/* The message's text: all of it, or what stands before calls; a new string. NULL: there is no
 * message, or no memory. */
static char *message_text(const rd_job *job) {
  if (!job->calls)
    return strdup(job->text);
  return job->prose > 0 ? strndup(job->text, job->prose) : NULL;
}

/* A message, then calls. */
static json_t *output_of(const rd_job *job, const char *status) {
  json_t *output = json_array();
  char *text = message_text(job);
  if (text)
    json_array_append_new(output, item_of(job, text, status));
  free(text);
  for (size_t i = 0; i < json_array_size(job->calls); i++)
    json_array_append_new(output, call_of(job, i, arguments_of(job, i)));
  return output;
}

static json_t *usage_of(const rd_group *group) {
  int64_t prompt, answer;
  rd_reply_usage(group, &prompt, &answer);
  return json_pack("{s:I, s:{s:i}, s:I, s:{s:i}, s:I}", "input_tokens", (json_int_t)prompt,
                   "input_tokens_details", "cached_tokens", 0, "output_tokens", (json_int_t)answer,
                   "output_tokens_details", "reasoning_tokens", 0, "total_tokens",
                   (json_int_t)(prompt + answer));
}

/* `output` and `usage` are taken; usage is null before the end. */
static json_t *response_of(const rd_job *job, const char *status, json_t *output, json_t *usage) {
  const rd_body *a = &job->body;
  char id[80];
  snprintf(id, sizeof id, "resp_%s", identity(job));
  bool cut = strcmp(status, "incomplete") == 0;
  json_t *why = cut ? json_pack("{s:s}", "reason", "max_output_tokens") : json_null();
  json_t *most = a->params.tokens > 0 ? json_integer(a->params.tokens) : json_null();
  return json_pack(
      "{s:s, s:s, s:I, s:s, s:o, s:n, s:s?, s:o, s:s, s:o, s:b, s:n, s:b, s:f, s:f, s:s, s:[], "
      "s:{s:{s:s}}, s:s, s:{}, s:o}",
      "id", id, "object", "response", "created_at", (json_int_t)job->created, "status", status,
      "incomplete_details", why, "error", "instructions", a->system, "max_output_tokens", most,
      "model", job->model, "output", output, "parallel_tool_calls", 0, "previous_response_id",
      "store", 0, "temperature", a->params.temperature, "top_p", a->params.top_p, "tool_choice",
      "auto", "tools", "text", "format", "type", "text", "truncation", "disabled", "metadata",
      "usage", usage);
}

static json_t *whole_response(const rd_group *group) {
  const rd_job *job = group->jobs[0];
  const char *status = status_of(job);
  json_t *response = response_of(job, status, output_of(job, status), usage_of(group));
  json_object_set_new(response, "converged", json_boolean(job->converged));
  if (job->warning)
    json_object_set_new(response, "warning", json_string(job->warning));
  return response;
}

char *rd_reply_response(const rd_group *group) {
  return rd_reply_dump(whole_response(group));
}

/* --- events ------------------------------------------------------------------------------------
 */

/* `value` is taken, and gets the event's type and number. */
static rd_code send_event(rd_job *job, const char *type, json_t *value, rd_error *e) {
  json_object_set_new(value, "type", json_string(type));
  json_object_set_new(value, "sequence_number", json_integer(job->chunks++));
  char before[100];
  snprintf(before, sizeof before, "event: %s\ndata: ", type);
  return rd_reply_write(job, before, value, "\n\n", e);
}

/* An event about the message's only part; `more`, which is taken, is what it says. */
static rd_code send_of_part(rd_job *job, const char *type, json_t *more, rd_error *e) {
  char id[80];
  snprintf(id, sizeof id, "msg_%s", identity(job));
  json_t *value =
      json_pack("{s:s, s:i, s:i}", "item_id", id, "output_index", 0, "content_index", 0);
  json_object_update(value, more);
  json_decref(more);
  return send_event(job, type, value, e);
}

static rd_code begin_message(rd_job *job, rd_error *e) {
  RD_TRY(send_event(
      job, "response.output_item.added",
      json_pack("{s:i, s:o}", "output_index", 0, "item", item_of(job, NULL, "in_progress")), e));
  return send_of_part(job, "response.content_part.added",
                      json_pack("{s:o}", "part", part_of(job, "", false)), e);
}

static rd_code send_first(rd_job *job, rd_error *e) {
  const char *const types[] = {"response.created", "response.in_progress"};
  for (int i = 0; i < 2; i++)
    RD_TRY(send_event(
        job, types[i],
        json_pack("{s:o}", "response", response_of(job, "in_progress", json_array(), json_null())),
        e));
  return job->body.calls ? RD_OK : begin_message(job, e); /* else it is known later what comes */
}

static rd_code write_news(rd_job *job, const rd_event *event, rd_error *e) {
  if (event->kind == RD_EVENT_START)
    return send_first(job, e);
  if (event->kind == RD_EVENT_NOISE)
    return RD_OK;
  char *text = NULL;
  size_t from, size;
  rd_code code = rd_reply_news(job, event, &text, &from, &size, e);
  if (code == RD_OK && size > 0 && job->body.calls) /* all of it, at the end */
    code = begin_message(job, e);
  if (code == RD_OK && size > 0)
    code = send_of_part(job, "response.output_text.delta",
                        json_pack("{s:s%, s:[]}", "delta", text + from, size, "logprobs"), e);
  else if (code == RD_OK && event->kind == RD_EVENT_DRAFT)
    code = rd_job_printf(job, e, ": draft %lld\n\n", (long long)event->iteration);
  free(text);
  return code;
}

static rd_code end_message(rd_job *job, const char *text, const char *status, rd_error *e) {
  if (job->body.calls && !*text) /* without news it was never begun */
    RD_TRY(begin_message(job, e));
  RD_TRY(send_of_part(job, "response.output_text.done",
                      json_pack("{s:s, s:o}", "text", text, "logprobs", logprobs_of(job, true)),
                      e));
  RD_TRY(send_of_part(job, "response.content_part.done",
                      json_pack("{s:o}", "part", part_of(job, text, true)), e));
  return send_event(job, "response.output_item.done",
                    json_pack("{s:i, s:o}", "output_index", 0, "item", item_of(job, text, status)),
                    e);
}

/* One call: it begins, its arguments come in one piece, it is over. */
static rd_code send_call(rd_job *job, size_t number, int at, rd_error *e) {
  const json_t *arguments = arguments_of(job, number);
  char id[80];
  snprintf(id, sizeof id, "fc_%s_%zu", identity(job), number);
  RD_TRY(send_event(job, "response.output_item.added",
                    json_pack("{s:i, s:o}", "output_index", at, "item", call_of(job, number, NULL)),
                    e));
  RD_TRY(send_event(
      job, "response.function_call_arguments.delta",
      json_pack("{s:s, s:i, s:O}", "item_id", id, "output_index", at, "delta", arguments), e));
  RD_TRY(send_event(
      job, "response.function_call_arguments.done",
      json_pack("{s:s, s:i, s:O}", "item_id", id, "output_index", at, "arguments", arguments), e));
  return send_event(
      job, "response.output_item.done",
      json_pack("{s:i, s:o}", "output_index", at, "item", call_of(job, number, arguments)), e);
}

static rd_code send_last(rd_group *group, rd_error *e) {
  rd_job *job = group->jobs[0];
  const char *status = status_of(job);
  bool cut = strcmp(status, "incomplete") == 0;
  char *text = message_text(job);
  int at = text != NULL;
  rd_code code = text ? end_message(job, text, status, e) : RD_OK;
  free(text);
  for (size_t i = 0; i < json_array_size(job->calls) && code == RD_OK; i++)
    code = send_call(job, i, at++, e);
  return code == RD_OK ? send_event(job, cut ? "response.incomplete" : "response.completed",
                                    json_pack("{s:o}", "response", whole_response(group)), e)
                       : code;
}

static void fail_event(rd_job *job, const rd_error *e) {
  json_t *message = rd_said(e->message);
  (void)send_event(
      job, "error",
      json_pack("{s:n, s:o, s:n}", "code", "message", message ? message : json_null(), "param"),
      NULL);
}

const rd_reply rd_reply_response_events = {"text/event-stream", write_news, fail_event, send_last};
