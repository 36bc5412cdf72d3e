/* SPDX-License-Identifier: MIT */
/* Files of tensors as they come: askew, with types and shapes that nobody wants, in shards, in
 * parts; and damaged ones, each refused with the thing and the numbers. */
#include "gguf.h"
#include "scratch_files.h"
#include "torch_file.h"
#include "weights_folder.h"

/* A safetensors file in memory of the exact size: header of `pad` blanks more, then `size` bytes
 * 0, 1, 2, ... */
static unsigned char *file_of(const char *header, size_t pad, size_t size, size_t *total) {
  uint64_t length = strlen(header) + pad;
  *total = 8 + (size_t)length + size;
  unsigned char *out = malloc(*total);
  memcpy(out, &length, 8);
  memset(out + 8, ' ', (size_t)length);
  memcpy(out + 8, header, strlen(header));
  for (size_t i = 0; i < size; i++)
    out[8 + (size_t)length + i] = (unsigned char)i;
  return out;
}

static void tensors_may_lie_anywhere(void **state) {
  (void)state;
  static const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                               "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]},"
                               "\"x\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[9,11]}}";
  for (size_t pad = 0; pad < 8; pad++) {
    size_t total = 0;
    unsigned char *data = file_of(header, pad, 11, &total);
    rd_tensors t = {0};
    rd_error e = {0};
    if (rd_safetensors_parse(&t, data, total, &e) || rd_tensors_finish(&t, &e))
      fail_msg("%s", e.message);
    const rd_tensor *w = rd_tensors_find(&t, "w"), *x = rd_tensors_find(&t, "x");
    assert_int_equal((uintptr_t)w->data % 4, 0);
    assert_int_equal((uintptr_t)x->data % 2, 0);
    assert_memory_equal(w->data, data + total - 10, 8);
    assert_memory_equal(x->data, data + total - 2, 2);
    assert_true(t.copied == 0 || t.copied == 2 || t.copied == 8 || t.copied == 10);
    rd_tensors_drop(&t);
    free(data);
  }
}

static void what_nobody_wants_is_listed(void **state) {
  (void)state;
  static const char header[] =
      "{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"b\":{\"dtype\":\"F7\",\"shape\":[3],\"data_offsets\":[8,9]},"
      "\"c\":{\"dtype\":\"F32\",\"shape\":[1,2,1,1,1],\"data_offsets\":[9,17]},"
      "\"d\":{\"dtype\":\"F16\",\"shape\":[2,1,2,1,1,1,1,1,1,3],\"data_offsets\":[17,41]},"
      "\"e\":{\"dtype\":\"Q4_K\",\"shape\":[1],\"data_offsets\":[41,42]}}";
  size_t total = 0;
  unsigned char *data = file_of(header, 0, 42, &total);
  rd_tensors t = {0};
  rd_error e = {0};
  char shape[100];
  if (rd_safetensors_parse(&t, data, total, &e) || rd_tensors_finish(&t, &e))
    fail_msg("%s", e.message);
  assert_int_equal(t.count, 5);
  assert_int_equal(rd_tensor_readable(&t.items[0], &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "tensor a: type I64 is not read as weights"));
  assert_int_equal(rd_tensor_readable(&t.items[1], &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "tensor b: type F7 is"));
  assert_int_equal(rd_tensor_readable(&t.items[2], &e), RD_OK);
  assert_string_equal(rd_shape_text(shape, sizeof shape, t.items[2].shape, t.items[2].dims),
                      "(1, 2, 1, 1, 1)");
  assert_int_equal(rd_tensor_count(&t.items[3]), 12);
  assert_string_equal(rd_shape_text(shape, sizeof shape, t.items[3].shape, t.items[3].dims),
                      "(4, 1, 1, 1, 1, 1, 1, 3)");
  assert_string_equal(rd_tensor_type(&t.items[4]), "Q4_K");
  assert_int_equal(rd_tensor_readable(&t.items[4], &e), RD_UNSUPPORTED);
  rd_tensors_drop(&t);
  free(data);
}

static void bytes_of_no_tensor_are_damage(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t size;
    const char *message;
  } cases[] = {
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 7,
       "7 bytes of data, 3 of them in no tensor"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
       "8 bytes of data, 4 of them in no tensor"},
      {"{}", 1, "1 bytes of data, 1 of them in no tensor"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776,1],"
       "\"data_offsets\":[0,4]}}",
       4, "takes 0 bytes, the file gives 4"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2,1099511627776,1099511627776,1,1,1,1,1],"
       "\"data_offsets\":[0,4]}}",
       4, "the file gives 4"},
      {"{\"w\":{\"dtype\":\"F7\",\"shape\":[9223372036854775807,2,1,1,1,1,1,1,1],"
       "\"data_offsets\":[0,4]}}",
       4, "size 1 of its shape is no count"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t total = 0;
    unsigned char *data = file_of(cases[i].header, 0, cases[i].size, &total);
    rd_tensors t = {0};
    rd_error e = {0};
    if (rd_safetensors_parse(&t, data, total, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    rd_tensors_drop(&t);
    free(data);
  }
}

static void write_shard(const char *path, const char *name, float value) {
  rd_error e = {0};
  union {
    const char *in;
    char *out;
  } borrowed = {.in = name};
  rd_tensor t[2] = {{.name = borrowed.out, .format = rd_format_named("F32"), .dims = 1},
                    {.name = (char[]){"both"}, .format = rd_format_named("F32"), .dims = 1}};
  for (int i = 0; i < 2; i++) {
    t[i].shape[0] = 1;
    t[i].data = (const unsigned char *)&value;
    t[i].size = 4;
  }
  assert_int_equal(rd_safetensors_write(path, t, 2, &e), RD_OK);
}

static void the_index_says_which_shard_counts(void **state) {
  (void)state;
  static const struct {
    const char *index, *message;
    float both;
  } cases[] = {
      {"{\"weight_map\":{\"a\":\"one\",\"b\":\"sub/two\",\"both\":\"one\"}}", NULL, 1},
      {"{\"weight_map\":{\"a\":\"one\",\"b\":\"sub/two\",\"both\":\"sub/two\"}}", NULL, 2},
      {"{\"weight_map\":{\"a\":\"one\",\"b\":\"sub/two\"}}", "tensor both is there twice", 0},
      {"{\"weight_map\":{\"a\":\"one\",\"b\":\"sub/../sub/two\"}}",
       "weight_map names no file of the folder for b", 0},
      {"{\"weight_map\":{\"a\":\"/one\"}}", "weight_map names no file of the folder for a", 0},
      {"{\"weight_map\":{\"a\":\"sub//two\"}}", "weight_map names no file of the folder for a", 0},
      {"{\"weight_map\":{\"a\":7}}", "weight_map names no file of the folder for a", 0},
      {"{\"weight_map\":{\"a\":\"three\"}}", "three: the shard is missing; a needs it", 0},
      {"{\"weight_map\":[]}", "has no weight_map", 0},
  };
  char folder[64];
  rd_error e = {0};
  temporary(folder, sizeof folder);
  assert_int_equal(rd_folder_make(in(folder, "sub"), &e), RD_OK);
  write_shard(in(folder, "one"), "a", 1);
  write_shard(in(folder, "sub/two"), "b", 2);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_tensors t;
    write_bytes(in(folder, "model.safetensors.index.json"), cases[i].index, strlen(cases[i].index));
    rd_code code = rd_weights_folder_open(&t, folder, &e);
    if (cases[i].message) {
      if (code == RD_OK || !strstr(e.message, cases[i].message))
        fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
      continue;
    }
    if (code != RD_OK)
      fail_msg("case %zu: %s", i, e.message);
    float found;
    assert_int_equal(t.count, 3);
    memcpy(&found, rd_tensors_find(&t, "both")->data, sizeof found);
    assert_true(found == cases[i].both);
    rd_tensors_drop(&t);
  }
  static const char *const files[] = {"one", "model.safetensors.index.json"};
  unlink(in(folder, "sub/two"));
  assert_int_equal(rmdir(in(folder, "sub")), 0);
  sweep(folder, files, 2);
}

/* pytorch_model.bin, and shards of such; what is safe counts where both are there. */
static void torch_files_of_a_folder_are_read(void **state) {
  (void)state;
  static const char *const files[] = {"pytorch_model.bin", "pytorch_model.bin.index.json",
                                      "model.safetensors"};
  char folder[64];
  rd_tensors t;
  rd_error e = {0};
  temporary(folder, sizeof folder);
  assert_int_equal(rd_weights_folder_open(&t, folder, &e), RD_IO);
  assert_non_null(strstr(e.message, "neither model.safetensors nor pytorch_model.bin"));
  assert_int_equal(rd_file_copy(GOLDEN "torch/state4.pt", in(folder, files[0]), &e), RD_OK);
  if (rd_weights_folder_open(&t, folder, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_true(t.count > 0);
  const size_t count = t.count;
  char *index = rd_print("{\"weight_map\":{\"%s\":\"shard.bin\"}}", t.items[0].name);
  rd_tensors_drop(&t);
  assert_int_equal(rename(in(folder, files[0]), in(folder, "shard.bin")), 0);
  write_bytes(in(folder, files[1]), index, strlen(index));
  if (rd_weights_folder_open(&t, folder, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(t.count, count);
  rd_tensors_drop(&t);
  free(index);
  write_shard(in(folder, files[2]), "a", 1);
  assert_int_equal(rd_weights_folder_open(&t, folder, &e), RD_OK);
  assert_non_null(rd_tensors_find(&t, "both"));
  rd_tensors_drop(&t);
  sweep(folder, (const char *const[]){"shard.bin", files[1], files[2]}, 3);
}

static void what_a_download_left_is_said(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {{"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
                "a pointer of Git LFS, not the file itself"},
               {"<!DOCTYPE html><html></html>", "a web page, not the file itself"},
               {"", "the file is empty"}};
  char folder[64];
  temporary(folder, sizeof folder);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_tensors t;
    rd_gguf g;
    rd_error e = {0};
    write_bytes(in(folder, "x"), cases[i].text, strlen(cases[i].text));
    assert_int_equal(rd_safetensors_open(&t, in(folder, "x"), &e), RD_BAD_INPUT);
    assert_non_null(strstr(e.message, cases[i].message));
    assert_int_equal(rd_torch_open(&t, in(folder, "x"), &e), RD_BAD_INPUT);
    assert_non_null(strstr(e.message, cases[i].message));
    assert_int_equal(rd_gguf_open(&g, in(folder, "x"), &e), RD_BAD_INPUT);
    assert_non_null(strstr(e.message, cases[i].message));
  }
  sweep(folder, (const char *const[]){"x"}, 1);
}

#define PART(n) "split-0000" #n "-of-00003.gguf"

static void parts_of_a_gguf_are_one_file(void **state) {
  (void)state;
  rd_gguf g;
  rd_error e = {0};
  if (rd_gguf_open(&g, GOLDEN "gguf/" PART(1), &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_gguf_text name = {0};
  assert_int_equal(rd_gguf_text_of(&g, "general.name", &name, &e), RD_OK);
  assert_int_equal(name.size, 5);
  assert_int_equal(g.tensors.count, 5);
  assert_int_equal(g.tensors.map_count, 3);
  for (size_t i = 0; i < 5; i++) {
    float first;
    memcpy(&first, g.tensors.items[i].data, sizeof first);
    assert_true(first == (float)(32 * i));
  }
  rd_gguf_drop(&g);
}

static void parts_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *file[3]; /* which golden part stands under which name */
    const char *open, *message;
  } cases[] = {
      {{PART(1), PART(2), PART(3)}, PART(2), "part 2 of 3; open the first"},
      {{PART(1), PART(2), NULL}, PART(1), "00003-of-00003.gguf: the part is missing; all 3"},
      {{PART(1), PART(3), PART(2)}, PART(1), "says that it is part 3 of 3"},
      {{PART(1), PART(1), PART(3)}, PART(1), "says that it is part 1 of 3"},
      {{PART(1), "llama-gqa-tied.gguf", PART(3)}, PART(1), "says that it is part 1 of 1"},
      {{"blocks.gguf", PART(1), PART(3)}, PART(2), "must be called NAME-00001-of-00003.gguf"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static const char *const names[] = {PART(1), PART(2), PART(3)};
    char folder[64];
    rd_gguf g;
    rd_error e = {0};
    temporary(folder, sizeof folder);
    for (size_t k = 0; k < 3; k++)
      if (cases[i].file[k])
        copy_file(in(GOLDEN "gguf", cases[i].file[k]), in(folder, names[k]));
    if (rd_gguf_open(&g, in(folder, cases[i].open), &e) == RD_OK ||
        !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    assert_int_equal(g.tensors.count, 0);
    sweep(folder, names, 3);
  }
}

/* The start of a GGUF file in memory, with one key: u32 type and what follows. */
static size_t gguf_with(unsigned char *out, uint32_t version, const char *key, uint32_t type,
                        const void *value, size_t size) {
  uint64_t tensors = 0, keys = 1, length = strlen(key);
  unsigned char *at = out;
  at = (unsigned char *)memcpy(at, "GGUF", 4) + 4;
  at = (unsigned char *)memcpy(at, &version, 4) + 4;
  at = (unsigned char *)memcpy(at, &tensors, 8) + 8;
  at = (unsigned char *)memcpy(at, &keys, 8) + 8;
  at = (unsigned char *)memcpy(at, &length, 8) + 8;
  at = (unsigned char *)memcpy(at, key, strlen(key)) + strlen(key);
  at = (unsigned char *)memcpy(at, &type, 4) + 4;
  at = (unsigned char *)memcpy(at, value, size) + size;
  return (size_t)(at - out);
}

static void one_number_for_each_layer_is_one_number(void **state) {
  (void)state;
  struct {
    uint32_t item;
    uint32_t count[2];
    uint32_t numbers[3];
  } array = {.item = 4, .count = {3, 0}, .numbers = {8, 8, 8}};
  unsigned char file[128];
  rd_gguf g;
  rd_error e = {0};
  int64_t n = 0;
  size_t size = gguf_with(file, 3, "k", 9, &array, sizeof array);
  assert_int_equal(rd_gguf_parse(&g, file, size, &e), RD_OK);
  assert_int_equal(rd_gguf_int(&g, "k", 0, 99, &n, &e), RD_OK);
  assert_int_equal(n, 8);
  rd_gguf_drop(&g);
  array.numbers[2] = 4;
  size = gguf_with(file, 3, "k", 9, &array, sizeof array);
  assert_int_equal(rd_gguf_parse(&g, file, size, &e), RD_OK);
  assert_int_equal(rd_gguf_int(&g, "k", 0, 99, &n, &e), RD_UNSUPPORTED);
  assert_string_equal(e.message,
                      "k: 8 in layer 0 and 4 in layer 2; layers that differ are not read");
  rd_gguf_drop(&g);
  array.count[0] = 0;
  size = gguf_with(file, 3, "k", 9, &array, 12);
  assert_int_equal(rd_gguf_parse(&g, file, size, &e), RD_OK);
  assert_int_equal(rd_gguf_int(&g, "k", 0, 99, &n, &e), RD_BAD_INPUT);
  rd_gguf_drop(&g);
}

static void big_endian_is_said(void **state) {
  (void)state;
  unsigned char file[128], value = 1;
  rd_gguf g;
  rd_error e = {0};
  size_t size = gguf_with(file, 0x03000000u, "k", 0, &value, 1);
  assert_int_equal(rd_gguf_parse(&g, file, size, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "a big-endian GGUF file, version 3"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tensors_may_lie_anywhere),
      cmocka_unit_test(what_nobody_wants_is_listed),
      cmocka_unit_test(bytes_of_no_tensor_are_damage),
      cmocka_unit_test(the_index_says_which_shard_counts),
      cmocka_unit_test(torch_files_of_a_folder_are_read),
      cmocka_unit_test(what_a_download_left_is_said),
      cmocka_unit_test(parts_of_a_gguf_are_one_file),
      cmocka_unit_test(parts_that_do_not_fit_are_refused),
      cmocka_unit_test(one_number_for_each_layer_is_one_number),
      cmocka_unit_test(big_endian_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
