/* SPDX-License-Identifier: MIT */
/* Embeddings: the mean of a text's states behind the last norm, of length 1. A model that reads
 * from left to right does so here too; a denoiser sees its whole text. Texts share passes. */
#include "facts.h"
#include "handlers.h"
#include "prompts.h"
#include "reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct passage {
  int32_t *ids; /* (count) */
  int64_t count;
} passage;

typedef struct embedding {
  const rd_service *service;
  rd_scheduler *scheduler;
  const rd_exchange *x; /* who waits */
  passage *texts;       /* (count) */
  int64_t count, tokens;
  double *vectors; /* (count, D) */
  int64_t width;
  bool packed; /* as base64 of 32-bit floats */
  /* of a pass */
  rd_need *needs;    /* (count) */
  rd_wanted *wanted; /* (longest) */
  int64_t first, n;  /* texts [first, first + n) */
} embedding;

static void drop(embedding *m) {
  for (int64_t i = 0; m->texts && i < m->count; i++)
    free(m->texts[i].ids);
  free(m->texts);
  free(m->vectors);
  free(m->needs);
  free(m->wanted);
}

/* --- passes ------------------------------------------------------------------------------------
 */

static rd_code add_state(void *context, int64_t need, int64_t index, const float *state,
                         rd_error *e) {
  const embedding *m = context;
  double *to = m->vectors + (m->first + need) * m->width;
  (void)index;
  (void)e;
  for (int64_t i = 0; i < m->width; i++)
    to[i] += (double)state[i];
  return RD_OK;
}

static rd_code pass(void *context, rd_engine *engine, rd_error *e) {
  embedding *m = context;
  return engine->states
           ? engine->states(engine, m->needs, m->n, add_state, m, e)
           : rd_fail(e, RD_UNSUPPORTED, "this engine gives no states: there are no embeddings");
}

/* Texts from `first` on, as many as fit in `rows` positions. */
static void gather(embedding *m, int64_t rows) {
  const rd_model *model = m->service->model;
  bool causal = rd_reads_causally(model);
  int64_t used = 0;
  for (m->n = 0; m->first + m->n < m->count; m->n++) {
    const passage *t = &m->texts[m->first + m->n];
    if (m->n > 0 && used + t->count > rows)
      return;
    used += t->count;
    m->needs[m->n] = (rd_need){.canvas = t->ids,
                               .length = t->count,
                               .end = t->count,
                               .gated = causal && model->weights.plain ? t->count : 0,
                               .attention = causal ? RD_CAUSAL : rd_engine_attention(model),
                               .wanted = m->wanted,
                               .count = t->count};
  }
}

static void normalise(double *v, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += v[i] * v[i];
  for (int64_t i = 0; i < n && sum > 0; i++)
    v[i] /= sqrt(sum);
}

static rd_code embed(embedding *m, int64_t rows, rd_error *e) {
  int64_t longest = 0;
  for (int64_t i = 0; i < m->count; i++)
    longest = m->texts[i].count > longest ? m->texts[i].count : longest;
  m->width = m->service->model->config.width;
  m->vectors = rd_calloc((size_t)(m->count * m->width), sizeof *m->vectors, "embeddings", e);
  m->needs = rd_calloc((size_t)m->count, sizeof *m->needs, "embeddings", e);
  m->wanted = rd_calloc((size_t)longest, sizeof *m->wanted, "embeddings", e);
  if (!m->vectors || !m->needs || !m->wanted)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < longest; i++)
    m->wanted[i].position = i;
  for (m->first = 0; m->first < m->count; m->first += m->n) {
    gather(m, rows);
    RD_TRY(rd_exchange_errand(m->x, m->scheduler, pass, m, e));
  }
  for (int64_t i = 0; i < m->count; i++)
    normalise(m->vectors + i * m->width, m->width);
  return RD_OK;
}

/* --- the body ----------------------------------------------------------------------------------
 */

static rd_code read_text(embedding *m, const json_t *item, passage *out, rd_error *e) {
  const rd_model *model = m->service->model;
  const rd_message message = {"user", json_string_value(item)};
  if (!json_is_string(item))
    RD_TRY(rd_prompt_ids(item, "input", model->config.vocab, &out->ids, &out->count, e));
  else if (rd_json_cut(item))
    return rd_fail(e, RD_BAD_INPUT, "input: holds a NUL character");
  else
    RD_TRY(rd_model_prompt(&out->ids, &out->count, model, &message, 1, true, e));
  if (out->count == 0)
    return rd_fail(e, RD_BAD_INPUT, "input: an empty text has no embedding");
  m->tokens += out->count;
  return RD_OK;
}

/* Texts that are none: no input, an empty one or an empty list. */
static bool is_nothing(const json_t *input) {
  return !input || (json_is_string(input) && json_string_length(input) == 0) ||
         (json_is_array(input) && json_array_size(input) == 0);
}

static rd_code read_body(embedding *m, const json_t *body, rd_error *e) {
  const json_t *input = json_object_get(body, "input");
  const char *format = "float";
  const json_t *dimensions = json_object_get(body, "dimensions");
  int64_t width = m->service->model->config.width, wanted = width;
  if (!input)
    return rd_fail(e, RD_USAGE, "give input");
  RD_TRY(rd_prompts_count(input, "input", &m->count, e));
  RD_TRY(rd_json_text(body, "encoding_format", &format, e));
  if (dimensions && !rd_json_whole(dimensions, &wanted))
    return rd_fail(e, RD_BAD_INPUT, "dimensions: expected a whole number");
  m->packed = strcmp(format, "base64") == 0;
  if (!m->packed && strcmp(format, "float") != 0)
    return rd_fail(e, RD_USAGE, "encoding_format: unknown format %.40s; there are float and base64",
                   format);
  if (wanted != width)
    return rd_fail(e, RD_USAGE, "dimensions: the embeddings of this model have %lld",
                   (long long)width);
  m->texts = rd_calloc((size_t)m->count, sizeof *m->texts, "texts", e);
  if (!m->texts)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < m->count; i++)
    RD_TRY(read_text(m, rd_prompts_item(input, i), &m->texts[i], e));
  return RD_OK;
}

static bool too_long(const embedding *m, int64_t most) {
  for (int64_t i = 0; m->texts && i < m->count; i++)
    if (m->texts[i].count > most)
      return true;
  return false;
}

/* --- the answer --------------------------------------------------------------------------------
 */

static void print_packed(FILE *out, const double *v, int64_t n) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t size = (size_t)n * sizeof(float), have = 0;
  uint32_t bits = 0;
  fputc('"', out);
  for (size_t i = 0; i < size; i++) {
    float value = (float)v[i / sizeof value];
    unsigned char bytes[sizeof value];
    memcpy(bytes, &value, sizeof value);
    bits = bits << 8 | bytes[i % sizeof value];
    for (have += 8; have >= 6; have -= 6)
      fputc(digits[bits >> (have - 6) & 63], out);
  }
  if (have > 0)
    fputc(digits[bits << (6 - have) & 63], out);
  for (size_t i = size; i % 3; i++)
    fputc('=', out);
  fputc('"', out);
}

static void print_plain(FILE *out, const double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    fprintf(out, "%s%.9g", i ? "," : "[", v[i]);
  fputc(']', out);
}

static void print_vector(FILE *out, const embedding *m, int64_t i) {
  (m->packed ? print_packed : print_plain)(out, m->vectors + i * m->width, m->width);
}

/* Whose way of answering: how it is printed, and whether nothing asked for is answered with no
 * embeddings, as Ollama does, whose clients load a model so. */
typedef struct dialect {
  void (*print)(FILE *out, const embedding *m, const char *model);
  bool may_be_nothing;
} dialect;

/* `model`: its name as JSON has it. */
static void print_openai(FILE *out, const embedding *m, const char *model) {
  fputs("{\"object\":\"list\",\"data\":[", out);
  for (int64_t i = 0; i < m->count; i++) {
    fprintf(out, "%s{\"object\":\"embedding\",\"index\":%lld,\"embedding\":", i ? "," : "",
            (long long)i);
    print_vector(out, m, i);
    fputc('}', out);
  }
  fprintf(out, "],\"model\":%s,\"usage\":{\"prompt_tokens\":%lld,\"total_tokens\":%lld}}", model,
          (long long)m->tokens, (long long)m->tokens);
}

static void print_ollama(FILE *out, const embedding *m, const char *model) {
  fputs("{\"embeddings\":[", out);
  for (int64_t i = 0; i < m->count; i++) {
    fputs(i ? "," : "", out);
    print_vector(out, m, i);
  }
  fprintf(out, "],\"model\":%s,\"prompt_eval_count\":%lld}", model, (long long)m->tokens);
}

static const dialect openai = {print_openai, false}, ollama = {print_ollama, true};

static char *answer_of(const embedding *m, const dialect *d) {
  char *text = NULL, *model = rd_reply_dump(json_string(m->service->name));
  size_t size;
  FILE *out = model ? open_memstream(&text, &size) : NULL;
  if (out)
    d->print(out, m, model);
  bool whole = out && !ferror(out);
  if (!out || fclose(out) != 0 || !whole) {
    free(text);
    text = NULL;
  }
  free(model);
  return text;
}

static enum MHD_Result answer_body(rd_exchange *x, const json_t *body, const dialect *d) {
  rd_error e = {0};
  enum MHD_Result sent = MHD_NO;
  const char *name = NULL;
  if (rd_json_text(body, "model", &name, &e) != RD_OK)
    return rd_send_error(x, &e);
  embedding m = {.service = rd_asked_service(x, name, &sent), .x = x};
  if (!m.service)
    return sent;
  const rd_server_setup *s = &x->server->setup;
  int64_t most = m.service->model->config.positions;
  most = most < s->pass_rows ? most : s->pass_rows;
  m.scheduler = rd_workers_of(x->server, m.service)->refining;
  bool nothing = d->may_be_nothing && is_nothing(json_object_get(body, "input"));
  rd_code code = nothing ? RD_OK : read_body(&m, body, &e);
  bool long_one = code == RD_OK && too_long(&m, most);
  if (long_one)
    code = rd_fail(&e, RD_USAGE, "input: a text of more than %lld tokens", (long long)most);
  rd_set_timeout(x, 0);
  if (code == RD_OK && !nothing)
    code = embed(&m, s->pass_rows, &e);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  sent = code == RD_OK ? rd_send_json(x, 200, answer_of(&m, d))
       : long_one
           ? rd_send_failure(x, 400, "invalid_request_error", "context_length_exceeded", e.message)
           : rd_send_error(x, &e);
  drop(&m);
  return sent;
}

static enum MHD_Result answer(rd_exchange *x, const dialect *d) {
  rd_error e = {0};
  json_t *body = NULL;
  rd_code code = rd_exchange_json(x, &body, &e);
  enum MHD_Result sent = code == RD_OK ? answer_body(x, body, d) : rd_send_error(x, &e);
  json_decref(body);
  return sent;
}

enum MHD_Result rd_post_embeddings(rd_exchange *x) {
  return answer(x, &openai);
}

enum MHD_Result rd_post_embed(rd_exchange *x) {
  return answer(x, &ollama);
}
