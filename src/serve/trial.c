/* SPDX-License-Identifier: MIT */
/* The request is a body as it might come over HTTP, and goes the way of one. */
#include "trial.h"

#include "body.h"
#include "draft.h"
#include "sampler.h"
#include "shapes.h"

static const char PATH[] = "/api/denoise"; /* whose bodies may hold every option */

/* The options that the server was started with, as far as they are for the sampler: all of them
 * where somebody chose it. */
static rd_code add_options(json_t *body, const rd_options *chosen, const rd_sampler *sampler,
                           rd_error *e) {
  bool named = rd_option_given(chosen, "sampler") || rd_option_given(chosen, "verify");
  for (size_t i = 0; i < rd_sampler_option_count; i++) {
    const char *name = rd_sampler_options[i].name;
    if (!rd_option_given(chosen, name) || !(named || rd_sampler_takes(sampler, name)))
      continue;
    if (json_object_set_new(body, name, rd_option_value(chosen, rd_option_find(chosen, name))) != 0)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: --%s", name);
  }
  return RD_OK;
}

static rd_code make_body(json_t **out, const rd_service *service, const rd_options *chosen,
                         rd_error *e) {
  const rd_defaults defaults = {.model = service->model, .service = chosen};
  const rd_sampler *sampler = NULL;
  json_t *values = rd_params_defaults(&defaults, &sampler, e);
  if (!values)
    return e->code;
  json_decref(values);
  *out = json_pack("{s:s, s:[i]}", "model", service->name, "prompt", 0);
  if (!*out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a request");
  return chosen ? add_options(*out, chosen, sampler, e) : RD_OK;
}

static rd_code try_service(const rd_catalog *catalog, const rd_service *service, rd_error *e) {
  const rd_shape *shape = rd_table_row(&rd_shape_table, PATH);
  json_t *json = NULL;
  rd_body body = {0};
  rd_draft *draft = NULL;
  rd_code code = make_body(&json, service, catalog->chosen, e);
  if (code == RD_OK)
    code = rd_body_read(&body, json, 0, shape, catalog, e);
  if (code == RD_OK) {
    const rd_request request = rd_body_request(&body);
    code = rd_request_draft(&draft, &request, e);
  }
  rd_draft_free(&draft);
  rd_body_drop(&body);
  json_decref(json);
  return code;
}

rd_code rd_trial_check(const rd_catalog *catalog, rd_error *e) {
  for (const rd_service *s = catalog->services; s < catalog->services + catalog->count; s++) {
    rd_code code = s->beside ? RD_OK : try_service(catalog, s, e);
    if (code != RD_OK)
      return rd_prefix(e, code, "%s", s->name);
  }
  return RD_OK;
}
