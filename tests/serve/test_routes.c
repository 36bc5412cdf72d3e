/* SPDX-License-Identifier: MIT */
/* The table of routes over a real socket: each answers what it is for, refuses other methods, and
 * asks for the key where its row says so. */
#include "exchange.h"
#include "http_ask.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "sesame"

/* What a route is asked, and words of its answer. */
static const struct question {
  const char *method, *path, *body, *says;
} questions[] = {
    {"GET", "/", "", "<!doctype html>"},
    {"GET", "/health", "", "\"ok\""},
    {"GET", "/metrics", "", "redraft_queue "},
    {"GET", "/v1/models", "", "\"llama-mha\""},
    {"GET", "/openapi.json", "", "\"openapi\":\"3.1.0\""},
    {"GET", "/v1/models/llama-mha", "", "\"owned_by\""},
    {"GET", "/api/options", "", "\"samplers\""},
    {"POST", "/api/tokenize", "{\"text\":\"Hi\"}", "\"pieces\""},
    {"POST", "/api/denoise",
     "{\"prompt\":\"Hi\",\"window\":24,\"sampler\":\"lad\",\"iterations\":1}", "event: done"},
    {"POST", "/v1/chat/completions",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":4,\"sampler\":\"lad\","
     "\"iterations\":1}",
     "\"chat.completion\""},
    {"POST", "/v1/responses",
     "{\"input\":\"Hi\",\"max_output_tokens\":4,\"sampler\":\"lad\",\"iterations\":1}",
     "\"output_text\""},
    {"POST", "/api/chat",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"options\":{\"num_predict\":4,"
     "\"sampler\":\"lad\",\"iterations\":1}}",
     "\"done\":true"},
    {"POST", "/api/generate",
     "{\"prompt\":\"Hi\",\"stream\":false,\"options\":{\"num_predict\":4}}", "\"eval_count\""},
    {"GET", "/api/tags", "", "\"model\":\"llama-mha\""},
    {"GET", "/api/ps", "", "\"model\":\"llama-mha\""},
    {"GET", "/api/version", "", "\"version\""},
    {"POST", "/api/show", "{\"model\":\"llama-mha\"}", "\"llama.context_length\":256"},
    {"POST", "/api/embed", "{\"input\":\"Hi\"}", "\"embeddings\":[["},
    {"POST", "/v1/embeddings", "{\"input\":\"Hi\"}", "\"embedding\":["},
    {"POST", "/tokenize", "{\"content\":\"Hi\"}", "\"tokens\":["},
    {"POST", "/detokenize", "{\"tokens\":[40,41]}", "\"content\""},
    {"GET", "/tokenizer_info", "", "\"eos_token\""},
    {"GET", "/props", "", "\"n_ctx\":256"},
    {"GET", "/slots", "", "\"is_processing\":false"},
    {"POST", "/v1/completions", "{\"prompt\":\"Hi\",\"max_tokens\":4}", "\"text_completion\""},
    {"POST", "/v1/fim/completions",
     "{\"prompt\":\"Hi\",\"suffix\":\"there\",\"max_tokens\":2,\"iterations\":4}", "\"message\""},
    {"POST", "/infill",
     "{\"input_prefix\":\"Hi\",\"input_suffix\":\"there\",\"n_predict\":2,\"iterations\":4}",
     "\"stop\":true"},
    {"POST", "/v1/systemone",
     "{\"state\":\"\",\"questions\":{\"q\":{\"type\":\"noul\",\"instructions\":\"Good?\"}}}",
     "\"noul\""},
};

static rd_model *model;
static rd_service service;
static rd_server *server;

static int open_server(void **state) {
  (void)state;
  rd_error e = {0};
  if (rd_model_load(&model, RD_SOURCE_DIR "/tests/golden/models/llama-mha", NULL, &e) == RD_OK) {
    service = (rd_service){.name = "llama-mha", .model = model};
    const rd_server_setup setup = {.catalog = {.services = &service, .count = 1},
                                   .host = "127.0.0.1",
                                   .key = KEY,
                                   .most_jobs = 4,
                                   .pass_rows = 512,
                                   .most_body = 4096,
                                   .patience = 600};
    if (rd_server_open(&server, &setup, &e) == RD_OK)
      return 0;
  }
  print_error("%s\n", e.message);
  return -1;
}

static int close_server(void **state) {
  (void)state;
  rd_server_close(&server, 1, NULL);
  rd_model_close(&model);
  return 0;
}

/* The answer has this status, and says that (NULL: anything). */
static void answers(const char *path, const char *method, const char *body, bool key, int status,
                    const char *says) {
  const char *answer = ask(rd_server_url(server), method, path, body,
                           key ? "Authorization: Bearer " KEY "\r\n" : "");
  if (status_of(answer) != status)
    fail_msg("%s %s: expected %d, found: %.400s", method, path, status, answer);
  if (says && !strstr(answer, says))
    fail_msg("%s %s does not say %s: %.2000s", method, path, says, answer);
}

static void every_route_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_route_count; i++) {
    const rd_route *route = &rd_routes[i];
    const struct question *q = questions, *end = q + sizeof questions / sizeof *questions;
    while (q < end && rd_route_find(q->method, q->path) != route)
      q++;
    if (q == end)
      fail_msg("%s %s is not asked anything: add it above", route->method, route->path);
    answers(q->path, route->method, q->body, true, 200, q->says);
    answers(q->path, route->method, q->body, false, route->needs_key ? 401 : 200,
            route->needs_key ? "\"error\"" : q->says);
    answers(q->path, "DELETE", "", true, 405, "\"error\"");
  }
}

/* Whatever a route does with its body, a field that it does not know is in the header. */
static void every_body_names_strangers(void **state) {
  (void)state;
  for (const struct question *q = questions, *end = q + sizeof questions / sizeof *questions;
       q < end; q++) {
    if (!*q->body)
      continue;
    char *body = rd_print("{\"user\":\"me\",\"no_such_field\":1,%s", q->body + 1);
    assert_non_null(body);
    answers(q->path, q->method, body, true, 200,
            "X-Redraft-Warning: unknown fields: no_such_field");
    free(body);
  }
}

static void a_model_that_is_not_here(void **state) {
  (void)state;
  for (const struct question *q = questions, *end = q + sizeof questions / sizeof *questions;
       q < end; q++) {
    if (!*q->body || strstr(q->body, "\"model\""))
      continue;
    char *body = rd_print("{\"model\":\"none\",%s", q->body + 1);
    assert_non_null(body);
    answers(q->path, q->method, body, true, 404, "there is no model none here");
    free(body);
  }
}

static void other_paths_are_not_there(void **state) {
  (void)state;
  answers("/nowhere", "GET", "", true, 404, "nothing at");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_answers), cmocka_unit_test(every_body_names_strangers),
      cmocka_unit_test(a_model_that_is_not_here), cmocka_unit_test(other_paths_are_not_there)};
  return cmocka_run_group_tests(tests, open_server, close_server);
}
