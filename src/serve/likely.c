/* SPDX-License-Identifier: MIT */
/* Tokens are spelt one by one; what of them is no text by itself has its bytes beside it. Those
 * behind a stop are not part of the answer. */
#include "likely.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *rd_likely_method(const rd_job *job) {
  return job->reading.causal
           ? "from left to right, by the model without an adapter"
           : "each token with it and all behind it masked, by the denoiser, from left to right";
}

/* A token as text: special ones by their names, half characters as U+FFFD. */
static json_t *word_of(const rd_job *job, int32_t id) {
  const rd_tokenizer *t = rd_body_model(&job->body)->tokenizer;
  char *text = NULL;
  size_t size = 0;
  if (!rd_tokenizer_has(t, id) ||
      rd_tokenizer_decode(t, &id, 1, RD_TOK_CONTINUE | RD_TOK_REPLACE, &text, &size, NULL) != RD_OK)
    return json_string("");
  json_t *word = json_stringn(text, size);
  free(text);
  return word;
}

static json_t *bytes_of(const rd_job *job, int32_t id) {
  const rd_tokenizer *t = rd_body_model(&job->body)->tokenizer;
  size_t size = 0;
  const char *piece = rd_tokenizer_has(t, id) ? rd_tokenizer_piece(t, id, &size) : "";
  json_t *list = json_array();
  for (size_t i = 0; i < size; i++)
    json_array_append_new(list, json_integer((unsigned char)piece[i]));
  return list;
}

static json_t *log_of(float log) {
  return isnan(log) ? json_null() : json_real((double)log);
}

static const rd_likely *others_of(const rd_reading *r, int64_t i) {
  return r->others + i * r->top;
}

static json_t *chat_token(const rd_job *job, int32_t id, float log) {
  return json_pack("{s:o, s:o, s:o}", "token", word_of(job, id), "logprob", log_of(log), "bytes",
                   bytes_of(job, id));
}

/* Does the token at `i`, before which the answer has `size` bytes, still stand in it? The end token
 * adds nothing and counts; what is given behind the answer does not. */
static bool stands(const rd_job *job, int64_t i, size_t size) {
  const size_t all = strlen(job->text);
  const bool ends = !job->body.behind ||
                    rd_tokenizer_is_eos(rd_body_model(&job->body)->tokenizer, job->reading.ids[i]);
  return i < job->body.prompt_count || size < all || (size == all && !job->enough && ends);
}

static size_t size_of(const rd_job *job, int64_t i) {
  const rd_tokenizer *t = rd_body_model(&job->body)->tokenizer;
  size_t size = 0;
  int32_t id = job->reading.ids[i];
  if (i < job->body.prompt_count || !rd_tokenizer_has(t, id) || rd_tokenizer_is_special(t, id))
    return 0;
  rd_tokenizer_piece(t, id, &size);
  return size;
}

json_t *rd_likely_chat(const rd_job *job) {
  const rd_reading *r = &job->reading;
  json_t *content = json_array();
  size_t size = 0;
  for (int64_t i = job->body.prompt_count; i < r->count && stands(job, i, size); i++) {
    json_t *token = chat_token(job, r->ids[i], r->logs[i]), *top = json_array();
    const rd_likely *others = others_of(r, i);
    for (int64_t k = 0; k < r->top && others[k].id >= 0; k++)
      json_array_append_new(top, chat_token(job, others[k].id, others[k].log));
    json_object_set_new(token, "top_logprobs", top);
    json_array_append_new(content, token);
    size += size_of(job, i);
  }
  return json_pack("{s:o, s:n, s:s}", "content", content, "refusal", "method",
                   rd_likely_method(job));
}

static json_t *top_of(const rd_job *job, int64_t i) {
  const rd_reading *r = &job->reading;
  json_t *top = json_object();
  const rd_likely *others = others_of(r, i);
  for (int64_t k = r->top - 1; k >= 0; k--) { /* the likelier one keeps a spelling of two */
    json_t *word = others[k].id >= 0 ? word_of(job, others[k].id) : NULL;
    if (word)
      json_object_set_new(top, json_string_value(word), log_of(others[k].log));
    json_decref(word);
  }
  return top;
}

static size_t characters(const char *text) {
  size_t n = 0;
  for (; text && *text; text++)
    n += ((unsigned char)*text & 0xC0) != 0x80;
  return n;
}

json_t *rd_likely_text(const rd_job *job) {
  const rd_reading *r = &job->reading;
  json_t *tokens = json_array(), *logs = json_array(), *tops = json_array(), *at = json_array();
  size_t size = 0, offset = 0;
  for (int64_t i = r->first; i < r->count && stands(job, i, size); i++) {
    json_t *word = word_of(job, r->ids[i]);
    json_array_append_new(at, json_integer((json_int_t)offset));
    offset += characters(json_string_value(word));
    json_array_append_new(tokens, word);
    json_array_append_new(logs, log_of(r->logs[i]));
    json_array_append_new(tops, isnan(r->logs[i]) || r->top == 0 ? json_null() : top_of(job, i));
    size += size_of(job, i);
  }
  return json_pack("{s:o, s:o, s:o, s:o, s:s}", "tokens", tokens, "token_logprobs", logs,
                   "top_logprobs", tops, "text_offset", at, "method", rd_likely_method(job));
}
