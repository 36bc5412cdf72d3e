/* SPDX-License-Identifier: MIT */
/* The models as Ollama's clients list them. What they are like is read off their files. */
#include "family.h"
#include "handlers.h"
#include "inspect.h"
#include "seal.h"
#include "stamp.h"

#include <stdio.h>
#include <string.h>

static json_t *details(const rd_model *m) {
  const rd_format *format = rd_tensors_format(rd_model_tensors(m));
  const char *family = m->config.family->name;
  return json_pack("{s:s, s:[s], s:s}", "family", family, "families", family, "quantization_level",
                   format ? format->name : "");
}

/* Clients show the beginning of a model's digest, and cut it without looking: 64 hex digits, of its
 * name and size, hashed four times over. */
static const char *digest_of(char out[65], const rd_service *service) {
  uint64_t hash = RD_HASH_NONE ^ service->model->file_bytes;
  for (int part = 0; part < 4; part++) {
    hash = rd_hash_more(hash, service->name, strlen(service->name));
    snprintf(out + 16 * part, 17, "%016llx", (unsigned long long)hash);
  }
  return out;
}

/* Models stay as long as the server does. */
static json_t *model_row(const rd_server *server, const rd_service *service) {
  char when[RD_STAMP], until[RD_STAMP], digest[65];
  const int64_t years = (int64_t)100 * 365 * 24 * 3600;
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "name", service->name, "model",
                   service->name, "modified_at", rd_stamp(when, server->begun), "expires_at",
                   rd_stamp(until, server->begun + years), "digest", digest_of(digest, service),
                   "size", (json_int_t)service->model->file_bytes, "size_vram", (json_int_t)0,
                   "details", details(service->model));
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

/* Numbers as Ollama calls them, by the family's name. */
static json_t *model_info(const rd_model *m) {
  const rd_config *c = &m->config;
  const struct {
    const char *name;
    int64_t value;
  } numbers[] = {{"context_length", c->positions},
                 {"embedding_length", c->width},
                 {"block_count", c->layers},
                 {"vocab_size", c->vocab}};
  json_t *info = json_pack("{s:s}", "general.architecture", c->family->name);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char key[100];
    snprintf(key, sizeof key, "%.60s.%s", c->family->name, numbers[i].name);
    json_object_set_new(info, key, json_integer(numbers[i].value));
  }
  return info;
}

static json_t *model_facts(const rd_server *server, const rd_service *service) {
  const rd_model *m = service->model;
  const char *template = rd_tokenizer_chat_template(m->tokenizer);
  const bool tools =
      rd_tokenizer_tool_template(m->tokenizer) || (template && strstr(template, "tools"));
  char when[RD_STAMP];
  return json_pack("{s:s, s:o, s:o, s:[s, s, s, s*], s:s}", "template", template ? template : "",
                   "details", details(m), "model_info", model_info(m), "capabilities", "completion",
                   "insert", "embedding", tools ? "tools" : NULL, "modified_at",
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
