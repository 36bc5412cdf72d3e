/* SPDX-License-Identifier: MIT */
/* What each path does. */
#include "exchange.h"
#include "page.h"
#include "params.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>

static enum MHD_Result send_value(rd_exchange *x, json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(value);
  return rd_send_json(x, 200, text);
}

static enum MHD_Result get_page(rd_exchange *x) {
  size_t size;
  const char *html = rd_page_html(&size);
  return rd_send(x, 200, "text/html; charset=utf-8", (char *)(uintptr_t)html, size, true);
}

static enum MHD_Result get_health(rd_exchange *x) {
  bool closing = atomic_load(&x->server->closing);
  json_t *value = json_pack("{s:s, s:s, s:s}", "status", closing ? "closing" : "ok", "model",
                            x->server->setup.model->name, "version", rd_version());
  char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
  json_decref(value);
  return rd_send_json(x, closing ? 503 : 200, text);
}

static enum MHD_Result get_metrics(rd_exchange *x) {
  char *text = rd_metrics_text(&x->server->metrics);
  return text ? rd_send(x, 200, "text/plain; version=0.0.4", text, strlen(text), false)
              : rd_send_json(x, 503, NULL);
}

static enum MHD_Result get_models(rd_exchange *x) {
  return send_value(x, json_pack("{s:s, s:[{s:s, s:s, s:I, s:s}]}", "object", "list", "data", "id",
                                 x->server->setup.model->name, "object", "model", "created",
                                 (json_int_t)0, "owned_by", "redraft"));
}

/* --- options -----------------------------------------------------------------------------------
 */

/* A sampler's own defaults as values of the options' kinds. */
static json_t *own_defaults(const rd_sampler *s, rd_error *e) {
  rd_params params = {0};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, NULL};
  json_t *values = json_object();
  rd_code code = rd_options_default(&o, e);
  const size_t most = sizeof s->defaults / sizeof *s->defaults;
  for (size_t i = 0; code == RD_OK && i < most && s->defaults[i].option; i++) {
    const rd_option *row = rd_option_find(&o, s->defaults[i].option);
    if (!row || rd_option_set(&o, row, s->defaults[i].value, e) != RD_OK)
      continue;
    json_object_set_new(values, row->name, rd_option_value(&o, row));
  }
  rd_options_drop(&o);
  return values;
}

/* The option rows, the window with what its default comes to for this model. */
static json_t *option_rows(const rd_model *model) {
  rd_options o = {rd_sampler_options, rd_sampler_option_count, NULL, NULL};
  json_t *rows = rd_options_json(&o);
  size_t window = (size_t)(rd_option_find(&o, "window") - o.rows);
  json_object_set_new(json_array_get(rows, window), "default",
                      json_integer(rd_config_window(&model->config, 0)));
  return rows;
}

static enum MHD_Result get_options(rd_exchange *x) {
  rd_error e = {0};
  json_t *samplers = json_array();
  for (size_t i = 0; i < rd_sampler_count; i++) {
    const rd_sampler *s = &rd_samplers[i];
    json_t *names = json_array();
    for (size_t k = 0; k < rd_sampler_option_count; k++)
      if (rd_sampler_takes(s, rd_sampler_options[k].name))
        json_array_append_new(names, json_string(rd_sampler_options[k].name));
    json_array_append_new(samplers,
                          json_pack("{s:s, s:s, s:o, s:o}", "name", s->name, "help", s->help,
                                    "options", names, "defaults", own_defaults(s, &e)));
  }
  return send_value(x, json_pack("{s:o, s:o}", "options", option_rows(x->server->setup.model),
                                 "samplers", samplers));
}

/* --- tokens ------------------------------------------------------------------------------------
 */

static rd_code tokenize(const rd_tokenizer *t, const json_t *body, json_t **out, rd_error *e) {
  const json_t *text = json_object_get(body, "text");
  if (!json_is_string(text))
    return rd_fail(e, RD_BAD_INPUT, "text: expected a string");
  int32_t *ids = NULL;
  size_t n = 0;
  RD_TRY(rd_tokenizer_encode(t, json_string_value(text), json_string_length(text), 0, &ids, &n, e));
  json_t *numbers = json_array(), *pieces = json_array();
  rd_code code = RD_OK;
  bool whole = numbers && pieces;
  for (size_t i = 0; i < n && whole && code == RD_OK; i++) {
    char *piece = NULL;
    size_t size = 0;
    code = rd_tokenizer_decode(t, &ids[i], 1, RD_TOK_CONTINUE | RD_TOK_REPLACE, &piece, &size, e);
    whole = code != RD_OK || (json_array_append_new(numbers, json_integer(ids[i])) == 0 &&
                              json_array_append_new(pieces, json_stringn(piece, size)) == 0);
    free(piece);
  }
  free(ids);
  *out = json_pack("{s:o, s:o}", "ids", numbers, "pieces", pieces);
  if (code == RD_OK && (!whole || !*out))
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: %zu tokens", n);
  if (code != RD_OK) {
    json_decref(*out);
    *out = NULL;
  }
  return code;
}

static enum MHD_Result post_tokenize(rd_exchange *x) {
  json_t *body = NULL, *answer = NULL;
  rd_error e = {0};
  rd_code code = rd_json_parse(&body, x->body ? x->body : "", x->size, "the body", &e);
  if (code == RD_OK)
    code = tokenize(x->server->setup.model->tokenizer, body, &answer, &e);
  json_decref(body);
  return code == RD_OK ? send_value(x, answer) : rd_send_error(x, &e);
}

/* --- drafts ------------------------------------------------------------------------------------
 */

static int socket_of(rd_exchange *x) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

/* The whole answer at once: this thread waits for it. */
static enum MHD_Result send_answer(rd_exchange *x, rd_job *job) {
  rd_error e = {0};
  rd_set_timeout(x, 0);
  rd_code code = rd_job_wait(job, &e);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  char *text = code == RD_OK ? rd_reply_answer(job) : NULL;
  rd_job_leave(job);
  return code == RD_OK ? rd_send_json(x, 200, text) : rd_send_error(x, &e);
}

static rd_code begin(rd_exchange *x, const rd_shape *shape, rd_body *body, rd_job **job,
                     rd_error *e) {
  const rd_server *server = x->server;
  bool causal = rd_sampler_causal(body->sampler) && server->causal;
  const rd_model *model = causal ? server->setup.causal : server->setup.model;
  const rd_reply *reply = shape->events   ? &rd_reply_events
                        : !body->stream   ? NULL
                        : body->diffusing ? &rd_reply_drafts
                                          : &rd_reply_deltas;
  *job = rd_job_new(body, shape, reply, model, socket_of(x), e);
  if (!*job)
    return RD_NO_MEMORY;
  x->scheduler = causal ? server->causal : server->scheduler;
  rd_code code = rd_job_begin(*job, model, e);
  if (code == RD_OK)
    code = rd_scheduler_submit(x->scheduler, *job, e);
  return code;
}

/* A draft in the shape of the path. */
static enum MHD_Result post_draft(rd_exchange *x) {
  const rd_shape *shape = rd_table_row(&rd_shape_table, x->route->path);
  rd_body body;
  rd_job *job = NULL;
  rd_error e = {0};
  const char *text = x->body ? x->body : "";
  rd_code code = rd_body_parse(&body, text, x->size, shape, x->server->setup.model, &e);
  if (body.unknown[0])
    x->warning = rd_print("unknown fields: %s", body.unknown);
  bool no_model = body.no_model;
  if (code == RD_OK && atomic_load(&x->server->closing)) {
    rd_body_drop(&body);
    return rd_send_failure(x, 503, "server_error", NULL, "the server is stopping");
  }
  if (code == RD_OK)
    code = begin(x, shape, &body, &job, &e);
  rd_body_drop(&body);
  if (code != RD_OK) {
    rd_job_release(job);
    return no_model ? rd_send_failure(x, 404, "invalid_request_error", "model_not_found", e.message)
                    : rd_send_error(x, &e);
  }
  return job->reply ? rd_send_stream(x, job) : send_answer(x, job);
}

const rd_route rd_routes[] = {
    {"GET", "/", get_page, false},
    {"GET", "/health", get_health, false},
    {"GET", "/metrics", get_metrics, true},
    {"GET", "/v1/models", get_models, true},
    {"GET", "/api/options", get_options, true},
    {"POST", "/api/tokenize", post_tokenize, true},
    {"POST", "/api/denoise", post_draft, true},
    {"POST", "/v1/chat/completions", post_draft, true},
    {"POST", "/v1/completions", post_draft, true},
};
const size_t rd_route_count = sizeof rd_routes / sizeof *rd_routes;
