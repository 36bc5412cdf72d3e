/* SPDX-License-Identifier: MIT */
/* Batches of two halves: the clean text, and blocks of the answer whose masks in one copy are what
 * the other shows; which rows count, and for how much; what does not fit is taken back. */
#include "batch.h"
#include "block_batch.h"
#include "error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { PROMPT = 3, ANSWER = 20, EOS = 2, MASK = 7, MOST = 400, POOL = PROMPT + ANSWER + 1 };

typedef struct world {
  int32_t pool[POOL];
  rd_example example;
  rd_examples examples;
  rd_batch_rules rules;
  rd_batch batch;
} world;

static void open_world(world *w, int64_t shift, int64_t length, double all_masked) {
  rd_error e = {0};
  memset(w, 0, sizeof *w);
  for (int i = 0; i < POOL; i++)
    w->pool[i] = i + 1 < POOL ? 100 + i : EOS;
  w->example = (rd_example){.prompt = PROMPT, .answer = ANSWER};
  w->examples =
      (rd_examples){.items = &w->example, .count = 1, .pool = w->pool, .pool_count = POOL};
  w->rules = (rd_batch_rules){.shift = shift,
                              .block_lengths = {length},
                              .block_count = 1,
                              .all_masked = all_masked,
                              .rows = MOST,
                              .window = MOST,
                              .mask = MASK,
                              .eos = EOS};
  assert_int_equal(rd_batch_init(&w->batch, MOST, &e), RD_OK);
}

/* What a block must be; adds to how often each answer position was masked. */
static void check_block(const world *w, const rd_sequence *q, int masked[ANSWER + 1]) {
  const rd_batch *b = &w->batch;
  int64_t shift = w->rules.shift, at = q->ids - b->ids, masks = 0;
  int64_t first = q->first - PROMPT;
  assert_true(first >= 0 && first + q->count <= ANSWER + 1);
  assert_true(q->count <= w->rules.block_lengths[0] || w->rules.block_lengths[0] == 0);
  for (int64_t i = 0; i < q->count; i++) {
    bool mask = q->ids[i] == MASK;
    assert_true(mask || q->ids[i] == w->pool[q->first + i]);
    assert_false(mask && i < shift);
    masks += mask;
    masked[first + i] += mask;
    int64_t next = i + shift;
    bool counts = next < q->count ? q->ids[next] == MASK : first + next <= ANSWER;
    assert_int_equal(b->targets[at + i], counts ? w->pool[q->first + next] : -1);
    assert_true(counts == (b->weights[at + i] > 0));
  }
  assert_true(masks > 0);
}

static void copies_complete_each_other(void **state) {
  (void)state;
  for (int64_t shift = 0; shift < 2; shift++)
    for (uint32_t seed = 0; seed < 50; seed++) {
      world w;
      int masked[ANSWER + 1] = {0};
      double weight = 0;
      open_world(&w, shift, seed % 3 ? 6 : 0, seed % 2 ? 0.5 : 0);
      rd_rng rng = rd_rng_at(seed, RD_STREAM_CORRUPT, 1, 0);
      assert_true(rd_block_batch_add(&w.batch, &w.rules, &w.examples, 0, &rng));
      const rd_batch *b = &w.batch;
      assert_int_equal(b->sequences[0].count, POOL);
      assert_int_equal(b->sequences[0].gate, POOL);
      assert_memory_equal(b->ids, w.pool, sizeof w.pool);
      int64_t rows = POOL, firsts = 0;
      for (int64_t s = 1; s < b->sequence_count; s++) {
        assert_ptr_equal(b->sequences[s].ids, b->ids + rows);
        check_block(&w, &b->sequences[s], masked);
        rows += b->sequences[s].count;
      }
      assert_int_equal(b->rows, rows);
      /* masked once, in one of the copies, but for the words that the base says */
      for (int i = 0; i <= ANSWER; i++) {
        assert_true(masked[i] == 1 || (masked[i] == 0 && shift));
        firsts += masked[i] == 0;
      }
      assert_true(firsts <= (seed % 3 ? (ANSWER + 1) / 6 + 2 : 1));
      assert_true(!shift || masked[0] == 0);
      for (int64_t r = 0; r < rows; r++)
        weight += (double)b->weights[r];
      assert_true(fabs(weight - 1) < 1e-5);
      assert_true(fabs(b->total - 1) < 1e-12);
      rd_batch_drop(&w.batch);
    }
}

static void all_masked_has_one_copy(void **state) {
  (void)state;
  world w;
  open_world(&w, 1, 8, 1);
  rd_rng rng = rd_rng_at(1, RD_STREAM_CORRUPT, 1, 0);
  assert_true(rd_block_batch_add(&w.batch, &w.rules, &w.examples, 0, &rng));
  for (int64_t s = 1; s < w.batch.sequence_count; s++)
    for (int64_t i = 1; i < w.batch.sequences[s].count; i++)
      assert_int_equal(w.batch.sequences[s].ids[i], MASK);
  assert_true(w.batch.rows <= POOL + ANSWER + 1);
  rd_batch_drop(&w.batch);
}

/* Every word of the answer is a mask once; a row aims at the word behind its own. */
static void branches_know_no_word(void **state) {
  (void)state;
  bool lengths[RD_LONGEST_BRANCH + 1] = {false};
  for (uint32_t seed = 0; seed < 60; seed++) {
    world w;
    open_world(&w, 1, 8, 0);
    w.rules.branches = 1;
    rd_rng rng = rd_rng_at(seed, RD_STREAM_CORRUPT, 1, 0);
    assert_true(rd_block_batch_add(&w.batch, &w.rules, &w.examples, 0, &rng));
    const rd_batch *b = &w.batch;
    int64_t rows = POOL, most = 0;
    for (int64_t s = 1; s < b->sequence_count; s++) {
      const rd_sequence *q = &b->sequences[s];
      assert_int_equal(q->first, rows - POOL + PROMPT);
      for (int64_t i = 0; i < q->count; i++, rows++) {
        assert_int_equal(b->ids[rows], MASK);
        bool counts = q->first + i + 1 < POOL;
        assert_int_equal(b->targets[rows], counts ? w.pool[q->first + i + 1] : -1);
        assert_true(counts == (b->weights[rows] > 0));
      }
      most = q->count > most ? q->count : most;
    }
    assert_int_equal(rows, 2 * POOL - PROMPT);
    assert_int_equal(b->rows, rows);
    assert_true(most >= 1 && most <= RD_LONGEST_BRANCH);
    lengths[most] = true;
    rd_batch_drop(&w.batch);
  }
  for (int i = 1; i <= RD_LONGEST_BRANCH; i++)
    assert_true(lengths[i]);
}

static void what_does_not_fit_is_taken_back(void **state) {
  (void)state;
  for (int64_t room = 1; room < MOST; room++) {
    world w;
    open_world(&w, 0, 6, 0);
    w.rules.rows = room;
    int64_t rows = 0, sequences = 0, added = 0;
    for (uint32_t number = 0;; number++, added++) {
      rd_rng rng = rd_rng_at(3, RD_STREAM_CORRUPT, number, 0);
      rows = w.batch.rows;
      sequences = w.batch.sequence_count;
      if (!rd_block_batch_add(&w.batch, &w.rules, &w.examples, 0, &rng))
        break;
    }
    assert_int_equal(w.batch.rows, rows);
    assert_int_equal(w.batch.sequence_count, sequences);
    assert_true(rows <= room && fabs(w.batch.total - (double)added) < 1e-12);
    rd_batch_drop(&w.batch);
  }
}

static void lengths_are_read(void **state) {
  (void)state;
  int64_t lengths[RD_MOST_BLOCKS], count;
  rd_error e = {0};
  assert_int_equal(rd_block_lengths_read(lengths, &count, "8, 16,0", &e), RD_OK);
  assert_int_equal(count, 3);
  assert_int_equal(lengths[1], 16);
  assert_int_equal(lengths[2], 0);
  static const char *const bad[] = {"", "1", "-8", "8;9", "x", "2,2,2,2,2,2,2,2,2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(rd_block_lengths_read(lengths, &count, bad[i], &e), RD_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_complete_each_other),
      cmocka_unit_test(all_masked_has_one_copy),
      cmocka_unit_test(branches_know_no_word),
      cmocka_unit_test(what_does_not_fit_is_taken_back),
      cmocka_unit_test(lengths_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
