/* SPDX-License-Identifier: MIT */
/* Forms over tiny vocabularies, beside brute force: all sequences of words are tried, judged by the
 * C library's own regular expressions, and the programme finds the same best one. */
#include "form_path.h"

#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A byte-level vocabulary without merges; the last word ends texts. */
static rd_tokenizer *open_words(const char *const *words, size_t count) {
  char json[4000], *to = json;
  rd_tokenizer *t = NULL;
  rd_error e = {0};
  to = stpcpy(to, "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                  "\"use_regex\":false},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":"
                  "\"BPE\",\"merges\":[],\"vocab\":{");
  for (size_t i = 0; i < count; i++) {
    to += sprintf(to, "%s\"", i ? "," : "");
    for (const char *c = words[i]; *c; c++)
      to += sprintf(to, *c == '"' ? "\\%c" : "%c", *c);
    to += sprintf(to, "\":%zu", i);
  }
  strcpy(to, "}}}");
  if (rd_tokenizer_open_memory(&t, "tokenizer.json", json, strlen(json), &e) != RD_OK)
    fail_msg("%s", e.message);
  return t;
}

enum { END = 7, V = 8, ROOM = 5 };
static const char *const plain[V] = {"a", "b", "ab", "ba", "aab", "c", "bcc", "x"};
static const char *const quoted[V] = {"a", "\"", "\"a", "ab\"", "aa", "b", "bba", "x"};
static const char *const *letters = plain;

static uint32_t seed = 1;
static float draw(void) {
  seed = seed * 1664525 + 1013904223;
  return (float)(seed >> 8) / (float)(1 << 24);
}

/* The text of a sequence up to the first end; false: something stands behind the end. */
static bool spell(const int32_t *ids, int64_t n, char *text) {
  int64_t i = 0;
  for (*text = '\0'; i < n && ids[i] != END; i++)
    strcat(text, letters[ids[i]]);
  for (; i < n; i++)
    if (ids[i] != END)
      return false;
  return true;
}

static double log_sum_of(const float *row) {
  double sum = 0;
  for (int v = 0; v < V; v++)
    sum += exp((double)row[v]);
  return log(sum);
}

typedef struct trial {
  float rows[ROOM][V];
  int32_t given[ROOM]; /* a word, -1: a row, -2: any word */
  int32_t drawn[ROOM];
  int64_t room;
} trial;

static double score_of(const trial *t, const int32_t *ids) {
  double score = 0;
  for (int64_t i = 0; i < t->room; i++) {
    if (t->given[i] >= 0 && ids[i] != t->given[i])
      return -INFINITY;
    if (t->given[i] == -1 && ids[i] != t->drawn[i])
      score += (double)t->rows[i][ids[i]] - log_sum_of(t->rows[i]);
  }
  return score;
}

/* The greatest score of all sequences, -INFINITY where there is none; the fewest words of a text.
 */
static double by_force(const trial *t, const regex_t *judge, int64_t *least) {
  double best = -INFINITY;
  int64_t all = 1;
  for (int64_t i = 0; i < t->room; i++)
    all *= V;
  *least = RD_FORM_NEVER;
  for (int64_t k = 0; k < all; k++) {
    int32_t ids[ROOM];
    char text[64];
    int64_t rest = k, words = 0;
    for (int64_t i = 0; i < t->room; i++, rest /= V)
      ids[i] = (int32_t)(rest % V);
    if (!spell(ids, t->room, text) || regexec(judge, text, 0, NULL, 0) != 0)
      continue;
    while (words < t->room && ids[words] != END)
      words++;
    *least = words < *least ? words : *least;
    double score = score_of(t, ids);
    best = score > best ? score : best;
  }
  return best;
}

/* The first of the likeliest words that are no end. */
static int32_t leader_of(const float *row) {
  int32_t leader = -1;
  for (int32_t v = 0; v < V; v++)
    if (v != END && (leader < 0 || row[v] > row[leader]))
      leader = v;
  return leader;
}

static trial make_trial(int64_t room, int kind) {
  trial t = {.room = room};
  for (int64_t i = 0; i < room; i++) {
    for (int v = 0; v < V; v++)
      t.rows[i][v] = 6 * draw() - 3;
    t.given[i] = kind > 0 && draw() < 0.3f ? (draw() < 0.5f ? -2 : (int32_t)(V * draw())) : -1;
    t.drawn[i] = kind > 1 && draw() < 0.5f ? (int32_t)(V * draw()) : -1;
  }
  return t;
}

static void run_trial(const trial *t, const rd_form *form, const regex_t *judge, const char *what) {
  rd_form_path *path = NULL;
  rd_error e = {0};
  int64_t least;
  int32_t ids[ROOM];
  float logs[ROOM];
  char text[64];
  double best = by_force(t, judge, &least);
  rd_code code = rd_form_path_open(&path, form, t->room, &e);
  assert_int_equal(code, least <= t->room ? RD_OK : RD_USAGE);
  if (code != RD_OK)
    return;
  assert_int_equal(rd_form_least(form, rd_form_start(form)), least);
  for (int turn = 0; turn < 2; turn++) {
    rd_form_path_begin(path);
    for (int64_t i = 0; i < t->room; i++)
      if (t->given[i] >= 0)
        rd_form_path_word(path, t->given[i]);
      else if (t->given[i] == -2)
        rd_form_path_any(path);
      else
        rd_form_path_row(path, t->rows[i], log_sum_of(t->rows[i]), t->drawn[i],
                         turn > 0 ? leader_of(t->rows[i]) : -1);
    assert_int_equal(rd_form_path_count(path), t->room);
    bool found = rd_form_path_settle(path, ids, logs);
    assert_int_equal(found, best > -INFINITY);
    if (!found)
      continue;
    assert_true(spell(ids, t->room, text));
    if (regexec(judge, text, 0, NULL, 0) != 0)
      fail_msg("%s: \"%s\" is no text of it", what, text);
    if (fabs(score_of(t, ids) - best) > 1e-4)
      fail_msg("%s: \"%s\" has %g, the best %g", what, text, score_of(t, ids), best);
    for (int64_t i = 0; i < t->room; i++) {
      double log = t->given[i] == -1 ? (double)t->rows[i][ids[i]] - log_sum_of(t->rows[i]) : 0;
      assert_true(fabs((double)logs[i] - log) < 1e-4);
    }
  }
  rd_form_path_close(&path);
}

/* Each as POSIX's extended expressions and as ours. */
static const char *const patterns[] = {
    "a",        "ab",          "(a|b)*",        "a+b+",     "(ab|ba){2}", "a{1,3}c?",
    "[ab]{3,}", "(a|bcc)*c",   "b?(aab)*",      "[^c]+",    "(a*b)*",     "(a|ab)(c|bcc)",
    "abc?c?c?", "(aa)*b{0,2}", "a(b(a(b)?)?)?", "[a-c]{5}", "c{7}",       "(ab){3,4}",
};

/* Strings whose characters are counted, beside expressions for them. */
static const char *const strings[][2] = {
    {"json-schema:{\"type\":\"string\"}", "\"[ab]*\""},
    {"json-schema:{\"minLength\":2,\"maxLength\":3}", "\"[ab]{2,3}\""},
    {"json-schema:{\"maxLength\":4}", "\"[ab]{0,4}\""},
    {"json-schema:{\"minLength\":4}", "\"[ab]{4,}\""},
    {"json-schema:{\"maxLength\":6}", "\"[ab]{0,6}\""},
    {"json-schema:{\"minLength\":1,\"maxLength\":5}", "\"[ab]{1,5}\""},
};

/* One form, with its trials. */
static void try_form(const rd_words *words, const char *source, const char *expression) {
  char anchored[80];
  regex_t judge;
  rd_form *form = NULL;
  rd_error e = {0};
  snprintf(anchored, sizeof anchored, "^(%s)$", expression);
  assert_int_equal(regcomp(&judge, anchored, REG_EXTENDED | REG_NOSUB), 0);
  if (rd_form_open(&form, source, words, &e) != RD_OK)
    fail_msg("%s: %s", source, e.message);
  for (int kind = 0; kind < 3; kind++)
    for (int64_t room = 1; room <= ROOM - (kind > 0); room++) {
      trial one = make_trial(room, kind);
      run_trial(&one, form, &judge, source);
    }
  rd_form_close(&form);
  regfree(&judge);
}

static rd_words *open_tree(rd_tokenizer **t, const char *const *spelled) {
  const int32_t ends[] = {END};
  rd_words *words = NULL;
  rd_error e = {0};
  letters = spelled;
  *t = open_words(spelled, V);
  if (rd_words_open(&words, *t, V, ends, 1, -1, &e) != RD_OK)
    fail_msg("%s", e.message);
  return words;
}

static void test_programme(void **state) {
  (void)state;
  rd_tokenizer *t;
  rd_words *words = open_tree(&t, plain);
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    char source[80];
    snprintf(source, sizeof source, "regex:%s", patterns[i]);
    try_form(words, source, patterns[i]);
  }
  rd_words_close(&words);
  rd_tokenizer_close(&t);
}

static void test_strings(void **state) {
  (void)state;
  rd_tokenizer *t;
  rd_words *words = open_tree(&t, quoted);
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
    for (int again = 0; again < 4; again++)
      try_form(words, strings[i][0], strings[i][1]);
  rd_words_close(&words);
  rd_tokenizer_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_programme),
      cmocka_unit_test(test_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
