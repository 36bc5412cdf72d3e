/* SPDX-License-Identifier: MIT */
/* The table of shapes: the program's own, OpenAI's, and Ollama's. */
#include "shapes.h"

#include "insert.h"
#include "likely.h"
#include "reply.h"
#include "translate.h"

static json_t *chat_whole(const char *text, const char *finish) {
  return json_pack("{s:i, s:{s:s, s:s}, s:n, s:s}", "index", 0, "message", "role", "assistant",
                   "content", text, "logprobs", "finish_reason", finish);
}

static json_t *chat_piece(const char *text, size_t size, bool first, const char *finish) {
  json_t *delta = json_object();
  if (first)
    json_object_set_new(delta, "role", json_string("assistant"));
  if (!finish || size > 0)
    json_object_set_new(delta, "content", json_stringn(text, size));
  return json_pack("{s:i, s:s?, s:o}", "index", 0, "finish_reason", finish, "delta", delta);
}

static json_t *text_whole(const char *text, const char *finish) {
  return json_pack("{s:i, s:s, s:n, s:s}", "index", 0, "text", text, "logprobs", "finish_reason",
                   finish);
}

static json_t *text_piece(const char *text, size_t size, bool first, const char *finish) {
  (void)first;
  return json_pack("{s:i, s:s?, s:o}", "index", 0, "finish_reason", finish, "text",
                   json_stringn(text, size));
}

static json_t *message_whole(const char *text, const char *finish) {
  (void)finish;
  return json_pack("{s:{s:s, s:s}}", "message", "role", "assistant", "content", text);
}

static json_t *message_piece(const char *text, size_t size, bool first, const char *finish) {
  (void)first;
  (void)finish;
  return json_pack("{s:{s:s, s:s%}}", "message", "role", "assistant", "content", text, size);
}

static json_t *bare_whole(const char *text, const char *finish) {
  (void)finish;
  return json_pack("{s:s}", "response", text);
}

static json_t *bare_piece(const char *text, size_t size, bool first, const char *finish) {
  (void)first;
  (void)finish;
  return json_pack("{s:s%}", "response", text, size);
}

#define TURNS "messages system tools response_format tool_choice stream max_tokens stop seed"
#define OPENAI "stream stream_options diffusing max_tokens stop logprobs n seed"

const rd_shape rd_shapes[] = {
    {.path = "/api/denoise",
     .id = "draft",
     .fields = "prompt messages tools system raw draft",
     .needs = "a prompt or messages",
     .events = true},
    {.path = "/v1/chat/completions",
     .id = "chatcmpl",
     .fields =
         OPENAI " messages tools top_logprobs max_completion_tokens response_format tool_choice",
     .needs = "messages",
     .object = "chat.completion",
     .chunk = "chat.completion.chunk",
     .whole = chat_whole,
     .piece = chat_piece,
     .likely = rd_likely_chat,
     .answer = rd_reply_answer,
     .reply = &rd_reply_deltas},
    {.path = "/v1/completions",
     .id = "cmpl",
     .fields = OPENAI " prompt suffix echo best_of",
     .needs = "a prompt",
     .raw = true,
     .inserts = true,
     .object = "text_completion",
     .chunk = "text_completion",
     .whole = text_whole,
     .piece = text_piece,
     .likely = rd_likely_text,
     .answer = rd_reply_answer,
     .reply = &rd_reply_deltas},
    {.path = "/v1/responses",
     .id = "resp",
     .fields = TURNS " logprobs top_logprobs",
     .needs = "input",
     .translation = &rd_responses_fields,
     .likely = rd_likely_chat,
     .answer = rd_reply_response,
     .reply = &rd_reply_response_events},
    {.path = "/api/chat",
     .id = "chat",
     .fields = TURNS,
     .needs = "messages",
     .loads = "messages",
     .streams = true,
     .translation = &rd_ollama_fields,
     .lowers = true,
     .whole = message_whole,
     .piece = message_piece,
     .answer = rd_reply_ollama,
     .reply = &rd_reply_lines},
    {.path = "/api/generate",
     .id = "generate",
     .fields = "prompt suffix raw system response_format stream max_tokens stop seed",
     .needs = "a prompt",
     .loads = "prompt",
     .streams = true,
     .translation = &rd_ollama_fields,
     .lowers = true,
     .inserts = true,
     .whole = bare_whole,
     .piece = bare_piece,
     .answer = rd_reply_ollama,
     .reply = &rd_reply_lines},
    {.path = "/v1/fim/completions",
     .id = "fim",
     .fields = OPENAI " prompt suffix",
     .needs = "a prompt",
     .raw = true,
     .inserts = true,
     .object = "text_completion",
     .chunk = "text_completion",
     .whole = rd_insert_whole,
     .piece = rd_insert_piece,
     .likely = rd_likely_text,
     .answer = rd_reply_answer,
     .reply = &rd_reply_deltas},
    {.path = "/infill",
     .id = "infill",
     .fields = "stream stop n_predict seed input_prefix prompt input_suffix",
     .needs = "input_prefix",
     .translation = &rd_infill_fields,
     .raw = true,
     .inserts = true,
     .answer = rd_infill_answer,
     .reply = &rd_reply_infill},
};
const size_t rd_shape_count = sizeof rd_shapes / sizeof *rd_shapes;

const rd_table rd_shape_table = RD_TABLE("shape", rd_shapes);
