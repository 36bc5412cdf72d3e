/* SPDX-License-Identifier: MIT */
/* Tokens of texts and back: the page's way, and that of llama.cpp's and vLLM's servers, which name
 * fields differently; either's are read, and both's are answered. Lists are written as they are
 * read: JSON values would take a hundred bytes a token. */
#include "events.h"
#include "handlers.h"
#include "prompts.h"
#include "request.h"

#include <stdlib.h>
#include <string.h>

/* What a path makes of a body, for the tokenizer of the model that it names. */
typedef rd_code write_answer(FILE *out, const rd_model *model, const json_t *body, rd_error *e);

/* Takes the text over; NULL: no memory. */
static rd_code write_said(FILE *out, char *text, size_t size, rd_error *e) {
  json_t *value = text ? json_stringn(text, size) : NULL;
  free(text);
  bool written = value && json_dumpf(value, out, JSON_ENCODE_ANY) == 0;
  json_decref(value);
  return written ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a token");
}

static void write_ids(FILE *out, const int32_t *ids, size_t n) {
  for (size_t i = 0; i < n; i++)
    fprintf(out, i ? ",%d" : "%d", ids[i]);
}

static rd_code encode(const rd_tokenizer *t, const json_t *text, const char *what, unsigned flags,
                      int32_t **ids, size_t *n, rd_error *e) {
  if (!json_is_string(text))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a string", what);
  return rd_tokenizer_encode(t, json_string_value(text), json_string_length(text), flags, ids, n,
                             e);
}

/* {"text"} to {"ids", "pieces"}; "continue": as what goes on with a text. */
static rd_code write_pieces(FILE *out, const rd_model *model, const json_t *body, rd_error *e) {
  bool on = false;
  int32_t *ids = NULL;
  size_t n = 0;
  RD_TRY(rd_json_bool(body, "continue", &on, e));
  RD_TRY(encode(model->tokenizer, json_object_get(body, "text"), "text", on ? RD_TOK_CONTINUE : 0u,
                &ids, &n, e));
  rd_code code = RD_OK;
  fputs("{\"ids\":[", out);
  write_ids(out, ids, n);
  fputs("],\"pieces\":[", out);
  const rd_speller speller = rd_speller_of(model, false);
  for (size_t i = 0; i < n && code == RD_OK;) { /* as drafts have them */
    char *text = NULL;
    int64_t run = rd_event_run(&speller, ids + i, (int64_t)(n - i), &text);
    fputs(i ? "," : "", out);
    code = write_said(out, text, text ? strlen(text) : 0, e);
    for (int64_t k = 1; k < run; k++)
      fputs(",\"\"", out);
    i += (size_t)run;
  }
  fputs("]}", out);
  free(ids);
  return code;
}

static rd_code write_tokens(FILE *out, const rd_model *model, const json_t *body, rd_error *e) {
  const json_t *text = json_object_get(body, "content");
  bool bos = false, special = true, pieces = false;
  int32_t *ids = NULL;
  size_t n = 0;
  text = text ? text : json_object_get(body, "prompt");
  RD_TRY(rd_json_bool(body, "add_special", &bos, e));
  RD_TRY(rd_json_bool(body, "add_special_tokens", &bos, e));
  RD_TRY(rd_json_bool(body, "parse_special", &special, e));
  RD_TRY(rd_json_bool(body, "with_pieces", &pieces, e));
  bos = bos && rd_tokenizer_adds_bos(model->tokenizer);
  RD_TRY(encode(model->tokenizer, text, "content",
                (bos ? RD_TOK_BOS : 0u) | (special ? RD_TOK_SPECIAL : 0u), &ids, &n, e));
  rd_code code = RD_OK;
  fputs("{\"tokens\":[", out);
  if (!pieces)
    write_ids(out, ids, n);
  for (size_t i = 0; pieces && i < n && code == RD_OK; i++) {
    fprintf(out, "%s{\"id\":%d,\"piece\":", i ? "," : "", ids[i]);
    char *piece = NULL;
    size_t size = 0;
    code = rd_tokenizer_decode(model->tokenizer, ids + i, 1, RD_TOK_CONTINUE | RD_TOK_REPLACE,
                               &piece, &size, e);
    code = code == RD_OK ? write_said(out, piece, size, e) : code;
    fputc('}', out);
  }
  fprintf(out, "],\"count\":%zu,\"max_model_len\":%lld}", n, (long long)model->config.positions);
  free(ids);
  return code;
}

static rd_code write_text(FILE *out, const rd_model *model, const json_t *body, rd_error *e) {
  const json_t *tokens = json_object_get(body, "tokens");
  int32_t *ids = NULL;
  int64_t n = 0;
  char *text = NULL;
  size_t size = 0;
  if (!json_is_array(tokens) || json_array_size(tokens) > 0)
    RD_TRY(rd_prompt_ids(tokens, "tokens", model->config.vocab, &ids, &n, e));
  rd_code code =
      rd_tokenizer_decode(model->tokenizer, ids, (size_t)n, RD_TOK_REPLACE, &text, &size, e);
  free(ids);
  RD_TRY(code);
  json_t *answer = json_pack("{s:s%, s:s%}", "content", text, size, "prompt", text, size);
  free(text);
  bool written = answer && json_dumpf(answer, out, JSON_COMPACT) == 0;
  json_decref(answer);
  return written ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a text");
}

static rd_code answer_text(char **answer, write_answer *write, const rd_model *model,
                           const json_t *body, rd_error *e) {
  size_t size = 0;
  FILE *out = open_memstream(answer, &size);
  rd_code code = out ? write(out, model, body, e) : RD_OK;
  bool whole = out && !ferror(out);
  whole = out && fclose(out) == 0 && whole;
  return code == RD_OK && !whole ? rd_fail(e, RD_NO_MEMORY, "out of memory: tokens") : code;
}

static enum MHD_Result answer(rd_exchange *x, write_answer *write) {
  char *text = NULL;
  const char *name = NULL;
  json_t *body = NULL;
  rd_error e = {0};
  enum MHD_Result sent = MHD_NO;
  rd_code code = rd_exchange_json(x, &body, &e);
  if (code == RD_OK)
    code = rd_json_text(body, "model", &name, &e);
  const rd_service *service = code == RD_OK ? rd_asked_service(x, name, &sent) : NULL;
  if (service)
    code = answer_text(&text, write, service->model, body, &e);
  json_decref(body);
  if (code == RD_OK)
    return service ? rd_send_json(x, 200, text) : sent;
  free(text);
  return rd_send_error(x, &e);
}

enum MHD_Result rd_post_pieces(rd_exchange *x) {
  return answer(x, write_pieces);
}

enum MHD_Result rd_post_tokenize(rd_exchange *x) {
  return answer(x, write_tokens);
}

enum MHD_Result rd_post_detokenize(rd_exchange *x) {
  return answer(x, write_text);
}
