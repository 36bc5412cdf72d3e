/* SPDX-License-Identifier: MIT */
/* A sheet is one canvas: the state and one question (or, packed, all of them) as a prompt, and an
 * answer of which everything stands but the slots. Each pass asks its engine how likely the
 * alternatives' tokens are in the slots; the softmax of these is the answer.
 *
 * A draw of noise masks what else stands in the answer, each token by the chance that the draw has,
 * as training does: the reading is averaged over what the canvas might have looked like. The first
 * draw has none. Random numbers are functions of draw and place in the sheet, so that a question's
 * do not depend on what else is asked. */
#include "decide.h"

#include "clock.h"
#include "facts.h"
#include "request.h"
#include "rng.h"
#include "slot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASS_ROWS = 2048 }; /* tokens of a pass, if a canvas is not longer */

/* --- settings ---------------------------------------------------------------------------------
 */

static const struct mode {
  const char *name, *help;
  bool packed;
} modes[] = {{"independent", "every question has its own canvas", false},
             {"packed", "one canvas for all: faster, and questions see one another", true}};
static const rd_table mode_table = RD_TABLE("mode", modes);

/* Who reads a slot. */
static const struct reader {
  const char *name, *help;
  bool base, draft;
} readers[] = {
    {"auto", "draft for a model that refines drafts, else base", true, true},
    {"draft", "the place is masked in a draft, which is seen from both sides", false, true},
    {"base", "the word that would come next from left to right", true, false}};
static const rd_table reader_table = RD_TABLE("reader", readers);

#define AT(member) RD_OPTION_AT(rd_decide_settings, member)
static const rd_option rows[] = {
    {"mode", AT(mode), .fallback = "independent", .choices = &mode_table, .group = "Decision",
     .help = "questions each in a canvas of its own, or packed into one: faster, but they see one "
             "another"},
    {"reader", AT(reader), .fallback = "auto", .choices = &reader_table, .group = "Decision",
     .help =
         "who reads the answer's place: the draft, from both sides, or the base, from the left"},
    {"samples", AT(samples), .fallback = "1", .min = 1, .max = 8, .group = "Decision", .value = "N",
     .help = "draws of noise on the answer that are averaged, with their standard error"},
    {"temperature", AT(temperature), .letter = 't', .fallback = "1", .min = 0.01, .max = 100,
     .group = "Decision", .value = "F",
     .help =
         "scores are divided by it before they become probabilities; redraft calibrate fits it"},
    {"seed", AT(seed), .fallback = "-1", .min = -1, .max = 9007199254740992.0, .group = "Decision",
     .value = "N", .help = "of the draws of noise; -1: drawn, and reported"},
    {"deadline", AT(deadline), .fallback = "0", .max = 86400, .group = "Decision",
     .value = "SECONDS", .help = "no further draw begins after this time; 0: none"},
};
const rd_table rd_decide_rows = RD_TABLE("option", rows);

static rd_code choose_reader(bool *base, const rd_decide_settings *s, const rd_model *m,
                             rd_error *e) {
  const struct reader *r = rd_table_find(&reader_table, s->reader, e);
  if (!r)
    return RD_USAGE;
  bool draft = r->draft && (!r->base || rd_model_denoises(m));
  *base = !draft;
  if (*base && !rd_reads_causally(m))
    return rd_fail(e, RD_USAGE, "--reader base: %s does not read from left to right", m->name);
  if (draft && rd_mask_of(m) < 0)
    return rd_fail(e, RD_USAGE,
                   "%s has no mask token: name one with --mask-token, or read with "
                   "--reader base",
                   m->name);
  if (*base && s->samples > 1)
    return rd_fail(e, RD_USAGE,
                   "--samples %lld: noise is put on drafts, and the base reads none; take "
                   "--reader draft or one sample",
                   (long long)s->samples);
  return RD_OK;
}

/* --- sheets -----------------------------------------------------------------------------------
 */

typedef struct sheet {
  int32_t *ids;    /* (count) as it is without noise */
  int32_t *canvas; /* (count) as it is asked */
  int64_t prompt, count, room;
  int64_t question, questions; /* the first, and how many it asks */
  rd_wanted *wanted;           /* (questions) */
  rd_proposal *out;            /* (questions) */
} sheet;

typedef struct work {
  rd_decider *d;
  const char *state;
  const rd_questions *questions;
  const rd_decide_settings *settings;
  bool packed, base;
  int32_t mask, end; /* end -1: none */
  rd_gate gate;
  rd_slot *slots;        /* (questions) */
  rd_row_query *queries; /* (questions) */
  float *scores;         /* of all alternatives */
  rd_propose_rule rule;
  sheet *sheets; /* (sheet_count) */
  int64_t sheet_count;
  rd_decision *out;
  int64_t rows; /* of a pass */
  double begun;
} work;

/* What is said of a question: instructions, then the alternatives, where there is more to say than
 * the slot itself says. */
static void write_question(FILE *to, const rd_question *q, const rd_slot *slot) {
  bool listed = slot->labels != NULL;
  for (int64_t i = 0; i < q->count; i++)
    listed = listed || q->alternatives[i].description;
  if (q->instructions)
    fprintf(to, "%s", q->instructions);
  for (int64_t i = 0; i < q->count && listed; i++) {
    const rd_alternative *a = &q->alternatives[i];
    const char *between = i > 0 || q->instructions ? "\n" : "";
    if (slot->labels)
      fprintf(to, "%s%s: %s", between, slot->labels[i], a->name);
    else
      fprintf(to, "%s%s", between, a->word);
    if (a->description)
      fprintf(to, ": %s", a->description);
  }
}

/* The text of a sheet's prompt: new, NULL when memory is out. */
static char *prompt_text(const work *w, const sheet *s) {
  char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&text, &size);
  if (!to)
    return NULL;
  bool state = !rd_prompt_blank(w->state);
  fputs(state ? w->state : "", to);
  for (int64_t i = 0; i < s->questions; i++) {
    int64_t k = s->question + i;
    fputs(state || i > 0 ? "\n" : "", to);
    if (w->packed)
      fprintf(to, "%lld. ", (long long)i + 1);
    write_question(to, &w->questions->items[k], &w->slots[k]);
  }
  bool whole = !ferror(to);
  if (fclose(to) == 0 && whole)
    return text;
  free(text);
  return NULL;
}

static void put(sheet *s, const int32_t *ids, int64_t count) {
  memcpy(s->ids + s->count, ids, (size_t)count * sizeof *ids);
  s->count += count;
}

/* The answer behind the prompt: for each question its lead, the slot, masks for what an alternative
 * of several tokens would need, a full stop. */
static rd_code lay_answer(work *w, sheet *s, rd_error *e) {
  int32_t *stop = NULL;
  size_t stop_count = 0;
  RD_TRY(
      rd_tokenizer_encode(w->d->model->tokenizer, ".", 1, RD_TOK_CONTINUE, &stop, &stop_count, e));
  for (int64_t i = 0; i < s->questions; i++) {
    const int64_t k = s->question + i;
    const rd_slot *slot = &w->slots[k];
    put(s, slot->lead, slot->lead_count);
    s->wanted[i] = (rd_wanted){
        .position = s->count, .draw = {&w->rule, 0, (uint32_t)i}, .query = &w->queries[k]};
    for (int64_t m = 0; m < slot->longest && !w->base; m++)
      put(s, &w->mask, 1);
    if (!w->base)
      put(s, stop, (int64_t)stop_count);
  }
  if (!w->base && w->end >= 0)
    put(s, &w->end, 1);
  free(stop);
  memcpy(s->canvas, s->ids, (size_t)s->count * sizeof *s->ids);
  return RD_OK;
}

/* Tokens of its answer at most. */
static int64_t answer_room(const work *w, const sheet *s) {
  int64_t n = 1;
  for (int64_t i = 0; i < s->questions; i++)
    n += w->slots[s->question + i].lead_count + w->slots[s->question + i].longest + 4;
  return n;
}

static rd_code make_sheet(work *w, sheet *s, rd_error *e) {
  const rd_model *m = w->d->model;
  char *text = prompt_text(w, s);
  int32_t *prompt = NULL;
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a question");
  const rd_message message = {"user", text};
  rd_code code = rd_model_prompt(&prompt, &s->prompt, m, &message, 1, false, e);
  s->room = s->prompt + answer_room(w, s);
  s->ids = code == RD_OK ? rd_calloc((size_t)s->room, sizeof *s->ids, "a question", e) : NULL;
  s->canvas = s->ids ? rd_calloc((size_t)s->room, sizeof *s->canvas, "a question", e) : NULL;
  s->wanted = s->ids ? rd_calloc((size_t)s->questions, sizeof *s->wanted, "a question", e) : NULL;
  s->out = s->ids ? rd_calloc((size_t)s->questions, sizeof *s->out, "a question", e) : NULL;
  if (code == RD_OK && (!s->canvas || !s->wanted || !s->out))
    code = RD_NO_MEMORY;
  if (code == RD_OK) {
    put(s, prompt, s->prompt);
    code = lay_answer(w, s, e);
  }
  free(prompt);
  free(text);
  if (code == RD_OK && s->count > m->config.positions)
    return rd_fail(e, RD_USAGE,
                   "state and question%s %.60s take %lld tokens; %s knows %lld positions",
                   w->packed ? "s from" : "", w->questions->items[s->question].id,
                   (long long)s->count, m->name, (long long)m->config.positions);
  return code;
}

static rd_code make_slots(work *w, rd_error *e) {
  int64_t at = 0;
  for (int64_t i = 0; i < w->questions->count; i++) {
    const rd_question *q = &w->questions->items[i];
    char before[32] = "";
    if (w->packed)
      snprintf(before, sizeof before, "%s%lld. ", i > 0 ? "\n" : "", (long long)i + 1);
    rd_code code = rd_slot_find(&w->slots[i], w->d->model->tokenizer, q, before, e);
    if (code != RD_OK)
      return rd_prefix(e, code, "questions: %.100s", q->id);
    for (int64_t k = 0; k < q->count; k++)
      if (w->slots[i].tokens[k] >= w->d->model->config.vocab)
        return rd_fail(
            e, RD_USAGE, "questions: %.100s: a word's token id %d is beyond the %lld that %s has",
            q->id, w->slots[i].tokens[k], (long long)w->d->model->config.vocab, w->d->model->name);
    w->queries[i] =
        (rd_row_query){.ids = w->slots[i].tokens, .scores = w->scores + at, .count = q->count};
    w->out->first[i] = at;
    at += q->count;
  }
  w->out->first[w->questions->count] = at;
  return RD_OK;
}

static rd_code make_sheets(work *w, rd_error *e) {
  int64_t n = w->questions->count;
  w->sheet_count = w->packed ? 1 : n;
  w->sheets = rd_calloc((size_t)w->sheet_count, sizeof *w->sheets, "questions", e);
  if (!w->sheets)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < w->sheet_count; i++) {
    w->sheets[i] = (sheet){.question = i, .questions = w->packed ? n : 1};
    RD_TRY(make_sheet(w, &w->sheets[i], e));
    w->out->input_tokens += w->sheets[i].count;
  }
  w->out->output_tokens = n;
  return RD_OK;
}

/* --- passes -----------------------------------------------------------------------------------
 */

/* Draw number `draw` of the noise on a sheet's answer. */
static void noise(const work *w, sheet *s, int64_t draw) {
  memcpy(s->canvas, s->ids, (size_t)s->count * sizeof *s->ids);
  rd_rng share = rd_rng_at(w->out->seed, RD_STREAM_NOISE, (uint32_t)draw, UINT32_MAX);
  double chance = draw > 0 ? rd_rng_uniform(&share) / 2 : 0;
  for (int64_t p = s->prompt; p < s->count; p++) {
    rd_rng rng =
        rd_rng_at(w->out->seed, RD_STREAM_NOISE, (uint32_t)draw, (uint32_t)(p - s->prompt));
    if (draw > 0 && rd_rng_uniform(&rng) < chance)
      s->canvas[p] = w->mask;
  }
}

static rd_need need_of(const work *w, const sheet *s) {
  const rd_model *m = w->d->model;
  rd_need need = {.canvas = s->canvas,
                  .length = s->count,
                  .end = s->count,
                  .gated = w->gate.answer ? s->prompt : 0,
                  .attention = rd_engine_attention(m),
                  .shift = w->gate.answer ? w->gate.shift : m->config.shift_logits,
                  .wanted = s->wanted,
                  .count = s->questions,
                  .out = s->out};
  if (w->base) {
    need.gated = w->gate.answer ? need.length : 0;
    need.attention = RD_CAUSAL;
    need.shift = true;
  }
  return need;
}

/* Sheets [first, end) of a pass. */
typedef struct asked {
  work *of;
  int64_t first, end;
} asked;

/* With a gate each has a lane for what lies before it. */
static rd_code ask(void *context, rd_engine *engine, rd_error *e) {
  const asked *a = context;
  const int64_t first = a->first, end = a->end;
  rd_need *needs = rd_calloc((size_t)(end - first), sizeof *needs, "a pass", e);
  rd_code code = needs ? RD_OK : RD_NO_MEMORY;
  for (int64_t i = first; i < end && code == RD_OK; i++) {
    rd_need *need = &needs[i - first];
    *need = need_of(a->of, &a->of->sheets[i]);
    if (need->gated > 0 && need->gated < need->length)
      code = rd_lane_open(&need->lane, engine, need->length, e);
  }
  if (code == RD_OK)
    code = engine->propose(engine, needs, end - first, e);
  for (int64_t i = first; i < end && needs; i++)
    rd_lane_close(&needs[i - first].lane);
  free(needs);
  return code;
}

/* All sheets, as many in a pass as fit. */
static rd_code ask_all(work *w, rd_error *e) {
  for (int64_t first = 0, end = 0; first < w->sheet_count; first = end) {
    int64_t rows_used = 0;
    while (end < w->sheet_count && (end == first || rows_used + w->sheets[end].count <= w->rows))
      rows_used += w->sheets[end++].count;
    asked a = {w, first, end};
    RD_TRY(w->d->lend ? w->d->lend(w->d->lender, ask, &a, e) : ask(&a, w->d->kept.engine, e));
  }
  return RD_OK;
}

void rd_shares_at(double *shares, const double *scores, int64_t count, double temperature) {
  double most = scores[0], sum = 0;
  for (int64_t i = 1; i < count; i++)
    most = scores[i] > most ? scores[i] : most;
  for (int64_t i = 0; i < count; i++)
    sum += shares[i] = exp((scores[i] - most) / temperature);
  for (int64_t i = 0; i < count; i++)
    shares[i] /= sum;
}

/* Add what a draw has read to the sums and the sums of squares. */
static void add_draw(work *w, double *scores, double *shares) {
  rd_decision *o = w->out;
  for (int64_t i = 0; i < w->questions->count; i++) {
    const int64_t at = o->first[i], count = o->first[i + 1] - at;
    for (int64_t k = 0; k < count; k++)
      scores[k] = (double)w->scores[at + k];
    rd_shares_at(shares, scores, count, w->settings->temperature);
    for (int64_t k = 0; k < count; k++) {
      o->shares[at + k] += shares[k];
      if (o->errors)
        o->errors[at + k] += shares[k] * shares[k];
      if (o->samples == 0)
        o->scores[at + k] = scores[k];
    }
  }
  o->samples++;
}

/* Sums become means, and sums of squares the standard errors of those. */
static void average(rd_decision *o, int64_t count) {
  const double n = (double)o->samples;
  for (int64_t i = 0; i < count; i++) {
    double mean = o->shares[i] / n;
    if (o->errors) {
      double spread = o->errors[i] / n - mean * mean;
      o->errors[i] = n > 1 && spread > 0 ? sqrt(spread / (n - 1)) : 0;
    }
    o->shares[i] = mean;
  }
}

static bool late(const work *w) {
  return w->settings->deadline > 0 && rd_seconds() - w->begun >= w->settings->deadline;
}

static rd_code run(work *w, int64_t alternatives, rd_error *e) {
  double *scores = rd_calloc((size_t)alternatives, sizeof *scores, "answers", e);
  double *shares = rd_calloc((size_t)alternatives, sizeof *shares, "answers", e);
  rd_code code = scores && shares ? RD_OK : RD_NO_MEMORY;
  for (int64_t draw = 0; draw < w->settings->samples && code == RD_OK; draw++) {
    if (draw > 0 && late(w))
      break;
    for (int64_t i = 0; i < w->sheet_count; i++)
      noise(w, &w->sheets[i], draw);
    code = ask_all(w, e);
    if (code == RD_OK)
      add_draw(w, scores, shares);
  }
  if (code == RD_OK)
    average(w->out, alternatives);
  free(scores);
  free(shares);
  return code;
}

/* --- together ---------------------------------------------------------------------------------
 */

static rd_code open_engine(work *w, rd_error *e) {
  int64_t total = 0, longest = 1;
  for (int64_t i = 0; i < w->sheet_count; i++) {
    total += w->sheets[i].count;
    longest = w->sheets[i].count > longest ? w->sheets[i].count : longest;
  }
  total = total < PASS_ROWS ? total : PASS_ROWS;
  w->rows = w->d->lend ? w->d->rows : total > longest ? total : longest;
  if (longest > w->rows)
    return rd_fail(e, RD_USAGE,
                   "a state and a question of %lld tokens are more than this server's passes of "
                   "%lld; it was started with --max-batch-tokens",
                   (long long)longest, (long long)w->rows);
  return w->d->lend ? RD_OK : rd_kept_room(&w->d->kept, w->d->model, w->rows, e);
}

static rd_code make_room(work *w, int64_t alternatives, rd_error *e) {
  rd_decision *o = w->out;
  size_t n = (size_t)w->questions->count, all = (size_t)alternatives;
  w->slots = rd_calloc(n, sizeof *w->slots, "questions", e);
  w->queries = rd_calloc(n, sizeof *w->queries, "questions", e);
  w->scores = rd_calloc(all, sizeof *w->scores, "questions", e);
  o->first = rd_calloc(n + 1, sizeof *o->first, "answers", e);
  o->shares = rd_calloc(all, sizeof *o->shares, "answers", e);
  o->scores = rd_calloc(all, sizeof *o->scores, "answers", e);
  if (w->settings->samples > 1)
    o->errors = rd_calloc(all, sizeof *o->errors, "answers", e);
  bool errors = o->errors || w->settings->samples <= 1;
  return w->slots && w->queries && w->scores && o->first && o->shares && o->scores && errors
           ? RD_OK
           : RD_NO_MEMORY;
}

static rd_code decide(work *w, rd_error *e) {
  const rd_model *m = w->d->model;
  int32_t ends[RD_MOST_ENDS];
  int64_t alternatives = 0;
  const struct mode *mode = rd_table_find(&mode_table, w->settings->mode, e);
  if (!mode)
    return RD_USAGE;
  if (!m->tokenizer)
    return rd_fail(e, RD_USAGE, "%s has no tokenizer: no question can be read", m->name);
  RD_TRY(choose_reader(&w->base, w->settings, m, e));
  w->packed = mode->packed;
  if (w->packed && w->base)
    return rd_fail(e, RD_USAGE,
                   "--mode packed: the base reads one answer after the other; take "
                   "--mode independent");
  for (int64_t i = 0; i < w->questions->count; i++)
    alternatives += w->questions->items[i].count;
  w->mask = rd_mask_of(m);
  w->end = rd_ends_of(m, ends) > 0 ? ends[0] : -1;
  w->gate = rd_gate_of(m);
  w->rule = (rd_propose_rule){.top_p = 1, .eos = -1};
  RD_TRY(make_room(w, alternatives, e));
  RD_TRY(rd_seed_draw(&w->out->seed, w->settings->seed, e));
  RD_TRY(make_slots(w, e));
  RD_TRY(make_sheets(w, e));
  RD_TRY(open_engine(w, e));
  return run(w, alternatives, e);
}

static void drop_work(work *w) {
  for (int64_t i = 0; w->sheets && i < w->sheet_count; i++) {
    free(w->sheets[i].ids);
    free(w->sheets[i].canvas);
    free(w->sheets[i].wanted);
    free(w->sheets[i].out);
  }
  for (int64_t i = 0; w->slots && i < w->questions->count; i++)
    rd_slot_drop(&w->slots[i]);
  free(w->sheets);
  free(w->slots);
  free(w->queries);
  free(w->scores);
}

rd_code rd_decide(rd_decision *out, rd_decider *d, const char *state, const rd_questions *questions,
                  const rd_decide_settings *settings, rd_error *e) {
  work w = {.d = d,
            .state = state,
            .questions = questions,
            .settings = settings,
            .out = out,
            .begun = rd_seconds()};
  *out = (rd_decision){0};
  rd_code code = decide(&w, e);
  drop_work(&w);
  return code;
}

void rd_decider_drop(rd_decider *d) {
  rd_kept_drop(&d->kept);
}

void rd_decision_drop(rd_decision *o) {
  free(o->first);
  free(o->shares);
  free(o->errors);
  free(o->scores);
  *o = (rd_decision){0};
}

json_t *rd_decision_json(const rd_decision *o, const rd_questions *questions, const char *model) {
  json_t *answers = json_object();
  for (int64_t i = 0; i < questions->count; i++) {
    const int64_t at = o->first[i];
    json_object_set_new(answers, questions->items[i].id,
                        rd_question_answer(&questions->items[i], o->shares + at,
                                           o->errors ? o->errors + at : NULL));
  }
  json_t *body = json_pack("{s:s, s:o, s:{s:I, s:I}}", "model", model, "answers", answers, "usage",
                           "input_tokens", (json_int_t)o->input_tokens, "output_tokens",
                           (json_int_t)o->output_tokens);
  if (body && o->errors) {
    json_object_set_new(body, "samples", json_integer(o->samples));
    json_object_set_new(body, "seed", json_integer((json_int_t)o->seed));
  }
  return body;
}
