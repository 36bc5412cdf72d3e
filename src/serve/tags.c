/* SPDX-License-Identifier: MIT */
/* The models as Ollama's clients list them. What they are like is read off their files. */
#include "family.h"
#include "handlers.h"
#include "inspect.h"
#include "stamp.h"

#include <string.h>

static json_t *details(const rd_model *m) {
  const rd_format *format = rd_tensors_format(rd_model_tensors(m));
  const char *family = m->config.family->name;
  return json_pack("{s:s, s:[s], s:s}", "family", family, "families", family, "quantization_level",
                   format ? format->name : "");
}

static json_t *model_row(const rd_server *server, const rd_service *service) {
  char when[RD_STAMP];
  return json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", service->name, "model", service->name,
                   "modified_at", rd_stamp(when, server->begun), "size",
                   (json_int_t)service->model->file_bytes, "details", details(service->model));
}

enum MHD_Result rd_get_tags(rd_exchange *x) {
  const rd_catalog *c = &x->server->setup.catalog;
  json_t *list = json_array();
  for (size_t i = 0; i < c->count; i++)
    json_array_append_new(list, model_row(x->server, &c->services[i]));
  return rd_send_value(x, json_pack("{s:o}", "models", list));
}

enum MHD_Result rd_get_version(rd_exchange *x) {
  return rd_send_value(x, json_pack("{s:s}", "version", RD_VERSION));
}

static json_t *model_facts(const rd_server *server, const rd_service *service) {
  const rd_model *m = service->model;
  const rd_config *c = &m->config;
  const char *template = rd_tokenizer_chat_template(m->tokenizer);
  char when[RD_STAMP];
  return json_pack("{s:s, s:o, s:{s:s, s:I, s:I, s:I, s:I}, s:[s, s], s:s}", "template",
                   template ? template : "", "details", details(m), "model_info",
                   "general.architecture", c->family->name, "context_length",
                   (json_int_t)c->positions, "embedding_length", (json_int_t)c->width,
                   "block_count", (json_int_t)c->layers, "vocab_size", (json_int_t)c->vocab,
                   "capabilities", "completion", "embedding", "modified_at",
                   rd_stamp(when, server->begun));
}

enum MHD_Result rd_post_show(rd_exchange *x) {
  rd_error e = {0};
  json_t *body = NULL;
  const char *name = NULL;
  enum MHD_Result sent = MHD_NO;
  rd_code code = rd_exchange_json(x, &body, &e);
  if (code == RD_OK)
    code = rd_json_text(body, "name", &name, &e);
  if (code == RD_OK)
    code = rd_json_text(body, "model", &name, &e);
  const rd_service *service = code == RD_OK ? rd_asked_service(x, name, &sent) : NULL;
  json_decref(body);
  if (code != RD_OK)
    return rd_send_error(x, &e);
  return service ? rd_send_value(x, model_facts(x->server, service)) : sent;
}
