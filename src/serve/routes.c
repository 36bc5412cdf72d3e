/* SPDX-License-Identifier: MIT */
/* What each path does. */
#include "decide_route.h"
#include "handlers.h"
#include "openapi.h"
#include "page.h"
#include "params.h"
#include "reply.h"
#include "shapes.h"
#include "stamp.h"
#include "verdict.h"

#include <stdlib.h>
#include <string.h>

static enum MHD_Result get_page(rd_exchange *x) {
  size_t size;
  const char *html = rd_page_html(&size);
  return rd_send(x, 200, "text/html; charset=utf-8", (char *)(uintptr_t)html, size, true);
}

static enum MHD_Result get_health(rd_exchange *x) {
  bool closing = atomic_load(&x->server->closing);
  json_t *value = json_pack("{s:s, s:s, s:s}", "status", closing ? "closing" : "ok", "model",
                            x->server->setup.catalog.services[0].name, "version", rd_version());
  char *text = value ? rd_json_dumps(value, JSON_COMPACT) : NULL;
  json_decref(value);
  return rd_send_json(x, closing ? 503 : 200, text);
}

static enum MHD_Result get_openapi(rd_exchange *x) {
  return rd_send_value(x, rd_openapi());
}

static enum MHD_Result get_metrics(rd_exchange *x) {
  char *text = rd_metrics_text(&x->server->metrics);
  return text ? rd_send(x, 200, "text/plain; version=0.0.4", text, strlen(text), false)
              : rd_send_json(x, 503, NULL);
}

static json_t *model_value(const rd_server *server, const rd_service *service) {
  return json_pack("{s:s, s:s, s:I, s:s}", "id", service->name, "object", "model", "created",
                   (json_int_t)server->begun, "owned_by", "redraft");
}

static json_t *model_list(const rd_server *server) {
  const rd_catalog *c = &server->setup.catalog;
  json_t *list = json_array();
  for (size_t i = 0; i < c->count; i++)
    json_array_append_new(list, model_value(server, &c->services[i]));
  return list;
}

static enum MHD_Result get_models(rd_exchange *x) {
  return rd_send_value(x, json_pack("{s:s, s:o}", "object", "list", "data", model_list(x->server)));
}

static enum MHD_Result get_model(rd_exchange *x) {
  enum MHD_Result sent = MHD_NO;
  const rd_service *service = rd_asked_service(x, x->path + strlen(x->route->path), &sent);
  return service ? rd_send_value(x, model_value(x->server, service)) : sent;
}

/* --- options -----------------------------------------------------------------------------------
 */

/* The option rows, with what sampler and window come to for this model. */
static json_t *option_rows(const rd_model *model, const rd_sampler *sampler) {
  rd_options o = {rd_sampler_options, rd_sampler_option_count, NULL, NULL};
  json_t *rows = rd_options_json(&o);
  size_t window = (size_t)(rd_option_find(&o, "window") - o.rows);
  size_t first = (size_t)(rd_option_find(&o, "sampler") - o.rows);
  json_object_set_new(json_array_get(rows, window), "default",
                      json_integer(rd_config_window(&model->config, 0)));
  json_object_set_new(json_array_get(rows, window), "max", json_integer(model->config.positions));
  json_object_set_new(json_array_get(rows, first), "default", json_string(sampler->name));
  return rows;
}

/* A sampler's values where they differ from those of the rows. */
static json_t *own_defaults(const rd_defaults *d, const rd_sampler *s, const json_t *rows,
                            rd_error *e) {
  json_t *values = rd_params_defaults(d, &s, e), *row, *value;
  size_t i;
  json_array_foreach(rows, i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    value = json_object_get(values, name);
    if (json_equal(value, json_object_get(row, "default")) ||
        (strcmp(name, "window") == 0 && json_integer_value(value) == 0))
      json_object_del(values, name);
  }
  return values;
}

static json_t *sampler_rows(const rd_defaults *d, const json_t *rows, rd_error *e) {
  json_t *samplers = json_array();
  for (size_t i = 0; i < rd_sampler_count; i++) {
    const rd_sampler *s = &rd_samplers[i];
    json_t *names = json_array();
    for (size_t k = 0; k < rd_sampler_option_count; k++)
      if (rd_sampler_takes(s, rd_sampler_options[k].name))
        json_array_append_new(names, json_string(rd_sampler_options[k].name));
    json_array_append_new(samplers, json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", s->name, "help",
                                              s->help, "refines", !s->ahead, "options", names,
                                              "defaults", own_defaults(d, s, rows, e)));
  }
  return samplers;
}

static enum MHD_Result get_options(rd_exchange *x) {
  rd_error e = {0};
  enum MHD_Result sent = MHD_NO;
  const rd_catalog *catalog = &x->server->setup.catalog;
  const rd_service *service = rd_asked_service(
      x, rd_mhd.MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "model"), &sent);
  if (!service)
    return sent;
  const rd_model *m = service->model;
  const rd_defaults d = {.model = m, .service = catalog->chosen};
  const rd_sampler *sampler = NULL;
  json_t *values = rd_params_defaults(&d, &sampler, &e);
  if (!values)
    return rd_send_error(x, &e);
  json_decref(values);
  json_t *rows = option_rows(m, sampler), *samplers = sampler_rows(&d, rows, &e);
  json_t *models = model_list(x->server);
  return rd_send_value(x, json_pack("{s:o, s:o, s:o, s:s, s:b, s:s*, s:O*}", "options", rows,
                                    "samplers", samplers, "models", models, "model", service->name,
                                    "denoiser", rd_model_denoises(m), "about", m->remembered.about,
                                    "examples", m->remembered.examples));
}

/* --- drafts ------------------------------------------------------------------------------------
 */

/* The first answer's body, and in the same way the others of the request; *too_long is of the one
 * that was looked at last. */
static rd_code begin(rd_exchange *x, const rd_shape *shape, const json_t *json, rd_body *body,
                     rd_group **group, bool *too_long, rd_error *e) {
  const rd_server *server = x->server;
  const rd_server_setup *s = &server->setup;
  const rd_workers *workers = rd_workers_of(server, body->service);
  const rd_reply *reply = shape->events   ? &rd_reply_events
                        : !body->stream   ? NULL
                        : body->diffusing ? &rd_reply_drafts
                                          : shape->reply;
  int64_t choices = body->choices;
  if (choices > s->most_jobs)
    return rd_fail(e, RD_USAGE,
                   "%lld answers in one request; this server writes %lld at a time (--max-queue)",
                   (long long)choices, (long long)s->most_jobs);
  *group = rd_group_new((size_t)choices, shape, reply,
                        rd_body_causal(body) ? workers->causal : workers->refining, s->pass_rows,
                        rd_exchange_socket(x), e);
  if (!*group)
    return RD_NO_MEMORY;
  RD_TRY(rd_group_add(*group, body, e));
  for (int64_t i = 1; i < choices; i++) {
    rd_code code = rd_body_read(body, json, i, shape, &s->catalog, e);
    *too_long = body->too_long;
    if (code == RD_OK)
      code = rd_group_add(*group, body, e);
    if (code != RD_OK)
      return code;
  }
  return rd_group_submit(*group, e);
}

/* The whole answer at once: this thread waits for it. */
static enum MHD_Result send_answer(rd_exchange *x, rd_group *group) {
  rd_error e = {0};
  rd_set_timeout(x, 0);
  rd_code code = rd_group_finish(group, &e);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  char *text = code == RD_OK ? group->shape->answer(group) : NULL;
  const char *warning = rd_group_warning(group);
  if (code == RD_OK && warning)
    rd_warn(x, "%s", warning);
  rd_group_leave(group);
  return code == RD_OK ? rd_send_json(x, 200, text) : rd_send_error(x, &e);
}

/* What is known before the first pass goes into the header of a stream. A sampler that asks for
 * passes of its own needs no training for them. */
static enum MHD_Result send_stream(rd_exchange *x, rd_group *group) {
  const rd_body *body = &group->jobs[0]->body;
  if (!body->sampler->ahead && !rd_sampler_asks(body->sampler) &&
      !rd_model_denoises(rd_body_model(body)))
    rd_warn(x, "%s", rd_untrained_warning);
  return rd_send_stream(x, group);
}

/* Is nothing asked, as by Ollama's clients that want a model loaded or let go? */
static bool asks_nothing(const rd_shape *shape, const json_t *body) {
  const json_t *asked = shape->loads ? json_object_get(body, shape->loads) : NULL;
  const char *text = json_string_value(asked);
  return shape->loads && json_is_object(body) &&
         (!asked || json_is_null(asked) || (text && !*text) ||
          (json_is_array(asked) && json_array_size(asked) == 0));
}

/* The models are loaded, and stay. */
static enum MHD_Result send_loaded(rd_exchange *x, const rd_shape *shape, const json_t *body) {
  rd_error e = {0};
  const char *name = NULL;
  char when[RD_STAMP];
  enum MHD_Result sent = MHD_NO;
  if (rd_json_text(body, "model", &name, &e) != RD_OK)
    return rd_send_error(x, &e);
  const rd_service *service = rd_asked_service(x, name, &sent);
  if (!service)
    return sent;
  const json_t *keep = json_object_get(body, "keep_alive");
  bool leaves = json_is_number(keep) && json_number_value(keep) == 0;
  json_t *value = shape->whole("", NULL);
  json_object_update_new(value, json_pack("{s:s, s:s, s:b, s:s}", "model", service->name,
                                          "created_at", rd_stamp(when, (int64_t)time(NULL)), "done",
                                          1, "done_reason", leaves ? "unload" : "load"));
  return rd_send_value(x, value);
}

/* A draft in the shape of the path. */
static enum MHD_Result post_draft(rd_exchange *x) {
  const rd_shape *shape = rd_table_row(&rd_shape_table, x->route->path);
  rd_body body = {0};
  json_t *json = NULL;
  rd_group *group = NULL;
  rd_error e = {0};
  rd_code code = rd_json_parse(&json, x->body ? x->body : "", x->size, "the body", &e);
  if (code == RD_OK && asks_nothing(shape, json)) {
    enum MHD_Result sent = send_loaded(x, shape, json);
    json_decref(json);
    return sent;
  }
  if (code == RD_OK)
    code = rd_body_read(&body, json, 0, shape, &x->server->setup.catalog, &e);
  bool no_model = body.no_model, too_long = body.too_long;
  if (body.unknown.names[0])
    rd_warn(x, "unknown fields: %s", body.unknown.names);
  if (code == RD_OK)
    code = begin(x, shape, json, &body, &group, &too_long, &e);
  rd_body_drop(&body);
  json_decref(json);
  if (code == RD_OK)
    return group->reply ? send_stream(x, group) : send_answer(x, group);
  const char *mistake = no_model ? "model_not_found" : too_long ? "context_length_exceeded" : NULL;
  rd_group_leave(group);
  return mistake
           ? rd_send_failure(x, no_model ? 404 : 400, "invalid_request_error", mistake, e.message)
           : rd_send_error(x, &e);
}

/* Whose interface a path is. */
#define OURS "This program's"
#define OPENAI "OpenAI's"
#define OLLAMA "Ollama's"
#define RAW_TEXT "llama.cpp's and vLLM's"
#define JSON "application/json"
#define STREAMED JSON " text/event-stream"

/* By whose interface they are: the order of the documents. */
const rd_route rd_routes[] = {
    {"GET", "/", get_page, false, .group = OURS, .answer = "text/html",
     .help = "the page: one file, nothing from elsewhere"},
    {"GET", "/health", get_health, false, .group = OURS, .answer = JSON,
     .help = "status, model and version; 503 while stopping"},
    {"GET", "/metrics", get_metrics, true, .group = OURS, .answer = "text/plain",
     .help = "counters in Prometheus' format: requests, queue, passes, tokens, seconds"},
    {"GET", "/openapi.json", get_openapi, false, .group = OURS, .answer = JSON,
     .help = "this list, as OpenAPI 3.1 has it"},
    {"GET", "/api/options", get_options, true, .group = OURS, .answer = JSON,
     .help = "every option of generation and every sampler with the defaults for the model, and "
             "what it says of itself",
     .query = true},
    {"POST", "/api/denoise", post_draft, true, .group = OURS, .answer = "text/event-stream",
     .fields = "one_prompt", .help = "every iteration as an event"},
    {"POST", "/api/tokenize", rd_post_pieces, true, .group = OURS, .answer = JSON,
     .fields = "model text! continue", .help = "ids and pieces of a text"},
    {"GET", "/v1/models", get_models, true, .group = OPENAI, .answer = JSON,
     .help = "the models; the first answers requests that name none"},
    {"GET", "/v1/models/", get_model, true, .group = OPENAI, .answer = JSON, .help = "one of them"},
    {"POST", "/v1/chat/completions", post_draft, true, .group = OPENAI, .answer = STREAMED,
     .fields = "messages!", .help = "an answer to a conversation"},
    {"POST", "/v1/completions", post_draft, true, .group = OPENAI, .answer = STREAMED,
     .fields = "prompt!",
     .help = "a text gone on from, from left to right unless a sampler is asked for; with a "
             "suffix, what lies between"},
    {"POST", "/v1/responses", post_draft, true, .group = OPENAI, .answer = STREAMED,
     .fields = "input! instructions max_output_tokens text_form tools tool_choice include "
               "top_logprobs stream seed stop",
     .help = "an answer to a conversation; nothing is stored"},
    {"POST", "/v1/embeddings", rd_post_embeddings, true, .group = OPENAI, .answer = JSON,
     .fields = "model texts! encoding_format dimensions",
     .help = "the mean of a text's states behind the last norm, of length 1"},
    {"POST", "/v1/fim/completions", post_draft, true, .group = OPENAI, .answer = STREAMED,
     .fields = "prompt!", .help = "what lies between a prompt and a suffix"},
    {"POST", "/v1/systemone", rd_post_decide, true, .group = "System One's", .answer = JSON,
     .fields = "model state! questions! mode samples reader decision_temperature seed deadline_ms "
               "deadline",
     .help = "typed questions about a text, answered with probabilities"},
    {"POST", "/api/chat", post_draft, true, .group = OLLAMA, .answer = JSON " application/x-ndjson",
     .fields = "messages! options format tools stream", .help = "an answer to a conversation",
     .words = true},
    {"POST", "/api/generate", post_draft, true, .group = OLLAMA,
     .answer = JSON " application/x-ndjson",
     .fields = "one_prompt! suffix system raw options format stream",
     .help = "an answer to a prompt", .words = true},
    {"POST", "/api/embed", rd_post_embed, true, .group = OLLAMA, .answer = JSON,
     .fields = "model texts! encoding_format dimensions",
     .help = "embeddings, as /v1/embeddings gives them", .words = true},
    {"GET", "/api/tags", rd_get_tags, true, .group = OLLAMA, .answer = JSON, .help = "the models",
     .words = true},
    {"GET", "/api/ps", rd_get_tags, true, .group = OLLAMA, .answer = JSON,
     .help = "the models that are open: all of them", .words = true},
    {"GET", "/api/version", rd_get_version, true, .group = OLLAMA, .answer = JSON,
     .help = "this program's version", .words = true},
    {"POST", "/api/show", rd_post_show, true, .group = OLLAMA, .answer = JSON,
     .fields = "model name", .help = "what a model is like", .words = true},
    {"POST", "/infill", post_draft, true, .group = RAW_TEXT, .answer = STREAMED,
     .fields = "input_prefix!", .help = "what lies between a prefix and a suffix"},
    {"POST", "/tokenize", rd_post_tokenize, true, .group = RAW_TEXT, .answer = JSON,
     .fields =
         "model content content_prompt add_special add_special_tokens parse_special with_pieces",
     .help = "ids of a text: tokens, count, max_model_len"},
    {"POST", "/detokenize", rd_post_detokenize, true, .group = RAW_TEXT, .answer = JSON,
     .fields = "model tokens!", .help = "the text of ids, as content and as prompt"},
    {"GET", "/tokenizer_info", rd_get_tokenizer, true, .group = RAW_TEXT, .answer = JSON,
     .help = "the tokenizer's special words and chat template", .query = true},
    {"GET", "/props", rd_get_props, true, .group = RAW_TEXT, .answer = JSON,
     .help = "defaults, window and slots", .query = true},
    {"GET", "/slots", rd_get_slots, true, .group = RAW_TEXT, .answer = JSON,
     .help = "a row for each draft that may be under way"},
};
const size_t rd_route_count = sizeof rd_routes / sizeof *rd_routes;
