/* SPDX-License-Identifier: MIT */
/* What an iteration costs beside its bare pass (layers and output matrix for the same rows): every
 * sampler at its defaults, then options that change what is chosen. Both are run in turn on the
 * same canvas and measured in processor time of one thread, so other work on the machine does not
 * count. Argument: a model folder, with an adapter folder in it or not. Build: ninja
 * bench_iteration. */
#include "cpu.h"
#include "facts.h"
#include "file.h"
#include "model.h"
#include "params.h"
#include "request.h"
#include "stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ITERATIONS = 24, OPTIONS = 2 };

typedef struct bench_case {
  const char *sampler;
  const char *options[2 * OPTIONS]; /* name, value, ... */
} bench_case;

/* Beside the samplers at their defaults. */
static const bench_case cases[] = {
    {"lad", {"top-k", "0"}},
    {"lad", {"top-k", "0", "top-p", "0.9"}},
    {"lad", {"top-k", "50", "top-p", "0.9"}},
    {"lad", {"temperature", "0"}},
    {"low-confidence", {"temperature", "0.5"}},
    {"low-confidence", {"cfg-scale", "1"}},
};

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static rd_code forget(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)context, (void)logits, (void)first, (void)count, (void)e;
  return RD_OK;
}

/* The pass of a need, its logits not looked at. */
static rd_code bare(rd_stack *pass, const rd_need *need, rd_error *e) {
  rd_sequence sequences[2] = {{.ids = need->canvas, .count = need->length},
                              {.ids = need->unguided, .count = need->length}};
  int32_t rows[4096];
  int n = need->unguided ? 2 : 1;
  for (int64_t i = 0; i < n * need->count; i++)
    rows[i] = (int32_t)(rd_wanted_row(need, i % need->count) + i / need->count * need->length);
  RD_TRY(rd_stack_run(pass, sequences, n, need->attention, e));
  return rd_stack_logits(pass, rows, n * need->count, forget, NULL, e);
}

static rd_code iterate(const rd_model *model, rd_draft *draft, int64_t rows, int64_t longest,
                       const char *label, rd_error *e) {
  rd_engine *engine = NULL;
  rd_stack *pass = NULL;
  rd_need need;
  double whole = 0, plain = 0;
  int iterations = 0;
  rd_code code = rd_engine_open(&engine, NULL, model, rows, longest, e);
  if (code == RD_OK)
    code = rd_stack_new(&pass, &model->config, &model->weights,
                        &(rd_stack_sizes){.rows = rows, .longest = longest}, e);
  while (code == RD_OK && iterations < MOST_ITERATIONS && rd_draft_need(draft, &need)) {
    code = bare(pass, &need, e);
    double begin = now();
    if (code == RD_OK)
      code = bare(pass, &need, e);
    double middle = now();
    if (code == RD_OK && rd_draft_need(draft, &need))
      code = engine->propose(engine, &need, 1, e);
    if (code == RD_OK)
      code = rd_draft_advance(draft, e);
    double end = now();
    plain += iterations ? middle - begin : 0; /* the first one has products to prepare */
    whole += iterations ? end - middle : 0;
    iterations++;
  }
  if (code == RD_OK)
    printf("| %s | %d | %.2f | %.2f | %+.0f%% |\n", label, iterations - 1,
           1e3 * plain / (iterations - 1), 1e3 * whole / (iterations - 1),
           100 * (whole / plain - 1));
  rd_stack_free(&pass);
  rd_engine_close(&engine);
  return code;
}

static rd_code measure(const rd_model *model, const bench_case *which, rd_error *e) {
  rd_params params = {0};
  bool given[256] = {false};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
  const rd_message message = {"user", "What do you know about Amsterdam?"};
  rd_request request = {.model = model, .params = &params};
  rd_draft *draft = NULL;
  int32_t *ids = NULL;
  char label[128];
  snprintf(label, sizeof label, "%s", which->sampler);
  RD_TRY(rd_options_default(&o, e));
  rd_code code = rd_option_set(&o, rd_option_find(&o, "sampler"), which->sampler, e);
  if (code == RD_OK)
    code = rd_option_set(&o, rd_option_find(&o, "seed"), "1", e);
  for (int i = 0; code == RD_OK && i < OPTIONS && which->options[2 * i]; i++) {
    const char *name = which->options[2 * i], *value = which->options[2 * i + 1];
    code = rd_option_set(&o, rd_option_find(&o, name), value, e);
    size_t n = strlen(label);
    snprintf(label + n, sizeof label - n, ", %s %s", name, value);
  }
  if (code == RD_OK)
    code = rd_params_resolve(&params, &o, NULL, &request.sampler, e);
  /* From left to right there is nothing to compare, and without a gate nothing drafts. */
  bool skipped = code == RD_OK && (rd_sampler_causal(request.sampler) ||
                                   (request.sampler->drafts && !rd_gate_of(model).answer));
  if (code == RD_OK && !skipped)
    code = rd_model_prompt(&ids, &request.prompt_count, model, &message, 1, false, e);
  request.prompt = ids;
  if (code == RD_OK && !skipped)
    code = rd_request_draft(&draft, &request, e);
  int64_t rows = draft ? rd_draft_rows(draft) : 0;
  if (code == RD_OK && !skipped)
    code = iterate(model, draft, rows, rows / (params.cfg_scale > 0 ? 2 : 1), label, e);
  rd_draft_free(&draft);
  free(ids);
  rd_options_drop(&o);
  return code;
}

int main(int argc, char **argv) {
  rd_error e = {0};
  rd_model *model = NULL;
  if (argc != 2)
    return fprintf(stderr, "usage: bench_iteration MODEL\n"), 2;
  char *adapter = rd_path_join(argv[1], "adapter");
  rd_model_options options = {.path = argv[1],
                              .adapter = adapter && rd_path_is_folder(adapter) ? adapter : NULL};
  rd_threads_set(1);
  rd_code code = rd_model_open(&model, &options, &e);
  puts("| sampler | iterations | bare pass, ms | iteration, ms | more |\n|---|---|---|---|---|");
  for (size_t i = 0; code == RD_OK && i < rd_sampler_count; i++)
    code = measure(model, &(bench_case){rd_samplers[i].name, {NULL}}, &e);
  for (size_t i = 0; code == RD_OK && i < sizeof cases / sizeof *cases; i++)
    code = measure(model, &cases[i], &e);
  if (code != RD_OK)
    fprintf(stderr, "bench_iteration: %s\n", e.message);
  rd_model_close(&model);
  free(adapter);
  return code != RD_OK;
}
