/* SPDX-License-Identifier: MIT */
/* Packing, padding, corruption and loss weights of one batch. */
#include "batch.h"

#include "block_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void lay_out(rd_batch *b, size_t rows, rd_arena *a) {
  b->sequences = RD_TAKE(a, rd_sequence, rows);
  b->ids = RD_TAKE(a, int32_t, rows);
  b->targets = RD_TAKE(a, int32_t, rows);
  b->weights = RD_TAKE(a, float, rows);
  b->examples = RD_TAKE(a, int32_t, rows);
  b->noise = RD_TAKE(a, float, rows);
  b->answers = RD_TAKE(a, int32_t, rows);
  b->scratch = RD_TAKE(a, int32_t, 2 * rows);
  b->draws = RD_TAKE(a, float, rows);
}

rd_code rd_batch_init(rd_batch *batch, int64_t rows, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  *batch = (rd_batch){0};
  lay_out(batch, (size_t)rows, &measure);
  RD_TRY(rd_arena_init(&batch->arena, measure.used, "a batch", e));
  lay_out(batch, (size_t)rows, &batch->arena);
  return RD_OK;
}

void rd_batch_drop(rd_batch *batch) {
  rd_arena_drop(&batch->arena);
  *batch = (rd_batch){0};
}

static void start(rd_batch *b) {
  b->rows = 0;
  b->sequence_count = 0;
  b->total = 0;
}

/* A sequence of `count` rows behind those there are. */
static void add_sequence(rd_batch *b, int32_t example, int64_t count, int64_t prompt) {
  int64_t s = b->sequence_count++;
  b->sequences[s] = (rd_sequence){.ids = b->ids + b->rows, .count = count, .gate = prompt};
  b->examples[s] = example;
  b->noise[s] = 0;
  b->answers[s] = (int32_t)(b->rows + prompt);
  b->rows += count;
}

/* Does id i of a prompt count? */
static bool prompt_counts(const rd_batch_rules *r, const rd_examples *x, const rd_example *example,
                          int64_t i) {
  return r->loss_on->prompt || (r->loss_on->answers && rd_example_said(x, example, i));
}

/* Row i of a document predicts token i + 1, the last one EOS or the first token of the next piece:
 * the pool holds both behind the example. */
static void add_document(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, int32_t index,
                         int64_t count) {
  const rd_example *example = &x->items[index];
  const int32_t *ids = x->pool + example->offset;
  int64_t at = b->rows;
  for (int64_t i = 0; i < count; i++) {
    bool counts = i + 1 >= example->prompt || prompt_counts(r, x, example, i + 1);
    b->ids[at + i] = ids[i];
    b->targets[at + i] = counts ? ids[i + 1] : -1;
    b->weights[at + i] = counts ? 1.0f : 0.0f;
    b->total += counts;
  }
  add_sequence(b, index, count, example->prompt);
}

/* Positions of a sequence, from the answer's first on, that may be corrupted: the answer with its
 * closing EOS, and the padding behind that where the objective covers it and it counts. `behind`:
 * the EOS of the sequence. */
static int64_t corruptible(const rd_batch_rules *r, const rd_example *example, int64_t behind) {
  bool padding = r->objective->covers_padding && r->eos_padding_loss;
  return example->answer + (padding || behind == 0 ? behind : 1);
}

/* Does position i of a sequence count? It was corrupted from `clean` to `seen`, within `region`. */
static bool counts(const rd_batch_rules *r, const rd_examples *x, const rd_example *example,
                   int64_t i, int64_t region, int32_t seen, int32_t clean) {
  bool by_rate = r->objective->by_rate;
  if (i < r->shift)
    return false; /* no row predicts it */
  if (i < example->prompt)
    return !by_rate && prompt_counts(r, x, example, i);
  if (i > example->prompt + example->answer && !r->eos_padding_loss)
    return false;
  if (by_rate)
    return seen == r->mask && i - example->prompt < region;
  return r->loss_on->unchanged || seen != clean;
}

/* The examples among which a corruption finds another answer than that of `self`: all, or those of
 * an epoch, as often as it shows them. */
typedef struct neighbours {
  const rd_examples *examples;
  const rd_order *epoch; /* or NULL */
  int64_t self;
} neighbours;

/* One of the others, or NULL. In an epoch the next one that is another, from a place on. */
static const rd_example *another(const neighbours *n, rd_rng *rng) {
  const int64_t count = n->epoch ? n->epoch->length : n->examples->count;
  if (count < 2)
    return NULL;
  int64_t at = rd_rng_below(rng, (uint32_t)(n->epoch ? count : count - 1));
  if (!n->epoch)
    return &n->examples->items[at + (at >= n->self)];
  for (int64_t i = 0; i < count; i++) {
    const int32_t index = n->epoch->list[(at + i) % count];
    if (index != n->self)
      return &n->examples->items[index];
  }
  return NULL;
}

/* The objective's corruption, or one u says which of those that are taken for a share. */
static const rd_corruption *choose(const rd_batch_rules *r, rd_rng *rng) {
  double all = 0;
  for (size_t i = 0; i < rd_corruption_count; i++)
    all += r->shares[i];
  double u = all > 0 ? rd_rng_uniform(rng) : 1;
  for (size_t i = 0; all > 0 && i < rd_corruption_count; u -= r->shares[i++])
    if (u < r->shares[i])
      return &rd_corruptions[i];
  return r->corruption;
}

/* Corrupt what is corruptible of one denoising sequence and weigh its rows: the loss is the mean
 * over examples of each example's mean, or LLaDA's sum over masks divided by rate and length.
 * Draws: which corruption, where some have shares; another example, where it mixes; its own. */
static void corrupt(rd_batch *b, const rd_batch_rules *r, const rd_example *example, int64_t s,
                    const neighbours *all, rd_rng *rng) {
  int64_t at = b->sequences[s].ids - b->ids, count = b->sequences[s].count;
  int64_t prompt = example->prompt, behind = count - prompt - example->answer;
  int64_t region = corruptible(r, example, behind);
  int32_t *noisy = b->ids + at + prompt;
  const int32_t *clean = b->targets + at + prompt;
  const rd_corruption *corruption = choose(r, rng);
  const rd_example *other = corruption->mixes ? another(all, rng) : NULL;
  const rd_corruptible x = {.ids = noisy,
                            .n = region,
                            .answer = example->answer,
                            .other =
                                other ? all->examples->pool + other->offset + other->prompt : NULL,
                            .other_answer = other ? other->answer : 0,
                            .mask = r->mask,
                            .eos = r->eos,
                            .rng = rng,
                            .scratch = b->scratch};
  double rate = corruption->apply(&x);
  int64_t changed = 0, masks = 0, counted = 0;
  for (int64_t i = 0; i < region; i++) {
    changed += noisy[i] != clean[i];
    masks += noisy[i] == r->mask;
  }
  /* An answer that is all masks is what generation starts from: there the padding is masked too. */
  if (masks == region && r->eos_padding_loss)
    for (int64_t i = region; i < example->answer + behind; i++)
      noisy[i] = r->mask;
  b->noise[s] = (float)changed / (float)(region > 0 ? region : 1);
  for (int64_t i = 0; i < count; i++) {
    bool kept = counts(r, all->examples, example, i, region, b->ids[at + i], b->targets[at + i]);
    b->weights[at + i] = kept ? 1.0f : 0.0f;
    b->targets[at + i] = kept ? b->targets[at + i] : -1;
    counted += kept;
  }
  double share = r->objective->by_rate ? rate * (double)region : (double)counted;
  for (int64_t i = 0; i < count; i++)
    b->weights[at + i] = b->weights[at + i] > 0 ? (float)(1 / share) : 0.0f;
  b->total += counted > 0;
}

enum { PAD_SHORT = 16, PAD_LONG_EVERY = 8 };

/* Targets and weights of a sequence to the rows that predict them; nothing predicts its first. */
static void shift_up(rd_batch *b, const rd_batch_rules *r, int64_t s) {
  int64_t at = b->sequences[s].ids - b->ids, last = b->sequences[s].count - 1;
  if (r->shift == 0)
    return;
  memmove(b->targets + at, b->targets + at + 1, (size_t)last * sizeof *b->targets);
  memmove(b->weights + at, b->weights + at + 1, (size_t)last * sizeof *b->weights);
  b->targets[at + last] = -1;
  b->weights[at + last] = 0;
}

static int64_t draw_padding(const rd_batch_rules *r, const rd_example *example, rd_rng *rng) {
  int64_t most = r->window - example->prompt - example->answer;
  if (example->open || r->pad_to_window)
    return most;
  if (r->pad_short && most > PAD_SHORT && rd_rng_uniform(rng) * PAD_LONG_EVERY >= 1)
    most = PAD_SHORT;
  double drawn = exp(rd_rng_uniform(rng) * log((double)most + 1.0));
  return (int64_t)drawn < most ? (int64_t)drawn : most;
}

/* Clean ids into both ids and targets: prompt, answer, EOS. */
static void add_example(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, int32_t index,
                        int64_t count) {
  const rd_example *example = &x->items[index];
  int64_t known = example->prompt + example->answer;
  for (int64_t i = 0; i < count; i++)
    b->ids[b->rows + i] = i < known ? x->pool[example->offset + i] : r->eos;
  add_sequence(b, index, count, example->prompt);
}

/* Give what is left of the batch to the sequences as padding, first come first served up to the
 * window, by laying them out anew from the back. */
static void stretch(rd_batch *b, const rd_batch_rules *r) {
  int64_t left = r->rows - b->rows, end = r->rows;
  for (int64_t s = b->sequence_count - 1; s >= 0; s--) {
    rd_sequence *sequence = &b->sequences[s];
    int64_t old = sequence->ids - b->ids, more = r->window - sequence->count;
    more = more < left ? more : left;
    int64_t begin = end - sequence->count - more;
    memmove(b->ids + begin, b->ids + old, (size_t)sequence->count * sizeof *b->ids);
    for (int64_t i = 0; i < more; i++)
      b->ids[begin + sequence->count + i] = r->eos;
    b->answers[s] += (int32_t)(begin - old);
    sequence->ids = b->ids + begin;
    sequence->count += more;
    left -= more;
    end = begin;
  }
  b->rows = r->rows;
}

/* The random numbers of example slot `s`. */
static rd_rng numbers(const rd_batch_rules *r, uint32_t iteration, int64_t s) {
  return rd_rng_at(r->seed, RD_STREAM_CORRUPT, iteration, (uint32_t)s);
}

/* Examples of two halves until the next one does not fit. */
static rd_code next_blocks(rd_batch *b, const rd_batch_rules *r, const rd_examples *x,
                           rd_order *order, int64_t number, rd_error *e) {
  for (;;) {
    int32_t index;
    RD_TRY(rd_order_peek(order, &index, e));
    rd_rng rng = numbers(r, (uint32_t)number, b->sequence_count);
    if (!rd_block_batch_add(b, r, x, index, &rng))
      return RD_OK;
    rd_order_advance(order);
  }
}

/* The examples of the next batch, as they are before anything is corrupted; those of two halves
 * whole. */
static rd_code pack(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, rd_order *order,
                    int64_t number, rd_error *e) {
  start(b);
  if (r->objective->parent)
    return next_blocks(b, r, x, order, number, e);
  rd_rng after_padding = {0};
  while (b->rows < r->rows) {
    int32_t index;
    RD_TRY(rd_order_peek(order, &index, e));
    const rd_example *example = &x->items[index];
    int64_t known = example->prompt + example->answer, room = r->rows - b->rows;
    if (!r->corruption) {
      add_document(b, r, x, index, known < room ? known : room);
    } else {
      after_padding = numbers(r, (uint32_t)number, 2 * b->sequence_count);
      int64_t padding = draw_padding(r, example, &after_padding);
      if (known + (example->open ? 0 : 1) > room)
        break;
      add_example(b, r, x, index, known + padding < room ? known + padding : room);
    }
    rd_order_advance(order);
  }
  return RD_OK;
}

rd_code rd_batch_passes(int64_t *count, rd_batch *b, const rd_batch_rules *r, const rd_examples *x,
                        rd_order *order, double epochs, rd_error *e) {
  for (*count = 0; rd_order_gone(order) < epochs; (*count)++)
    RD_TRY(pack(b, r, x, order, *count, e));
  return RD_OK;
}

rd_code rd_batch_next(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, rd_order *order,
                      int64_t number, rd_error *e) {
  RD_TRY(pack(b, r, x, order, number, e));
  if (!r->corruption || r->objective->parent)
    return RD_OK;
  stretch(b, r);
  memcpy(b->targets, b->ids, (size_t)b->rows * sizeof *b->targets);
  for (int64_t s = 0; s < b->sequence_count; s++) {
    rd_rng rng = numbers(r, (uint32_t)number, 2 * s + 1);
    const neighbours all = {x, order, b->examples[s]};
    corrupt(b, r, &x->items[b->examples[s]], s, &all, &rng);
    shift_up(b, r, s);
  }
  return RD_OK;
}

rd_code rd_batch_fixed(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, int64_t *next,
                       rd_error *e) {
  start(b);
  enum { FIXED = 0xffffffff }; /* an iteration that training never reaches */
  for (; *next < x->count; (*next)++) {
    int32_t index = (int32_t)*next;
    const rd_example *example = &x->items[index];
    int64_t known = example->prompt + example->answer, room = r->rows - b->rows;
    if (r->objective->parent) {
      rd_rng rng = numbers(r, (uint32_t)FIXED, *next);
      if (!rd_block_batch_add(b, r, x, index, &rng))
        break;
      continue;
    }
    if (!r->corruption) {
      if (known > room)
        break;
      add_document(b, r, x, index, known);
      continue;
    }
    rd_rng rng = numbers(r, (uint32_t)FIXED, 2 * *next);
    int64_t count = known + draw_padding(r, example, &rng);
    if (count > room)
      break;
    add_example(b, r, x, index, count);
    int64_t s = b->sequence_count - 1, at = b->sequences[s].ids - b->ids;
    memcpy(b->targets + at, b->ids + at, (size_t)count * sizeof *b->targets);
    rng = numbers(r, (uint32_t)FIXED, 2 * *next + 1);
    const neighbours all = {x, NULL, *next};
    corrupt(b, r, example, s, &all, &rng);
    shift_up(b, r, s);
  }
  if (b->sequence_count == 0)
    return rd_fail(e, RD_USAGE, "validation: an example does not fit into %lld rows",
                   (long long)r->rows);
  return RD_OK;
}
