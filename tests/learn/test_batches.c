/* SPDX-License-Identifier: MIT */
/* What an objective makes of examples, batch by batch. */
#include "batch.h"
#include "byte_rows.h"

#include <math.h>

/* The same with EOS behind every turn of the assistant, and with earlier answers shouted. */
static rd_code turns_of(const void *context, const rd_message *turns, size_t count, int shout,
                        rd_id_list *ids, rd_error *e) {
  const int32_t marks[] = {USER, ASSISTANT, EOS};
  for (size_t i = 0; i < count; i++) {
    bool answer = strcmp(turns[i].role, "assistant") == 0;
    RD_TRY(rd_id_list_add(ids, &marks[answer], 1, e));
    for (const char *c = turns[i].content; *c; c++) {
      char letter = (char)(*c - (answer ? shout : 0));
      RD_TRY(text(context, &letter, 1, ids, e));
    }
    if (answer)
      RD_TRY(rd_id_list_add(ids, &marks[2], 1, e));
  }
  return rd_id_list_add(ids, &marks[1], 1, e);
}

static rd_code closed_prompt(const void *context, const rd_message *turns, size_t count,
                             rd_id_list *ids, rd_error *e) {
  return turns_of(context, turns, count, 0, ids, e);
}

static rd_code loud_prompt(const void *context, const rd_message *turns, size_t count,
                           rd_id_list *ids, rd_error *e) {
  return turns_of(context, turns, count, 'a' - 'A', ids, e);
}

static size_t row_of(const char *corruption) {
  const rd_corruption *row = NULL;
  assert_int_equal(rd_corruption_find(&row, corruption, NULL), RD_OK);
  return (size_t)(row - rd_corruptions);
}

/* Is an example a sequence? Those of two halves are tested in test_block_batch.c. */
static bool one_sequence(size_t objective) {
  return !rd_objectives[objective].parent;
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
    for (size_t l = 0; l < rd_loss_on_count && one_sequence(k); l++)
      for (int variant = 0; variant < 4; variant++) {
        bool padding = variant & 1, all_masked = variant & 2;
        rd_batch_rules r = {.objective = &rd_objectives[k],
                            .loss_on = &rd_loss_ons[l],
                            .eos_padding_loss = padding,
                            .window = 16,
                            .rows = 64,
                            .mask = MASK,
                            .eos = EOS,
                            .seed = 5};
        if (r.objective->corruption)
          assert_int_equal(rd_corruption_find(&r.corruption, r.objective->corruption, &e), RD_OK);
        r.shares[row_of("mask_all")] = all_masked;
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
    for (size_t l = 0; l < rd_loss_on_count && rd_objectives[k].corruption && one_sequence(k);
         l++) {
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

/* A batch of these rules over these examples, batch `number` of one order. */
static void make_batch(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, int64_t number) {
  rd_order o;
  rd_error e = {0};
  assert_int_equal(rd_order_init(&o, x->weights, x->count, 5, 0, 0, &e), RD_OK);
  assert_int_equal(rd_batch_next(b, r, x, &o, number, &e), RD_OK);
  rd_order_drop(&o);
}

/* How many answers are masked in part, which only the objective's own corruption does. */
static int partly_masked(const rd_batch *b) {
  int count = 0;
  for (int64_t s = 0; s < b->sequence_count; s++) {
    const int32_t *id = b->ids + b->answers[s], *end = b->sequences[s].ids + b->sequences[s].count;
    int64_t masks = 0, all = end - id;
    for (; id < end; id++)
      masks += *id == MASK;
    count += masks > 0 && masks < all;
  }
  return count;
}

/* Is the id one of the example's answer, or EOS? */
static bool is_own(const rd_examples *x, int32_t example, int32_t id) {
  const int32_t *answer = x->pool + x->items[example].offset + x->items[example].prompt;
  for (int32_t i = 0; i < x->items[example].answer; i++)
    if (answer[i] == id)
      return true;
  return id == EOS;
}

/* Every example got the row. */
static void all_have_it(const rd_corruption *row, const rd_batch *b, const rd_examples *x) {
  int foreign = 0, unchanged = 0;
  for (int64_t s = 0; s < b->sequence_count; s++) {
    int32_t example = b->examples[s], answer = x->items[example].answer;
    const int32_t *clean = x->pool + x->items[example].offset + x->items[example].prompt;
    const int32_t *ids = b->ids + b->answers[s];
    for (int32_t i = 0; i <= answer; i++) {
      assert_true((ids[i] == MASK) == !row->words);
      foreign += row->words && !is_own(x, example, ids[i]);
    }
    unchanged += memcmp(ids, clean, (size_t)(answer + 1) * sizeof *ids) == 0;
  }
  assert_true((foreign > 0) == row->mixes);
  assert_true(unchanged <= (row->mixes ? b->sequence_count / 2 : 0)); /* its own twice in a batch */
}

/* Every corruption that is taken for a share: at 1 all examples get it, at a quarter three in four
 * are left to the objective's own; in validation it is a function of the example. */
static void shares_are_shares(void **state) {
  (void)state;
  enum { ROWS = 1024, BATCHES = 40 };
  rd_examples x;
  rd_error e = {0};
  const char *rows = "{\"prompt\":\"ab\",\"answer\":\"abcdefgh\"}\n"
                     "{\"prompt\":\"cd\",\"answer\":\"ijklmnopq\"}\n"
                     "{\"prompt\":\"ef\",\"answer\":\"rstuvwxyz0\"}\n";
  assert_int_equal(read_text(&x, "a.jsonl", rows, 16, false, false, &e), RD_OK);
  rd_batch b, again;
  assert_int_equal(rd_batch_init(&b, ROWS, &e), RD_OK);
  assert_int_equal(rd_batch_init(&again, ROWS, &e), RD_OK);
  for (size_t k = 0; k < rd_corruption_count; k++) {
    if (!rd_corruptions[k].shared)
      continue;
    rd_batch_rules r = {.loss_on = &rd_loss_ons[0],
                        .eos_padding_loss = true,
                        .window = 16,
                        .rows = ROWS,
                        .mask = MASK,
                        .eos = EOS,
                        .seed = 5};
    assert_int_equal(rd_objective_find(&r.objective, "mixed", &e), RD_OK);
    assert_int_equal(rd_corruption_find(&r.corruption, "mixed", &e), RD_OK);
    int own = 0, alone = 0;
    for (int64_t number = 0; number < BATCHES; number++) {
      r.shares[k] = 0;
      make_batch(&b, &r, &x, number);
      alone += partly_masked(&b);
      r.shares[k] = 0.25;
      make_batch(&b, &r, &x, number);
      own += partly_masked(&b);
    }
    assert_true(alone > 2000);
    assert_float_equal((float)own / (float)alone, 0.75, 0.04);
    r.shares[k] = 1;
    make_batch(&b, &r, &x, 0);
    all_have_it(&rd_corruptions[k], &b, &x);
    int64_t first = 0, second = 1;
    assert_int_equal(rd_batch_fixed(&b, &r, &x, &first, &e), RD_OK);
    assert_int_equal(rd_batch_fixed(&again, &r, &x, &second, &e), RD_OK);
    assert_int_equal(b.sequences[1].count, again.sequences[0].count);
    assert_memory_equal(b.sequences[1].ids, again.sequences[0].ids,
                        (size_t)again.sequences[0].count * sizeof(int32_t));
  }
  rd_batch_drop(&b);
  rd_batch_drop(&again);
  rd_examples_drop(&x);
}

/* Earlier answers of a conversation count with what closes them, the user's words never; a template
 * that shows an earlier answer otherwise than it was given makes a bad row. */
static void all_answers_count(void **state) {
  (void)state;
  const char *row =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"ab\"},{\"role\":\"assistant\","
      "\"content\":\"xyz\"},{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\","
      "\"content\":\"v\"},{\"role\":\"user\",\"content\":\"d\"},{\"role\":\"assistant\","
      "\"content\":\"w\"}]}";
  /* U a b A x y z E U c A v E U d A w E, where E closes an answer */
  static const char counted[] = "....xyzE...vE...wE";
  rd_examples x;
  rd_error e = {0};
  rd_data_source source = {data_file("a.jsonl", row), 1.0};
  rd_read_rules read = {.window = 32, .allow_bad = true, .find_answers = true};
  const rd_data_sources sources = {&source, 1};
  const rd_text_coder closing = {NULL, text, closed_prompt, EOS};
  assert_int_equal(rd_examples_read(&x, &sources, &closing, &read, &e), RD_OK);
  assert_int_equal(x.count, 1);
  for (size_t k = 0; k < rd_objective_count; k++) {
    rd_batch_rules r = {.objective = &rd_objectives[k],
                        .window = 32,
                        .rows = 32,
                        .mask = MASK,
                        .eos = EOS,
                        .seed = 5};
    bool causal = !r.objective->corruption;
    rd_batch b;
    if (r.objective->by_rate || !one_sequence(k))
      continue; /* it counts masks alone */
    if (!causal)
      assert_int_equal(rd_corruption_find(&r.corruption, r.objective->corruption, &e), RD_OK);
    assert_int_equal(rd_loss_on_find(&r.loss_on, "assistant", &e), RD_OK);
    assert_int_equal(rd_batch_init(&b, 32, &e), RD_OK);
    make_batch(&b, &r, &x, 0);
    for (int i = causal; counted[i]; i++)
      assert_int_equal(b.targets[i - causal], counted[i] == '.'   ? -1
                                              : counted[i] == 'E' ? EOS
                                                                  : counted[i]);
    rd_batch_drop(&b);
  }
  rd_examples_drop(&x);
  const rd_text_coder louder = {NULL, text, loud_prompt, EOS};
  assert_int_equal(rd_examples_read(&x, &sources, &louder, &read, &e), RD_OK);
  assert_int_equal(x.reports[0].bad, 1);
  rd_examples_drop(&x);
  unlink(source.path);
  free(source.path);
}

/* Where a row is one example with all its answers, those of weight 0 do not count, and the example
 * ends with the last of the others. */
static void silent_answers(void **state) {
  (void)state;
  static const struct {
    bool silent[3];
    int examples, prompt, answer, said;
  } cases[] = {
      {{false, false, false}, 1, 14, 3, 2}, /* U a A b c E U d A e E U f A, then g h i */
      {{true, false, false}, 1, 14, 3, 1},  {{false, false, true}, 1, 9, 1, 1},
      {{true, false, true}, 1, 9, 1, 0},    {{false, true, true}, 1, 3, 2, 0},
      {{true, true, true}, 0, 0, 0, 0},
  };
  static const char *const asked[] = {"a", "d", "f"}, *const answers[] = {"bc", "e", "ghi"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char row[500] = "{\"messages\":[", *end = row + strlen(row);
    for (int turn = 0; turn < 3; turn++)
      end += sprintf(end,
                     "{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":"
                     "\"%s\"%s}%s",
                     asked[turn], answers[turn], cases[i].silent[turn] ? ",\"weight\":0" : "",
                     turn < 2 ? "," : "]}");
    rd_data_source source = {data_file("a.jsonl", row), 1.0};
    const rd_read_rules rules = {.window = 64, .find_answers = true, .last_turn = true};
    const rd_text_coder closing = {NULL, text, closed_prompt, EOS};
    rd_examples x;
    rd_error e = {0};
    if (rd_examples_read(&x, &(rd_data_sources){&source, 1}, &closing, &rules, &e) != RD_OK)
      fail_msg("%s", e.message);
    if (x.count != cases[i].examples)
      fail_msg("case %zu: %d examples", i, (int)x.count);
    if (x.count == 1 &&
        (x.items[0].prompt != cases[i].prompt || x.items[0].answer != cases[i].answer ||
         x.items[0].said_count != cases[i].said))
      fail_msg("case %zu: %d ids of prompt, %d of answer, %d answers before", i, x.items[0].prompt,
               x.items[0].answer, x.items[0].said_count);
    rd_examples_drop(&x);
    unlink(source.path);
    free(source.path);
  }
}

/* Where a pass holds one example, what mixes finds another all the same: of the others in the
 * epoch, those with a weight alone. */
static void mixing_takes_any_example(void **state) {
  (void)state;
  enum { ROWS = 16, PASSES = 60 };
  const char *rows = "{\"prompt\":\"ab\",\"answer\":\"cccccccc\"}\n"
                     "{\"prompt\":\"ab\",\"answer\":\"dddddddd\"}\n"
                     "{\"prompt\":\"ab\",\"answer\":\"eeeeeeee\"}\n";
  rd_examples x;
  rd_error e = {0};
  assert_int_equal(read_text(&x, "a.jsonl", rows, ROWS, false, false, &e), RD_OK);
  x.weights[2] = 0;
  rd_batch b;
  assert_int_equal(rd_batch_init(&b, ROWS, &e), RD_OK);
  for (size_t k = 0; k < rd_corruption_count; k++) {
    if (!rd_corruptions[k].mixes)
      continue;
    rd_batch_rules r = {.loss_on = &rd_loss_ons[0],
                        .eos_padding_loss = true,
                        .window = ROWS,
                        .rows = ROWS,
                        .mask = MASK,
                        .eos = EOS,
                        .seed = 5};
    rd_order o;
    int foreign = 0;
    assert_int_equal(rd_objective_find(&r.objective, "mixed", &e), RD_OK);
    assert_int_equal(rd_corruption_find(&r.corruption, "mixed", &e), RD_OK);
    r.shares[k] = 1;
    assert_int_equal(rd_order_init(&o, x.weights, x.count, 5, 0, 0, &e), RD_OK);
    for (int64_t number = 0; number < PASSES; number++) {
      assert_int_equal(rd_batch_next(&b, &r, &x, &o, number, &e), RD_OK);
      assert_int_equal(b.sequence_count, 1);
      const int32_t own = x.pool[x.items[b.examples[0]].offset + x.items[b.examples[0]].prompt];
      for (int64_t row = b.answers[0]; row < b.rows; row++) {
        foreign += b.ids[row] == 'c' + 'd' - own;
        assert_true(b.ids[row] != 'e');
      }
    }
    if (foreign < PASSES)
      fail_msg("%s: %d words of the other answer in %d passes", rd_corruptions[k].name, foreign,
               PASSES);
    rd_order_drop(&o);
  }
  rd_batch_drop(&b);
  rd_examples_drop(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(batches),
                                     cmocka_unit_test(rows_may_predict_the_next),
                                     cmocka_unit_test(the_end_is_corrupted_too),
                                     cmocka_unit_test(examples_weigh_alike),
                                     cmocka_unit_test(shares_are_shares),
                                     cmocka_unit_test(all_answers_count),
                                     cmocka_unit_test(silent_answers),
                                     cmocka_unit_test(mixing_takes_any_example)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
