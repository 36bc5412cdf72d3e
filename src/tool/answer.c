/* SPDX-License-Identifier: MIT */
/* The options of an answer, and running one. The observer fans every event out to the view, to
 * standard output and to the trace; the first that fails ends the generation with its message. */
#include "answer.h"

#include "events.h"
#include "form.h"
#include "interrupt.h"
#include "request.h"
#include "reuse.h"
#include "sampler.h"
#include "signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) RD_OPTION_AT(rd_answer_settings, member)
static const rd_option prompt_rows[] = {
    {"prompt", AT(prompt), .letter = 'p', .group = "Prompt", .value = "TEXT",
     .help = "what to answer; else the argument, or standard input"},
    {"raw", AT(raw), .group = "Prompt",
     .help = "no chat template: the text goes on from the prompt"},
};
static const rd_option view_rows[] = {
    {"watch", AT(watch), .fallback = "true", .group = "View",
     .help = "show every draft; --no-watch: the final text alone"},
    {"step", AT(step), .group = "View",
     .help = "wait after every draft and every noise: space = next, q = stop"},
    {"pause", AT(pause), .fallback = "0", .max = 3600, .group = "View", .value = "SECONDS",
     .help = "wait after every draft and every noise"},
    {"trace", AT(trace), .group = "Program", .value = "FILE",
     .help = "write the events, for redraft replay; a chat's are those of its latest answer"},
};
static const rd_table prompt_table = RD_TABLE("option", prompt_rows);
static const rd_table view_table = RD_TABLE("option", view_rows);

#define ANSWER_PARTS                                                                               \
  {&rd_system_rows, offsetof(rd_answer_settings, common.prompt)}, {&view_table, 0},                \
      RD_COMMON_PARTS(rd_answer_settings, common),                                                 \
      {&rd_sampler_rows, offsetof(rd_answer_settings, params)}, {                                  \
    NULL, 0                                                                                        \
  }
const rd_option_part rd_generate_parts[] = {{&prompt_table, 0}, ANSWER_PARTS};
const rd_option_part rd_chat_parts[] = {ANSWER_PARTS};

void rd_answer_close(rd_answer *a) {
  rd_file_abandon(&a->trace);
  rd_kept_drop(&a->kept);
  rd_model_close(&a->model);
}

bool rd_answer_lists_on(FILE *out, const rd_params *p) {
  bool samplers = strcmp(p->sampler, "help") == 0, reuses = strcmp(p->reuse, "help") == 0;
  for (size_t i = 0; samplers && i < rd_sampler_count; i++)
    fprintf(out, "%-15s %s\n", rd_samplers[i].name, rd_samplers[i].help);
  for (size_t i = 0; reuses && i < rd_reuse_count; i++)
    fprintf(out, "%-15s %s\n", rd_reuses[i].name, rd_reuses[i].help);
  return samplers || reuses;
}

bool rd_answer_lists(const rd_params *p) {
  return rd_answer_lists_on(stdout, p);
}

static rd_code resolve(rd_answer *a, const rd_sampler **sampler, rd_error *e) {
  const rd_defaults defaults = {.model = a->model};
  return rd_params_resolve(&a->settings.params, a->settings.common.options, &defaults, sampler, e);
}

rd_code rd_answer_check(rd_answer *a, rd_error *e) {
  RD_TRY(rd_params_check(&a->settings.params, a->settings.common.options, e));
  if (a->settings.step && (!a->settings.watch || a->settings.common.json))
    return rd_fail(e, RD_USAGE, "--step goes with watching: not with --no-watch or --json");
  return a->settings.raw ? rd_tool_refuse(&a->settings.common, "chat-template",
                                          "beside --raw: the prompt is plain text", e)
                         : RD_OK;
}

rd_code rd_answer_load_form(rd_params *p, rd_error *e) {
  char *loaded = NULL;
  if (!p->grammar || !*p->grammar)
    return RD_OK;
  rd_code code = rd_form_load(&loaded, p->grammar, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "--grammar");
  free(p->grammar);
  p->grammar = loaded;
  return RD_OK;
}

/* What takes a stream takes the traces of all answers, one behind the other. The file of a form
 * ("json-schema:FILE") is read. */
static rd_code begin_trace(rd_answer *a, rd_error *e) {
  const char *name = a->settings.trace, *form = a->settings.params.grammar;
  const char *read = form ? strchr(form, ':') : NULL;
  RD_TRY(rd_path_apart(name, read ? read + 1 : NULL, e));
  return name && !a->trace.path ? rd_file_begin(&a->trace, name, e) : RD_OK;
}

rd_code rd_answer_open(rd_answer *a, rd_error *e) {
  rd_answer_settings *s = &a->settings;
  RD_TRY(rd_answer_check(a, e));
  s->common.outputs[0] = s->trace;
  RD_TRY(begin_trace(a, e));
  const rd_sampler *sampler;
  RD_TRY(rd_sampler_find(&sampler, s->params.sampler, e));
  if (rd_option_given(s->common.options, "sampler") && rd_sampler_causal(sampler) &&
      !s->params.verify)
    RD_TRY(rd_tool_name_causal(&s->common, e));
  RD_TRY(rd_tool_open_late(&a->model, &s->common, e));
  a->kept.unmade = a->model;
  RD_TRY(rd_answer_load_form(&s->params, e));
  RD_TRY(resolve(a, &sampler, e));
  return rd_sampler_causal(sampler) ? rd_tool_lay_out(a->model, &s->common, e) : RD_OK;
}

/* --- watching --------------------------------------------------------------------------------- */

typedef struct watcher {
  rd_answer *a;
  rd_answered *out;
  rd_live live;
  rd_error error; /* the first that failed */
} watcher;

static rd_code print_line(const char *line, rd_error *e) {
  if (puts(line) < 0 || fflush(stdout) != 0)
    return rd_fail(e, RD_IO, "standard output: cannot write: %s", strerror(errno));
  return RD_OK;
}

static rd_code add_line(rd_answer *a, const char *line, rd_error *e) {
  const rd_file_piece parts[] = {{line, strlen(line)}, {"\n", 1}};
  return rd_file_add(&a->trace, parts, 2, e);
}

/* A trace's first line says what it was made by, so that it can be made again. */
static rd_code write_traced(watcher *w, const rd_event *event, const char *line) {
  rd_answer *a = w->a;
  json_t *signature = NULL, *value = NULL;
  if (event->kind != RD_EVENT_START)
    return add_line(a, line, &w->error);
  RD_TRY(rd_signature_make(&signature, &a->settings.common, a->model, a->settings.common.options,
                           event->seed, event->prompt_ids, event->prompt_count, &w->error));
  value = rd_event_value(event);
  json_object_set_new(value, "signed", signature);
  char *text = value ? rd_json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  rd_code code = text ? add_line(a, text, &w->error)
                      : rd_fail(&w->error, RD_NO_MEMORY, "no memory to write an event");
  json_decref(value);
  free(text);
  return code;
}

static rd_code write_event(watcher *w, const rd_event *event) {
  bool json = w->a->settings.common.json;
  if (!json && !w->a->trace.path)
    return RD_OK;
  char *line = rd_event_json(event);
  if (!line)
    return rd_fail(&w->error, RD_NO_MEMORY, "no memory to write an event");
  rd_code code = w->a->trace.path ? write_traced(w, event, line) : RD_OK;
  if (code == RD_OK && json)
    code = print_line(line, &w->error);
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
                              .drafted = event->drafted,
                              .accepted = event->accepted,
                              .stopped = event->stopped,
                              .seconds = event->seconds,
                              .converged = event->converged};
    snprintf(w->out->warning, sizeof w->out->warning, "%s", event->warning ? event->warning : "");
  }
  if (w->error.code != RD_OK && w->error.code != RD_CANCELLED)
    return w->error.code;
  RD_TRY(write_event(w, event));
  return rd_live_event(&w->live, event, &w->error);
}

/* --- running ---------------------------------------------------------------------------------- */

static rd_code generate(watcher *w, const rd_sampler *sampler, int32_t *prompt, int64_t count,
                        rd_error *e) {
  const rd_request request = {.model = w->a->model,
                              .params = &w->a->settings.params,
                              .sampler = sampler,
                              .prompt = prompt,
                              .prompt_count = count,
                              .observer = observe,
                              .context = w};
  return rd_request_run(&w->out->text, &request, &w->a->kept, rd_interrupt_flag(), e);
}

/* A trace that has its event `done` is whole, and put in its place. */
static rd_code end_trace(watcher *w, rd_code code, rd_error *e) {
  rd_file_aside *trace = &w->a->trace;
  bool written = w->error.code == RD_OK || w->error.code == RD_CANCELLED;
  if (!trace->part)
    return code;
  if (!written || !w->out->done.stopped) {
    rd_file_abandon(trace);
    return code;
  }
  rd_code ended = rd_file_commit(trace, code == RD_OK ? e : NULL);
  return code == RD_OK ? ended : code;
}

rd_code rd_answer_run(rd_answer *a, const rd_message *messages, size_t count, rd_answered *out,
                      rd_error *e) {
  const rd_answer_settings *s = &a->settings;
  const rd_sampler *sampler;
  int32_t *prompt = NULL;
  int64_t prompt_count = 0;
  memset(out, 0, sizeof *out);
  watcher w = {.a = a, .out = out, .live = {.step = s->step, .pause = s->pause}};
  bool asked = rd_option_given(s->common.options, "watch") || s->step;
  w.live.watching = rd_watching_choose(s->watch && !s->common.json, asked, &w.live.flags);
  rd_code code = resolve(a, &sampler, e);
  if (code == RD_OK)
    code = begin_trace(a, e);
  if (code == RD_OK)
    code = rd_model_prompt(&prompt, &prompt_count, a->model, messages, count, s->raw, e);
  if (code == RD_OK)
    code = generate(&w, sampler, prompt, prompt_count, e);
  rd_live_end(&w.live);
  free(prompt);
  if (code != RD_OK && w.error.code != RD_OK && w.error.code != RD_CANCELLED && e)
    *e = w.error;
  out->stopped = w.live.stopped;
  return end_trace(&w, code == RD_CANCELLED && out->stopped ? RD_OK : code, e);
}

void rd_answer_report(const rd_answer *a, const rd_answered *answered, bool text) {
  if (a->settings.common.json)
    return;
  if (answered->text && text)
    rd_ending_text(answered->text);
  if (a->settings.common.quiet || !answered->done.stopped)
    return;
  const rd_params *p = &a->settings.params;
  bool free_end = !p->gaps && !p->suffix && !p->grammar; /* else something else says how long */
  rd_ending_summary(&answered->done, &answered->seed, free_end ? p->tokens : 0);
  rd_ending_warn(answered->warning);
}
