/* SPDX-License-Identifier: MIT */
/* Held-out prompts, each answered in all ways in turn so load meets all alike. */
#include "adapt_report.h"

#include "curves.h"
#include "file.h"
#include "model.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ASKED = 16, SHOWN = 4 };

/* A way to answer. */
static const struct way {
  const char *name, *help;
  const char *sets[4][2];
} ways[] = {
    {"ar", "left to right, the model alone", {{NULL, NULL}}},
    {"verify", "drafted by the adapter, checked by the model", {{NULL, NULL}}},
    {"threshold", "the adapter alone, a block of 8 at a time", {{"block-length", "8"}}},
};
enum { WAYS = sizeof ways / sizeof *ways, AR = 0, THRESHOLD = 2 };

typedef struct sums {
  int64_t answers, equal, tokens, passes, drafted, accepted, repeats;
  double seconds;
} sums;

typedef struct report {
  const rd_adapt_settings *settings;
  rd_model *model;
  rd_session *sessions[WAYS];
  sums sums[WAYS];
  FILE *samples;
} report;

static rd_code count(void *context, const rd_event *event) {
  sums *s = context;
  if (event->kind == RD_EVENT_DONE) {
    s->drafted += event->drafted;
    s->accepted += event->accepted;
  }
  return RD_OK;
}

/* Does a word stand twice in a row? */
static bool repeats(const char *text) {
  const char *before = NULL;
  size_t size = 0;
  while (*(text += strspn(text, " \n\t"))) {
    size_t n = strcspn(text, " \n\t");
    if (before && n == size && memcmp(before, text, n) == 0)
      return true;
    before = text;
    size = n;
    text += n;
  }
  return false;
}

static rd_code open_session(report *r, size_t way, rd_error *e) {
  char tokens[32];
  snprintf(tokens, sizeof tokens, "%lld", (long long)r->settings->tokens);
  RD_TRY(rd_session_open(&r->sessions[way], r->model, ways[way].name, e));
  RD_TRY(rd_session_set(r->sessions[way], "temperature", "0", e));
  RD_TRY(rd_session_set(r->sessions[way], "tokens", tokens, e));
  RD_TRY(rd_session_set(r->sessions[way], "seed", "1", e));
  for (size_t i = 0; ways[way].sets[i][0]; i++)
    RD_TRY(rd_session_set(r->sessions[way], ways[way].sets[i][0], ways[way].sets[i][1], e));
  return RD_OK;
}

static void add(sums *s, const rd_result *result, const rd_result *own) {
  s->answers++;
  s->tokens += result->tokens;
  s->passes += result->passes;
  s->seconds += result->seconds;
  s->repeats += repeats(result->text);
  s->equal += result->tokens == own->tokens &&
              memcmp(result->ids, own->ids, (size_t)own->tokens * sizeof *own->ids) == 0;
}

static void put_quoted(FILE *out, const char *text) {
  for (; *text; text++)
    fputs(*text == '\n' ? "\n> " : (char[]){*text, '\0'}, out);
}

static rd_code ask(report *r, const char *prompt, bool shown, rd_error *e) {
  rd_result results[WAYS] = {0};
  rd_code code = RD_OK;
  for (size_t w = 0; w < WAYS && code == RD_OK; w++) {
    code = rd_generate(r->sessions[w], prompt, count, &r->sums[w], &results[w], e);
    if (code == RD_OK)
      add(&r->sums[w], &results[w], &results[AR]);
  }
  for (size_t w = 0; code == RD_OK && shown && w < WAYS; w++) {
    if (w == AR)
      fprintf(r->samples, "**%s**\n\n", prompt);
    if (w != AR && w != THRESHOLD)
      continue; /* the same answer again */
    fprintf(r->samples, "%s:\n\n> ", ways[w].help);
    put_quoted(r->samples, results[w].text);
    fputs("\n\n", r->samples);
  }
  for (size_t w = 0; w < WAYS; w++)
    rd_result_drop(&results[w]);
  return code;
}

static const char *first_prompt(const json_t *row) {
  const json_t *turn = json_array_get(json_object_get(row, "messages"), 0);
  return json_string_value(turn ? json_object_get(turn, "content")
                                : json_object_get(row, "prompt"));
}

static rd_code any_row(const json_t *row, rd_error *e) {
  return first_prompt(row) ? RD_OK : rd_fail(e, RD_BAD_INPUT, "holds no prompt");
}

static rd_code ask_all(report *r, rd_error *e) {
  const rd_path path = rd_path_in(r->settings->out, "held.jsonl");
  const rd_row_rules rules = {.check = any_row, .limit = MOST_ASKED};
  rd_rows rows = {0};
  rd_code code = rd_rows_read(&rows, path.text, &rules, e);
  for (size_t w = 0; w < WAYS && code == RD_OK; w++)
    code = open_session(r, w, e);
  for (size_t i = 0; i < rows.count && code == RD_OK; i++)
    code = ask(r, first_prompt(rows.items[i]), i < SHOWN, e);
  for (size_t w = 0; w < WAYS; w++)
    rd_session_close(&r->sessions[w]);
  rd_rows_drop(&rows);
  return code;
}

static rd_code draw_curves(const rd_adapt_settings *s, rd_error *e) {
  rd_curves curves = {0};
  const rd_path path = rd_path_in(s->out, "loss.svg");
  rd_code code = RD_OK;
  for (size_t i = 0; i < rd_adapt_stage_count && code == RD_OK; i++) {
    const rd_path run = rd_path_in(s->out, rd_adapt_stages[i].name);
    code = rd_curves_read(&curves, run.text, e);
  }
  if (code == RD_OK)
    code = rd_curves_svg(&curves, path.text, e);
  rd_curves_drop(&curves);
  return code;
}

static double share(int64_t part, int64_t whole) {
  return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void put_table(const report *r, FILE *out) {
  fputs("| way | the model's own answer | tokens a pass | drafted words, right | a word twice in a "
        "row | seconds a token |\n|---|---|---|---|---|---|\n",
        out);
  for (size_t w = 0; w < WAYS; w++) {
    const sums *s = &r->sums[w];
    fprintf(out, "| `%s` (%s) | %lld of %lld | %.2f | ", ways[w].name, ways[w].help,
            (long long)s->equal, (long long)s->answers,
            s->passes > 0 ? (double)s->tokens / (double)s->passes : 0);
    if (s->drafted > 0)
      fprintf(out, "%lld, %.0f%%", (long long)s->drafted, share(s->accepted, s->drafted));
    fprintf(out, " | %lld of %lld | %.4f |\n", (long long)s->repeats, (long long)s->answers,
            s->tokens > 0 ? s->seconds / (double)s->tokens : 0);
  }
}

static rd_code write_document(const report *r, const char *samples, rd_error *e) {
  const rd_adapt_settings *s = r->settings;
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the report");
  fprintf(out, "# %s, adapted\n\n", r->model->name);
  fprintf(out,
          "`redraft adapt` had the model answer %lld conversations (%s, at most %lld tokens an "
          "answer, temperature %g), and trained an adapter of rank %lld behind a gate onto these "
          "answers and onto the model's own distribution. One in sixteen was held out; what "
          "follows was measured on %lld of those, greedily, on this machine.\n\n",
          (long long)s->answers, s->prompts, (long long)s->tokens, s->temperature,
          (long long)s->rank, (long long)r->sums[AR].answers);
  put_table(r, out);
  fputs("\n![Loss against updates](loss.svg)\n\n## Answers to questions that were held out\n\n",
        out);
  fputs(samples, out);
  if (fclose(out) != 0) {
    free(text);
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the report");
  }
  rd_code code = rd_file_put(s->out, "report.md", text, e);
  free(text);
  return code;
}

static rd_code open_adapted(report *r, rd_error *e) {
  const rd_path adapter = rd_path_in(r->settings->out, "adapter");
  const rd_model_options options = {.path = r->settings->model,
                                    .adapter = adapter.text,
                                    .chat_template = r->settings->prompt.chat_template,
                                    .system = r->settings->prompt.system};
  return rd_model_open(&r->model, &options, e);
}

rd_code rd_adapt_report(const rd_adapt_settings *s, rd_error *e) {
  report r = {.settings = s};
  char *samples = NULL;
  size_t size;
  r.samples = open_memstream(&samples, &size);
  if (!r.samples)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the report");
  rd_code code = open_adapted(&r, e);
  if (code == RD_OK)
    code = ask_all(&r, e);
  if (fclose(r.samples) != 0 && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: the report");
  if (code == RD_OK)
    code = draw_curves(s, e);
  if (code == RD_OK)
    code = write_document(&r, samples, e);
  rd_model_close(&r.model);
  free(samples);
  return code;
}
