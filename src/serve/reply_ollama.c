/* SPDX-License-Identifier: MIT */
/* Ollama's answers: lines of JSON, of which the last one says how it went. */
#include "reply.h"

#include "calls.h"
#include "said.h"
#include "stamp.h"

#include <stdlib.h>
#include <string.h>

/* What every line has around its piece of text, which is taken. */
static json_t *line_of(const rd_job *job, json_t *piece, bool done) {
  char when[RD_STAMP];
  json_t *line = json_pack("{s:s, s:s}", "model", job->model, "created_at",
                           rd_stamp(when, (int64_t)time(NULL)));
  json_object_update(line, piece);
  json_object_set_new(line, "done", json_boolean(done));
  json_decref(piece);
  return line;
}

static json_t *last_line(const rd_group *group, const char *text) {
  const rd_job *job = group->jobs[0];
  json_t *line = line_of(job, job->shape->whole(text, job->finish), true);
  json_t *message = json_object_get(line, "message");
  if (message && job->calls &&
      rd_calls_put(message, job->calls, job->text, *text ? job->prose : 0, true, NULL) != RD_OK) {
    json_decref(line);
    return NULL;
  }
  double seconds = job->seconds;
  json_int_t spent = (json_int_t)(seconds * 1e9);
  json_t *counts = json_pack(
      "{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:s*}", "done_reason", job->calls ? "stop" : job->finish,
      "total_duration", spent, "load_duration", (json_int_t)0, "prompt_eval_count",
      (json_int_t)job->body.prompt_count, "eval_count", (json_int_t)job->tokens, "eval_duration",
      spent, "converged", job->converged, "warning", job->warning);
  json_object_update(line, counts);
  json_decref(counts);
  return line;
}

static rd_code send_line(rd_job *job, json_t *line, rd_error *e) {
  return rd_reply_write(job, "", line, "\n", e);
}

/* A line for each draft: without news an empty piece shows that the connection lives. */
static rd_code write_line(rd_job *job, const rd_event *event, rd_error *e) {
  if (event->kind != RD_EVENT_DRAFT && event->kind != RD_EVENT_DONE)
    return RD_OK;
  char *text = NULL;
  size_t from, size;
  rd_code code = rd_reply_news(job, event, &text, &from, &size, e);
  if (code == RD_OK && (size > 0 || event->kind == RD_EVENT_DRAFT))
    code =
        send_line(job, line_of(job, job->shape->piece(text + from, size, false, NULL), false), e);
  free(text);
  return code;
}

static rd_code send_last(rd_group *group, rd_error *e) {
  return send_line(group->jobs[0], last_line(group, ""), e);
}

static json_t *words_of(const char *message) {
  return json_pack("{s:o}", "error", rd_said(message));
}

char *rd_reply_words(const char *message) {
  return rd_reply_dump(words_of(message));
}

static void fail_line(rd_job *job, const rd_error *e) {
  (void)send_line(job, words_of(e->message), NULL);
}

char *rd_reply_ollama(const rd_group *group) {
  return rd_reply_dump(last_line(group, group->jobs[0]->text));
}

const rd_reply rd_reply_lines = {"application/x-ndjson", write_line, fail_line, send_last};
