/* SPDX-License-Identifier: MIT */
/* The body is read here, on the connection's thread; each pass is an errand of the scheduler that
 * runs the model, so that those of drafts are made between them. */
#include "decide_route.h"

#include "decide_body.h"
#include "idle.h"

typedef struct lender {
  const rd_exchange *x;
  rd_scheduler *scheduler;
} lender;

static rd_code lend(void *context, rd_decide_pass *pass, void *asked, rd_error *e) {
  const lender *l = context;
  return rd_exchange_errand(l->x, l->scheduler, pass, asked, e);
}

static rd_code decide(rd_exchange *x, const rd_service *service, const rd_decide_body *body,
                      char **out, rd_error *e) {
  const rd_server_setup *setup = &x->server->setup;
  lender l = {x, rd_workers_of(x->server, service)->refining};
  rd_decider decider = {
      .model = service->model, .lend = lend, .lender = &l, .rows = setup->pass_rows};
  rd_decision decided;
  rd_set_timeout(x, 0);
  rd_code code = rd_decide(&decided, &decider, body->state, &body->questions, &body->settings, e);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  json_t *answer =
      code == RD_OK ? rd_decision_json(&decided, &body->questions, service->name) : NULL;
  *out = answer ? rd_json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(answer);
  rd_decision_drop(&decided);
  rd_decider_drop(&decider);
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
  json_t *object = NULL;
  rd_decide_body body;
  char *answer = NULL;
  const char *name = NULL;
  enum MHD_Result sent = MHD_NO;
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
  const rd_service *service = code == RD_OK ? rd_asked_service(x, name, &sent) : NULL;
  const bool no_model = code == RD_OK && !service;
  if (service)
    code = decide(x, service, &body, &answer, &e);
  rd_decide_body_drop(&body);
  json_decref(object);
  if (no_model)
    return sent;
  return code == RD_OK ? rd_send_json(x, 200, answer) : rd_send_error(x, &e);
}
