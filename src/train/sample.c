/* SPDX-License-Identifier: MIT */
/* A draft of the model as trained so far: greedy, and noiseless for a denoiser. */
#include "sample.h"

#include "params.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

rd_code rd_trainer_sample(const rd_trainer *t, const rd_model *live, const int32_t *prompt,
                          int64_t count, char **text, rd_error *e) {
  rd_params params = {0};
  rd_options o;
  char window[32], iterations[32]; /* a block of a canvas has at least one */
  const struct {
    const char *name, *denoiser, *causal; /* NULL: as it is by default */
  } sets[] = {
      {"sampler", "lad", "ar"},        {"window", window, window}, {"seed", "1", "1"},
      {"tokens", NULL, "48"},          {"top-k", "1", NULL},       {"no-noise", "true", NULL},
      {"iterations", iterations, NULL}};
  rd_request request = {.model = live, .params = &params, .prompt = prompt, .prompt_count = count};
  *text = NULL;
  snprintf(window, sizeof window, "%lld", (long long)t->rules.window);
  snprintf(iterations, sizeof iterations, "%lld",
           (long long)(t->rules.window > 32 ? t->rules.window : 32));
  rd_code code = rd_options_open(&o, rd_sampler_parts, &params, e);
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  for (size_t i = 0; code == RD_OK && i < sizeof sets / sizeof *sets; i++) {
    const char *value = t->rules.corruption ? sets[i].denoiser : sets[i].causal;
    if (value)
      code = rd_option_set(&o, rd_option_find(&o, sets[i].name), value, e);
  }
  if (code == RD_OK)
    code = rd_params_resolve(&params, &o, NULL, &request.sampler, e);
  if (code == RD_OK)
    code = rd_request_run(text, &request, NULL, NULL, e);
  rd_options_drop(&o);
  rd_options_close(&o);
  if (code != RD_OK) {
    free(*text);
    *text = NULL;
  }
  return code;
}
