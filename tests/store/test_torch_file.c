/* SPDX-License-Identifier: MIT */
/* What torch.save writes, read to the byte; and files that run code, lie or never end, refused with
 * the reason. Made by tests/golden/make_torch.py with torch itself. */
#include "pickle.h"
#include "scratch_files.h"
#include "torch_file.h"

#define TORCH GOLDEN "torch/"

static void compare(const rd_tensors *found, const rd_tensors *expected, const char *file) {
  char a[100], b[100];
  if (found->count != expected->count)
    fail_msg("%s: %zu tensors, expected %zu", file, found->count, expected->count);
  for (size_t i = 0; i < found->count; i++) {
    const rd_tensor *x = &found->items[i], *y = &expected->items[i];
    rd_shape_text(a, sizeof a, x->shape, x->dims);
    rd_shape_text(b, sizeof b, y->shape, y->dims);
    if (strcmp(x->name, y->name) != 0 || x->format != y->format || strcmp(a, b) != 0)
      fail_msg("%s: %s %s %s, expected %s %s %s", file, x->name, rd_tensor_type(x), a, y->name,
               rd_tensor_type(y), b);
    if (x->size != y->size || memcmp(x->data, y->data, x->size) != 0)
      fail_msg("%s: %s: other bytes", file, x->name);
    if (x->format->dtype >= 0)
      assert_int_equal((uintptr_t)x->data % (size_t)x->format->bytes, 0);
  }
}

static bool in_map(const rd_tensors *t, const char *name) {
  const rd_tensor *x = rd_tensors_find(t, name);
  return x->data >= t->maps->data && x->data < t->maps->data + t->maps->size;
}

static void files_of_torch_are_read_to_the_byte(void **state) {
  (void)state;
  static const struct {
    const char *file, *expected;
    const char *in_place; /* a tensor that is used where it lies */
  } cases[] = {
      {"state2.pt", "state", "plain"},     {"state4.pt", "state", "shared.rows"},
      {"state5.pt", "state", "half"},      {"deflated.pt", "state", NULL},
      {"askew.pt", "state", NULL},         {"module2.pt", "module", "embed.weight"},
      {"module4.pt", "module", "lists.1"}, {"big.pt", "big", NULL},
      {"lone.pt", "lone", "tensor"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_tensors t, expected;
    rd_error e = {0};
    char *file = rd_print(TORCH "%s", cases[i].file);
    char *values = rd_print(TORCH "%s.safetensors", cases[i].expected);
    if (rd_torch_open(&t, file, &e) || rd_safetensors_open(&expected, values, &e))
      fail_msg("%s", e.message);
    compare(&t, &expected, cases[i].file);
    if (cases[i].in_place)
      assert_true(in_map(&t, cases[i].in_place));
    rd_tensors_drop(&t);
    rd_tensors_drop(&expected);
    free(file);
    free(values);
  }
}

/* A view out of order is copied; those that share a storage in order are not. */
static void only_what_must_be_is_copied(void **state) {
  (void)state;
  rd_tensors t;
  rd_error e = {0};
  assert_int_equal(rd_torch_open(&t, TORCH "state2.pt", &e), RD_OK);
  assert_true(in_map(&t, "shared.all") && in_map(&t, "shared.rows") && in_map(&t, "shared.once"));
  assert_ptr_equal(rd_tensors_find(&t, "shared.all")->data,
                   rd_tensors_find(&t, "shared.same")->data);
  assert_false(in_map(&t, "shared.turned"));
  assert_int_equal(
      t.copied,
      rd_tensors_find(&t, "shared.turned")->size + rd_tensors_find(&t, "shared.column")->size +
          rd_tensors_find(&t, "shared.every")->size + rd_tensors_find(&t, "repeated")->size +
          rd_tensors_find(&t, "halfturned")->size + rd_tensors_find(&t, "many")->size);
  rd_tensors_drop(&t);
}

static void files_that_are_not_what_they_say_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *file;
    rd_code code;
    const char *message;
  } cases[] = {
      {"system", RD_UNSUPPORTED,
       "pickle: class posix.system is not one that holds weights; nothing was executed"},
      {"eval", RD_UNSUPPORTED, "pickle: class builtins.eval is not"},
      {"import", RD_UNSUPPORTED, "pickle: class builtins.__import__ is not"},
      {"exec2", RD_UNSUPPORTED, "pickle: class __builtin__.exec is not"},
      {"getattr", RD_BAD_INPUT, "a call of what is no class"},
      {"escape", RD_UNSUPPORTED, "pickle: class ?[2Jos?.system is not"},
      {"reader", RD_UNSUPPORTED, "pickle: class torch.serialization.load is not"},
      {"inst", RD_UNSUPPORTED, "instruction 0x69 at byte 3 is not one that torch.save writes"},
      {"old_global", RD_BAD_INPUT, "a name without an end"},
      {"object", RD_BAD_INPUT, "a call of what is no class"},
      {"protocol0", RD_UNSUPPORTED, "instruction 0x70"},
      {"protocol9", RD_UNSUPPORTED, "protocol 9; 2 to 5 are read"},
      {"memo", RD_BAD_INPUT, "memo entry 4294967295 of a pickle of 9 bytes"},
      {"memo_get", RD_BAD_INPUT, "a memo entry that was never written"},
      {"itself", RD_BAD_INPUT, "nest deeper than 64, or hold themselves"},
      {"dict_itself", RD_BAD_INPUT, "nest deeper than 64, or hold themselves"},
      {"deep", RD_BAD_INPUT, "nest deeper than 64"},
      {"laughs", RD_BAD_INPUT, "more than 16777216 paths"},
      {"no_stop", RD_BAD_INPUT, "it ends before STOP"},
      {"two_values", RD_BAD_INPUT, "STOP with a stack of not one"},
      {"more", RD_BAD_INPUT, "more follows behind STOP"},
      {"empty", RD_BAD_INPUT, "it ends before STOP"},
      {"no_stack", RD_BAD_INPUT, "finds nothing on the stack"},
      {"no_mark", RD_BAD_INPUT, "finds no mark"},
      {"long_text", RD_BAD_INPUT, "it ends inside of BINUNICODE"},
      {"long_text8", RD_BAD_INPUT, "it ends inside of BINUNICODE8"},
      {"no_list", RD_BAD_INPUT, "items for what is no list"},
      {"no_pairs", RD_BAD_INPUT, "keys and values for what takes none"},
      {"odd_dict", RD_BAD_INPUT, "a key without a value"},
      {"few", RD_BAD_INPUT, "a tuple of more than the stack holds"},
      {"offset", RD_BAD_INPUT, "tensor w: reaches number 4 of a storage of 4"},
      {"offset_minus", RD_BAD_INPUT, "a tensor whose arguments torch would not write"},
      {"size", RD_BAD_INPUT, "tensor w: reaches number 4 of a storage of 4"},
      {"size_minus", RD_BAD_INPUT, "a tensor whose sizes torch would not write"},
      {"size_product", RD_BAD_INPUT, "tensor w: reaches number"},
      {"stride", RD_BAD_INPUT, "tensor w: reaches number 5 of a storage of 4"},
      {"stride_minus", RD_BAD_INPUT, "a tensor whose strides torch would not write"},
      {"stride_far", RD_BAD_INPUT, "reaches number 4611686018427387904 of a storage of 4"},
      {"stride_few", RD_BAD_INPUT, "a tensor whose strides torch would not write"},
      {"repeats", RD_UNSUPPORTED, "tensor w: 68719476736 bytes that must be copied"},
      {"repeats_far", RD_BAD_INPUT, "tensor w: has 4611686018427387904 numbers of 4 bytes"},
      {"count", RD_BAD_INPUT, "its storage 0 says 5 numbers of 4 bytes and has 16 bytes"},
      {"count_far", RD_BAD_INPUT, "its storage 0 says 4611686018427387904 numbers"},
      {"count_minus", RD_BAD_INPUT, "a storage that torch would not name so"},
      {"missing", RD_BAD_INPUT, "tensor w: its storage 1 is not in the archive"},
      {"climbing", RD_BAD_INPUT, "its storage ../data.pkl is not in the archive"},
      {"untyped", RD_BAD_INPUT, "tensor w: nothing says of what type its numbers are"},
      {"no_class", RD_BAD_INPUT, "a storage that torch would not name so"},
      {"module_kind", RD_BAD_INPUT, "a storage that torch would not name so"},
      {"negative", RD_UNSUPPORTED, "a negated or conjugated view; clone() it"},
      {"deep_parameter", RD_BAD_INPUT, "a tensor whose function torch would not write"},
      {"nul", RD_BAD_INPUT, "a tensor's name of 3 bytes, or with a NUL, from w"},
      {"long_name", RD_BAD_INPUT, "a tensor's name of 1100 bytes"},
      {"same_name", RD_BAD_INPUT, "tensor w is there twice"},
      {"no_tensors", RD_BAD_INPUT, "holds no tensors: it is a dict"},
      {"sparse", RD_UNSUPPORTED, "class torch._utils._rebuild_sparse_tensor is not"},
      {"numpy", RD_UNSUPPORTED, "multiarray._reconstruct is not"},
      {"script", RD_UNSUPPORTED, "a TorchScript archive; torch.save the module's state_dict()"},
      {"order", RD_BAD_INPUT, "byteorder says neither little nor big"},
      {"no_pickle", RD_UNSUPPORTED, "without a data.pkl: not one that torch.save wrote"},
      {"legacy", RD_UNSUPPORTED, "in the format from before torch 1.6; torch.save(torch.load("},
      {"bare", RD_UNSUPPORTED, "a bare pickle"},
      {"text", RD_BAD_INPUT, "not a file that torch.save wrote"},
      {"nothing", RD_BAD_INPUT, "the file is empty"},
      {"zip_magic", RD_BAD_INPUT, "a zip archive that is damaged or cut off"},
      {"method", RD_UNSUPPORTED, "compressed by method 12"},
      {"bomb", RD_BAD_INPUT, "lone/data/0 of the archive: says 2147483648 bytes in"},
      {"encrypted", RD_BAD_INPUT, "lone/data.pkl of the archive is encrypted"},
      {"cut", RD_BAD_INPUT, "a zip archive that is damaged or cut off"},
      {"checksum", RD_BAD_INPUT, "is damaged: its size or checksum is wrong"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *file = rd_print(RD_BUILD_DIR "/golden/torch_refused/%s.pt", cases[i].file);
    rd_tensors t;
    rd_error e = {0};
    rd_code code = rd_torch_open(&t, file, &e);
    if (code != cases[i].code || !strstr(e.message, cases[i].message))
      fail_msg("%s: expected \"%s\" (%d), found \"%s\" (%d)", cases[i].file, cases[i].message,
               (int)cases[i].code, e.message, (int)code);
    assert_non_null(strstr(e.message, file));
    assert_int_equal(t.count + t.map_count + t.copy_count, 0);
    free(file);
  }
}

/* Every prefix, and every byte of a file changed: refused, or read without a crash. */
static void damaged_files_are_survived(void **state) {
  (void)state;
  rd_map map;
  rd_error e = {0};
  assert_int_equal(rd_map_open(&map, TORCH "lone.pt", &e), RD_OK);
  for (size_t n = 0; n < map.size; n++) {
    unsigned char *cut = malloc(n ? n : 1);
    rd_tensors t = {0};
    memcpy(cut, map.data, n);
    assert_int_not_equal(rd_torch_parse(&t, cut, n, &e), RD_OK);
    rd_tensors_drop(&t);
    free(cut);
  }
  unsigned char *copy = malloc(map.size);
  for (size_t i = 0; i < map.size * 8; i++) {
    rd_tensors t = {0};
    memcpy(copy, map.data, map.size);
    copy[i / 8] ^= (unsigned char)(1u << i % 8);
    (void)rd_torch_parse(&t, copy, map.size, &e);
    rd_tensors_drop(&t);
  }
  free(copy);
  rd_map_close(&map);
}

/* Numbers as pickles spell them. */
static void numbers_are_what_they_were(void **state) {
  (void)state;
  static const unsigned char pickle[] = "\x80\x02(K\xffM\xff\xffJ\xff\xff\xff\xff"
                                        "\x8a\x00\x8a\x01\x80\x8a\x02\xff\x00"
                                        "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                                        "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff"
                                        "G\xbf\xf8\x00\x00\x00\x00\x00\x00\x88\x89t.";
  static const int64_t whole[] = {255, 65535, -1, 0, -128, 255};
  static const double real[] = {18446744073709551616.0, -18446744073709551616.0, -1.5};
  rd_pickle p;
  rd_error e = {0};
  if (rd_pickle_parse(&p, pickle, sizeof pickle - 1, NULL, 0, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(p.root->kind, RD_PICKLE_LIST);
  assert_int_equal(p.root->count, 11);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(p.root->items[i]->kind, RD_PICKLE_INT);
    assert_int_equal(p.root->items[i]->integer, whole[i]);
  }
  for (size_t i = 0; i < 3; i++)
    assert_true(p.root->items[6 + i]->real == real[i]);
  assert_int_equal(p.root->items[9]->integer, 1);
  assert_int_equal(p.root->items[10]->integer, 0);
  rd_pickle_drop(&p);
}

static void memory_and_size_are_bounded(void **state) {
  (void)state;
  size_t size = (size_t)3 << 20;
  unsigned char *pickle = malloc(((size_t)16 << 20) + 1);
  rd_pickle p;
  rd_error e = {0};
  memset(pickle, ')', ((size_t)16 << 20) + 1);
  assert_int_equal(rd_pickle_parse(&p, pickle, size, NULL, 0, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "its 3145728 bytes ask for more than 218103808 of memory"));
  assert_int_equal(rd_pickle_parse(&p, pickle, ((size_t)16 << 20) + 1, NULL, 0, &e),
                   RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "16777217 bytes; at most 16777216 are read"));
  free(pickle);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_of_torch_are_read_to_the_byte),
      cmocka_unit_test(only_what_must_be_is_copied),
      cmocka_unit_test(files_that_are_not_what_they_say_are_refused),
      cmocka_unit_test(damaged_files_are_survived),
      cmocka_unit_test(numbers_are_what_they_were),
      cmocka_unit_test(memory_and_size_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
