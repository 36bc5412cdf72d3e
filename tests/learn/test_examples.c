/* SPDX-License-Identifier: MIT */
/* Rows of data files and their order. */
#include "byte_rows.h"
#include "order.h"

/* An answer that breaks off is learnt without an end, where that can be, else left out. */
static void cut(void **state) {
  (void)state;
  char *path = data_file("cut.jsonl", "{\"prompt\":\"ab\",\"answer\":\"xyz\",\"finish_reason\":"
                                      "\"length\"}\n{\"prompt\":\"ab\",\"answer\":\"xy\","
                                      "\"finish_reason\":\"stop\"}\n");
  rd_data_source source = {path, 1.0};
  rd_data_sources sources = {&source, 1};
  for (int take = 0; take < 2; take++) {
    rd_examples x;
    const rd_read_rules rules = {.window = 32, .room_for_eos = true, .take_cut = take};
    assert_int_equal(rd_examples_read(&x, &sources, &coder, &rules, NULL), RD_OK);
    assert_int_equal(x.count, 1 + take);
    assert_int_equal(x.reports[0].too_long, 1 - take);
    assert_int_equal(x.items[0].open, take);
    assert_false(x.items[take].open);
    rd_examples_drop(&x);
  }
  unlink(path);
  free(path);
}

static void forms(void **state) {
  (void)state;
#define WEIGHED(weight)                                                                            \
  "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"      \
  "\"xy\",\"weight\":" weight "}]}"
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
      {"17", -1, 0},
      {"{\"prompt\":\"ab\",\"completion\":\"xyz\"}", 4, 3},
      {"{\"query\":\"ab\",\"response\":\"xyz\"}", 4, 3},
      {"{\"prompt\":\"ab\",\"answer\":[\"xyz\",\"z\"]}", 4, 3},
      {"{\"instruction\":\"ab\",\"context\":\"c\",\"response\":\"xy\"}", 7, 2},
      {"{\"prompt\":\"ab\",\"chosen\":\"xyz\",\"rejected\":\"no\"}", 4, 3},
      {"{\"chosen\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
       "\"xy\"}],\"rejected\":[]}",
       3, 2},
      {"{\"prompt\":\"a\",\"chosen\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
       "\"assistant\",\"content\":\"xy\"}]}",
       3, 2},
      {"{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"completion\":[{\"role\":"
       "\"assistant\",\"content\":\"xy\"}]}",
       3, 2},
      {"{\"conversations\":[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"gpt\",\"value\":"
       "\"xy\"}]}",
       3, 2},
      {"{\"conversations\":[{\"from\":\"gpt\",\"value\":\"a\"},{\"from\":\"human\",\"value\":"
       "\"xy\"}]}",
       -1, 0},
      {"{\"chosen\":\"xyz\",\"rejected\":\"no\"}", -1, 0},
      {"{\"prompt\":\"ab\",\"completion\":\"xyz\",\"label\":true}", 4, 3},
      {"{\"instruction\":\"c\",\"input\":\"\",\"output\":\"xyz\",\"history\":[[\"a\"]]}", -1, 0},
      {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{"
       "\"role\":\"assistant\",\"content\":\"xy\"}]}",
       3, 2},
      {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]},{"
       "\"role\":\"assistant\",\"content\":\"xy\"}]}",
       -1, 0},
      {"{\"prompt\":", -1, 0},
      {"{\"instruction\":null,\"messages\":null,\"prompt\":\"ab\",\"answer\":\"xyz\"}", 4, 3},
      {"{\"instruction\":\"ab\",\"input\":null,\"context\":\"c\",\"output\":\"xy\"}", 7, 2},
      {"{\"messages\":[{\"from\":null,\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
       "\"content\":\"xy\",\"weight\":null}]}",
       3, 2},
      {WEIGHED("1"), 3, 2},
      {WEIGHED("1.0"), 3, 2},
      {WEIGHED("0.5"), -1, 0},
      {WEIGHED("\"0\""), -1, 0},
      {WEIGHED("false"), -1, 0},
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
#undef WEIGHED
}

/* Keys that are named decide what a row is, and not others that the file has as well. */
static void columns_choose_the_form(void **state) {
  (void)state;
  static const char *const header =
      "instruction,text,messages,answer,Question,Reply\ni,t,m,w,ab,xyz\n";
  static const struct {
    const char *columns;
    int prompt, answer;
  } cases[] = {{"prompt=Question,answer=Reply", 4, 3},
               {"query=Question,chosen=Reply", 4, 3},
               {"answer=Reply", 3, 3},
               {"prompt=Question", 4, 1},
               {"text=Reply", 0, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *path = data_file("a.csv", header);
    rd_data_source source = {path, 1.0};
    const rd_read_rules rules = {.window = 32, .columns = cases[i].columns};
    rd_examples x;
    rd_error e = {0};
    if (rd_examples_read(&x, &(rd_data_sources){&source, 1}, &coder, &rules, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].columns, e.message);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.items[0].prompt, cases[i].prompt);
    assert_int_equal(x.items[0].answer, cases[i].answer);
    rd_examples_drop(&x);
    unlink(path);
    free(path);
  }
}

/* What LLaMA-Factory's files say to the system beside the turns comes in front of them, unless they
 * begin with a turn of its own. */
static void system_beside(void **state) {
  (void)state;
#define TURNS "[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"gpt\",\"value\":\"xy\"}]"
#define OWN                                                                                        \
  "[{\"role\":\"system\",\"content\":\"t\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":"      \
  "\"assistant\",\"content\":\"xy\"}]"
  static const struct {
    const char *row, *prompt; /* NULL: bad */
  } cases[] = {
      {"{\"conversations\":" TURNS ",\"system\":\"zz\"}", "\3zz\3a\4"},
      {"{\"messages\":" OWN ",\"system\":\"zz\"}", "\3t\3a\4"},
      {"{\"system\":\"zz\",\"instruction\":\"a\",\"input\":\"\",\"output\":\"xy\"}", "\3zz\3a\4"},
      {"{\"instruction\":\"a\",\"output\":\"xy\",\"system\":\"zz\",\"history\":[[\"b\",\"c\"]]}",
       "\3zz\3b\4"},
      {"{\"question\":\"a\",\"answer\":\"xy\",\"system\":\"zz\"}", "\3zz\3a\4"},
      {"{\"prompt\":\"q\",\"chosen\":" TURNS ",\"system\":\"zz\"}", "\3zz\3a\4"},
      {"{\"conversations\":" TURNS ",\"system\":\"\"}", "\3a\4"},
      {"{\"conversations\":" TURNS ",\"system\":null}", "\3a\4"},
      {"{\"conversations\":" TURNS ",\"system\":3}", NULL},
      {"{\"instruction\":\"a\",\"output\":\"xy\",\"system\":[\"zz\"]}", NULL},
      {"{\"text\":\"xy\",\"system\":\"zz\"}", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_examples x;
    rd_error e = {0};
    assert_int_equal(read_text(&x, "a.jsonl", cases[i].row, 32, false, true, &e), RD_OK);
    assert_int_equal(x.reports[0].bad, cases[i].prompt ? 0 : 1);
    for (int64_t k = 0; cases[i].prompt && k < (int64_t)strlen(cases[i].prompt); k++)
      assert_int_equal(x.pool[x.items[0].offset + k], cases[i].prompt[k]);
    if (cases[i].prompt)
      assert_int_equal(x.items[0].prompt, strlen(cases[i].prompt));
    rd_examples_drop(&x);
  }
#undef TURNS
#undef OWN
}

static void take_note(void *context, const char *message) {
  snprintf(context, 256, "%s", message);
}

static void system_refused(void **state) {
  (void)state;
  enum { MOST = 256 };
  char rows[2][64 * MOST] = {"{\"prompt\":\"a\",\"answer\":\"b\",\"system\":3}",
                             "{\"system\":\"zz\",\"messages\":["};
  static const char *const why[] = {"system is not text, expected text",
                                    "system and 256 turns: one too many"};
  for (int i = 0; i < MOST; i++)
    strcat(rows[1], i % 2 ? "{\"role\":\"assistant\",\"content\":\"b\"},"
                          : "{\"role\":\"user\",\"content\":\"a\"},");
  strcpy(strrchr(rows[1], ','), "]}");
  for (int i = 0; i < 2; i++) {
    char found[256] = "", *path = data_file("a.jsonl", rows[i]);
    rd_data_source source = {path, 1.0};
    const rd_read_rules rules = {
        .window = 32, .allow_bad = true, .note = take_note, .context = found};
    rd_examples x;
    assert_int_equal(rd_examples_read(&x, &(rd_data_sources){&source, 1}, &coder, &rules, NULL),
                     RD_OK);
    assert_non_null(strstr(found, why[i]));
    rd_examples_drop(&x);
    unlink(path);
    free(path);
  }
}

/* A label as JSON, and what is made of its row. */
static void label_texts(void **state) {
  (void)state;
  static const struct {
    const char *label;
    int examples; /* -1: bad */
  } cases[] = {{"true", 1},      {"1", 1},        {"1.0", 1},         {"\"1\"", 1},
               {"\"true\"", 1},  {"\"True\"", 1}, {"null", 1},        {"false", 0},
               {"0", 0},         {"0.0", 0},      {"\"0\"", 0},       {"\"false\"", 0},
               {"\"False\"", 0}, {"2", -1},       {"\"no way\"", -1}, {"\"\"", -1},
               {"[true]", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char rows[200];
    rd_examples x;
    rd_error e = {0};
    snprintf(rows, sizeof rows,
             "{\"prompt\":\"a\",\"answer\":\"b\"}\n"
             "{\"prompt\":\"a\",\"completion\":\"bc\",\"label\":%s}\n",
             cases[i].label);
    assert_int_equal(read_text(&x, "a.jsonl", rows, 32, false, true, &e), RD_OK);
    if (x.reports[0].bad != (cases[i].examples < 0) || x.count != 1 + (cases[i].examples > 0))
      fail_msg("label %s: %d bad, %d examples", cases[i].label, (int)x.reports[0].bad,
               (int)x.count);
    rd_examples_drop(&x);
  }
}

/* KTO's rows with a false label are left out, and are not bad; without others there is nothing. */
static void labels(void **state) {
  (void)state;
  const char *rows = "{\"prompt\":\"a\",\"completion\":\"bc\",\"label\":true}\n"
                     "{\"prompt\":\"a\",\"completion\":\"d\",\"label\":false}\n"
                     "{\"prompt\":\"a\",\"completion\":[{\"role\":\"assistant\",\"content\":"
                     "\"e\"}],\"label\":false}\n";
  rd_examples x;
  rd_error e = {0};
  assert_int_equal(read_text(&x, "a.jsonl", rows, 64, false, false, &e), RD_OK);
  assert_true(x.count == 1 && x.reports[0].bad == 0);
  rd_examples_drop(&x);
  assert_int_equal(read_text(&x, "a.jsonl", strchr(rows, '\n') + 1, 64, false, false, &e),
                   RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "label is false in all of its 2 rows"));
  rd_examples_drop(&x);
}

/* Alpaca's history, and ChatGLM's, comes before what is asked now. */
static void history(void **state) {
  (void)state;
#define BEFORE "\"history\":[[\"a\",\"bc\"],[\"d\",\"e\"]]}\n"
  static const char *const rows[] = {
      "{\"instruction\":\"f\",\"input\":\"\",\"output\":\"ghi\"," BEFORE,
      "{\"query\":\"f\",\"response\":\"ghi\"," BEFORE,
      "{\"prompt\":\"f\",\"chosen\":\"ghi\"," BEFORE};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    rd_examples x;
    rd_error e = {0};
    assert_int_equal(read_text(&x, "a.jsonl", rows[i], 64, false, false, &e), RD_OK);
    assert_int_equal(x.count, 3); /* each answer of it is learnt too */
    assert_int_equal(x.items[2].prompt, 12);
    assert_int_equal(x.items[2].answer, 3);
    rd_examples_drop(&x);
  }
#undef BEFORE
}

/* Every answer of a conversation is an example behind all before it; those of one row are held out
 * together. */
static void turns(void **state) {
  (void)state;
  const char *row =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
      "\"bc\"},{\"role\":\"user\",\"content\":\"d\"},{\"role\":\"assistant\",\"content\":\"e\","
      "\"weight\":0},{\"role\":\"user\",\"content\":\"f\"},{\"role\":\"assistant\",\"content\":"
      "\"ghi\"}]}\n";
  rd_examples x, held;
  rd_error e = {0};
  assert_int_equal(read_text(&x, "a.jsonl", row, 64, false, false, &e), RD_OK);
  assert_int_equal(x.count, 2); /* the second is not to be learnt */
  assert_int_equal(x.items[0].prompt, 3);
  assert_int_equal(x.items[0].answer, 2);
  assert_int_equal(x.items[1].prompt, 12);
  assert_int_equal(x.items[1].answer, 3);
  assert_int_equal(x.reports[0].rows, 1);
  rd_examples_drop(&x);
  char many[64 * 400] = "";
  for (int i = 0; i < 40; i++)
    strcat(many, row);
  assert_int_equal(read_text(&x, "a.jsonl", many, 64, false, false, &e), RD_OK);
  assert_int_equal(rd_examples_hold_out(&x, &held, 0.3, 100, 5, &e), RD_OK);
  assert_true(held.count > 0 && x.count > 0 && held.count + x.count == 80);
  for (int64_t i = 0; i < held.count; i++)
    assert_int_equal(held.items[i].later, i % 2);
  rd_examples_drop_held(&held);
  rd_examples_drop(&x);
}

/* `count` documents of `pieces` windows of 5 bytes. */
static void make_documents(char *text, int count, int pieces) {
  *text = '\0';
  for (int i = 0; i < count * pieces; i++) {
    strcat(text, i % pieces ? "bcdef" : "abcde");
    strcat(text, (i + 1) % pieces ? "" : "<|endoftext|>");
  }
}

/* Of a long document the end is held out, in one piece, up to a number; the last row stays. */
static void documents_are_held_out(void **state) {
  (void)state;
  static const struct {
    int count, pieces;
    double share;
    int64_t most, held;
  } cases[] = {{1, 50, 0.1, 100, 5},
               {1, 50, 0.5, 3, 3},
               {4, 50, 0.1, 100, 20},
               {4, 50, 0.5, 30, 28},
               {1, 1, 0.5, 100, 0}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (uint64_t seed = 0; seed < 5; seed++) {
      char text[2000];
      rd_examples x, held;
      make_documents(text, cases[c].count, cases[c].pieces);
      assert_int_equal(read_text(&x, "a.txt", text, 5, false, false, NULL), RD_OK);
      const int64_t all = x.count;
      assert_int_equal(rd_examples_hold_out(&x, &held, cases[c].share, cases[c].most, seed, NULL),
                       RD_OK);
      assert_int_equal(held.count, cases[c].held);
      assert_int_equal(x.count + held.count, all);
      for (int64_t k = 0; k < held.count && cases[c].count == 1; k++)
        assert_int_equal(held.items[k].offset, 5 * (all - held.count + k));
      rd_examples_drop_held(&held);
      rd_examples_drop(&x);
    }
}

/* The pieces of a shorter one stay or go together. */
static void pieces_stay_together(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 5; seed++) {
    char text[2000];
    rd_examples x, held;
    make_documents(text, 60, 3);
    assert_int_equal(read_text(&x, "a.txt", text, 5, false, false, NULL), RD_OK);
    assert_int_equal(rd_examples_hold_out(&x, &held, 0.2, 100, seed, NULL), RD_OK);
    assert_true(held.count > 0 && x.count > 0);
    for (int64_t k = 0; k < held.count; k++)
      assert_int_equal(held.items[k].later, k % 3 > 0);
    for (int64_t k = 0; k < x.count; k++)
      assert_int_equal(x.items[k].later, k % 3 > 0);
    rd_examples_drop_held(&held);
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

/* A template's special tokens are tokens in training rows too where they are found in normalised
 * text, as LLaMA 2's. */
static void special_tokens(void **state) {
  (void)state;
  static const char json[] =
      "{\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"_\"},\"post_processor\":{\"type\":"
      "\"BertProcessing\",\"cls\":[\"<s>\",0],\"sep\":[\"</s>\",1]},\"model\":{\"type\":\"BPE\","
      "\"merges\":[],\"vocab\":{\"<s>\":0,\"</s>\":1,\"_\":2,\"h\":3,\"i\":4}},\"added_tokens\":[{"
      "\"id\":0,\"content\":\"<s>\",\"special\":true,\"normalized\":true},{\"id\":1,\"content\":"
      "\"</s>\",\"special\":true,\"normalized\":true}]}";
  static const char jinja[] = "<s>{% for m in messages %}{{ m.content }}{% endfor %}_</s>";
  static const int32_t wanted[] = {0, 3, 4, 1};
  const rd_message turn = {"user", "hi"};
  rd_tokenizer *t;
  rd_chat_template *c;
  rd_text_coder made;
  rd_id_list ids = {0};
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_open_memory(&t, "tokenizer.json", json, strlen(json), &e), RD_OK);
  assert_int_equal(rd_chat_template_open(&c, t, jinja, &e), RD_OK);
  const rd_prompter prompter = {.tokenizer = t, .chat_template = c};
  assert_int_equal(rd_text_coder_of(&made, &prompter, &e), RD_OK);
  assert_int_equal(made.prompt(made.context, &turn, 1, &ids, &e), RD_OK);
  assert_int_equal(ids.count, 4);
  assert_memory_equal(ids.data, wanted, sizeof wanted);
  free(ids.data);
  rd_chat_template_close(&c);
  rd_tokenizer_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cut),
                                     cmocka_unit_test(forms),
                                     cmocka_unit_test(columns_choose_the_form),
                                     cmocka_unit_test(system_beside),
                                     cmocka_unit_test(system_refused),
                                     cmocka_unit_test(labels),
                                     cmocka_unit_test(label_texts),
                                     cmocka_unit_test(history),
                                     cmocka_unit_test(turns),
                                     cmocka_unit_test(documents_are_held_out),
                                     cmocka_unit_test(pieces_stay_together),
                                     cmocka_unit_test(limits),
                                     cmocka_unit_test(order),
                                     cmocka_unit_test(special_tokens)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
