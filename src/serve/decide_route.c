/* SPDX-License-Identifier: MIT */
/* The body is read here, on the connection's thread; the passes are an errand of the scheduler that
 * runs the model. */
#include "decide_route.h"

#include "decide_body.h"
#include "idle.h"

typedef struct decision {
  const rd_model *model;
  const rd_decide_body *body;
  int64_t rows; /* of a pass */
  rd_decision answer;
} decision;

static rd_code run(void *context, rd_engine *engine, rd_error *e) {
  decision *d = context;
  rd_decider decider = {.model = d->model, .lent = engine, .rows = d->rows};
  rd_code code =
      rd_decide(&d->answer, &decider, d->body->state, &d->body->questions, &d->body->settings, e);
  rd_decider_drop(&decider);
  return code;
}

static rd_code decide(rd_exchange *x, const rd_service *service, const rd_decide_body *body,
                      char **out, rd_error *e) {
  const rd_server_setup *setup = &x->server->setup;
  const rd_workers *w = &x->server->workers[service - setup->catalog.services];
  decision d = {.model = service->model, .body = body, .rows = setup->pass_rows};
  rd_set_timeout(x, 0);
  rd_code code = rd_scheduler_do(w->refining, run, &d, e);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  json_t *answer =
      code == RD_OK ? rd_decision_json(&d.answer, &body->questions, service->name) : NULL;
  *out = answer ? rd_json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(answer);
  rd_decision_drop(&d.answer);
  return code;
}

/* Of a seed the bits that count. */
static rd_code mean_seed(json_t *object, rd_error *e) {
  const json_t *seed = json_object_get(object, "seed");
  return !seed || json_object_set_new(object, "seed", rd_meant_value("seed", seed)) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: seed");
}

enum MHD_Result rd_post_decide(rd_exchange *x) {
  const rd_catalog *catalog = &x->server->setup.catalog;
  json_t *object = NULL;
  rd_decide_body body;
  char *answer = NULL;
  const char *name = NULL;
  const rd_service *service = NULL;
  rd_error e = {0};
  rd_code code = rd_decide_body_init(&body, &e);
  if (code == RD_OK)
    code = rd_exchange_json(x, &object, &e);
  if (code == RD_OK)
    code = mean_seed(object, &e);
  if (code == RD_OK)
    code = rd_decide_body_read(&body, object, &e);
  if (code == RD_OK)
    code = rd_json_text(object, "model", &name, &e);
  if (code == RD_OK) {
    service = rd_catalog_find(catalog, name);
    code = service ? decide(x, service, &body, &answer, &e) : rd_catalog_missing(catalog, name, &e);
  }
  bool no_model = code != RD_OK && name && !service;
  rd_decide_body_drop(&body);
  json_decref(object);
  if (no_model)
    return rd_send_failure(x, 404, "invalid_request_error", "model_not_found", e.message);
  return code == RD_OK ? rd_send_json(x, 200, answer) : rd_send_error(x, &e);
}
