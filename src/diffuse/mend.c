/* SPDX-License-Identifier: MIT */
/* From left to right, so that every word is judged behind what is already right. A suspected word
 * is a gap for the sampler that searches, with room for two tokens more. What it finds is held
 * against what stood there: the word's own likelihood, and that of the text behind it, where each
 * token may be odd for reasons of its own (gap_search.c). */
#include "mend.h"

#include "facts.h"
#include "params.h"
#include "reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MORE = 2, BEHIND = 24 };

static const double ODD = 0.001;

typedef struct work {
  const rd_model *model;
  rd_kept *kept;
  const rd_mend_rules *rules;
  atomic_int *cancelled;
  rd_mended *out;
  const int32_t *prompt; /* (prompt_count >= 1) stands before the text */
  int64_t prompt_count;
  int32_t start; /* the prompt where none is given */
  int32_t *ids;  /* (count) of the text */
  int64_t count;
  float *logs;    /* (count) of each id */
  int32_t *found; /* (found_count) what a search came to */
  int64_t found_count;
} work;

/* --- likelihoods ------------------------------------------------------------------------------
 */

/* logs (count) of ids (count), which follow the prompt. */
static rd_code read_logs(const work *w, const int32_t *ids, int64_t count, float **logs,
                         rd_error *e) {
  const int64_t P = w->prompt_count, n = P + count;
  int32_t *all = rd_calloc((size_t)n, sizeof *all, "a text", e);
  *logs = rd_calloc((size_t)count + 1, sizeof **logs, "a text", e);
  if (!all || !*logs) {
    free(all);
    return RD_NO_MEMORY;
  }
  memcpy(all, w->prompt, (size_t)P * sizeof *all);
  memcpy(all + P, ids, (size_t)count * sizeof *ids);
  rd_reading reading = {0};
  rd_code code = rd_reading_init(&reading, w->model, all, n, P, 0, n, e);
  if (code == RD_OK)
    code = rd_kept_room(w->kept, w->model, n, e);
  if (code == RD_OK)
    code = rd_reading_step(&reading, w->kept->engine, e);
  if (code == RD_OK)
    memcpy(*logs, reading.logs + P, (size_t)count * sizeof **logs);
  rd_reading_drop(&reading);
  free(all);
  return code;
}

/* How likely the word [first, end) is with what follows it. */
static double total_of(const float *logs, int64_t count, int64_t first, int64_t end) {
  double total = 0;
  for (int64_t i = first; i < end; i++)
    total += (double)logs[i];
  for (int64_t i = end; i < count && i < end + BEHIND; i++)
    total += log(exp((double)logs[i]) + ODD);
  return total;
}

/* --- words ------------------------------------------------------------------------------------
 */

static bool begins_word(const work *w, int64_t i) {
  size_t size = 0;
  const char *piece = rd_tokenizer_piece(w->model->tokenizer, w->ids[i], &size);
  return size > 0 && *piece == ' ';
}

/* Has it a letter or a digit? Else it is no word. */
static bool has_letter(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80)
      return true;
  }
  return false;
}

/* Where the word that begins at `first` ends: before the next one, and before what is no letter. */
static int64_t word_end(const work *w, int64_t first) {
  int64_t end = first + 1;
  for (; end < w->count && !begins_word(w, end); end++) {
    size_t size = 0;
    const char *piece = rd_tokenizer_piece(w->model->tokenizer, w->ids[end], &size);
    if (!has_letter(piece, size))
      break;
  }
  return end;
}

/* The text of ids [0, count): new. */
static rd_code spell(const work *w, const int32_t *ids, int64_t count, char **out, rd_error *e) {
  size_t size = 0;
  return rd_tokenizer_decode(w->model->tokenizer, ids, (size_t)count, RD_TOK_REPLACE, out, &size,
                             e);
}

/* --- a search ---------------------------------------------------------------------------------
 */

static rd_code keep_answer(void *context, const rd_event *event) {
  work *w = context;
  if (event->kind != RD_EVENT_DONE)
    return RD_OK;
  w->found_count = event->count;
  memcpy(w->found, event->ids, (size_t)event->count * sizeof *w->found);
  return RD_OK;
}

/* The text with the word [first, end) as a gap, longer by MORE as far as the model's positions go;
 * what comes of it is w->found. */
static rd_code search(work *w, int64_t first, int64_t end, rd_error *e) {
  const int64_t left = w->model->config.positions - w->prompt_count - w->count;
  const int64_t more = left < MORE ? left : MORE, n = w->count + more, behind = w->count - end;
  const rd_sampler *sampler = NULL;
  char *text = NULL;
  rd_params params = {0};
  rd_options o = {0};
  int32_t *ids = rd_calloc((size_t)n, sizeof *ids, "a gap", e);
  uint8_t *places = rd_calloc((size_t)n, 1, "a gap", e);
  rd_code code = ids && places ? rd_options_open(&o, rd_sampler_parts, &params, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  if (code == RD_OK)
    code = rd_option_set(&o, rd_option_find(&o, "sampler"), "infill", e);
  if (code == RD_OK)
    code = rd_params_resolve(&params, &o, NULL, &sampler, e);
  if (code == RD_OK) {
    params.iterations = w->rules->iterations;
    params.window = w->model->config.positions;
    params.seed = 0;
    memset(places, RD_PLACE_LOCKED, (size_t)n);
    memset(places + first, RD_PLACE_MASKED, (size_t)(end - first + more));
    memcpy(ids, w->ids, (size_t)end * sizeof *ids);
    memcpy(ids + end + more, w->ids + end, (size_t)behind * sizeof *ids);
    const rd_request request = {.model = w->model,
                                .params = &params,
                                .sampler = sampler,
                                .prompt = w->prompt,
                                .prompt_count = w->prompt_count,
                                .ids = ids,
                                .places = places,
                                .count = n,
                                .observer = keep_answer,
                                .context = w};
    code = rd_request_run(&text, &request, w->kept, w->cancelled, e);
  }
  rd_options_drop(&o);
  rd_options_close(&o);
  free(text);
  free(ids);
  free(places);
  return code;
}

/* Take what was found where it gains enough; *gain is 0 where the word stays. */
static rd_code judge(work *w, int64_t first, int64_t *end, double *gain, rd_error *e) {
  float *logs = NULL;
  int64_t now = *end + w->found_count - w->count;
  *gain = 0;
  if (w->found_count == 0 || now <= first)
    return RD_OK;
  rd_code code = read_logs(w, w->found, w->found_count, &logs, e);
  double gained = code == RD_OK ? total_of(logs, w->found_count, first, now) -
                                      total_of(w->logs, w->count, first, *end)
                                : 0;
  if (code == RD_OK && gained >= w->rules->gain) {
    memcpy(w->ids, w->found, (size_t)w->found_count * sizeof *w->ids);
    memcpy(w->logs, logs, (size_t)w->found_count * sizeof *w->logs);
    w->count = w->found_count;
    *end = now;
    *gain = gained;
  }
  free(logs);
  return code;
}

/* --- the text ---------------------------------------------------------------------------------
 */

static rd_code note(work *w, int64_t first, int64_t end, char *was, double probability, double gain,
                    rd_error *e) {
  char *before = NULL, *with = NULL;
  rd_code code = was ? rd_grow_one((void **)&w->out->suspects, (size_t)w->out->count,
                                   sizeof *w->out->suspects, e)
                     : rd_fail(e, RD_NO_MEMORY, "out of memory: a word");
  if (code == RD_OK)
    code = spell(w, w->ids, first, &before, e);
  if (code == RD_OK)
    code = spell(w, w->ids, end, &with, e);
  if (code == RD_OK) {
    size_t at = strlen(before), size = strlen(with) - at, space = with[at] == ' ';
    w->out->suspects[w->out->count++] = (rd_suspect){.first = at + space,
                                                     .size = size - space,
                                                     .was = was,
                                                     .probability = probability,
                                                     .gain = gain};
  } else {
    free(was);
  }
  free(before);
  free(with);
  return code;
}

/* The word [first, *end), without the space that it brings: new, NULL without memory. */
static char *word_text(const work *w, int64_t first, int64_t end, rd_error *e) {
  char *text = NULL;
  size_t size = 0;
  if (rd_tokenizer_decode(w->model->tokenizer, w->ids + first, (size_t)(end - first),
                          RD_TOK_REPLACE | RD_TOK_CONTINUE, &text, &size, e) != RD_OK)
    return NULL;
  char *word = rd_strdup(*text == ' ' ? text + 1 : text, e);
  free(text);
  return word;
}

/* A word that is unlikely: *end is where what then stands ends. */
static rd_code mend_word(work *w, int64_t first, int64_t *end, double log_p, rd_error *e) {
  double gain = 0;
  char *was = word_text(w, first, *end, e);
  rd_code code = was ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK && !w->rules->show)
    code = search(w, first, *end, e);
  if (code == RD_OK && !w->rules->show)
    code = judge(w, first, end, &gain, e);
  if (code != RD_OK) {
    free(was);
    return code;
  }
  return note(w, first, *end, was, exp(log_p), gain, e);
}

static rd_code mend_words(work *w, rd_error *e) {
  for (int64_t first = 0, end; first < w->count; first = end) {
    size_t size = 0;
    double log_p = 0;
    end = word_end(w, first);
    const char *piece = rd_tokenizer_piece(w->model->tokenizer, w->ids[first], &size);
    bool word = has_letter(piece, size) || end > first + 1;
    for (int64_t i = first; i < end; i++)
      log_p += (double)w->logs[i];
    if (word && log_p < log(w->rules->unlikely))
      RD_TRY(mend_word(w, first, &end, log_p, e));
  }
  return spell(w, w->ids, w->count, &w->out->text, e);
}

/* Room for the text as it may grow: each word by MORE tokens. */
static rd_code take_text(work *w, const char *text, rd_error *e) {
  int32_t *ids = NULL;
  size_t count = 0;
  RD_TRY(rd_tokenizer_encode(w->model->tokenizer, text, strlen(text), 0, &ids, &count, e));
  size_t room = count * (MORE + 1) + MORE + 1;
  w->count = (int64_t)count;
  w->ids = rd_calloc(room, sizeof *w->ids, "a text", e);
  w->found = rd_calloc(room, sizeof *w->found, "a text", e);
  w->logs = rd_calloc(room, sizeof *w->logs, "a text", e);
  rd_code code = w->ids && w->found && w->logs ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK)
    memcpy(w->ids, ids, count * sizeof *ids);
  free(ids);
  if (code == RD_OK && w->count + MORE + w->prompt_count > w->model->config.positions)
    return rd_fail(
        e, RD_USAGE, "a paragraph of %zu tokens: %s knows %lld positions, and %lld are kept", count,
        w->model->name, (long long)w->model->config.positions, (long long)w->prompt_count + MORE);
  return code;
}

static rd_code mend(work *w, const char *text, rd_error *e) {
  float *logs = NULL;
  const rd_model *m = w->model;
  if (!m->tokenizer || !rd_reads_causally(m))
    return rd_fail(e, RD_USAGE,
                   "%s does not read from left to right, by which words are judged: mend with a "
                   "causal model, or one whose adapter has a gate",
                   m->name);
  w->start = rd_start_of(m);
  w->prompt = w->rules->prompt ? w->rules->prompt : &w->start;
  w->prompt_count = w->rules->prompt ? w->rules->prompt_count : 1;
  if (!w->rules->prompt && w->start < 0)
    return rd_fail(e, RD_USAGE, "%s has no token that begins or ends texts", m->name);
  RD_TRY(take_text(w, text, e));
  rd_code code = read_logs(w, w->ids, w->count, &logs, e);
  if (code == RD_OK)
    memcpy(w->logs, logs, (size_t)w->count * sizeof *logs);
  free(logs);
  return code == RD_OK ? mend_words(w, e) : code;
}

rd_code rd_mend(rd_mended *out, const rd_model *model, rd_kept *kept, const char *text,
                const rd_mend_rules *rules, atomic_int *cancelled, rd_error *e) {
  work w = {.model = model, .kept = kept, .rules = rules, .cancelled = cancelled, .out = out};
  *out = (rd_mended){0};
  rd_code code = mend(&w, text, e);
  free(w.ids);
  free(w.found);
  free(w.logs);
  return code;
}

void rd_mended_drop(rd_mended *m) {
  for (int64_t i = 0; i < m->count; i++)
    free(m->suspects[i].was);
  free(m->suspects);
  free(m->text);
  *m = (rd_mended){0};
}
