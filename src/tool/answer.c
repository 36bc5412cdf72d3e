/* SPDX-License-Identifier: MIT */
/* The options of an answer, and running one. The observer fans every event out to the view, to
 * standard output and to the trace; the first that fails ends the generation with its message. */
#include "answer.h"

#include "events.h"
#include "interrupt.h"
#include "request.h"
#include "reuse.h"
#include "sampler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(rd_answer_settings, member)
static const rd_option own_rows[] = {
    {"prompt", 'p', RD_TEXT, NULL, 0, 0, NULL, "Prompt", "TEXT",
     "what to answer; else the argument, or standard input", AT(prompt)},
    {"raw", 0, RD_FLAG, NULL, 0, 0, NULL, "Prompt", NULL,
     "no chat template: the text goes on from the prompt", AT(raw)},
    {"system", 0, RD_TEXT, NULL, 0, 0, NULL, "Prompt", "TEXT", "how the model is to behave",
     AT(system)},
    {"watch", 0, RD_FLAG, "true", 0, 0, NULL, "View", NULL,
     "show every draft; --no-watch: the final text alone", AT(watch)},
    {"step", 0, RD_FLAG, NULL, 0, 0, NULL, "View", NULL,
     "wait after every draft: space = next, q = stop", AT(step)},
    {"pause", 0, RD_REAL, "0", 0, 3600, NULL, "View", "SECONDS", "wait after every draft",
     AT(pause)},
    {"trace", 0, RD_TEXT, NULL, 0, 0, NULL, "Program", "FILE",
     "write the events, for redraft replay", AT(trace)},
    RD_COMMON_OPTIONS(offsetof(rd_answer_settings, common))};
enum { OWN_ROWS = sizeof own_rows / sizeof *own_rows, PROMPT_ROWS = 2 };

rd_code rd_answer_init(rd_answer *a, bool prompt, rd_error *e) {
  memset(a, 0, sizeof *a);
  a->own_count = prompt ? OWN_ROWS : OWN_ROWS - PROMPT_ROWS;
  size_t count = rd_sampler_option_count + a->own_count;
  a->rows = rd_calloc(count, sizeof *a->rows, "options", e);
  bool *given = rd_calloc(count, sizeof *given, "options", e);
  a->options = (rd_options){a->rows, a->rows ? count : 0, &a->settings, given};
  if (!a->rows || !given)
    return RD_NO_MEMORY;
  memcpy(a->rows, own_rows + OWN_ROWS - a->own_count, a->own_count * sizeof *a->rows);
  memcpy(a->rows + a->own_count, rd_sampler_options, rd_sampler_option_count * sizeof *a->rows);
  return rd_options_default(&a->options, e);
}

void rd_answer_drop(rd_answer *a) {
  if (a->trace)
    fclose(a->trace);
  rd_model_close(&a->model);
  rd_options_drop(&a->options);
  free(a->options.given);
  free(a->rows);
  memset(a, 0, sizeof *a);
}

bool rd_answer_lists(const rd_answer *a) {
  const rd_params *p = &a->settings.params;
  bool samplers = p->sampler && strcmp(p->sampler, "help") == 0;
  bool reuses = p->reuse && strcmp(p->reuse, "help") == 0;
  for (size_t i = 0; samplers && i < rd_sampler_count; i++)
    printf("%-15s %s\n", rd_samplers[i].name, rd_samplers[i].help);
  for (size_t i = 0; reuses && i < rd_reuse_count; i++)
    printf("%-15s %s\n", rd_reuses[i].name, rd_reuses[i].help);
  return samplers || reuses;
}

/* Options of the sampler that were not given get their defaults again, so that the sampler of the
 * last answer leaves none of its own. */
static rd_code resolve(rd_answer *a, const rd_sampler **sampler, rd_error *e) {
  for (size_t i = a->own_count; i < a->options.count; i++)
    if (!a->options.given[i])
      RD_TRY(rd_option_set_json(&a->options, &a->rows[i], json_null(), e));
  return rd_params_resolve(&a->settings.params, &a->options, sampler, e);
}

rd_code rd_answer_check(rd_answer *a, rd_error *e) {
  const rd_sampler *sampler;
  RD_TRY(resolve(a, &sampler, e));
  if (a->settings.step && (!a->settings.watch || a->settings.common.json))
    return rd_fail(e, RD_USAGE, "--step goes with watching: not with --no-watch or --json");
  return RD_OK;
}

rd_code rd_answer_open(rd_answer *a, rd_error *e) {
  rd_answer_settings *s = &a->settings;
  RD_TRY(rd_answer_check(a, e));
  if (s->trace && !(a->trace = fopen(s->trace, "we")))
    return rd_fail(e, RD_IO, "%s: %s", s->trace, strerror(errno));
  const rd_sampler *sampler;
  RD_TRY(rd_sampler_find(&sampler, s->params.sampler, e));
  if (rd_sampler_causal(sampler))
    RD_TRY(rd_tool_name_causal(&s->common, e));
  return rd_tool_open(&a->model, &s->common, e);
}

/* --- watching --------------------------------------------------------------------------------- */

typedef struct watcher {
  rd_answer *a;
  rd_answered *out;
  rd_live live;
  rd_error error; /* the first that failed */
} watcher;

static rd_code write_line(FILE *out, const char *name, const char *line, rd_error *e) {
  if (fprintf(out, "%s\n", line) < 0 || fflush(out) != 0)
    return rd_fail(e, RD_IO, "%s: cannot write: %s", name, strerror(errno));
  return RD_OK;
}

static rd_code write_event(watcher *w, const rd_event *event) {
  bool json = w->a->settings.common.json;
  if (!json && !w->a->trace)
    return RD_OK;
  char *line = rd_event_json(event);
  if (!line)
    return rd_fail(&w->error, RD_NO_MEMORY, "no memory to write an event");
  rd_code code =
      w->a->trace ? write_line(w->a->trace, w->a->settings.trace, line, &w->error) : RD_OK;
  if (code == RD_OK && json)
    code = write_line(stdout, "standard output", line, &w->error);
  free(line);
  return code;
}

static rd_code observe(void *context, const rd_event *event) {
  watcher *w = context;
  if (event->kind == RD_EVENT_START)
    w->out->seed = event->seed;
  if (event->kind == RD_EVENT_DONE) {
    w->out->done = (rd_event){.kind = event->kind,
                              .iteration = event->iteration,
                              .count = event->count,
                              .passes = event->passes,
                              .stopped = event->stopped,
                              .seconds = event->seconds};
  }
  if (w->error.code != RD_OK && w->error.code != RD_CANCELLED)
    return w->error.code;
  RD_TRY(write_event(w, event));
  return rd_live_event(&w->live, event, &w->error);
}

/* --- running ---------------------------------------------------------------------------------- */

static rd_code generate(watcher *w, const rd_sampler *sampler, int32_t *prompt, int64_t count,
                        rd_error *e) {
  rd_answer *a = w->a;
  rd_draft *draft = NULL;
  rd_engine *engine = NULL;
  rd_request request = {.model = a->model,
                        .params = &a->settings.params,
                        .sampler = sampler,
                        .prompt = prompt,
                        .prompt_count = count,
                        .observer = observe,
                        .context = w};
  RD_TRY(rd_request_draft(&draft, &request, e));
  int64_t rows = rd_draft_rows(draft);
  rd_code code = rd_engine_open(&engine, NULL, a->model, rows, rows, e);
  if (code == RD_OK)
    code = rd_draft_run(draft, engine, rd_interrupt_flag(), e);
  w->out->text = rd_draft_text(draft);
  rd_draft_free(&draft);
  rd_engine_close(&engine);
  if (code == RD_OK && !w->out->text)
    code = rd_fail(e, RD_NO_MEMORY, "no memory for the answer");
  return code;
}

rd_code rd_answer_run(rd_answer *a, const rd_message *messages, size_t count, rd_answered *out,
                      rd_error *e) {
  const rd_answer_settings *s = &a->settings;
  const rd_sampler *sampler;
  int32_t *prompt = NULL;
  int64_t prompt_count = 0;
  memset(out, 0, sizeof *out);
  watcher w = {.a = a, .out = out, .live = {.step = s->step, .pause = s->pause}};
  bool asked = rd_option_given(&a->options, "watch") || s->step;
  w.live.watching = rd_watching_choose(s->watch && !s->common.json, asked, &w.live.flags);
  rd_code code = resolve(a, &sampler, e);
  if (a->trace && ftell(a->trace) > 0) {
    rewind(a->trace);
    if (ftruncate(fileno(a->trace), 0) != 0)
      code = rd_fail(e, RD_IO, "%s: %s", s->trace, strerror(errno));
  }
  if (code == RD_OK)
    code = rd_model_prompt(&prompt, &prompt_count, a->model, messages, count, s->raw, e);
  if (code == RD_OK)
    code = generate(&w, sampler, prompt, prompt_count, e);
  rd_live_end(&w.live);
  free(prompt);
  if (code != RD_OK && w.error.code != RD_OK && w.error.code != RD_CANCELLED && e)
    *e = w.error;
  out->stopped = w.live.stopped;
  return code == RD_CANCELLED && out->stopped ? RD_OK : code;
}
