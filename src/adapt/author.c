/* SPDX-License-Identifier: MIT */
/* Drafts of the sampler `ar`, each pass for all that are not done. */
#include "author.h"

#include "draft.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

rd_code rd_author_open(rd_author *a, const rd_model *model, int64_t tokens, double temperature,
                       int64_t window, rd_error *e) {
  char count[32], length[32], heat[40];
  const struct {
    const char *name, *value;
  } sets[] = {{"sampler", "ar"}, {"tokens", count}, {"window", length}, {"temperature", heat}};
  *a = (rd_author){.model = model};
  snprintf(count, sizeof count, "%lld", (long long)tokens);
  snprintf(length, sizeof length, "%lld", (long long)window);
  snprintf(heat, sizeof heat, "%.17g", temperature);
  RD_TRY(rd_options_open(&a->options, rd_sampler_parts, &a->params, e));
  RD_TRY(rd_options_default(&a->options, e));
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    RD_TRY(rd_option_set(&a->options, rd_option_find(&a->options, sets[i].name), sets[i].value, e));
  RD_TRY(rd_params_resolve(&a->params, &a->options, NULL, &a->sampler, e));
  return rd_engine_open(&a->engine, NULL, model, window, window, e);
}

void rd_author_close(rd_author *a) {
  rd_engine_close(&a->engine);
  if (a->options.rows)
    rd_options_drop(&a->options);
  rd_options_close(&a->options);
}

/* The drafts of these texts; one without room stays NULL. */
static rd_code begin(rd_author *a, rd_authored *texts, size_t count, rd_params *params,
                     rd_draft **drafts, rd_error *e) {
  for (size_t i = 0; i < count; i++) {
    params[i] = a->params;
    params[i].seed = texts[i].seed;
    if (texts[i].prompt_count >= a->params.window)
      continue;
    const rd_request request = {.model = a->model,
                                .params = &params[i],
                                .sampler = a->sampler,
                                .prompt = texts[i].prompt,
                                .prompt_count = texts[i].prompt_count};
    RD_TRY(rd_request_draft(&drafts[i], &request, e));
    RD_TRY(rd_draft_open_lanes(drafts[i], a->engine, e));
  }
  return RD_OK;
}

static rd_code run(rd_author *a, rd_draft **drafts, size_t count, atomic_int *stop, rd_error *e) {
  for (;;) {
    rd_need needs[RD_TOGETHER];
    size_t whose[RD_TOGETHER];
    int64_t n = 0;
    if (stop && atomic_load(stop))
      return rd_fail(e, RD_CANCELLED, "interrupted");
    for (size_t i = 0; i < count; i++)
      if (drafts[i] && rd_draft_need(drafts[i], &needs[n]))
        whose[n++] = i;
    if (n == 0)
      return RD_OK;
    RD_TRY(a->engine->propose(a->engine, needs, n, e));
    for (int64_t i = 0; i < n; i++)
      RD_TRY(rd_draft_advance(drafts[whose[i]], e));
  }
}

static rd_code take(rd_authored *text, const rd_draft *draft, rd_error *e) {
  text->text = NULL;
  text->finished = false;
  if (!draft)
    return RD_OK;
  const rd_draft_result result = rd_draft_so_far(draft);
  text->finished = result.tokens < result.count;
  text->text = rd_draft_text(draft);
  return text->text ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
}

rd_code rd_author_write(rd_author *a, rd_authored *texts, size_t count, atomic_int *stop,
                        rd_error *e) {
  rd_params params[RD_TOGETHER];
  rd_draft *drafts[RD_TOGETHER] = {0};
  rd_code code = begin(a, texts, count, params, drafts, e);
  if (code == RD_OK)
    code = run(a, drafts, count, stop, e);
  for (size_t i = 0; code == RD_OK && i < count; i++)
    code = take(&texts[i], drafts[i], e);
  for (size_t i = 0; i < count; i++)
    rd_draft_free(&drafts[i]);
  return code;
}
