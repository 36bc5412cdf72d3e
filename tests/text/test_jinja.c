/* SPDX-License-Identifier: MIT */
/* Jinja beside Python's: every template of tests/golden/templates renders every conversation as the
 * file of its name in templates_rendered.zip says, or refuses what Python refuses; so does every
 * template of a folder given as an argument, by the file beside it. tools/judges/jinja.py writes
 * those files. */
#include "file.h"
#include "jinja.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder = RD_SOURCE_DIR "/tests/golden/templates";
static const char *rendered = RD_BUILD_DIR "/golden/templates_rendered"; /* of the archive */
static const struct tm clock_of_goldens = {.tm_year = 126,
                                           .tm_mon = 0,
                                           .tm_mday = 2,
                                           .tm_hour = 3,
                                           .tm_min = 4,
                                           .tm_sec = 5,
                                           .tm_wday = 5,
                                           .tm_yday = 1};
static const char *const roles[] = {"system", "user", "assistant", NULL};

static json_t *open_json(const char *in, const char *name) {
  char *path = rd_path_join(in, name);
  json_t *out;
  rd_error e = {0};
  if (rd_json_open(&out, path, &e) != RD_OK)
    fail_msg("%s", e.message);
  free(path);
  return out;
}

static rd_code render(const rd_jinja *t, const json_t *talk, rd_rendered *out, rd_error *e) {
  json_t *own = json_pack("{s:s, s:s, s:s, s:s}", "bos_token", "<s>", "eos_token", "</s>",
                          "pad_token", "<pad>", "unk_token", "<unk>");
  json_t *data = json_pack("{s:n, s:n}", "tools", "documents");
  json_object_update(data, (json_t *)(uintptr_t)talk);
  json_object_del(data, "name");
  const rd_jinja_input input = {data, own, "role", roles, &clock_of_goldens};
  rd_code code = rd_jinja_render(out, t, &input, e);
  json_decref(data);
  json_decref(own);
  return code;
}

/* Where two texts part, for the message. */
static int parting(const char *a, const char *b) {
  int at = 0;
  while (a[at] && a[at] == b[at])
    at++;
  return at;
}

/* Conversations of one template that differ. */
static int differences(const char *name, const rd_jinja *t, const json_t *talks,
                       const json_t *golden) {
  const json_t *talk;
  size_t i;
  int bad = 0;
  json_array_foreach(talks, i, talk) {
    const char *what = json_string_value(json_object_get(talk, "name"));
    const json_t *wanted = json_object_get(json_object_get(golden, "results"), what);
    const char *text = json_string_value(wanted);
    rd_rendered got;
    rd_error e = {0};
    rd_code code = render(t, talk, &got, &e);
    bool same = code == RD_OK ? text && json_string_length(wanted) == got.size &&
                                    memcmp(text, got.text, got.size) == 0
                              : !text && e.message[0];
    if (!same && code != RD_OK)
      print_message("%s, %s: refused: %s\n", name, what, e.message);
    else if (!same && !text)
      print_message("%s, %s: Python refuses it\n", name, what);
    else if (!same)
      print_message("%s, %s: at %d: ..%.60s.., not ..%.60s..\n", name, what,
                    parting(text, got.text), got.text + parting(text, got.text),
                    text + parting(text, got.text));
    bad += !same;
    rd_rendered_drop(&got);
  }
  return bad;
}

static rd_jinja *open_template(const char *name) {
  char *path = rd_path_join(folder, name), *text;
  size_t size;
  rd_jinja *t = NULL;
  rd_error e = {0};
  assert_int_equal(rd_file_read(path, 1 << 20, &text, &size, &e), RD_OK);
  if (rd_jinja_open(&t, text, size, &e) != RD_OK)
    print_message("%s: not opened: %s\n", name, e.message);
  free(text);
  free(path);
  return t;
}

static void test_templates(void **state) {
  (void)state;
  json_t *talks = open_json(folder, "conversations.json");
  DIR *dir = opendir(folder);
  int templates = 0, bad = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));) {
    char *dot = strstr(entry->d_name, ".jinja");
    if (!dot || dot[6])
      continue;
    rd_jinja *t = open_template(entry->d_name);
    char *beside = rd_print("%.*s.json", (int)(dot - entry->d_name), entry->d_name);
    json_t *golden = open_json(rendered, beside);
    bad += t ? differences(entry->d_name, t, talks, golden) : (int)json_array_size(talks);
    templates++;
    json_decref(golden);
    free(beside);
    rd_jinja_close(&t);
  }
  closedir(dir);
  print_message("%d templates, %zu conversations each: %d differ\n", templates,
                json_array_size(talks), bad);
  json_decref(talks);
  assert_true(templates > 0);
  assert_int_equal(bad, 0);
}

static void test_expressions(void **state) {
  (void)state;
  char *own = rd_path_join(folder, "expressions.json");
  if (!own || !rd_path_exists(own)) /* templates alone were given */
    folder = RD_SOURCE_DIR "/tests/golden/templates";
  free(own);
  json_t *all = open_json(folder, "expressions.json"), *row;
  const rd_jinja_input input = {json_object_get(all, "data"), NULL, "role", roles,
                                &clock_of_goldens};
  size_t i;
  int bad = 0;
  json_array_foreach(json_object_get(all, "rows"), i, row) {
    const json_t *source = json_array_get(row, 0), *wanted = json_array_get(row, 1);
    rd_jinja *t;
    rd_rendered got = {0};
    rd_error e = {0};
    rd_code code = rd_jinja_open(&t, json_string_value(source), json_string_length(source), &e);
    if (code == RD_OK)
      code = rd_jinja_render(&got, t, &input, &e);
    bool same = code == RD_OK
                  ? json_is_string(wanted) && strcmp(json_string_value(wanted), got.text) == 0
                  : (json_is_null(wanted) || json_array_size(row) > 2) &&
                        strstr(e.message, "line") != NULL;
    if (!same)
      print_message("%s\n  gives   %s\n  Python: %s\n", json_string_value(source),
                    code == RD_OK ? got.text : e.message,
                    json_is_null(wanted) ? "(raises)" : json_string_value(wanted));
    bad += !same;
    rd_rendered_drop(&got);
    rd_jinja_close(&t);
  }
  json_decref(all);
  assert_int_equal(bad, 0);
}

/* What ints, ranges and macros are not here is refused, by a word of the message; the rest is
 * Python's. */
static const struct edge_row {
  const char *source, *text, *message;
} edge_rows[] = {
    {"{{ '99999999999999999999'|int }}", NULL, "64 bits"},
    {"{{ 'ffffffffffffffffffff'|int(0, 16) }}", NULL, "64 bits"},
    {"{{ '1e20'|int }}", NULL, "64 bits"},
    {"{{ 1e20|int }}", NULL, "64 bits"},
    {"{{ '9223372036854775807'|int }} {{ 'inf'|int(3) }} {{ 'x'|int }} {{ -1e18|int }}",
     "9223372036854775807 3 0 -1000000000000000000", NULL},
    {"{{ '%d' % 1e20 }}", NULL, "64 bits"},
    {"{{ '%d' % -3.7 }}", "-3", NULL},
    {"{{ 'Stra\u00DFe \uFB01 \u0149 \u0390 \u0130 \u1E9E'|upper }}",
     "STRASSE FI \u02BCN \u0399\u0308\u0301 \u0130 \u1E9E", NULL},
    {"{{ '\u00DFa \uFB01N \u0149a \u1FB2 \u1F88'.title() }} {{ '\u00DFA'|capitalize }}",
     "Ssa Fin \u02BCNa \u1FBA\u0345 \u1F88 Ssa", NULL},
    {"{{ '\u0130A \u1E9E'|lower }}", "i\u0307a \u00DF", NULL},
    {"{{ '{} {0}'.format(1) }}", NULL, "some have none"},
    {"{{ '{0} {}'.format(1) }}", NULL, "some have none"},
    {"{{ '{a} {} {}'.format(1, 2, a=3) }}", "3 1 2", NULL},
    {"{{ '{:,.2f}'.format(1e300)|length }} {{ '{:,.2f}'.format(1234.5) }}", "404 1,234.50", NULL},
    {"{{ 10|round(-1) }} {{ 15|round(-1) }} {{ 25|round(-1) }} {{ -26|round(-1) }} {{ 7|round(-2) "
     "}} {{ 7|round(1) }}",
     "10 20 20 -30 0 7", NULL},
    {"{{ 9223372036854775807|round(-1) }}", NULL, ""},
    {"{{ 7|round(-19) }}", NULL, "18 zeros"},
    {"{{ range(3) }}", NULL, "range"},
    {"{{ [range(3)] }}", NULL, "range"},
    {"{{ range(3)|tojson }}", NULL, "range is no JSON"},
    {"{{ range(2) + [1] }}", NULL, "range"},
    {"{{ range(3) == [0, 1, 2] }} {{ range(3) == range(0, 3) }} {{ range(4)[1:3]|list }} {{ "
     "range(3)[-1] }} {{ range(3)|length }} {{ 2 in range(3) }} {{ range(3) is sequence }}",
     "False True [1, 2] 2 3 True True", NULL},
    {"{% macro foo() %}{% endmacro %}{{ foo.name }}", NULL, "'name'"},
    {"{% macro foo() %}{% endmacro %}{{ foo['x'] }}", NULL, "'x'"},
    {"{{ '\u00b2'.isdigit() }} {{ '\u00b2'.isalnum() }} {{ '\u00bd'.isdigit() }} {{ "
     "'\u00bd'.isalnum() }} {{ '\u0663'.isdigit() }} {{ '2.'.isalnum() }}",
     "True True False True True False", NULL},
};

static void test_edges(void **state) {
  (void)state;
  const rd_jinja_input input = {NULL, NULL, "role", roles, &clock_of_goldens};
  for (size_t i = 0; i < sizeof edge_rows / sizeof *edge_rows; i++) {
    const struct edge_row *row = &edge_rows[i];
    rd_jinja *t;
    rd_rendered got = {0};
    rd_error e = {0};
    rd_code code = rd_jinja_open(&t, row->source, strlen(row->source), &e);
    if (code == RD_OK)
      code = rd_jinja_render(&got, t, &input, &e);
    if (row->text ? code != RD_OK || strcmp(got.text, row->text) != 0
                  : code == RD_OK || !strstr(e.message, row->message))
      fail_msg("%s gives %s", row->source, code == RD_OK ? got.text : e.message);
    rd_rendered_drop(&got);
    rd_jinja_close(&t);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_templates),
                                     cmocka_unit_test(test_expressions),
                                     cmocka_unit_test(test_edges)};
  folder = argc > 1 ? argv[1] : folder;
  rendered = argc > 1 ? argv[1] : rendered;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
