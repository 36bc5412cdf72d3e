/* SPDX-License-Identifier: MIT */
/* JSON of answers, in the job's shape. */
#include "reply.h"

#include "events.h"

#include <stdlib.h>
#include <string.h>

static char *dump(json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(value);
  return text;
}

char *rd_reply_error(const char *message, const char *type, const char *name) {
  json_t *text = json_string(message);
  if (!text)
    text = json_string("the request holds text that is not UTF-8");
  return dump(json_pack("{s:{s:o, s:s, s:n, s:s?}}", "error", "message", text, "type", type,
                        "param", "code", name));
}

static json_t *usage_of(const rd_job *job) {
  json_int_t prompt = (json_int_t)job->body.prompt_count, answer = (json_int_t)job->tokens;
  return json_pack("{s:I, s:I, s:I}", "prompt_tokens", prompt, "completion_tokens", answer,
                   "total_tokens", prompt + answer);
}

static json_t *frame(const rd_job *job, const char *object, json_t *choices) {
  return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", job->id, "object", object, "created",
                   (json_int_t)job->created, "model", job->model, "choices", choices);
}

/* What an answer that is over says beside OpenAI's fields. */
static void add_verdict(const rd_job *job, json_t *answer) {
  json_object_set_new(answer, "converged", json_boolean(job->converged));
  if (job->warning)
    json_object_set_new(answer, "warning", json_string(job->warning));
}

char *rd_reply_answer(const rd_job *job) {
  json_t *choice = job->shape->whole(job->text, job->finish);
  json_t *answer = frame(job, job->shape->object, json_pack("[o]", choice));
  json_object_set_new(answer, "usage", usage_of(job));
  add_verdict(job, answer);
  return dump(answer);
}

/* --- chunks ------------------------------------------------------------------------------------
 */

static rd_code send_value(rd_job *job, json_t *value, rd_error *e) {
  char *text = dump(value);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a chunk");
  rd_code code = rd_job_printf(job, e, "data: %s\n\n", text);
  free(text);
  return code;
}

/* A chunk with more text (or none) or the reason of the end. */
static rd_code send_chunk(rd_job *job, const char *text, size_t size, bool first,
                          const char *finish, rd_error *e) {
  json_t *choice = job->shape->piece(text, size, first, finish);
  json_t *chunk = frame(job, job->shape->chunk, json_pack("[o]", choice));
  if (job->body.usage)
    json_object_set_new(chunk, "usage", json_null());
  if (finish)
    add_verdict(job, chunk);
  return send_value(job, chunk, e);
}

/* A chunk that adds no text to the answer: it has the whole draft in a field of its own. */
static rd_code send_draft(rd_job *job, const rd_event *event, rd_error *e) {
  char *text = rd_event_text(event);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a draft");
  json_t *nothing = job->shape->piece("", 0, false, NULL);
  json_t *chunk = frame(job, job->shape->chunk, json_pack("[o]", nothing));
  json_object_set_new(chunk, "iteration", json_integer(event->iteration));
  json_object_set_new(chunk, "draft", json_stringn(text, rd_body_cut(&job->body, text, NULL)));
  free(text);
  return send_value(job, chunk, e);
}

static rd_code send_end(rd_job *job, rd_error *e) {
  RD_TRY(send_chunk(job, "", 0, false, job->finish, e));
  if (job->body.usage) {
    json_t *last = frame(job, job->shape->chunk, json_array());
    json_object_set_new(last, "usage", usage_of(job));
    RD_TRY(send_value(job, last, e));
  }
  return rd_job_printf(job, e, "data: [DONE]\n\n");
}

/* Bytes of text whose last character is whole: decoding marks half a character at the end with
 * U+FFFD. */
static size_t whole_size(const char *text) {
  size_t n = strlen(text);
  while (n >= 3 && memcmp(text + n - 3, "\xEF\xBF\xBD", 3) == 0)
    n -= 3;
  return n;
}

static rd_code write_delta(rd_job *job, const rd_event *event, rd_error *e) {
  if (event->kind == RD_EVENT_START)
    return send_chunk(job, "", 0, true, NULL, e);
  bool done = event->kind == RD_EVENT_DONE;
  if (!done && event->kind != RD_EVENT_DRAFT)
    return RD_OK;
  rd_event part = *event;
  if (!done)
    part.count = rd_job_settled(job, event);
  char *text = rd_event_text(&part);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a delta");
  bool found = false;
  size_t sent = job->sent, size = rd_body_cut(&job->body, text, &found);
  if (!done && !found) {
    size = whole_size(text);
    size -= rd_body_doubtful(&job->body, text, size);
  }
  rd_code code = RD_OK;
  if (size > sent) {
    code = send_chunk(job, text + sent, size - sent, false, NULL, e);
    job->sent = size;
  } else if (!done) { /* a comment, which clients pass over: the connection is alive */
    code = rd_job_printf(job, e, ": draft %lld\n\n", (long long)event->iteration);
  }
  free(text);
  return code == RD_OK && done ? send_end(job, e) : code;
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

const rd_reply rd_reply_events = {"text/event-stream", write_event, fail_event};
const rd_reply rd_reply_deltas = {"text/event-stream", write_delta, fail_chunk};
const rd_reply rd_reply_drafts = {"text/event-stream", write_draft, fail_chunk};
