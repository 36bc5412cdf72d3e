/* SPDX-License-Identifier: MIT */
/* Patterns as Hugging Face's tokenizers (0.23.3, Oniguruma) search them: matches of no width, ends
 * of lines, options, hexadecimal digits, names of properties. What is expected was printed by
 * pre_tokenizers.Split and normalizers.Replace. */
#include "tok_normal.h"
#include "tok_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rd_code join(void *context, rd_slice word, rd_error *e) {
  rd_bytes *out = context;
  if (out->size > 0)
    RD_TRY(rd_bytes_add(out, "|", 1, e));
  return rd_bytes_add(out, word.data, word.size, e);
}

static void expect(const char *pattern, const char *text, const rd_bytes *found,
                   const char *wanted) {
  if (found->size != strlen(wanted) || memcmp(rd_slice_of(found).data, wanted, found->size) != 0)
    fail_msg("%s over \"%s\": wanted \"%s\", found \"%.*s\"", pattern, text, wanted,
             (int)found->size, rd_slice_of(found).data);
}

static void texts_are_cut(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *behaviour;
    bool invert;
    const char *text, *words;
  } cases[] = {
      {"(?=[A-Z])", "Contiguous", false, "helloWorldABc", "hello|World|A|Bc"},
      {"(?=[A-Z])", "Removed", false, "helloWorldABc", "hello|World|A|Bc"},
      {"(?=[A-Z])", "Isolated", false, "helloWorld", "hello|World"},
      {"(?=[A-Z])", "MergedWithPrevious", false, "aBcDD", "a|Bc|D|D"},
      {"(?=[A-Z])", "MergedWithNext", false, "aBcDD", "a|Bc|D|D"},
      {"\\b", "Contiguous", false, "it's a_b 2", "it|'|s| |a_b| |2"},
      {"\\b", "Removed", false, "it's a_b 2", "it|'|s| |a_b| |2"},
      {"\\b", "MergedWithNext", true, "it's a_b 2", "it|'|s| |a_b| |2"},
      {"\\b", "MergedWithPrevious", false, "a  b", "a|  |b"},
      {"x*", "Isolated", false, "axxb", "a|xx|b"},
      {"x*", "Contiguous", false, "axxbxc", "a|xx|b|x|c"},
      {"x*", "MergedWithPrevious", true, "axxb", "a|xxb"},
      {"^.", "Isolated", false, "ab\ncd\n\nef", "a|b\n|c|d\n\n|e|f"},
      {".$", "Isolated", false, "ab\ncd\n", "a|b|\nc|d|\n"},
      {"^", "Isolated", false, "a\nb\n", "a\n|b\n"},
      {"$", "Contiguous", false, "a\nb\n", "a|\nb|\n"},
      {"(?m)a.", "Isolated", false, "ba\nac", "b|a\n|ac"},
      {"(?m:a.)c", "Isolated", false, "a\ncab", "a\nc|ab"},
      {"(?-m)a.", "Isolated", false, "ba\nac", "ba\n|ac"},
      {"(?im)W.", "Isolated", false, "xw\nW", "x|w\n|W"},
      {"\\h+", "Isolated", false, "beef xyz 09\tgh", "beef| xyz |09|\tgh"},
      {"[\\h\\s]+", "Isolated", false, "zz0f \nq", "zz|0f \n|q"},
      {"\\H+", "Isolated", false, "12xy34", "12|xy|34"},
      {"\\Aa|b\\z", "Isolated", false, "aabb", "a|ab|b"},
      {"(?<=a)", "Removed", false, "aaba", "a|a|ba"},
      {"[^\\S\\n]+$", "Removed", false, "a  \nb\t", "a|\nb"},
      {"(?i:the)|$", "Isolated", false, "The the\n", "The| |the|\n"},
      {" ?\\p{L}+|^", "MergedWithNext", false, "ab cd\nef", "ab| cd\n|ef"},
      {"\\p{Han}+", "Isolated", false, "你好。世、x", "你好|。|世|、x"},
      {"[\\p{Han}。]+", "Isolated", false, "你好。世、x", "你好。世|、x"},
      {"\\P{Hiragana}+", "Isolated", false, "の。は", "の|。|は"},
      {"\\w+", "Isolated", false, "a½.½b", "a½|.|½b"},
      {"[^\\w\\s]+", "Isolated", false, "a½.½b", "a|½.½|b"},
      {"[^\\W]+", "Isolated", false, "cafe\u0301-²x", "cafe\u0301|-²|x"},
      {"[\\W\\d]+", "Isolated", false, "e\u0301-5²x", "e\u0301|-5²|x"},
      {"[[:punct:]]+", "Isolated", false, "a$+_b", "a|$+_|b"},
      {"\\p{Punct}+", "Isolated", false, "a$+_b", "a$+|_|b"},
      {"[[:^space:]_]+", "Isolated", false, "a\u180E b_", "a\u180E| |b_"},
      {"\\p{Uppercase_Letter}\\p{^Lu}*", "Isolated", false, "aBcD", "a|Bc|D"},
      {"\\u4e00|b{,2}c", "Removed", false, "x一bbbcy", "x|b|y"},
      {"[\\H]+", "Isolated", false, "beef xyz", "beef| xyz"},
      {"\\p{N}{1,3}+", "Isolated", false, "In 1234567", "In |1234567"},
      {"a{2}?b", "Isolated", false, "aaab b ab", "a|aab| |b| a|b"},
      {"(?:ab|c){1,2}+d", "Isolated", false, "ababcabd", "ababcabd"},
      {"a{2,}+", "Isolated", false, "aab", "aa|b"},
      {"a{2}{2}", "Isolated", false, "aaaaaa", "aaaa|aa"},
      {"a{1,2}*b", "Isolated", false, "aaabb", "aaab|b"},
      {"[a-c]{2,3}?+", "Isolated", false, "abcabc x", "abcabc| x"},
      {"\\x61{2}?b", "Isolated", false, "xaabab", "x|aab|a|b"},
      {"\\v|[\\v]x", "Isolated", false, "a\vb\vx\n", "a|\v|b|\v|x\n"},
      {"\\pL+", "Isolated", false, "apLpLLb", "a|pL|pLL|b"},
      {"\\Q.\\E", "Isolated", false, "aQxEb", "a|QxE|b"},
      {"[\\K\\Q]+", "Isolated", false, "aKQb", "a|KQ|b"},
      {"(?i:a)s+", "Isolated", false, "ASsss", "ASsss"},
      {"(?<n>a){1,2}+b", "Isolated", false, "aaaab", "aaaab"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_splitter s = {0};
    rd_bytes found = {0};
    rd_regex_scratch *scratch = NULL;
    rd_error e = {0};
    const rd_slice text = rd_slice_text(cases[i].text);
    if (rd_splitter_add(&s, rd_slice_text(cases[i].pattern), false, cases[i].behaviour,
                        cases[i].invert, &e) != RD_OK ||
        rd_regex_scratch_new(&scratch, text.size, &e) != RD_OK ||
        rd_splitter_run(&s, scratch, text, join, &found, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].pattern, e.message);
    expect(cases[i].pattern, cases[i].text, &found, cases[i].words);
    rd_regex_scratch_free(scratch);
    rd_splitter_drop(&s);
    rd_bytes_drop(&found);
  }
}

static void matches_are_replaced(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *to, *text, *result;
  } cases[] = {
      {"x*", "-", "axxb", "-a-b-"},
      {"x*", "-", "", ""},
      {"^", "> ", "a\nb\n", "> a\n> b\n"},
      {"$", "<", "a\nb\n", "a<\nb<\n<"},
      {"$", "<", "a", "a<"},
      {"(?=[A-Z])", "_", "helloWorldA", "hello_World_A"},
      {"\\b", "|", "it's a", "|it|'|s| |a|"},
      {"^\\s", "e", "a\n b\n\n", "a\neb\ne"},
      {"(?m)a.", "-", "ba\nac", "b--"},
      {"\\h", "h", "face it", "hhhh it"},
      {"", "-", "ab", "-a-b-"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_normaliser n = {0};
    rd_bytes buffers[2] = {{0}, {0}}, found = {0};
    rd_slice out = {0};
    rd_error e = {0};
    if (rd_normal_replace_matches(&n, rd_slice_text(cases[i].pattern), rd_slice_text(cases[i].to),
                                  &e) != RD_OK ||
        rd_normaliser_run(&n, rd_slice_text(cases[i].text), RD_GAP_START, buffers, &out, NULL,
                          &e) != RD_OK ||
        rd_bytes_add(&found, out.data, out.size, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].pattern, e.message);
    expect(cases[i].pattern, cases[i].text, &found, cases[i].result);
    rd_normaliser_drop(&n);
    rd_bytes_drop(&buffers[0]);
    rd_bytes_drop(&buffers[1]);
    rd_bytes_drop(&found);
  }
}

/* What PCRE2 cannot compute as Oniguruma does is refused. */
static void folds_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *pattern;
    rd_code code;
  } cases[] = {{"(?i)pass", RD_UNSUPPORTED},
               {"(?i:\u00DF)", RD_UNSUPPORTED},
               {"(?i)[\u00DF]", RD_UNSUPPORTED},
               {"(?i)\u03B1\u03B9", RD_UNSUPPORTED},
               {"(?i:a)ss", RD_OK},
               {"(?i)s(?-i)ss", RD_OK},
               {"(?i)ss?", RD_OK},
               {"(?i:'s|'t|'re)ss", RD_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_splitter s = {0};
    rd_error e = {0};
    const rd_code code =
        rd_splitter_add(&s, rd_slice_text(cases[i].pattern), false, "Isolated", false, &e);
    if (code != cases[i].code || (code != RD_OK && !strstr(e.message, "(?i)")))
      fail_msg("%s: %d, %s", cases[i].pattern, (int)code, e.message);
    rd_splitter_drop(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_cut),
                                     cmocka_unit_test(matches_are_replaced),
                                     cmocka_unit_test(folds_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
