/* SPDX-License-Identifier: MIT */
/* Jinja beside Python's: every template of tests/golden/templates (or of the folder given as an
 * argument) renders every conversation as the file beside it says, or refuses what Python refuses.
 * tools/judges/jinja.py writes those files. */
#include "file.h"
#include "jinja.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder = RD_SOURCE_DIR "/tests/golden/templates";
static const struct tm clock_of_goldens = {.tm_year = 126,
                                           .tm_mon = 0,
                                           .tm_mday = 2,
                                           .tm_hour = 3,
                                           .tm_min = 4,
                                           .tm_sec = 5,
                                           .tm_wday = 5,
                                           .tm_yday = 1};
static const char *const roles[] = {"system", "user", "assistant", NULL};

static json_t *open_json(const char *name) {
  char *path = rd_path_join(folder, name);
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
  json_t *talks = open_json("conversations.json");
  DIR *dir = opendir(folder);
  int templates = 0, bad = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));) {
    char *dot = strstr(entry->d_name, ".jinja");
    if (!dot || dot[6])
      continue;
    rd_jinja *t = open_template(entry->d_name);
    char *beside = rd_print("%.*s.json", (int)(dot - entry->d_name), entry->d_name);
    json_t *golden = open_json(beside);
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
  json_t *all = open_json("expressions.json"), *row;
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

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_templates),
                                     cmocka_unit_test(test_expressions)};
  folder = argc > 1 ? argv[1] : folder;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
