/* SPDX-License-Identifier: MIT */
/* The task `perplexity`: how a reference model (the judge, causal, next token) finds texts that
 * were generated from prompts, or given; and how much they repeat themselves. A generated text is
 * judged behind its prompt. A text longer than the judge's positions is judged in pieces, each
 * behind the last token of the one before. Empty texts are counted and left out. */
#include "likelihood.h"
#include "ngrams.h"
#include "shared_rows.h"
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATED = 4 }; /* words of a run whose repetition counts */

typedef struct work {
  const rd_eval *eval;
  rd_rows rows;
  char **texts; /* (rows) owned, NULL: nothing to judge */
} work;

/* What is judged: pieces of texts, and what they came to. */
typedef struct verdicts {
  rd_answer_ids *pieces; /* (count) key: the row */
  double *nats;          /* (count) log-likelihoods */
  size_t count;
  double *loss, *tokens, *bytes, *repetition; /* (judged texts) in one block */
  size_t texts, without;                      /* judged; those whose prompts left no room */
} verdicts;

static const char *text_of(const json_t *row) {
  return json_string_value(json_object_get(row, "text"));
}

static rd_code check(const json_t *row, rd_error *e) {
  const char *text;
  return json_object_get(row, "text") ? rd_row_text(row, "text", &text, e)
                                      : rd_row_prompt(row, &text, e);
}

static rd_code add_piece(verdicts *v, rd_answer_ids piece, rd_error *e) {
  rd_code code = rd_grow_one((void **)&v->pieces, v->count, sizeof piece, e);
  if (code == RD_OK)
    v->pieces[v->count++] = piece;
  else
    rd_answer_ids_drop(&piece);
  return code;
}

/* Cut ids into what the judge can see at once; the first `given` of them are not judged. */
static rd_code add_pieces(verdicts *v, const rd_model *judge, const int32_t *ids, int64_t given,
                          int64_t count, uint32_t row, rd_error *e) {
  int64_t most = judge->config.positions;
  if (given >= most)
    return rd_fail(e, RD_BAD_INPUT, "row %u: %lld tokens fill the judge's %lld positions", row + 1,
                   (long long)given, (long long)most);
  for (int64_t first = 0, known = given; first + known < count;) {
    int64_t size = count - first < most ? count - first : most;
    rd_answer_ids piece = {.prompt = known, .count = size, .key = row};
    piece.ids = rd_calloc((size_t)size, sizeof *piece.ids, "a piece of text", e);
    if (!piece.ids)
      return RD_NO_MEMORY;
    memcpy(piece.ids, ids + first, (size_t)size * sizeof *piece.ids);
    RD_TRY(add_piece(v, piece, e));
    first += size - 1;
    known = 1;
  }
  return RD_OK;
}

/* Text that stands alone: BOS where the judge's files ask for it; else its first token is what the
 * others are judged behind. */
static rd_code add_text(verdicts *v, const rd_model *judge, const char *text, uint32_t row,
                        rd_error *e) {
  int32_t *ids;
  size_t count;
  unsigned flags = rd_tokenizer_adds_bos(judge->tokenizer) ? RD_TOK_BOS : 0;
  RD_TRY(rd_tokenizer_encode(judge->tokenizer, text, strlen(text), flags, &ids, &count, e));
  rd_code code = add_pieces(v, judge, ids, 1, (int64_t)count, row, e);
  free(ids);
  return code;
}

/* A prompt that leaves the judge no room is named; nothing of its answer is judged. */
static rd_code add_answer(const work *w, verdicts *v, const char *prompt, size_t row, rd_error *e) {
  const rd_eval *eval = w->eval;
  const rd_row_rules told = {.note = eval->watch.note, .context = eval->watch.context};
  rd_answer_ids whole;
  const rd_message message = {"user", prompt};
  rd_code code = rd_answer_ids_encode(&whole, eval->judge, &message, 1, false, w->texts[row], e);
  if (code == RD_OK && whole.prompt >= eval->judge->config.positions)
    rd_row_note(&told, eval->settings->data, w->rows.lines[row], ++v->without,
                "the prompt fills the judge's positions", "its answer is not judged");
  else if (code == RD_OK)
    code = add_pieces(v, eval->judge, whole.ids, whole.prompt, whole.count, (uint32_t)row, e);
  rd_answer_ids_drop(&whole);
  return code;
}

static rd_code encode(work *w, verdicts *v, rd_error *e) {
  for (size_t i = 0; i < w->rows.count; i++) {
    const char *prompt;
    if (!w->texts[i])
      continue;
    if (text_of(w->rows.items[i])) {
      RD_TRY(add_text(v, w->eval->judge, w->texts[i], (uint32_t)i, e));
      continue;
    }
    RD_TRY(rd_row_prompt(w->rows.items[i], &prompt, e));
    RD_TRY(add_answer(w, v, prompt, i, e));
  }
  return v->count ? RD_OK
                  : rd_fail(e, RD_BAD_INPUT, "%s: every text is empty", w->eval->settings->data);
}

/* Losses of pieces into losses of texts; rows with nothing to judge are only told of. */
static rd_code sum_up(const work *w, verdicts *v, rd_error *e) {
  double *block = rd_calloc(4 * w->rows.count, sizeof *block, "losses of texts", e);
  if (!block)
    return RD_NO_MEMORY;
  v->loss = block;
  v->tokens = v->loss + w->rows.count;
  v->bytes = v->tokens + w->rows.count;
  v->repetition = v->bytes + w->rows.count;
  for (size_t row = 0, p = 0; row < w->rows.count; row++) {
    const char *text = w->texts[row] ? w->texts[row] : "";
    size_t t = v->texts, first = p;
    for (; p < v->count && v->pieces[p].key == row; p++) {
      v->loss[t] -= v->nats[p];
      v->tokens[t] += (double)(v->pieces[p].count - v->pieces[p].prompt);
    }
    v->bytes[t] = (double)strlen(text);
    RD_TRY(rd_repetition(&v->repetition[t], text, REPEATED, e));
    RD_TRY(rd_eval_tell(w->eval,
                        json_pack("{s:O, s:s, s:f, s:I, s:f}", "row", w->rows.items[row], "text",
                                  text, "nats", v->loss[t], "tokens", (json_int_t)v->tokens[t],
                                  "repetition", v->repetition[t]),
                        e));
    v->texts += p > first;
  }
  return RD_OK;
}

static rd_code add_distinct(const work *w, rd_finding *f, const char *name, size_t n, rd_error *e) {
  rd_ngrams g = {.n = n};
  rd_code code = RD_OK;
  for (size_t i = 0; i < w->rows.count && code == RD_OK; i++)
    if (w->texts[i])
      code = rd_ngrams_add(&g, w->texts[i], e);
  size_t all = g.count;
  rd_finding_add(f, name, all ? (double)rd_ngrams_distinct(&g) / (double)all : 0, RD_NO_INTERVAL,
                 true);
  rd_ngrams_drop(&g);
  return code;
}

static double sum(const double *values, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++)
    total += values[i];
  return total;
}

static rd_code add_measures(const work *w, const verdicts *v, rd_finding *f, rd_error *e) {
  uint64_t seed = (uint64_t)w->eval->settings->params.seed;
  double nats = sum(v->loss, v->texts), ln2 = log(2);
  rd_interval by_token = rd_bootstrap(v->loss, v->tokens, v->texts, seed);
  rd_interval by_byte = rd_bootstrap(v->loss, v->bytes, v->texts, seed);
  rd_finding_add(f, "perplexity", exp(nats / sum(v->tokens, v->texts)),
                 (rd_interval){exp(by_token.low), exp(by_token.high)}, false);
  rd_finding_add(f, "bits_per_byte", nats / sum(v->bytes, v->texts) / ln2,
                 (rd_interval){by_byte.low / ln2, by_byte.high / ln2}, false);
  rd_finding_add(f, "repetition", sum(v->repetition, v->texts) / (double)v->texts,
                 rd_bootstrap(v->repetition, NULL, v->texts, seed), true);
  RD_TRY(add_distinct(w, f, "distinct_1", 1, e));
  RD_TRY(add_distinct(w, f, "distinct_2", 2, e));
  rd_finding_add(f, "empty", (double)(w->rows.count - v->texts) / (double)w->rows.count,
                 rd_wilson(w->rows.count - v->texts, w->rows.count), true);
  return RD_OK;
}

/* Judge the texts there are. */
static rd_code finish(void *context, rd_finding *f, rd_error *e) {
  work *w = context;
  verdicts v = {0};
  rd_code code = encode(w, &v, e);
  if (code == RD_OK) {
    v.nats = rd_calloc(v.count, sizeof *v.nats, "likelihoods", e);
    code = v.nats ? RD_OK : RD_NO_MEMORY;
  }
  code = rd_ranks_agree(w->eval->ranks, code, e);
  const rd_likelihood_rules rules = {.model = w->eval->judge, .causal = true, .draws = 1};
  if (code == RD_OK)
    code = rd_shared_likelihoods(w->eval->ranks, v.nats, v.pieces, v.count, &rules, e);
  if (code == RD_OK)
    code = sum_up(w, &v, e);
  if (code == RD_OK)
    code = add_measures(w, &v, f, e);
  for (size_t i = 0; i < v.count; i++)
    rd_answer_ids_drop(&v.pieces[i]);
  free(v.pieces);
  free(v.nats);
  free(v.loss);
  return code;
}

static rd_code keep_text(work *w, size_t row, const char *text, rd_error *e) {
  free(w->texts[row]);
  w->texts[row] = NULL;
  if (!text[strspn(text, " \t\r\n")])
    return RD_OK;
  w->texts[row] = rd_strdup(text, e);
  return w->texts[row] ? RD_OK : RD_NO_MEMORY;
}

static rd_code answered(void *context, size_t row, const rd_result *result, rd_error *e) {
  return keep_text(context, row, result->text, e);
}

/* Texts as they are given: one finding, nothing generated. */
static rd_code judge_given(work *w, rd_error *e) {
  rd_finding f = {.rows = w->rows.count, .bad = w->rows.bad};
  for (size_t i = 0; i < w->rows.count; i++)
    RD_TRY(keep_text(w, i, text_of(w->rows.items[i]), e));
  RD_TRY(finish(w, &f, e));
  return rd_eval_report(w->eval, &f, e);
}

static rd_code run(work *w, rd_error *e) {
  const char *data = w->eval->settings->data;
  size_t given = 0;
  for (size_t i = 0; i < w->rows.count; i++)
    given += text_of(w->rows.items[i]) != NULL;
  if (given > 0 && given < w->rows.count)
    return rd_fail(e, RD_BAD_INPUT, "%s: %zu rows have text and %zu a prompt; either all or none",
                   data, given, w->rows.count - given);
  w->texts = rd_calloc(w->rows.count, sizeof *w->texts, "texts", e);
  if (!w->texts)
    return RD_NO_MEMORY;
  if (given)
    return judge_given(w, e);
  const rd_sweep sweep = {w, answered, finish};
  return rd_eval_sweep(w->eval, &w->rows, check, &sweep, e);
}

rd_code rd_task_perplexity(const rd_eval *eval, rd_error *e) {
  work w = {.eval = eval};
  if (!eval->judge->tokenizer)
    return rd_fail(e, RD_BAD_INPUT, "--judge: the model has no tokenizer");
  rd_code code = rd_ranks_agree(eval->ranks, rd_eval_rows(&w.rows, eval, check, e), e);
  if (code == RD_OK)
    code = run(&w, e);
  for (size_t i = 0; w.texts && i < w.rows.count; i++)
    free(w.texts[i]);
  free(w.texts);
  rd_rows_drop(&w.rows);
  return code;
}
