/* SPDX-License-Identifier: MIT */
/* Temporary folders with model files, for the tests that damage or write some. */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include "file.h"
#include "model.h"
#include "pass.h"
#include "tensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

/* "folder/name" in a static ring of buffers. */
static inline const char *in(const char *folder, const char *name) {
  static char rings[8][600];
  static int next;
  char *out = rings[next++ % 8];
  snprintf(out, sizeof rings[0], "%s/%s", folder, name);
  return out;
}

static inline void temporary(char *out, size_t size) {
  snprintf(out, size, "/tmp/redraft-test-XXXXXX");
  assert_non_null(mkdtemp(out));
}

static inline void write_bytes(const char *path, const void *data, size_t size) {
  rd_error e = {0};
  rd_part part = {data, size};
  if (rd_file_write(path, &part, 1, &e) != RD_OK)
    fail_msg("%s", e.message);
}

/* Copy a file as it is. */
static inline void copy_file(const char *from, const char *to) {
  rd_map map;
  rd_error e = {0};
  if (rd_map_open(&map, from, &e) != RD_OK)
    fail_msg("%s", e.message);
  write_bytes(to, map.data, map.size);
  rd_map_close(&map);
}

/* Remove files and the folder. */
static inline void sweep(const char *folder, const char *const *files, size_t count) {
  for (size_t i = 0; i < count; i++)
    unlink(in(folder, files[i]));
  assert_int_equal(rmdir(folder), 0);
}

/* One pass of a few ids: logits (5, V), freed by the caller. */
typedef struct logits_copy {
  float *out;
  int64_t vocab;
} logits_copy;

static inline rd_code keep_logits(void *context, float *logits, int64_t first, int64_t count,
                                  rd_error *e) {
  (void)e;
  const logits_copy *c = context;
  memcpy(c->out + first * c->vocab, logits, (size_t)(count * c->vocab) * sizeof *logits);
  return RD_OK;
}

static inline float *logits_of(const rd_model_options *options, int64_t *count) {
  static const int32_t ids[5] = {1, 65, 30, 200, 17}, wanted[5] = {0, 1, 2, 3, 4};
  rd_model *m = NULL;
  rd_pass *pass = NULL;
  rd_error e = {0};
  if (rd_model_open(&m, options, &e) != RD_OK)
    fail_msg("%s", e.message);
  logits_copy copy = {calloc((size_t)(5 * m->config.vocab), sizeof(float)), m->config.vocab};
  rd_sequence sequence = {ids, 5, 0, NULL};
  if (rd_pass_new(&pass, m, 5, 5, 0, &e) != RD_OK ||
      rd_pass_run(pass, &sequence, 1, 0, &e) != RD_OK ||
      rd_pass_logits(pass, wanted, 5, keep_logits, &copy, &e) != RD_OK)
    fail_msg("%s", e.message);
  *count = 5 * m->config.vocab;
  rd_pass_free(&pass);
  rd_model_close(&m);
  return copy.out;
}

/* Norm of the difference over norm. */
static inline double distance(const float *x, const float *y, int64_t n) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) {
    difference += (double)(x[i] - y[i]) * (double)(x[i] - y[i]);
    norm += (double)y[i] * (double)y[i];
  }
  return sqrt(difference / norm);
}

#endif
