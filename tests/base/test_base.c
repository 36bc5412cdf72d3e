/* SPDX-License-Identifier: MIT */
/* The base layer: messages, arenas, cursor, atomic files, random numbers, JSON, YAML, option rows.
 */
#include "arena.h"
#include "file.h"
#include "folder.h"
#include "json.h"
#include "late.h"
#include "number.h"
#include "option.h"
#include "rng.h"
#include "utf8.h"

#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void errors_keep_the_first_message_and_gain_context(void **state) {
  (void)state;
  rd_error e = {0};
  assert_int_equal(rd_fail(&e, RD_BAD_INPUT, "ends at %d, file has %d", 10, 8), RD_BAD_INPUT);
  assert_int_equal(rd_prefix(&e, e.code, "%s: tensor %s", "m.safetensors", "w"), RD_BAD_INPUT);
  assert_string_equal(e.message, "m.safetensors: tensor w: ends at 10, file has 8");
  assert_int_equal(rd_fail(NULL, RD_IO, "nobody listens"), RD_IO);
  assert_int_equal(rd_code_describe(RD_CANCELLED)->exit_status, 130);
  assert_int_equal(rd_code_describe((rd_code)99)->http_status, 500);
}

static void layout(rd_arena *a, void **p) {
  p[0] = RD_TAKE(a, char, 1);
  p[1] = RD_TAKE(a, double, 100);
}

static void arenas_measure_then_place(void **state) {
  (void)state;
  void *p[2];
  rd_arena measure = rd_arena_measure(), arena;
  layout(&measure, p);
  assert_null(p[0]);
  assert_int_equal(measure.used, 64 + 832);
  assert_int_equal(rd_arena_init(&arena, measure.used, "test", NULL), RD_OK);
  layout(&arena, p);
  assert_int_equal((uintptr_t)p[1] % RD_ALIGNMENT, 0);
  assert_int_equal(arena.used, measure.used);
  rd_arena_drop(&arena);
  measure = rd_arena_measure();
  rd_arena_take(&measure, SIZE_MAX / 2, 16);
  rd_error e = {0};
  assert_int_equal(rd_arena_init(&arena, measure.used, "absurd", &e), RD_NO_MEMORY);
  assert_non_null(strstr(e.message, "absurd"));
}

static void cursor_stops_at_the_end(void **state) {
  (void)state;
  const unsigned char bytes[] = {1, 2, 0, 0, 0, 3, 9};
  rd_cursor c = rd_cursor_of(bytes, sizeof bytes);
  assert_int_equal(rd_cursor_u8(&c), 1);
  assert_int_equal(rd_cursor_u32(&c), 2);
  assert_int_equal(rd_cursor_u16(&c), 0x0903);
  assert_false(c.failed);
  assert_int_equal(rd_cursor_u64(&c), 0);
  assert_true(c.failed);
  c = rd_cursor_of(bytes, sizeof bytes);
  assert_null(rd_cursor_bytes(&c, UINT64_MAX));
}

static void files_are_replaced_whole(void **state) {
  (void)state;
  char folder[] = "/tmp/redraft-test-XXXXXX";
  assert_non_null(mkdtemp(folder));
  char *path = rd_path_join(folder, "a"), *deep = rd_path_join(folder, "x/y/z");
  rd_file_piece parts[] = {{"hello ", 6}, {"world", 5}};
  rd_error e = {0};
  assert_int_equal(rd_file_write(path, parts, 2, &e), RD_OK);
  char *text = NULL;
  size_t size = 0;
  assert_int_equal(rd_file_read(path, 100, &text, &size, &e), RD_OK);
  assert_string_equal(text, "hello world");
  assert_int_equal(size, 11);
  free(text);
  assert_int_equal(rd_file_read(path, 10, &text, &size, &e), RD_BAD_INPUT);
  assert_int_equal(rd_folder_make(deep, &e), RD_OK);
  assert_true(rd_path_is_folder(deep));
  assert_int_equal(rd_file_write(deep, parts, 2, &e), RD_IO);
  assert_int_equal(rd_folder_make(path, &e), RD_IO);
  assert_int_equal(rd_folder_make("", &e), RD_USAGE);
  assert_string_equal(e.message, "an empty path names no folder");
  rd_map map;
  assert_int_equal(rd_map_open(&map, deep, &e), RD_IO);
  assert_int_equal(rd_map_open(&map, "/nonexistent/file", &e), RD_IO);
  assert_non_null(strstr(e.message, "/nonexistent/file"));
  char *command = rd_print("rm -r %s", folder);
  assert_int_equal(system(command), 0);
  free(command);
  free(path);
  free(deep);
}

/* What a mapping lets go of is there when it is read again; memory that is not its own stays as it
 * is (the system would empty it). */
static void mappings_let_go_of_their_own(void **state) {
  (void)state;
  enum { SIZE = 3 * 65536 + 11, OWN = 1 << 20 };
  char path[] = "/tmp/redraft-map-XXXXXX";
  unsigned char *text = malloc(OWN);
  rd_error e = {0};
  rd_map map;
  assert_non_null(text);
  for (int i = 0; i < OWN; i++)
    text[i] = (unsigned char)(i * 7 + i / 1000);
  const int fd = mkstemp(path);
  assert_int_equal(write(fd, text, SIZE), SIZE);
  close(fd);
  assert_int_equal(rd_map_open(&map, path, &e), RD_OK);
  rd_map_fetch(&map, map.data + 5, SIZE);
  assert_memory_equal(map.data, text, SIZE);
  rd_map_let_go(&map, map.data + 70001, 2 * (size_t)SIZE);
  rd_map_let_go(&map, map.data, 0);
  assert_memory_equal(map.data, text, SIZE);
  unsigned char *copy = malloc(OWN);
  assert_non_null(copy);
  memcpy(copy, text, OWN);
  rd_map_let_go(&map, text, OWN);
  assert_memory_equal(text, copy, OWN);
  rd_map_close(&map);
  unlink(path);
  free(text), free(copy);
}

/* Ill-formed parts as Unicode counts them: each longest start of a character is one. */
static void text_is_made_whole(void **state) {
  (void)state;
#define GONE "\xEF\xBF\xBD"
  static const struct {
    const char *text, *clean;
  } cases[] = {{"", ""},
               {"plain text of more than eight bytes", "plain text of more than eight bytes"},
               {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
               {"a\xFF"
                "b",
                "a" GONE "b"},
               {"\xE2\x82", GONE},
               {"\xE2\x82z", GONE "z"},
               {"\xC0\x80", GONE GONE},
               {"\xED\xA0\x80", GONE GONE GONE},
               {"\xF0\x9F\x98", GONE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[120];
    size_t size = rd_utf8_clean(cases[i].text, strlen(cases[i].text), out);
    assert_int_equal(size, strlen(cases[i].clean));
    assert_memory_equal(out, cases[i].clean, size);
    assert_int_equal(rd_utf8_valid(out, size), size);
  }
#undef GONE
}

/* The published known-answer vectors of Random123 (kat_vectors, philox4x32 10). */
/* A folder belongs to one process at a time, and is free again however that one ended. */
static void folders_are_locked(void **state) {
  (void)state;
  char folder[] = "/tmp/redraft-lock-XXXXXX", file[64];
  rd_error e = {0};
  int lock = 0, second = 0, status = 0;
  assert_non_null(mkdtemp(folder));
  assert_int_equal(rd_folder_lock(folder, &lock, &e), RD_OK);
  assert_true(lock > 0);
  assert_int_equal(rd_folder_lock(folder, &second, &e), RD_BUSY);
  char holder[64];
  snprintf(holder, sizeof holder, "in use by process %d", (int)getpid());
  assert_non_null(strstr(e.message, holder));
  assert_int_equal(second, 0);
  rd_folder_unlock(&lock);
  pid_t child = fork();
  if (child == 0) {
    bool good = rd_folder_lock(folder, &lock, NULL) == RD_OK;
    _exit(good ? 0 : 1); /* without a word */
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(rd_folder_lock(folder, &lock, &e), RD_OK);
  rd_folder_unlock(&lock);
  rd_folder_unlock(&lock);
  snprintf(file, sizeof file, "%s/.lock", folder);
  unlink(file);
  rmdir(folder);
}

/* What another writer has begun beside a file stays as it is, and nothing else is left. */
static void writers_do_not_meet(void **state) {
  (void)state;
  char folder[] = "/tmp/redraft-part-XXXXXX", file[64], part[64];
  assert_non_null(mkdtemp(folder));
  snprintf(file, sizeof file, "%s/a", folder);
  snprintf(part, sizeof part, "%s/a.part", folder);
  FILE *other = fopen(part, "w");
  assert_int_equal(fputs("half", other), 1);
  assert_int_equal(fclose(other), 0);
  const rd_file_piece piece = {"whole", 5};
  char *text = NULL;
  assert_int_equal(rd_file_write(file, &piece, 1, NULL), RD_OK);
  assert_int_equal(rd_file_read(part, 100, &text, NULL, NULL), RD_OK);
  assert_string_equal(text, "half");
  free(text);
  assert_int_equal(rd_file_read(file, 100, &text, NULL, NULL), RD_OK);
  assert_string_equal(text, "whole");
  free(text);
  unlink(part);
  unlink(file);
  assert_int_equal(rmdir(folder), 0);
}

static void philox_matches_its_published_vectors(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    uint32_t out[4];
    rd_philox(vectors[i].counter, vectors[i].key, out);
    assert_memory_equal(out, vectors[i].out, sizeof out);
  }
}

static void random_numbers_depend_on_their_place_alone(void **state) {
  (void)state;
  rd_rng a = rd_rng_at(7, RD_STREAM_SAMPLE, 3, 11), b = a;
  double first = rd_rng_uniform(&a), sum = 0, squares = 0;
  assert_true(first == rd_rng_uniform(&b));
  rd_rng c = rd_rng_at(7, RD_STREAM_NOISE, 3, 11);
  assert_true(first != rd_rng_uniform(&c));
  enum { N = 20000 };
  for (int i = 0; i < N; i++) {
    double x = rd_rng_normal(&a);
    sum += x;
    squares += x * x;
    assert_true(rd_rng_below(&a, 3) < 3);
  }
  assert_true(sum / N > -0.03 && sum / N < 0.03);
  assert_true(squares / N > 0.96 && squares / N < 1.04);
}

static void json_getters_name_the_key_and_the_range(void **state) {
  (void)state;
  json_t *o = NULL;
  rd_error e = {0};
  const char text[] = "{\"n\": 5, \"x\": 0.5, \"s\": \"hi\", \"z\": null}";
  assert_int_equal(rd_json_parse(&o, text, sizeof text - 1, "text", &e), RD_OK);
  int64_t n = 1;
  assert_int_equal(rd_json_int(o, "n", 0, 9, &n, &e), RD_OK);
  assert_int_equal(n, 5);
  assert_int_equal(rd_json_int(o, "z", 0, 9, &n, &e), RD_OK);
  assert_int_equal(n, 5);
  assert_int_equal(rd_json_int(o, "n", 6, 9, &n, &e), RD_BAD_INPUT);
  assert_string_equal(e.message, "n: 5 is outside 6..9");
  assert_int_equal(rd_json_int(o, "s", 0, 9, &n, &e), RD_BAD_INPUT);
  assert_string_equal(e.message, "s: expected an integer, found a string, \"hi\"");
  json_decref(o);
  assert_int_equal(rd_json_parse(&o, "{", 1, "text", &e), RD_BAD_INPUT);
  /* a tokenizer_config.json's idea of infinity, and integers beside it */
  static const char big[] =
      "{\"model_max_length\":1000000000000000019884624838656,\"ids\":[7,0.5],\"in\":{\"n\":-3}}";
  assert_int_equal(rd_json_parse(&o, big, sizeof big - 1, "text", &e), RD_OK);
  assert_true(json_real_value(json_object_get(o, "model_max_length")) > 9e29);
  assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "ids"), 0)), 7);
  assert_true(json_is_real(json_array_get(json_object_get(o, "ids"), 1)));
  assert_int_equal(rd_json_int(json_object_get(o, "in"), "n", -9, 9, &n, &e), RD_OK);
  assert_int_equal(n, -3);
  json_decref(o);
  assert_non_null(strstr(e.message, "text: not valid JSON: line 1"));
}

/* What Python's json and Windows' editors write: taken from files, not from requests. */
static void json_files_may_hold_no_numbers_and_a_mark(void **state) {
  (void)state;
  static const char text[] = "\xef\xbb\xbf{\"a\": NaN, \"b\": [-Infinity, Infinity],"
                             " \"NaN \\\" NaN\": \"Infinity\", \"n\": 5}";
  json_t *o = NULL;
  rd_error e = {0};
  json_error_t why;
  double x = 1;
  int64_t n = 0;
  assert_int_equal(rd_json_parse(&o, text, sizeof text - 1, "text", &e), RD_BAD_INPUT);
  assert_int_equal(rd_json_parse(&o, text + 3, sizeof text - 4, "text", &e), RD_BAD_INPUT);
  o = rd_json_load_file(text, sizeof text - 1, 0, &why);
  assert_non_null(o);
  assert_int_equal(rd_json_real(o, "a", 0, 9, &x, &e), RD_BAD_INPUT);
  assert_string_equal(e.message, "a: expected a number, found a string, \"NaN\"");
  assert_string_equal(json_string_value(json_array_get(json_object_get(o, "b"), 0)), "-Infinity");
  assert_string_equal(json_string_value(json_object_get(o, "NaN \" NaN")), "Infinity");
  assert_int_equal(rd_json_int(o, "n", 0, 9, &n, &e), RD_OK);
  assert_int_equal(n, 5);
  json_decref(o);
  static const char *const broken[] = {"[NaN",    "[\"NaN]", "[NaN, \"\\",
                                       "NaN NaN", "",        "\xef\xbb\xbf"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
    assert_null(rd_json_load_file(broken[i], strlen(broken[i]), 0, &why));
}

static void yaml_gives_the_same_values(void **state) {
  (void)state;
  json_t *o = NULL;
  rd_error e = {0};
  const char text[] = "model: a/b\nlr: 1e-5\nn: 12\nquoted: \"12\"\nflag: True\nlist: [1, two]\n"
                      "init: {width: 288}\nnone: ~\n";
  assert_int_equal(rd_yaml_parse(&o, text, sizeof text - 1, "text", &e), RD_OK);
  assert_string_equal(json_string_value(json_object_get(o, "model")), "a/b");
  assert_true(json_real_value(json_object_get(o, "lr")) == 1e-5);
  assert_int_equal(json_integer_value(json_object_get(o, "n")), 12);
  assert_true(json_is_string(json_object_get(o, "quoted")));
  assert_true(json_is_true(json_object_get(o, "flag")));
  assert_int_equal(json_array_size(json_object_get(o, "list")), 2);
  assert_true(json_is_null(json_object_get(o, "none")));
  json_decref(o);
  assert_int_equal(rd_yaml_parse(&o, "a: [1", 5, "text", &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "text: not valid YAML"));
  assert_int_equal(rd_yaml_parse(&o, "", 0, "text", &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "text: empty"));
  static const struct {
    const char *text, *why;
  } refused[] = {
      {"a: 1\n{a: 1}: b", "text: line 2: a key that is no text"},
      {"[1]: b", "text: line 1: a key that is no text"},
      {"a: &x [1]\nb: *x", "alias (*NAME)"},
      {"a: &x {c: *x}", "alias (*NAME)"},
      {"a: 1\n\na: 2", "text: line 3: the key a is there twice"},
      {"a: {b: 1, c: 2, b: 3}", "text: line 1: the key b is there twice"},
      {"a:\n [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
       "text: line 2: nested over 32 deep"},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    rd_error why = {0};
    assert_int_equal(rd_yaml_parse(&o, refused[i].text, strlen(refused[i].text), "text", &why),
                     RD_BAD_INPUT);
    if (!strstr(why.message, refused[i].why))
      fail_msg("\"%s\" does not say %s", why.message, refused[i].why);
  }
  rd_error more = {0};
  assert_int_equal(rd_yaml_parse(&o, "a: 1\n---\nb: 2", 13, "text", &more), RD_BAD_INPUT);
  assert_non_null(strstr(more.message, "more than one YAML document"));
  assert_int_equal(rd_yaml_parse(&o, "---\na: 1\n...\n", 13, "text", &e), RD_OK);
  json_decref(o);
}

typedef struct params {
  bool watch;
  int64_t iterations;
  double noise;
  char *prompt, *precision, *adapter;
} params;

static const struct precision {
  const char *name;
  int bits;
} precision_rows[] = {{"auto", 0}, {"f32", 32}, {"bf16", 16}};
static const rd_table precisions = RD_TABLE("precision", precision_rows);

static const rd_option rows[] = {
    {"watch", RD_OPTION_AT(params, watch), .fallback = "true", .group = "View",
     .help = "redraw in place"},
    {"iterations", RD_OPTION_AT(params, iterations), .letter = 'n', .fallback = "64", .min = 1,
     .max = 512, .group = "Sampler", .help = "most iterations"},
    {"noise-start", RD_OPTION_AT(params, noise), .fallback = "0.5", .max = 1, .group = "Sampler",
     .help = "share re-masked at first"},
    {"prompt", RD_OPTION_AT(params, prompt), .letter = 'p', .group = "Input",
     .help = "what to answer"},
    {"precision", RD_OPTION_AT(params, precision), .fallback = "auto", .choices = &precisions,
     .group = "Model", .help = "arithmetic"},
    {"adapter", RD_OPTION_AT(params, adapter), .group = "Model", .value = "[NAME=]DIR",
     .help = "beside the model"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static rd_code parse(params *p, bool *given, const char *line, char ***rest, int *n, rd_error *e) {
  static char buffer[256];
  char *argv[16];
  int argc = 0;
  snprintf(buffer, sizeof buffer, "%s", line);
  for (char *word = strtok(buffer, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  rd_options o = {rows, ROWS, p, given};
  assert_int_equal(rd_options_default(&o, e), RD_OK);
  return rd_options_parse(&o, argc, argv, rest, n, e);
}

static void tables_find_rows_and_name_them(void **state) {
  (void)state;
  static const struct only { const char *name; } only_rows[] = {{"low-confidence"}};
  static const rd_table only = RD_TABLE("order", only_rows);
  rd_error e = {0};
  assert_ptr_equal(rd_table_row(&precisions, "bf16"), &precision_rows[2]);
  assert_ptr_equal(rd_table_find(&only, "low_confidence", &e), &only_rows[0]);
  assert_null(rd_table_row(&precisions, "bf1"));
  assert_null(rd_table_row(&precisions, "bf166"));
  assert_null(rd_table_row(&precisions, ""));
  assert_null(rd_table_find(&precisions, "f64", &e));
  assert_int_equal(e.code, RD_USAGE);
  assert_string_equal(e.message, "unknown precision f64; there are auto, f32 and bf16");
  assert_null(rd_table_find(&only, "random", &e));
  assert_string_equal(e.message, "unknown order random; there is low-confidence");
  assert_string_equal(rd_table_name(&precisions, 1), "f32");
  assert_null(rd_table_name(&precisions, 3));
  static const struct {
    const char *name, *nearest;
  } near[] = {{"f23", "f32"},   {"b16", "bf16"},          {"au", "auto"}, {"a", NULL},
              {"auot", "auto"}, {"something-else", NULL}, {"", NULL}};
  for (size_t i = 0; i < sizeof near / sizeof *near; i++)
    if (near[i].nearest)
      assert_string_equal(rd_table_nearest(&precisions, near[i].name), near[i].nearest);
    else
      assert_null(rd_table_nearest(&precisions, near[i].name));
}

/* Parts lie at their own places in one struct; the first row of a name counts. */
static void options_are_put_together_from_parts(void **state) {
  (void)state;
  struct whole {
    int64_t before;
    params inner;
    bool watch;
  } w = {0};
  const rd_option outer_rows[] = {
      {"watch", RD_OPTION_AT(struct whole, watch), .group = "Own", .help = "another watch"}};
  const rd_table outer = RD_TABLE("option", outer_rows), inner = RD_TABLE("option", rows);
  const rd_option_part parts[] = {{&outer, 0}, {&inner, offsetof(struct whole, inner)}, {NULL, 0}};
  rd_options o;
  rd_error e = {0};
  assert_int_equal(rd_options_open(&o, parts, &w, &e), RD_OK);
  assert_int_equal(o.count, ROWS);
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  assert_int_equal(w.inner.iterations, 64);
  assert_false(w.inner.watch); /* its row was left out, with its default */
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "watch"), "true", &e), RD_OK);
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "prompt"), "hi", &e), RD_OK);
  assert_true(w.watch);
  assert_string_equal(w.inner.prompt, "hi");
  assert_true(rd_options_given(&o, "Input"));
  assert_false(rd_options_given(&o, "Sampler"));
  static const struct {
    const char *name, *text;
  } texts[] = {{"watch", "true"}, {"iterations", "64"}, {"noise-start", "0.5"}, {"prompt", "hi"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *text = rd_option_text(&o, rd_option_find(&o, texts[i].name));
    assert_string_equal(text, texts[i].text);
    free(text);
  }
  rd_options_drop(&o);
  rd_options_close(&o);
}

static void option_rows_drive_the_command_line(void **state) {
  (void)state;
  params p = {0};
  bool given[ROWS];
  rd_options o = {rows, ROWS, &p, given};
  char **rest = NULL;
  int n = 0;
  rd_error e = {0};
  assert_int_equal(
      parse(&p, given, "--no-watch -n8 --noise_start=0.25 hello -p hi -- -x", &rest, &n, &e),
      RD_OK);
  assert_false(p.watch);
  assert_int_equal(p.iterations, 8);
  assert_true(p.noise == 0.25);
  assert_string_equal(p.prompt, "hi");
  assert_string_equal(p.precision, "auto");
  assert_int_equal(n, 2);
  assert_string_equal(rest[0], "hello");
  assert_string_equal(rest[1], "-x");
  assert_true(rd_option_given(&o, "noise-start"));
  assert_false(rd_option_given(&o, "precision"));
  free(rest);
  static const struct {
    const char *line, *message;
  } wrong[] = {
      {"--iterations 0", "--iterations: 0 is outside 1..512"},
      {"--iterations 5x", "--iterations: expected a whole number, found 5x"},
      {"--noise-start nan", "--noise-start: nan is outside 0..1"},
      {"--iteration 5", "unknown option --iteration; did you mean --iterations?"},
      {"--precision f64", "--precision: unknown precision f64; there are auto, f32 and bf16"},
      {"--no-prompt", "unknown option --no-prompt; did you mean --prompt?"},
      {"-n", "--iterations needs a value"},
      {"-z", "unknown option -z; --help lists them"},
      {"--watch=maybe", "--watch: expected true or false, found maybe"},
      {"--adapter=", "--adapter: an empty path; name [NAME=]DIR, or leave the option away"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(parse(&p, given, wrong[i].line, &rest, &n, &e), RD_USAGE);
    assert_string_equal(e.message, wrong[i].message);
    free(rest);
  }
  char *help = rd_options_help(&o);
  assert_non_null(strstr(help, "-n, --iterations N"));
  assert_non_null(strstr(help, "most iterations [64] (1..512)"));
  free(help);
  rd_options_drop(&o);
}

/* A double does not tell such numbers apart, and ten digits are not what may be typed. */
static void bounds_are_whole_and_hold(void **state) {
  (void)state;
  struct big {
    int64_t seed;
    double share;
  } b = {0};
  const rd_option big_rows[] = {{"seed", RD_OPTION_AT(struct big, seed), .fallback = "-1",
                                 .min = -1, .max = 9007199254740992.0, .group = "Big", .help = "x"},
                                {"share", RD_OPTION_AT(struct big, share), .min = 0.001, .max = 1,
                                 .group = "Big", .help = "y"}};
  rd_options o = {big_rows, 2, &b, NULL};
  rd_error e = {0};
  assert_int_equal(rd_option_set(&o, big_rows, "9007199254740992", &e), RD_OK);
  assert_true(b.seed == INT64_C(9007199254740992));
  assert_int_equal(rd_option_set(&o, big_rows, "9007199254740993", &e), RD_USAGE);
  assert_string_equal(e.message, "--seed: 9007199254740993 is outside -1..9007199254740992");
  char *help = rd_options_help(&o);
  assert_non_null(strstr(help, "(-1..9007199254740992)"));
  assert_non_null(strstr(help, "(0.001..1)"));
  free(help);
}

static void option_rows_drive_json(void **state) {
  (void)state;
  params p = {0};
  bool given[ROWS];
  rd_options o = {rows, ROWS, &p, given};
  rd_error e = {0};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  json_t *body = json_pack("{s:i, s:f, s:b, s:s}", "iterations", 9, "noise_start", 0.75, "watch", 0,
                           "prompt", "x");
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(body, key, value) {
    assert_int_equal(rd_option_set_json(&o, rd_option_find(&o, key), value, &e), RD_OK);
  }
  json_decref(body);
  assert_int_equal(p.iterations, 9);
  assert_true(p.noise == 0.75);
  assert_string_equal(p.prompt, "x");
  json_t *text = json_string("9");
  assert_int_equal(rd_option_set_json(&o, &rows[1], text, &e), RD_USAGE);
  json_decref(text);
  json_t *listed = rd_options_json(&o);
  assert_int_equal(json_array_size(listed), ROWS);
  assert_int_equal(json_integer_value(json_object_get(json_array_get(listed, 1), "default")), 64);
  assert_int_equal(json_array_size(json_object_get(json_array_get(listed, 4), "choices")), 3);
  json_decref(listed);
  rd_options_drop(&o);
}

#define FUNCTIONS(F) F(cos) F(sin)
static struct { FUNCTIONS(RD_LATE_MEMBER) } lib;
static rd_late maths = RD_LATE("libm.so.6", "libc6", "a test", FUNCTIONS, &lib);
static rd_late none = RD_LATE("libnone.so.1", "libnone1", "a test", FUNCTIONS, &lib);
static rd_late other = RD_LATE("libjansson.so.4", "libjansson4", "a test", FUNCTIONS, &lib);

/* Where a machine has a language with commas in its numbers. */
static void numbers_have_points_in_any_language(void **state) {
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pl_PL.UTF-8", "pt_BR.UTF-8"};
  (void)state;
  for (size_t i = 0; i <= sizeof names / sizeof *names; i++) { /* and in what there is already */
    const char *name = i < sizeof names / sizeof *names ? names[i] : "C";
    locale_t comma = newlocale(LC_ALL_MASK, name, (locale_t)0);
    if (!comma)
      continue;
    locale_t before = uselocale(comma);
    char text[20], *end = NULL;
    double read = rd_number_read("0.5", &end);
    rd_number_print(text, sizeof text, "%.2f", 0.25);
    locale_t now = uselocale(before);
    assert_true(read == 0.5 && *end == '\0');
    assert_string_equal(text, "0.25");
    assert_true(now == comma);
    freelocale(comma);
  }
}

static void late_libraries_open_or_say_what_is_missing(void **state) {
  (void)state;
  rd_error e = {0};
  assert_int_equal(rd_late_open(&none, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "a test needs libnone.so.1, of Debian's package libnone1: "));
  e = (rd_error){0};
  assert_int_equal(rd_late_open(&other, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "libjansson.so.4, which has no function cos"));
  for (int i = 0; i < 2; i++)
    assert_int_equal(rd_late_open(&maths, &e), RD_OK);
  assert_true(lib.cos(0) == 1 && lib.sin(0) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_keep_the_first_message_and_gain_context),
      cmocka_unit_test(arenas_measure_then_place),
      cmocka_unit_test(cursor_stops_at_the_end),
      cmocka_unit_test(files_are_replaced_whole),
      cmocka_unit_test(mappings_let_go_of_their_own),
      cmocka_unit_test(folders_are_locked),
      cmocka_unit_test(writers_do_not_meet),
      cmocka_unit_test(philox_matches_its_published_vectors),
      cmocka_unit_test(random_numbers_depend_on_their_place_alone),
      cmocka_unit_test(json_getters_name_the_key_and_the_range),
      cmocka_unit_test(json_files_may_hold_no_numbers_and_a_mark),
      cmocka_unit_test(yaml_gives_the_same_values),
      cmocka_unit_test(text_is_made_whole),
      cmocka_unit_test(tables_find_rows_and_name_them),
      cmocka_unit_test(options_are_put_together_from_parts),
      cmocka_unit_test(option_rows_drive_the_command_line),
      cmocka_unit_test(bounds_are_whole_and_hold),
      cmocka_unit_test(option_rows_drive_json),
      cmocka_unit_test(numbers_have_points_in_any_language),
      cmocka_unit_test(late_libraries_open_or_say_what_is_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
