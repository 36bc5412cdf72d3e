/* SPDX-License-Identifier: MIT */
/* Rows of data files, their order, and what an objective makes of them, with a coder of one id a
 * byte. */
#include "batch.h"
#include "file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EOS = 1, MASK = 2, USER = 3, ASSISTANT = 4 };

static rd_code text(const void *context, const char *bytes, size_t size, rd_id_list *ids,
                    rd_error *e) {
  (void)context;
  for (size_t i = 0; i < size; i++) {
    int32_t id = (unsigned char)bytes[i];
    RD_TRY(rd_id_list_add(ids, &id, 1, e));
  }
  return RD_OK;
}

static rd_code prompt(const void *context, const rd_message *turns, size_t count, rd_id_list *ids,
                      rd_error *e) {
  const int32_t user = USER, assistant = ASSISTANT;
  for (size_t i = 0; i < count; i++) {
    RD_TRY(rd_id_list_add(ids, &user, 1, e));
    RD_TRY(text(context, turns[i].content, strlen(turns[i].content), ids, e));
  }
  return rd_id_list_add(ids, &assistant, 1, e);
}

static const rd_text_coder coder = {NULL, text, prompt, EOS};

static rd_code read_text(rd_examples *x, const char *name, const char *content, int64_t window,
                         bool truncate, bool allow_bad, rd_error *e) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/rd_data_%d_%s", (int)getpid(), name);
  rd_file_piece part = {content, strlen(content)};
  assert_int_equal(rd_file_write(path, &part, 1, NULL), RD_OK);
  rd_data_source source = {path, 1.0};
  rd_data_sources sources = {&source, 1};
  rd_read_rules rules = {
      .window = window, .room_for_eos = true, .truncate = truncate, .allow_bad = allow_bad};
  rd_code code = rd_examples_read(x, &sources, &coder, &rules, e);
  unlink(path);
  return code;
}

static void forms(void **state) {
  (void)state;
  static const struct {
    const char *row;
    int prompt, answer; /* -1: bad */
  } cases[] = {
      {"{\"prompt\":\"ab\",\"answer\":\"xyz\"}", 4, 3},
      {"{\"question\":\"ab\",\"answer\":\"x\"}", 4, 1},
      {"{\"instruction\":\"ab\",\"output\":\"xy\"}", 4, 2},
      {"{\"instruction\":\"ab\",\"input\":\"c\",\"output\":\"xy\"}", 7, 2},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
       "\"xy\"}]}",
       3, 2},
      {"{\"text\":\"hello\"}", 0, 5},
      {"{\"prompt\":\"ab\",\"answer\":\" \"}", -1, 0},
      {"{\"prompt\":\"ab\"}", -1, 0},
      {"{\"prompt\":3,\"answer\":\"x\"}", -1, 0},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", -1, 0},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":"
       "\"b\"}]}",
       -1, 0},
      {"{\"other\":1}", -1, 0},
      {"[1,2]", -1, 0},
      {"{\"prompt\":", -1, 0},
      {"{\"prompt\":\"a\",\"answer\":\"b\",\"answer\":\"c\"}", -1, 0},
      {"{\"prompt\":\"a\\u0000b\",\"answer\":\"c\"}", -1, 0},
      {"{\"prompt\":\"a\",\"answer\":\"b\",\"id\":123456789012345678901234567890}", 3, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_examples x;
    rd_error e = {0};
    assert_int_equal(read_text(&x, "a.jsonl", cases[i].row, 32, false, true, &e), RD_OK);
    if (cases[i].prompt < 0) {
      assert_int_equal(x.reports[0].bad, 1);
      assert_int_equal(x.count, 0);
    } else {
      assert_int_equal(x.reports[0].bad, 0);
      assert_int_equal(x.count, 1);
      assert_int_equal(x.items[0].prompt, cases[i].prompt);
      assert_int_equal(x.items[0].answer, cases[i].answer);
      int64_t end = x.items[0].offset + cases[i].prompt + cases[i].answer;
      assert_int_equal(x.pool[end], EOS);
    }
    rd_examples_drop(&x);
  }
}

static void limits(void **state) {
  (void)state;
  rd_examples x;
  rd_error e = {0};
  const char *bad = "{\"prompt\":\"a\",\"answer\":\"b\"}\nnonsense\n";
  assert_int_equal(read_text(&x, "a.jsonl", bad, 32, false, false, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "1 of 2 rows are bad"));
  rd_examples_drop(&x);
  const char *longer = "{\"prompt\":\"ab\",\"answer\":\"0123456789\"}";
  assert_int_equal(read_text(&x, "a.jsonl", longer, 8, false, false, &e), RD_OK);
  assert_int_equal(x.count, 0);
  assert_int_equal(x.reports[0].too_long, 1);
  rd_examples_drop(&x);
  assert_int_equal(read_text(&x, "a.jsonl", longer, 8, true, false, &e), RD_OK);
  assert_int_equal(x.count, 1);
  assert_int_equal(x.items[0].answer, 4);
  assert_true(x.items[0].open);
  rd_examples_drop(&x);
  assert_int_equal(read_text(&x, "a.txt", "one\n<|endoftext|>\n\ntwo words\n", 4, false, false, &e),
                   RD_OK);
  assert_int_equal(x.reports[0].rows, 2);
  assert_int_equal(x.count, 4); /* one | two  | word | s */
  assert_true(x.items[1].open && x.items[2].open && !x.items[3].open);
  rd_examples_drop(&x);
  assert_int_equal(read_text(&x, "a.jsonl", "\n", 8, false, false, &e), RD_BAD_INPUT);
  rd_examples_drop(&x);
}

/* Weights decide how often; the place in an epoch is all that is needed to go on. */
static void order(void **state) {
  (void)state;
  enum { N = 40, TAKEN = 130 };
  float weights[N];
  for (int i = 0; i < N; i++)
    weights[i] = i < 10 ? 2.0f : i < 20 ? 0.0f : 1.0f;
  rd_order o;
  int32_t list[TAKEN];
  int seen[N] = {0};
  assert_int_equal(rd_order_init(&o, weights, N, 7, 0, 0, NULL), RD_OK);
  int64_t epoch = 0, position = 0;
  for (int i = 0; i < TAKEN; i++) {
    if (i == 70) {
      epoch = o.epoch;
      position = o.position;
    }
    assert_int_equal(rd_order_peek(&o, &list[i], NULL), RD_OK);
    rd_order_advance(&o);
    seen[list[i]] += i < 40;
  }
  rd_order_drop(&o);
  for (int i = 0; i < N; i++)
    assert_int_equal(seen[i], (int)weights[i]);
  assert_int_equal(rd_order_init(&o, weights, N, 7, epoch, position, NULL), RD_OK);
  for (int i = 70; i < TAKEN; i++) {
    int32_t example;
    assert_int_equal(rd_order_peek(&o, &example, NULL), RD_OK);
    assert_int_equal(example, list[i]);
    rd_order_advance(&o);
  }
  rd_order_drop(&o);
}

/* What holds for every batch of every objective, and what for each. */
static void batches(void **state) {
  (void)state;
  const char *rows =
      "{\"prompt\":\"ab\",\"answer\":\"wxyz\"}\n{\"prompt\":\"c\",\"answer\":\"uv\"}\n"
      "{\"prompt\":\"defg\",\"answer\":\"klmnopq\"}\n";
  rd_examples x;
  rd_error e = {0};
  assert_int_equal(read_text(&x, "a.jsonl", rows, 16, false, false, &e), RD_OK);
  for (size_t k = 0; k < rd_objective_count; k++)
    for (size_t l = 0; l < rd_loss_on_count; l++)
      for (int variant = 0; variant < 4; variant++) {
        bool padding = variant & 1, all_masked = variant & 2;
        rd_batch_rules r = {.objective = &rd_objectives[k],
                            .loss_on = &rd_loss_ons[l],
                            .eos_padding_loss = padding,
                            .mask_all = all_masked,
                            .window = 16,
                            .rows = 64,
                            .mask = MASK,
                            .eos = EOS,
                            .seed = 5};
        if (r.objective->corruption)
          assert_int_equal(rd_corruption_find(&r.corruption, r.objective->corruption, &e), RD_OK);
        rd_order o;
        rd_batch b, again;
        assert_int_equal(rd_order_init(&o, x.weights, x.count, 5, 0, 0, &e), RD_OK);
        assert_int_equal(rd_batch_init(&b, 64, &e), RD_OK);
        assert_int_equal(rd_batch_init(&again, 64, &e), RD_OK);
        for (int64_t number = 0; number < 8; number++) {
          rd_order copy;
          assert_int_equal(rd_order_init(&copy, x.weights, x.count, 5, o.epoch, o.position, &e),
                           RD_OK);
          assert_int_equal(rd_batch_next(&b, &r, &x, &o, number, &e), RD_OK);
          assert_int_equal(rd_batch_next(&again, &r, &x, &copy, number, &e), RD_OK);
          assert_int_equal(b.rows, 64);
          assert_memory_equal(b.ids, again.ids, 64 * sizeof *b.ids);
          assert_memory_equal(b.weights, again.weights, 64 * sizeof *b.weights);
          rd_order_drop(&copy);
          int64_t row = 0;
          double weighed = 0;
          for (int64_t s = 0; s < b.sequence_count; s++) {
            const rd_example *example = &x.items[b.examples[s]];
            const int32_t *clean = x.pool + example->offset;
            int64_t known = example->prompt + example->answer;
            assert_ptr_equal(b.sequences[s].ids, b.ids + row);
            assert_true(b.sequences[s].count <= 16);
            for (int64_t i = 0; i < b.sequences[s].count; i++, row++) {
              int32_t here = i < known ? clean[i] : EOS;
              bool causal = !r.objective->corruption;
              if (causal || i < example->prompt)
                assert_int_equal(b.ids[row], here);
              else if (all_masked && (padding || i < known))
                assert_int_equal(b.ids[row], MASK);
              if (b.targets[row] >= 0)
                assert_int_equal(b.targets[row], causal ? clean[i + 1] : here);
              assert_true((b.targets[row] >= 0) == (b.weights[row] > 0));
              if (r.objective->by_rate && b.weights[row] > 0)
                assert_int_equal(b.ids[row], MASK);
              if (!causal && !r.loss_on->prompt && i < example->prompt)
                assert_int_equal(b.targets[row], -1);
              if (!causal && !padding && i > known)
                assert_int_equal(b.targets[row], -1);
              weighed += (double)b.weights[row];
            }
          }
          assert_int_equal(row, 64);
          if (!r.objective->by_rate)
            assert_float_equal(weighed, b.total, 1e-5);
          else
            assert_float_equal((double)b.sequence_count, b.total, 1e-6);
        }
        rd_batch_drop(&again);
        rd_batch_drop(&b);
        rd_order_drop(&o);
      }
  rd_examples_drop(&x);
}

/* `next` is `here` with targets one row higher, in each sequence by itself. What no row predicts
 * counts no more, so that the others weigh more: an example's weights still sum to one. */
static void is_one_row_up(const rd_batch *next, const rd_batch *here, bool by_rate) {
  double total = 0;
  assert_int_equal(next->rows, here->rows);
  assert_int_equal(next->sequence_count, here->sequence_count);
  assert_memory_equal(here->ids, next->ids, (size_t)here->rows * sizeof *here->ids);
  for (int64_t s = 0, at = 0; s < next->sequence_count; at += next->sequences[s++].count) {
    double sum = 0, sum_here = 0;
    assert_int_equal(next->answers[s], here->answers[s]);
    for (int64_t i = 0; i < next->sequences[s].count; i++) {
      bool last = i + 1 == next->sequences[s].count;
      assert_int_equal(next->targets[at + i], last ? -1 : here->targets[at + i + 1]);
      assert_true((next->weights[at + i] > 0) == (next->targets[at + i] >= 0));
      sum += (double)next->weights[at + i];
      sum_here += i > 0 ? (double)here->weights[at + i] : 0;
    }
    total += sum > 0;
    assert_true(fabs(sum - (by_rate ? sum_here : sum > 0)) < 1e-5);
  }
  assert_true(next->total == total);
}

/* Where rows predict the next position, in batches of training and of validation; text has no
 * prompt, so that its first position would count. */
static void rows_may_predict_the_next(void **state) {
  (void)state;
  const char *rows = "{\"prompt\":\"ab\",\"answer\":\"wxyz\"}\n{\"text\":\"hello\"}\n"
                     "{\"prompt\":\"c\",\"answer\":\"uv\"}\n";
  rd_examples x;
  rd_error e = {0};
  assert_int_equal(read_text(&x, "a.jsonl", rows, 16, false, false, &e), RD_OK);
  for (size_t k = 0; k < rd_objective_count; k++)
    for (size_t l = 0; l < rd_loss_on_count && rd_objectives[k].corruption; l++) {
      rd_batch_rules r = {.objective = &rd_objectives[k],
                          .loss_on = &rd_loss_ons[l],
                          .eos_padding_loss = true,
                          .window = 16,
                          .rows = 64,
                          .mask = MASK,
                          .eos = EOS,
                          .seed = 5};
      rd_batch here, next;
      rd_order o, copy;
      int64_t first = 0, second = 0;
      assert_int_equal(rd_corruption_find(&r.corruption, r.objective->corruption, &e), RD_OK);
      rd_batch_rules shifted = r;
      shifted.shift = 1;
      assert_int_equal(rd_order_init(&o, x.weights, x.count, 5, 0, 0, &e), RD_OK);
      assert_int_equal(rd_order_init(&copy, x.weights, x.count, 5, 0, 0, &e), RD_OK);
      assert_int_equal(rd_batch_init(&here, 64, &e), RD_OK);
      assert_int_equal(rd_batch_init(&next, 64, &e), RD_OK);
      for (int64_t number = 0; number < 4; number++) {
        assert_int_equal(rd_batch_next(&here, &r, &x, &o, number, &e), RD_OK);
        assert_int_equal(rd_batch_next(&next, &shifted, &x, &copy, number, &e), RD_OK);
        is_one_row_up(&next, &here, r.objective->by_rate);
      }
      assert_int_equal(rd_batch_fixed(&here, &r, &x, &first, &e), RD_OK);
      assert_int_equal(rd_batch_fixed(&next, &shifted, &x, &second, &e), RD_OK);
      assert_int_equal(first, x.count);
      assert_int_equal(second, x.count);
      is_one_row_up(&next, &here, r.objective->by_rate);
      rd_batch_drop(&here);
      rd_batch_drop(&next);
      rd_order_drop(&o);
      rd_order_drop(&copy);
    }
  rd_examples_drop(&x);
}

/* Shares of 20,000 rows of an answer of 30 tokens, as the author's functions have them (lad-generic
 * for `structural`, the notebook for `structural-window`); three standard errors are 0.011. */
static void the_end_is_corrupted_too(void **state) {
  (void)state;
  static const struct {
    const char *objective;
    double masked, changed, padding; /* the closing EOS; any of the padding behind it */
  } rows[] = {{"structural", 0.211, 0.347, 0.100}, {"structural-window", 0.207, 0.313, 0.210}};
  enum { DRAWS = 20000, ANSWER = 30, WINDOW = 96 };
  rd_examples x;
  rd_error e = {0};
  const char *row = "{\"prompt\":\"ab\",\"answer\":\"abcdefghijklmnopqrstuvwxyz0123\"}\n";
  assert_int_equal(read_text(&x, "a.jsonl", row, WINDOW, false, false, &e), RD_OK);
  assert_int_equal(x.items[0].answer, ANSWER);
  for (size_t k = 0; k < 2; k++) {
    rd_batch_rules r = {.loss_on = &rd_loss_ons[0],
                        .eos_padding_loss = true,
                        .pad_to_window = true,
                        .window = WINDOW,
                        .rows = WINDOW,
                        .mask = MASK,
                        .eos = EOS,
                        .seed = 11};
    rd_batch b;
    rd_order o;
    double masked = 0, changed = 0, padding = 0;
    assert_int_equal(rd_objective_find(&r.objective, rows[k].objective, &e), RD_OK);
    assert_int_equal(rd_corruption_find(&r.corruption, r.objective->corruption, &e), RD_OK);
    assert_int_equal(rd_order_init(&o, x.weights, x.count, 5, 0, 0, &e), RD_OK);
    assert_int_equal(rd_batch_init(&b, WINDOW, &e), RD_OK);
    for (int64_t number = 0; number < DRAWS; number++) {
      assert_int_equal(rd_batch_next(&b, &r, &x, &o, number, &e), RD_OK);
      int64_t closing = x.items[0].prompt + ANSWER;
      masked += b.ids[closing] == MASK;
      changed += b.ids[closing] != EOS;
      for (int64_t i = closing + 1; i < WINDOW; i++)
        padding += (b.ids[i] == MASK) / (double)(WINDOW - 1 - closing);
    }
    assert_float_equal(masked / DRAWS, rows[k].masked, 0.012);
    assert_float_equal(changed / DRAWS, rows[k].changed, 0.012);
    assert_float_equal(padding / DRAWS, rows[k].padding, 0.012);
    rd_batch_drop(&b);
    rd_order_drop(&o);
  }
  rd_examples_drop(&x);
}

/* Two answers, one eight times as long: each example weighs as much as the other. */
static void examples_weigh_alike(void **state) {
  (void)state;
  rd_examples x;
  rd_error e = {0};
  const char *rows = "{\"prompt\":\"ab\",\"answer\":\"wxyz\"}\n"
                     "{\"prompt\":\"c\",\"answer\":\"0123456789abcdefghijklmnopqrstuv\"}\n";
  assert_int_equal(read_text(&x, "a.jsonl", rows, 64, false, false, &e), RD_OK);
  rd_batch_rules r = {
      .loss_on = &rd_loss_ons[1], .window = 64, .rows = 128, .mask = MASK, .eos = EOS, .seed = 3};
  rd_batch b;
  rd_order o;
  assert_int_equal(rd_objective_find(&r.objective, "structural", &e), RD_OK);
  assert_int_equal(rd_corruption_find(&r.corruption, "structural", &e), RD_OK);
  assert_int_equal(rd_order_init(&o, x.weights, x.count, 5, 0, 0, &e), RD_OK);
  assert_int_equal(rd_batch_init(&b, 128, &e), RD_OK);
  assert_int_equal(rd_batch_next(&b, &r, &x, &o, 0, &e), RD_OK);
  for (int64_t s = 0; s < b.sequence_count; s++) {
    int64_t first = b.answers[s], counted = x.items[b.examples[s]].answer + 1;
    for (int64_t i = 0; i < counted; i++)
      assert_true(b.weights[first + i] == 1.0f / (float)counted);
  }
  assert_true(b.total == (double)b.sequence_count);
  rd_batch_drop(&b);
  rd_order_drop(&o);
  rd_examples_drop(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(forms),
                                     cmocka_unit_test(limits),
                                     cmocka_unit_test(order),
                                     cmocka_unit_test(batches),
                                     cmocka_unit_test(rows_may_predict_the_next),
                                     cmocka_unit_test(the_end_is_corrupted_too),
                                     cmocka_unit_test(examples_weigh_alike)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
