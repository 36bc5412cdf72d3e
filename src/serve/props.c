/* SPDX-License-Identifier: MIT */
/* What a client may ask of the server before it asks for an answer, as llama.cpp's and vLLM's
 * servers say it. Paths of this machine are not told. */
#include "handlers.h"

#include <stdlib.h>

static const rd_service *named(rd_exchange *x, enum MHD_Result *sent) {
  return rd_asked_service(
      x, rd_mhd.MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "model"), sent);
}

/* A special token as its files write it; null where there is none. */
static json_t *word(const rd_tokenizer *t, int32_t id) {
  char *text = NULL;
  size_t size = 0;
  if (id < 0 || rd_tokenizer_decode(t, &id, 1, RD_TOK_REPLACE, &text, &size, NULL) != RD_OK)
    return json_null();
  json_t *value = json_stringn(text, size);
  free(text);
  return value;
}

static json_t *eos_word(const rd_tokenizer *t) {
  size_t n = 0;
  const int32_t *ids = rd_tokenizer_eos(t, &n);
  return word(t, n > 0 ? ids[0] : -1);
}

enum MHD_Result rd_get_tokenizer(rd_exchange *x) {
  enum MHD_Result sent = MHD_NO;
  const rd_service *service = named(x, &sent);
  if (!service)
    return sent;
  const rd_tokenizer *t = service->model->tokenizer;
  return rd_send_value(
      x, json_pack("{s:s, s:o, s:o, s:o, s:s?, s:I, s:b}", "tokenizer_class", "redraft",
                   "bos_token", word(t, rd_tokenizer_bos(t)), "eos_token", eos_word(t), "pad_token",
                   word(t, rd_tokenizer_pad(t)), "chat_template", rd_tokenizer_chat_template(t),
                   "vocab_size", (json_int_t)rd_tokenizer_size(t), "add_bos_token",
                   rd_tokenizer_adds_bos(t)));
}

enum MHD_Result rd_get_props(rd_exchange *x) {
  rd_error e = {0};
  enum MHD_Result sent = MHD_NO;
  const rd_service *service = named(x, &sent);
  if (!service)
    return sent;
  const rd_server_setup *s = &x->server->setup;
  const rd_model *m = service->model;
  const rd_defaults d = {.model = m, .service = s->catalog.chosen};
  const rd_sampler *sampler = NULL;
  json_t *params = rd_params_defaults(&d, &sampler, &e);
  if (!params)
    return rd_send_error(x, &e);
  const char *template = rd_tokenizer_chat_template(m->tokenizer);
  return rd_send_value(
      x, json_pack("{s:{s:I, s:o}, s:I, s:s, s:s, s:s, s:o, s:o, s:{s:b, s:b}, s:s}",
                   "default_generation_settings", "n_ctx",
                   (json_int_t)rd_config_window(&m->config, 0), "params", params, "total_slots",
                   (json_int_t)s->most_jobs, "model_alias", service->name, "model_path",
                   service->name, "chat_template", template ? template : "", "bos_token",
                   word(m->tokenizer, rd_tokenizer_bos(m->tokenizer)), "eos_token",
                   eos_word(m->tokenizer), "modalities", "vision", 0, "audio", 0, "build_info",
                   "redraft " RD_VERSION));
}

/* A slot for each draft that may be under way. */
enum MHD_Result rd_get_slots(rd_exchange *x) {
  const rd_server_setup *s = &x->server->setup;
  int64_t busy = atomic_load(&x->server->metrics.queue);
  json_int_t room = rd_config_window(&s->catalog.services[0].model->config, 0);
  json_t *list = json_array();
  for (int64_t i = 0; i < s->most_jobs; i++)
    json_array_append_new(list, json_pack("{s:I, s:I, s:b}", "id", (json_int_t)i, "n_ctx", room,
                                          "is_processing", i < busy));
  return rd_send_value(x, list);
}
