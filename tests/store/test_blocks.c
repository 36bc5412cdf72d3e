/* SPDX-License-Identifier: MIT */
/* Storage formats: every row of the table decodes to what an independent implementation says, from
 * any address; types without a decoder are named. */
#include "gguf.h"
#include "scratch_files.h"
#include "unread.h"

#include <math.h>

typedef struct golden {
  rd_map map;
  rd_gguf file;
  rd_tensors expected;
} golden;

static void open_golden(golden *g, const char *name) {
  char file[200], values[200];
  rd_error e = {0};
  snprintf(file, sizeof file, GOLDEN "gguf/%s.gguf", name);
  snprintf(values, sizeof values, GOLDEN "gguf/%s.expected.safetensors", name);
  if (rd_map_open(&g->map, file, &e) || rd_gguf_parse(&g->file, g->map.data, g->map.size, &e) ||
      rd_safetensors_open(&g->expected, values, &e))
    fail_msg("%s", e.message);
}

static void close_golden(golden *g) {
  rd_tensors_drop(&g->expected);
  rd_gguf_drop(&g->file);
  rd_map_close(&g->map);
}

/* Decoded from a copy at an odd address, of the exact size. */
static void compare(const rd_tensor *t, const rd_tensor *expected) {
  int64_t n = rd_tensor_count(t);
  unsigned char *odd = malloc(t->size + 1);
  float *decoded = malloc((size_t)n * sizeof *decoded);
  bool in_place = t->format->dtype >= 0; /* these are always aligned: rd_tensors_align */
  memcpy(odd + !in_place, t->data, t->size);
  assert_non_null(expected);
  t->format->decode(decoded, odd + !in_place, n);
  for (int64_t i = 0; i < n; i++) {
    float want;
    memcpy(&want, expected->data + 4 * i, sizeof want);
    if (!(fabsf(decoded[i] - want) <= 1e-7f * fabsf(want)))
      fail_msg("%s[%lld]: %.9g, expected %.9g", t->name, (long long)i, (double)decoded[i],
               (double)want);
  }
  free(odd);
  free(decoded);
}

static void every_format_decodes_to_the_reference(void **state) {
  (void)state;
  golden g[2] = {0};
  open_golden(&g[0], "formats");
  open_golden(&g[1], "blocks");
  size_t formats = 0;
  const rd_format *rows = rd_formats(&formats);
  for (size_t f = 0; f < formats; f++) {
    size_t seen = 0;
    if (!rows[f].decode)
      continue;
    for (size_t k = 0; k < 2; k++)
      for (size_t i = 0; i < g[k].file.tensors.count; i++) {
        const rd_tensor *t = &g[k].file.tensors.items[i];
        if (t->format != &rows[f])
          continue;
        compare(t, rd_tensors_find(&g[k].expected, t->name));
        seen++;
      }
    if (seen == 0)
      fail_msg("%s: no golden file has it", rows[f].name);
    assert_ptr_equal(rd_format_named(rows[f].name), &rows[f]);
    assert_ptr_equal(rd_format_of_gguf((uint32_t)rows[f].gguf), &rows[f]);
  }
  close_golden(&g[0]);
  close_golden(&g[1]);
}

/* No type is in both tables, or in none up to the last number that ggml has given away. */
static void every_type_of_ggml_has_a_name(void **state) {
  (void)state;
  for (uint32_t type = 0; type <= 41; type++) {
    const rd_format *read = rd_format_of_gguf(type), *unread = rd_unread_of_gguf(type);
    if (!read == !unread)
      fail_msg("type %u: %s, %s", type, read ? read->name : "not read",
               unread ? unread->name : "not unread");
  }
  assert_null(rd_unread_of_gguf(42));
  assert_null(rd_unread_named("F32"));
  rd_error e = {0};
  rd_tensor t = {.name = (char[]){"w"}, .format = rd_unread_of_gguf(16), .type = "IQ2_XXS (16)"};
  assert_int_equal(rd_tensor_readable(&t, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "tensor w: type IQ2_XXS (16) is not read as weights; read are "
                                    "F32, F16, BF16, "));
  assert_non_null(strstr(e.message, "TQ2_0"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_decodes_to_the_reference),
      cmocka_unit_test(every_type_of_ggml_has_a_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
