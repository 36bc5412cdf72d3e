/* SPDX-License-Identifier: MIT */
/* Two layouts of inserted text. */
#include "insert.h"

#include "reply.h"

#include <stdlib.h>
#include <string.h>

json_t *rd_insert_whole(const char *text, const char *finish) {
  return json_pack("{s:i, s:s, s:{s:s, s:s}, s:n, s:s}", "index", 0, "text", text, "message",
                   "role", "assistant", "content", text, "logprobs", "finish_reason", finish);
}

json_t *rd_insert_piece(const char *text, size_t size, bool first, const char *finish) {
  json_t *delta = json_object();
  if (first)
    json_object_set_new(delta, "role", json_string("assistant"));
  json_object_set_new(delta, "content", json_stringn(text, size));
  return json_pack("{s:i, s:s?, s:o, s:o}", "index", 0, "finish_reason", finish, "delta", delta,
                   "text", json_stringn(text, size));
}

/* --- llama.cpp's ------------------------------------------------------------------------------
 */

/* What is said at the end, beside the text. */
static json_t *ending(const rd_job *job, const char *text) {
  json_t *end =
      json_pack("{s:s, s:b, s:s, s:s, s:I, s:I, s:b, s:b}", "content", text, "stop", 1, "stop_type",
                strcmp(job->finish, "stop") == 0 ? "eos" : "limit", "model", job->model,
                "tokens_predicted", (json_int_t)job->tokens, "tokens_evaluated",
                (json_int_t)job->body.prompt_count, "truncated", 0, "converged", job->converged);
  if (job->warning)
    json_object_set_new(end, "warning", json_string(job->warning));
  return end;
}

char *rd_infill_answer(const rd_group *group) {
  const rd_job *job = group->jobs[0];
  return rd_reply_dump(ending(job, job->text));
}

static rd_code write_piece(rd_job *job, const rd_event *event, rd_error *e) {
  bool done = event->kind == RD_EVENT_DONE;
  char *text = NULL;
  size_t from, size;
  if (!done && event->kind != RD_EVENT_DRAFT)
    return RD_OK;
  RD_TRY(rd_reply_news(job, event, &text, &from, &size, e));
  rd_code code = RD_OK;
  if (size > 0)
    code = rd_reply_send(
        job, json_pack("{s:o, s:b}", "content", json_stringn(text + from, size), "stop", 0), e);
  free(text);
  return code == RD_OK && done ? rd_reply_send(job, ending(job, ""), e) : code;
}

static void fail_piece(rd_job *job, const rd_error *e) {
  rd_reply_deltas.failed(job, e);
}

const rd_reply rd_reply_infill = {"text/event-stream", write_piece, fail_piece, NULL};
