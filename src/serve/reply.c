/* SPDX-License-Identifier: MIT */
/* JSON of answers, in the job's shape. */
#include "reply.h"

#include "calls.h"
#include "events.h"
#include "said.h"

#include <stdlib.h>
#include <string.h>

char *rd_reply_dump(json_t *value) {
  char *text =
      value ? rd_json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(value);
  return text;
}

char *rd_reply_error(const char *message, const char *type, const char *name) {
  return rd_reply_dump(json_pack("{s:{s:o, s:s, s:n, s:s?}}", "error", "message", rd_said(message),
                                 "type", type, "param", "code", name));
}

/* A prompt that is answered several times was read once. */
void rd_reply_usage(const rd_group *group, int64_t *prompt, int64_t *answer) {
  *prompt = *answer = 0;
  for (size_t i = 0; i < group->count; i++) {
    const rd_job *job = group->jobs[i];
    *prompt += job->body.choice % job->body.n == 0 ? job->body.prompt_count : 0;
    *answer += job->tokens;
  }
}

static json_t *usage_of(const rd_group *group) {
  int64_t prompt, answer;
  rd_reply_usage(group, &prompt, &answer);
  return json_pack("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)prompt, "completion_tokens",
                   (json_int_t)answer, "total_tokens", (json_int_t)(prompt + answer));
}

static json_t *frame(const rd_job *job, const char *object, json_t *choices) {
  return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", job->id, "object", object, "created",
                   (json_int_t)job->created, "model", job->model, "choices", choices);
}

/* What answers that are over say beside OpenAI's fields. */
static void add_words(json_t *answer, bool converged, const char *warning) {
  json_object_set_new(answer, "converged", json_boolean(converged));
  if (warning)
    json_object_set_new(answer, "warning", json_string(warning));
}

static void add_verdict(const rd_group *group, json_t *answer) {
  bool all = true;
  for (size_t i = 0; i < group->count; i++)
    all = all && group->jobs[i]->converged;
  add_words(answer, all, rd_group_warning(group));
}

/* What goes before an answer. */
static const char *echoed(const rd_job *job) {
  return job->body.echo && job->body.said ? job->body.said : "";
}

/* The choice of a job that is over. */
static json_t *whole_choice(const rd_job *job) {
  char *text = rd_print("%s%s", echoed(job), job->text);
  json_t *choice = text ? job->shape->whole(text, job->finish) : NULL;
  json_object_set_new(choice, "index", json_integer(job->body.choice));
  if (choice && job->body.likely)
    json_object_set_new(choice, "logprobs", job->shape->likely(job));
  json_t *message = json_object_get(choice, "message");
  if (message && job->calls &&
      rd_calls_put(message, job->calls, job->text, job->prose, false, NULL) != RD_OK) {
    json_decref(choice);
    choice = NULL;
  }
  free(text);
  return choice;
}

char *rd_reply_answer(const rd_group *group) {
  json_t *choices = json_array();
  for (size_t i = 0; i < group->count; i++)
    if (json_array_append_new(choices, whole_choice(group->jobs[i])) != 0) {
      json_decref(choices);
      return NULL;
    }
  json_t *answer = frame(group->jobs[0], group->shape->object, choices);
  json_object_set_new(answer, "usage", usage_of(group));
  add_verdict(group, answer);
  return rd_reply_dump(answer);
}

/* --- chunks ------------------------------------------------------------------------------------
 */

rd_code rd_reply_write(rd_job *job, const char *before, json_t *value, const char *after,
                       rd_error *e) {
  char *text = rd_reply_dump(value);
  rd_code code = text ? rd_job_printf(job, e, "%s%s%s", before, text, after)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: a chunk");
  free(text);
  return code;
}

rd_code rd_reply_send(rd_job *job, json_t *value, rd_error *e) {
  return rd_reply_write(job, "data: ", value, "\n\n", e);
}

/* A chunk with more text (or none) or the reason of the end. */
static rd_code send_chunk(rd_job *job, const char *text, size_t size, bool first,
                          const char *finish, rd_error *e) {
  json_t *choice = job->shape->piece(text, size, first, finish);
  json_object_set_new(choice, "index", json_integer(job->body.choice));
  if (finish && job->body.likely)
    json_object_set_new(choice, "logprobs", job->shape->likely(job));
  json_t *chunk = frame(job, job->shape->chunk, json_pack("[o]", choice));
  if (job->body.usage)
    json_object_set_new(chunk, "usage", json_null());
  if (finish)
    add_words(chunk, job->converged, job->warning);
  return rd_reply_send(job, chunk, e);
}

/* A chunk whose delta has one call, or part of one; the piece is taken. */
static rd_code send_call(rd_job *job, json_t *piece, rd_error *e) {
  json_t *choice = job->shape->piece("", 0, false, NULL);
  json_t *delta = json_object_get(choice, "delta");
  json_object_set_new(choice, "index", json_integer(job->body.choice));
  json_object_del(delta, "content");
  json_object_set_new(delta, "tool_calls", json_pack("[o]", piece));
  json_t *chunk = frame(job, job->shape->chunk, json_pack("[o]", choice));
  if (job->body.usage)
    json_object_set_new(chunk, "usage", json_null());
  return rd_reply_send(job, chunk, e);
}

static rd_code send_name(rd_job *job, size_t number, const json_t *id, const json_t *name,
                         rd_error *e) {
  return send_call(job,
                   json_pack("{s:I, s:O, s:s, s:{s:O, s:s}}", "index", (json_int_t)number, "id", id,
                             "type", "function", "function", "name", name, "arguments", ""),
                   e);
}

static rd_code send_arguments(rd_job *job, size_t number, const char *text, size_t size,
                              rd_error *e) {
  return send_call(job,
                   json_pack("{s:I, s:{s:s%}}", "index", (json_int_t)number, "function",
                             "arguments", text, size),
                   e);
}

/* What stands of a demanded call: its name, once, and arguments as they come. A brace at the end
 * may be that of the call, and waits. */
static rd_code send_begun(rd_job *job, const char *text, size_t size, int64_t iteration,
                          rd_error *e) {
  size_t from = 0;
  char id[RD_CALL_ID];
  json_t *name = rd_calls_begun(text, size, &from);
  while (size > from && text[size - 1] == '}')
    size--;
  if (!name || size <= from + job->sent) {
    json_decref(name);
    return rd_job_printf(job, e, ": draft %lld\n\n", (long long)iteration);
  }
  rd_code code = RD_OK;
  if (!job->call_begun) {
    rd_calls_id(id);
    json_t *value = json_string(id);
    code = send_name(job, 0, value, name, e);
    json_decref(value);
    job->call_begun = true;
  }
  json_decref(name);
  if (code == RD_OK)
    code = send_arguments(job, 0, text + from + job->sent, size - from - job->sent, e);
  job->sent = size - from;
  return code;
}

/* Each call, but for what went out already: its name, then its arguments. */
static rd_code send_calls(rd_job *job, rd_error *e) {
  for (size_t i = 0; i < json_array_size(job->calls); i++) {
    const json_t *call = json_array_get(job->calls, i), *f = json_object_get(call, "function");
    const json_t *arguments = json_object_get(f, "arguments");
    size_t size = json_string_length(arguments), sent = i == 0 && job->call_begun ? job->sent : 0;
    if (i > 0 || !job->call_begun)
      RD_TRY(send_name(job, i, json_object_get(call, "id"), json_object_get(f, "name"), e));
    if (size > sent)
      RD_TRY(send_arguments(job, i, json_string_value(arguments) + sent, size - sent, e));
  }
  return RD_OK;
}

/* A chunk that adds no text to the answer: it has the whole draft in a field of its own. */
static rd_code send_draft(rd_job *job, const rd_event *event, rd_error *e) {
  rd_event part = *event;
  part.count = rd_job_most(job, event);
  char *text = rd_event_text(&part);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a draft");
  json_t *nothing = job->shape->piece("", 0, false, NULL);
  json_object_set_new(nothing, "index", json_integer(job->body.choice));
  json_t *chunk = frame(job, job->shape->chunk, json_pack("[o]", nothing));
  json_object_set_new(chunk, "iteration", json_integer(event->iteration));
  json_object_set_new(chunk, "draft", json_stringn(text, rd_body_cut(&job->body, text, NULL)));
  free(text);
  return rd_reply_send(job, chunk, e);
}

static rd_code send_tail(rd_group *group, rd_error *e) {
  for (size_t i = 0; i < group->count; i++)
    if (group->jobs[i]->body.likely)
      RD_TRY(send_chunk(group->jobs[i], "", 0, false, group->jobs[i]->finish, e));
  rd_job *job = group->jobs[0];
  if (job->body.usage) {
    json_t *last = frame(job, job->shape->chunk, json_array());
    json_object_set_new(last, "usage", usage_of(group));
    RD_TRY(rd_reply_send(job, last, e));
  }
  return rd_job_printf(job, e, "data: [DONE]\n\n");
}

rd_code rd_reply_news(rd_job *job, const rd_event *event, char **text, size_t *from, size_t *size,
                      rd_error *e) {
  bool done = event->kind == RD_EVENT_DONE, found = false;
  rd_event part = *event;
  if (!done)
    part.count = rd_job_settled(job, event);
  *text = rd_event_text(&part);
  if (!*text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a delta");
  if (!done)
    (*text)[rd_body_whole(*text)] = '\0';
  size_t end = rd_body_cut(&job->body, *text, &found);
  if (job->body.calls) { /* what may be a call goes out when that is known */
    end = !done || job->call_begun ? 0 : job->calls ? job->prose : end;
    *from = *size = 0;
    if (end == 0)
      return RD_OK;
  }
  if (!done && !found && !job->body.calls)
    end -= rd_body_doubtful(&job->body, *text, end);
  *from = job->sent;
  *size = end > job->sent ? end - job->sent : 0;
  job->sent += *size;
  return RD_OK;
}

/* The first chunk, with the prompt where that is echoed. */
static rd_code send_first(rd_job *job, rd_error *e) {
  const char *echo = echoed(job);
  return send_chunk(job, echo, strlen(echo), true, NULL, e);
}

static rd_code write_delta(rd_job *job, const rd_event *event, rd_error *e) {
  if (event->kind == RD_EVENT_START)
    return send_first(job, e);
  bool done = event->kind == RD_EVENT_DONE;
  if (!done && event->kind != RD_EVENT_DRAFT)
    return RD_OK;
  char *text = NULL;
  size_t from, size;
  rd_code code = rd_reply_news(job, event, &text, &from, &size, e);
  if (code == RD_OK && size > 0)
    code = send_chunk(job, text + from, size, false, NULL, e);
  else if (code == RD_OK && !done && job->body.form.must_call)
    code = send_begun(job, text, rd_body_whole(text), event->iteration, e);
  else if (code == RD_OK && !done) /* a comment, which clients pass over: the connection is alive */
    code = rd_job_printf(job, e, ": draft %lld\n\n", (long long)event->iteration);
  free(text);
  if (code == RD_OK && done && job->calls)
    code = send_calls(job, e);
  /* with log-probabilities the end comes in the tail, which knows them */
  return code == RD_OK && done && !job->body.likely ? send_chunk(job, "", 0, false, job->finish, e)
                                                    : code;
}

/* Drafts, and in the end the answer, once, as any stream has it. */
static rd_code write_draft(rd_job *job, const rd_event *event, rd_error *e) {
  if (event->kind == RD_EVENT_DRAFT)
    return send_draft(job, event, e);
  return event->kind == RD_EVENT_NOISE ? RD_OK : write_delta(job, event, e);
}

static rd_code write_event(rd_job *job, const rd_event *event, rd_error *e) {
  static const char *const names[] = {[RD_EVENT_START] = "start",
                                      [RD_EVENT_NOISE] = "noise",
                                      [RD_EVENT_DRAFT] = "draft",
                                      [RD_EVENT_DONE] = "done"};
  char *text = rd_event_json(event);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an event");
  rd_code code = rd_job_printf(job, e, "event: %s\ndata: %s\n\n", names[event->kind], text);
  free(text);
  return code;
}

/* --- failures in the middle --------------------------------------------------------------------
 */

static void send_failure(rd_job *job, const char *event, const rd_error *e) {
  char *text = rd_reply_error(e->message, rd_code_describe(e->code)->http_type, NULL);
  if (text) /* where that fails too, the stream ends without an end */
    (void)rd_job_printf(job, NULL, "%sdata: %s\n\n", event, text);
  free(text);
}

static void fail_event(rd_job *job, const rd_error *e) {
  send_failure(job, "event: error\n", e);
}

static void fail_chunk(rd_job *job, const rd_error *e) {
  send_failure(job, "", e);
}

const rd_reply rd_reply_events = {"text/event-stream", write_event, fail_event, NULL};
const rd_reply rd_reply_deltas = {"text/event-stream", write_delta, fail_chunk, send_tail};
const rd_reply rd_reply_drafts = {"text/event-stream", write_draft, fail_chunk, send_tail};
