/* SPDX-License-Identifier: MIT */
/* Likelihoods: every answer is drawn several times (a set of masks each), or read once from left to
 * right; the draws of many answers are packed into passes, and a pass's losses are added where they
 * belong. Behind a gate a pass is a draw: what lies before its block is computed once, by the base,
 * and kept in a lane, whose end each draw writes over. So an answer's blocks are taken from the
 * last to the first. */
#include "likelihood.h"

#include "corrupt.h"
#include "engine.h"
#include "ops.h"
#include "utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PASS_ROWS = 2048 }; /* tokens of a pass at least */

typedef struct packer {
  const rd_likelihood_rules *rules;
  const rd_answer_ids *answers;
  double *out;
  rd_engine *engine;
  rd_lane *lane;              /* of the answer in work, where the adapter has a gate; or NULL */
  int64_t rows;               /* of room */
  int64_t used, count, wants; /* of the pass being packed */
  rd_need *needs;             /* (rows) a draw each */
  size_t *whose;              /* (rows) the answer of each draw */
  int32_t *ids;               /* (rows) */
  rd_wanted *wanted;          /* (rows) of all draws, one after the other */
  int32_t *targets;           /* (rows) of those */
  float *weights, *loss;      /* (rows) */
  int32_t *scratch;           /* (rows) */
  rd_arena arena;             /* of these lists */
} packer;

/* Does the adapter count in answers alone? */
static bool gated(const rd_model *m) {
  return m->weights.plain && m->remembered.gate.answer;
}

static void lay_out(packer *p, rd_arena *a) {
  const size_t n = (size_t)p->rows;
  p->needs = RD_TAKE(a, rd_need, n);
  p->whose = RD_TAKE(a, size_t, n);
  p->ids = RD_TAKE(a, int32_t, n);
  p->wanted = RD_TAKE(a, rd_wanted, n);
  p->targets = RD_TAKE(a, int32_t, n);
  p->weights = RD_TAKE(a, float, n);
  p->loss = RD_TAKE(a, float, n);
  p->scratch = RD_TAKE(a, int32_t, n);
}

static rd_code packer_init(packer *p, int64_t longest, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  p->rows = longest < PASS_ROWS ? PASS_ROWS : longest;
  lay_out(p, &measure);
  RD_TRY(rd_arena_init(&p->arena, measure.used, "the answers of a pass", e));
  lay_out(p, &p->arena);
  RD_TRY(rd_engine_open(&p->engine, NULL, p->rules->model, p->rows, longest, e));
  return gated(p->rules->model) && !p->rules->causal ? rd_lane_open(&p->lane, p->engine, longest, e)
                                                     : RD_OK;
}

static void packer_drop(packer *p) {
  rd_lane_close(&p->lane);
  rd_engine_close(&p->engine);
  rd_arena_drop(&p->arena);
}

/* Is the target the first of a row's best tokens? */
static bool best(const float *logits, int64_t vocab, int32_t target) {
  for (int64_t v = 0; v < vocab; v++)
    if (logits[v] > logits[target] || (v < target && !(logits[v] < logits[target])))
      return false;
  return true;
}

/* Add the weighted losses of some rows of a draw to its answer. */
static rd_code add_losses(void *context, int64_t draw, int64_t first, int64_t count, float *logits,
                          rd_error *e) {
  const packer *p = context;
  int64_t at = p->needs[draw].wanted - p->wanted + first;
  int64_t vocab = p->rules->model->config.vocab;
  bool *greedy = p->rules->greedy ? &p->rules->greedy[p->whose[draw]] : NULL;
  double sum = 0;
  (void)e;
  for (int64_t i = 0; greedy && i < count; i++)
    *greedy = *greedy && best(logits + i * vocab, vocab, p->targets[at + i]);
  rd_cross_entropy(&sum, p->loss, NULL, RD_F32, logits, p->targets + at, p->weights + at, count,
                   vocab);
  for (int64_t i = 0; i < count; i++)
    p->out[p->whose[draw]] -= (double)p->weights[at + i] * (double)p->loss[i];
  return RD_OK;
}

/* Run what is packed. */
static rd_code flush(packer *p, rd_error *e) {
  if (p->count > 0)
    RD_TRY(p->engine->scores(p->engine, p->needs, p->count, add_losses, p, e));
  p->used = p->count = p->wants = 0;
  return RD_OK;
}

/* Where a draw is masked, until it is packed: the mask token may be a word of the answer too. */
enum { MASKED = -1 };

/* Draws that an answer of n tokens takes. */
static int64_t draws_of(const rd_likelihood_rules *r, int64_t n) {
  int64_t all = n < 62 ? ((int64_t)1 << n) - 1 : INT64_MAX;
  return r->causal ? 1 : all < r->draws ? all : r->draws;
}

/* Put MASKED into the answer `ids` (n) for draw `number` of `draws`, the random numbers of
 * `numbered` having been used before; returns the weight of each masked CE. */
static double mask_answer(const packer *p, int32_t *ids, int64_t n, uint32_t key, int64_t number,
                          int64_t draws, int64_t numbered) {
  if (n < 62 && draws == ((int64_t)1 << n) - 1) {
    /* All masks of n bits: n / k with the probability 1 / n that k has and 1 / C(n, k) of these. */
    double ways = 1;
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++)
      if ((number + 1) >> i & 1) {
        ids[i] = MASKED;
        ways *= (double)(n - k) / (double)(k + 1);
        k++;
      }
    return 1 / ((double)k * ways);
  }
  rd_rng rng = rd_rng_at(p->rules->seed, RD_STREAM_EVAL, (uint32_t)(numbered + number), key);
  double u = ((double)number + rd_rng_uniform(&rng)) / (double)draws;
  int64_t k = 1 + (int64_t)((double)n * u);
  k = k > n ? n : k;
  rd_corrupt_mask_count(ids, n, k, MASKED, &rng, p->scratch);
  return (double)n / ((double)k * (double)draws);
}

/* What a draw is of: positions from `open` to `end` may be masked, those from `first` on are
 * computed; the adapter counts from `gate` on. */
typedef struct region {
  int64_t first, gate, open, end;
} region;

/* Ask for position `i` of the draw being packed. */
static void want(packer *p, rd_need *need, int64_t i, int32_t target, double weight) {
  p->wanted[p->wants] = (rd_wanted){.position = i};
  p->targets[p->wants] = target;
  p->weights[p->wants++] = (float)weight;
  need->count++;
}

/* Put draw `number` of a region of an answer behind what is packed; `numbered` draws of other
 * regions of it came before. */
static void pack(packer *p, size_t answer, region r, int64_t number, int64_t draws,
                 int64_t numbered) {
  const rd_answer_ids *a = &p->answers[answer];
  const rd_model *m = p->rules->model;
  bool causal = p->rules->causal,
       shift = gated(m) ? m->remembered.gate.shift : m->config.shift_logits;
  int32_t *ids = p->ids + p->used;
  rd_need *need = &p->needs[p->count];
  double weight = 1;
  memcpy(ids, a->ids, (size_t)r.end * sizeof *ids);
  if (!causal)
    weight = mask_answer(p, ids + r.open, r.end - r.open, a->key, number, draws, numbered);
  *need = (rd_need){.lane = p->lane,
                    .canvas = ids,
                    .length = r.end,
                    .first = r.first,
                    .end = r.end,
                    .gated = r.gate,
                    .attention = causal ? RD_CAUSAL : rd_engine_attention(m),
                    .shift = causal || shift,
                    .wanted = p->wanted + p->wants};
  for (int64_t i = r.open; i < r.end; i++) {
    if (causal || ids[i] == MASKED)
      want(p, need, i, a->ids[i], weight);
    ids[i] = ids[i] == MASKED ? m->config.mask : ids[i];
  }
  p->whose[p->count++] = answer;
  p->used += r.end;
}

/* The base's pass over an answer: the lane knows it then, and the words with which blocks begin are
 * its own where the rows are shifted. */
static rd_code read_answer(packer *p, size_t answer, int64_t size, rd_error *e) {
  const rd_answer_ids *a = &p->answers[answer];
  rd_need *need = &p->needs[0];
  *need = (rd_need){.lane = p->lane,
                    .canvas = a->ids,
                    .length = a->count,
                    .end = a->count,
                    .gated = a->count,
                    .attention = RD_CAUSAL,
                    .shift = true,
                    .wanted = p->wanted};
  for (int64_t i = a->prompt; i < a->count && p->rules->model->remembered.gate.shift; i += size)
    want(p, need, i, a->ids[i], 1);
  p->whose[0] = answer;
  p->count = 1;
  return flush(p, e);
}

/* An answer behind a gate, block by block. */
static rd_code add_gated(packer *p, size_t answer, rd_error *e) {
  const rd_answer_ids *a = &p->answers[answer];
  const rd_gate *gate = &p->rules->model->remembered.gate;
  int64_t n = a->count - a->prompt, size = gate->block > 0 ? gate->block : n, numbered = 0;
  RD_TRY(flush(p, e));
  RD_TRY(read_answer(p, answer, size, e));
  for (int64_t block = (n + size - 1) / size - 1; block >= 0; block--) {
    int64_t first = a->prompt + block * size,
            end = first + size < a->count ? first + size : a->count;
    region r = {first, first, first + gate->shift, end};
    int64_t draws = r.open < r.end ? draws_of(p->rules, r.end - r.open) : 0;
    for (int64_t number = 0; number < draws; number++) {
      pack(p, answer, r, number, draws, numbered);
      RD_TRY(flush(p, e));
    }
    numbered += draws;
  }
  return RD_OK;
}

/* The draws of an answer, packed with others. */
static rd_code add_packed(packer *p, size_t answer, rd_error *e) {
  const rd_answer_ids *a = &p->answers[answer];
  const region r = {
      .gate = gated(p->rules->model) ? a->count : 0, .open = a->prompt, .end = a->count};
  int64_t draws = draws_of(p->rules, a->count - a->prompt);
  for (int64_t number = 0; number < draws; number++) {
    if (a->count > p->rows - p->used)
      RD_TRY(flush(p, e));
    pack(p, answer, r, number, draws, 0);
  }
  return RD_OK;
}

static rd_code add_all(packer *p, size_t n, rd_error *e) {
  for (size_t i = 0; i < n; i++) {
    RD_TRY((p->lane ? add_gated : add_packed)(p, i, e));
    if (p->rules->progress)
      p->rules->progress(p->rules->context, i + 1, n);
  }
  return flush(p, e);
}

rd_code rd_likelihoods(double *out, const rd_answer_ids *answers, size_t n,
                       const rd_likelihood_rules *rules, rd_error *e) {
  packer p = {.rules = rules, .answers = answers, .out = out};
  const rd_config *c = &rules->model->config;
  int64_t longest = 1;
  for (size_t i = 0; i < n; i++) {
    out[i] = 0;
    if (rules->greedy)
      rules->greedy[i] = true;
    longest = answers[i].count > longest ? answers[i].count : longest;
  }
  if (longest > c->positions)
    return rd_fail(e, RD_USAGE, "an answer ends at token %lld: the model knows %lld positions",
                   (long long)longest, (long long)c->positions);
  if (!rules->causal && c->mask < 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "the model names no mask token; --objective next-token asks "
                   "for the likelihood from left to right");
  rd_code code = packer_init(&p, longest, e);
  if (code == RD_OK)
    code = add_all(&p, n, e);
  packer_drop(&p);
  return code;
}

/* The answer's own ids behind a prompt that is laid out. */
static rd_code encode_behind(const rd_model *model, bool plain, const char *text, int32_t **ids,
                             size_t *count, rd_error *e) {
  return rd_tokenizer_encode(model->tokenizer, text, strlen(text), plain ? RD_TOK_CONTINUE : 0, ids,
                             count, e);
}

/* A plain text's ids as a prompt: its first `size` bytes. */
static rd_code encode_plain(const rd_model *model, const char *text, size_t size, int32_t **ids,
                            int64_t *count, rd_error *e) {
  char *copy = rd_print("%.*s", (int)size, text);
  const rd_message message = {"user", copy};
  rd_code code = copy ? rd_model_prompt(ids, count, model, &message, 1, true, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  free(copy);
  return code;
}

/* Prompt and answer as one text, of which the prompt is as many tokens as it has alone, without the
 * spaces at its end: these belong to the answer's first word. */
static rd_code encode_whole(const rd_model *model, const char *prompt, const char *text,
                            int32_t **given, int64_t *before, int32_t **ids, size_t *count,
                            rd_error *e) {
  int32_t *all = NULL;
  int64_t n = 0;
  size_t length = strlen(prompt), kept = length;
  while (kept > 0 && isspace((unsigned char)prompt[kept - 1]))
    kept--;
  char *both = rd_print("%s%s", prompt, text);
  if (!both)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  rd_code code = encode_plain(model, prompt, kept > 0 ? kept : length, given, before, e);
  if (code == RD_OK)
    code = encode_plain(model, both, strlen(both), &all, &n, e);
  free(both);
  RD_TRY(code);
  *count = n > *before ? (size_t)(n - *before) : 0;
  memmove(all, all + *before, *count * sizeof *all);
  *ids = all;
  return RD_OK;
}

rd_code rd_answer_ids_encode(rd_answer_ids *out, const rd_model *model, const rd_message *messages,
                             size_t n, bool raw, const char *answer, rd_error *e) {
  *out = (rd_answer_ids){0};
  int32_t *given = NULL, *ids = NULL;
  const char *prompt = n > 0 ? messages[n - 1].content : "";
  size_t count = 0, length = strlen(prompt);
  RD_TRY(rd_utf8_check(answer, strlen(answer), "the answer", e));
  bool plain = raw || !model->chat_template;
  bool space = plain && length > 0 && !isspace((unsigned char)prompt[length - 1]) &&
               !isspace((unsigned char)*answer);
  char *text = rd_print("%s%s", space ? " " : "", answer);
  rd_code code = text ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  if (code == RD_OK && raw)
    code = encode_whole(model, prompt, text, &given, &out->prompt, &ids, &count, e);
  else if (code == RD_OK)
    code = rd_model_prompt(&given, &out->prompt, model, messages, n, false, e);
  if (code == RD_OK && !raw)
    code = encode_behind(model, plain, text, &ids, &count, e);
  if (code == RD_OK && (out->prompt == 0 || count == 0))
    code = rd_fail(e, RD_BAD_INPUT, "the %s has no tokens", count ? "prompt" : "answer");
  out->count = out->prompt + (int64_t)count;
  if (code == RD_OK) {
    out->ids = rd_calloc((size_t)out->count, sizeof *out->ids, "ids of an answer", e);
    code = out->ids ? RD_OK : RD_NO_MEMORY;
  }
  if (code == RD_OK) {
    memcpy(out->ids, given, (size_t)out->prompt * sizeof *ids);
    memcpy(out->ids + out->prompt, ids, count * sizeof *ids);
  }
  free(given);
  free(ids);
  free(text);
  return code;
}

void rd_answer_ids_drop(rd_answer_ids *answer) {
  free(answer->ids);
  *answer = (rd_answer_ids){0};
}
