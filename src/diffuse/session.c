/* SPDX-License-Identifier: MIT */
/* The public interface: a session keeps options and working memory between generations. */
#include "engine.h"
#include "kept.h"
#include "params.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rd_session {
  rd_model *model;
  rd_params params;
  rd_options options; /* over params */
  atomic_int cancelled;
  atomic_bool running; /* an answer is being written, to an observer perhaps */
  rd_kept kept;
};

static rd_code check_free(bool running, rd_error *e) {
  return running ? rd_fail(e, RD_BUSY,
                           "the session is writing an answer: one at a time; open another session")
                 : RD_OK;
}

/* From here to release() the session is this caller's. */
static rd_code hold(rd_session *s, rd_error *e) {
  return check_free(atomic_exchange(&s->running, true), e);
}

static void release(rd_session *s) {
  atomic_store(&s->cancelled, 0);
  atomic_store(&s->running, false);
}

rd_code rd_model_load(rd_model **out, const char *path, const char *adapter, rd_error *e) {
  rd_model_options options = {.path = path};
  char *beside = NULL;
  *out = NULL;
  RD_GIVEN(path, e);
  if (!adapter)
    RD_TRY(rd_model_adapter_beside(&beside, path, e));
  else if (strcmp(adapter, "none") != 0)
    options.adapter = adapter;
  if (beside)
    options.adapter = beside;
  rd_code code = rd_model_open(out, &options, e);
  free(beside);
  if (code == RD_OK && !rd_model_denoises(*out) &&
      (code = rd_engine_lay_out(*out, NULL, NULL, e)) != RD_OK)
    rd_model_close(out);
  return code;
}

rd_code rd_session_open(rd_session **out, rd_model *model, const char *sampler, rd_error *e) {
  *out = NULL;
  RD_GIVEN(model, e);
  rd_session *s = rd_calloc(1, sizeof *s, "a session", e);
  if (!s)
    return RD_NO_MEMORY;
  s->model = model;
  const rd_sampler *row = NULL;
  rd_code code = rd_options_open(&s->options, rd_sampler_parts, &s->params, e);
  if (code == RD_OK)
    code = rd_options_default(&s->options, e);
  if (code == RD_OK && sampler)
    code = rd_sampler_find(&row, sampler, e);
  if (code == RD_OK && sampler)
    code = rd_option_set(&s->options, rd_option_find(&s->options, "sampler"), row->name, e);
  if (code != RD_OK)
    rd_session_close(&s);
  *out = s;
  return code;
}

void rd_session_close(rd_session **session) {
  if (!session || !*session)
    return;
  rd_session *s = *session;
  rd_options_drop(&s->options);
  rd_options_close(&s->options);
  rd_kept_drop(&s->kept);
  free(s);
  *session = NULL;
}

void rd_session_cancel(rd_session *session) {
  atomic_store(&session->cancelled, 1);
}

rd_code rd_session_set(rd_session *session, const char *name, const char *value, rd_error *e) {
  RD_GIVEN(session, e);
  RD_GIVEN(name, e);
  const rd_options *o = &session->options;
  const rd_option *row = rd_option_find(o, name);
  const char *near = rd_option_nearest(o, name);
  if (!row)
    return rd_fail(e, RD_USAGE, "unknown option %.60s%s%s", name, near ? "; did you mean " : "",
                   near ? near : "");
  RD_TRY(check_free(atomic_load(&session->running), e));
  return value ? rd_option_set(o, row, value, e) : rd_option_unset(o, row, e);
}

char *rd_session_options(void) {
  rd_options o;
  json_t *rows = NULL;
  if (rd_options_open(&o, rd_sampler_parts, NULL, NULL) == RD_OK)
    rows = rd_options_json(&o);
  rd_options_close(&o);
  char *text = rows ? rd_json_dumps(rows, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(rows);
  return text;
}

/* --- generating ---------------------------------------------------------------------------------
 */

static rd_code fill_result(rd_result *result, const rd_draft *draft, rd_error *e) {
  rd_draft_result o = rd_draft_so_far(draft);
  *result = (rd_result){.text = rd_draft_text(draft),
                        .ids = rd_calloc((size_t)o.tokens + 1, sizeof *result->ids, "ids", e),
                        .tokens = o.tokens,
                        .iterations = o.iterations,
                        .passes = o.passes,
                        .stopped = o.stopped,
                        .seconds = o.seconds,
                        .seed = rd_draft_seed(draft),
                        .converged = o.converged};
  snprintf(result->warning, sizeof result->warning, "%s", o.warning ? o.warning : "");
  if (!result->text || !result->ids) {
    rd_result_drop(result);
    return rd_fail(e, RD_NO_MEMORY, "no memory for the answer");
  }
  memcpy(result->ids, o.answer, (size_t)o.tokens * sizeof *result->ids);
  return RD_OK;
}

void rd_result_drop(rd_result *result) {
  if (!result)
    return;
  free(result->text);
  free(result->ids);
  *result = (rd_result){0};
}

/* Cancelled before there was a draft. */
static rd_code fill_nothing(rd_result *result, rd_error *e) {
  *result = (rd_result){.text = calloc(1, 1), .ids = calloc(1, sizeof *result->ids)};
  result->stopped = "cancelled";
  if (result->text && result->ids)
    return RD_CANCELLED;
  rd_result_drop(result);
  return rd_fail(e, RD_NO_MEMORY, "no memory for the answer");
}

static rd_code run(rd_session *s, const rd_request *request, rd_result *result, rd_error *e) {
  rd_draft *draft;
  rd_code begun = rd_request_draft(&draft, request, e);
  if (begun != RD_OK)
    return begun == RD_CANCELLED ? fill_nothing(result, e) : begun;
  int64_t window = rd_config_window(&s->model->config, s->params.window);
  rd_code code = rd_kept_run(&s->kept, s->model, window, draft, &s->cancelled, e);
  if (code == RD_OK || code == RD_CANCELLED) {
    rd_code filled = fill_result(result, draft, code == RD_OK ? e : NULL);
    code = code == RD_OK ? filled : code;
  }
  rd_draft_free(&draft);
  return code;
}

/* Answer ids, with the sampler and the defaults that hold for them. */
static rd_code answer(rd_session *session, const int32_t *ids, int64_t count, bool continues,
                      rd_observer *observer, void *context, rd_result *result, rd_error *e) {
  rd_request r = {.model = session->model,
                  .params = &session->params,
                  .prompt = ids,
                  .prompt_count = count,
                  .observer = observer,
                  .context = context};
  const rd_defaults defaults = {.model = session->model, .continues = continues};
  rd_code code = rd_params_resolve(&session->params, &session->options, &defaults, &r.sampler, e);
  return code == RD_OK ? run(session, &r, result, e) : code;
}

rd_code rd_generate_messages(rd_session *session, const rd_message *messages, size_t count,
                             rd_observer *observer, void *context, rd_result *result, rd_error *e) {
  *result = (rd_result){0};
  int32_t *ids = NULL;
  int64_t prompt = 0;
  RD_GIVEN(session, e);
  RD_TRY(rd_messages_check(messages, count, e));
  RD_TRY(hold(session, e));
  rd_code code = RD_OK;
  if (count == 0)
    code = rd_fail(e, RD_USAGE, "the conversation has no messages: there is nothing to answer");
  else if (rd_prompt_blank(messages[count - 1].content))
    code = rd_fail(e, RD_USAGE, "the prompt is empty: there is nothing to answer");
  else
    code = rd_model_encode_messages(session->model, messages, count, &ids, &prompt, e);
  if (code == RD_OK)
    code = answer(session, ids, prompt, false, observer, context, result, e);
  free(ids);
  release(session);
  return code;
}

rd_code rd_generate_ids(rd_session *session, const int32_t *ids, int64_t count,
                        rd_observer *observer, void *context, rd_result *result, rd_error *e) {
  *result = (rd_result){0};
  if (count < 1)
    return rd_fail(e, RD_USAGE, "the prompt has no ids: there is nothing to continue");
  RD_GIVEN(session, e);
  RD_GIVEN(ids, e);
  RD_TRY(hold(session, e));
  rd_code code = answer(session, ids, count, true, observer, context, result, e);
  release(session);
  return code;
}

rd_code rd_generate(rd_session *session, const char *prompt, rd_observer *observer, void *context,
                    rd_result *result, rd_error *e) {
  rd_message message = {"user", prompt};
  *result = (rd_result){0};
  RD_GIVEN(prompt, e);
  return rd_generate_messages(session, &message, 1, observer, context, result, e);
}
