/* SPDX-License-Identifier: MIT */
/* A draft of the model as trained so far: greedy, and noiseless for a denoiser. */
#include "sample.h"

#include "params.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

static rd_code set(const rd_options *o, const char *name, const char *value, rd_error *e) {
  return rd_option_set(o, rd_option_find(o, name), value, e);
}

static rd_code generate(const rd_model *model, const rd_params *params, const rd_sampler *sampler,
                        const int32_t *prompt, int64_t count, char **text, rd_error *e) {
  rd_draft *draft = NULL;
  rd_engine *engine = NULL;
  rd_request request = {.model = model,
                        .params = params,
                        .sampler = sampler,
                        .prompt = prompt,
                        .prompt_count = count};
  RD_TRY(rd_request_draft(&draft, &request, e));
  int64_t rows = rd_draft_rows(draft);
  rd_code code = rd_engine_open(&engine, NULL, model, rows, rows, e);
  if (code == RD_OK)
    code = rd_draft_run(draft, engine, NULL, e);
  if (code == RD_OK && !(*text = rd_draft_text(draft)))
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: a draft");
  rd_draft_free(&draft);
  rd_engine_close(&engine);
  return code;
}

rd_code rd_trainer_sample(const rd_trainer *t, const rd_model *live, const int32_t *prompt,
                          int64_t count, char **text, rd_error *e) {
  *text = NULL;
  rd_params params = {0};
  bool *given = rd_calloc(rd_sampler_option_count, sizeof *given, "options of a draft", e);
  if (!given)
    return RD_NO_MEMORY;
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
  bool denoises = t->rules.corruption != NULL;
  const rd_sampler *sampler = NULL;
  char window[32];
  snprintf(window, sizeof window, "%lld", (long long)t->rules.window);
  rd_code code = rd_options_default(&o, e);
  if (code == RD_OK)
    code = set(&o, "sampler", denoises ? "lad" : "ar", e);
  if (code == RD_OK)
    code = set(&o, "window", window, e);
  if (code == RD_OK)
    code = set(&o, "seed", "1", e);
  if (code == RD_OK && !denoises)
    code = set(&o, "tokens", "48", e);
  if (code == RD_OK && denoises)
    code = set(&o, "top-k", "1", e);
  if (code == RD_OK && denoises)
    code = set(&o, "no-noise", "true", e);
  if (code == RD_OK && denoises)
    code = set(&o, "iterations", "32", e);
  if (code == RD_OK)
    code = rd_params_resolve(&params, &o, &sampler, e);
  if (code == RD_OK)
    code = generate(live, &params, sampler, prompt, count, text, e);
  rd_options_drop(&o);
  free(given);
  return code;
}
