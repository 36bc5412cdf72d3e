/* SPDX-License-Identifier: MIT */
/* redraft logits: one pass over given ids, every row's logits written as a NumPy file. */
#include "file.h"
#include "frame.h"
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  char *ids, *attention, *output;
  int64_t gate;
} settings;

enum { MOST_IDS = 1 << 17 };

static const rd_option rows[] = {
    {"ids", RD_OPTION_AT(settings, ids), .group = "Pass", .value = "1,2,3", .help = "token ids"},
    {"attention", RD_OPTION_AT(settings, attention), .group = "Pass", .value = "KIND",
     .help = "causal, bidirectional or block:N; without it the model's own"},
    {"gate", RD_OPTION_AT(settings, gate), .fallback = "-1", .min = -1, .max = MOST_IDS,
     .group = "Pass", .value = "N",
     .help =
         "the first id of the draft, where the adapter has a gate: it counts from there on, and "
         "ids before are the base's own; -1: all are"},
    {"output", RD_OPTION_AT(settings, output), .letter = 'o', .group = "Pass", .value = "FILE",
     .help = "where to write: float32 [tokens, vocab]"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_logits_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

static rd_code read_ids(const char *text, int32_t **out, int64_t *count, rd_error *e) {
  *out = rd_calloc(strlen(text) / 2 + 1, sizeof **out, "token ids", e);
  if (!*out)
    return RD_NO_MEMORY;
  *count = 0;
  for (const char *at = text; *at;) {
    char *end = NULL;
    errno = 0;
    long id = strtol(at, &end, 10);
    if (end == at || errno || id < 0 || id > INT32_MAX || (*end && *end != ',' && *end != ' '))
      return rd_fail(e, RD_USAGE, "--ids: expected numbers with commas between, found %.20s", at);
    (*out)[(*count)++] = (int32_t)id;
    at = *end ? end + 1 : end;
  }
  if (*count == 0 || *count > MOST_IDS)
    return rd_fail(e, RD_USAGE, "--ids: between 1 and %d ids", MOST_IDS);
  return RD_OK;
}

/* NumPy's format 1.0: magic, header length, a Python dictionary padded to 64 bytes, data. */
static rd_code write_npy(const char *path, const float *logits, int64_t T, int64_t V, rd_error *e) {
  char header[128];
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
  int n = snprintf(header + 10, sizeof header - 10,
                   "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %lld), }",
                   (long long)T, (long long)V);
  header[10 + n] = ' ';
  header[sizeof header - 1] = '\n';
  const rd_file_piece parts[] = {{header, sizeof header},
                                 {logits, (size_t)(T * V) * sizeof *logits}};
  return rd_file_write(path, parts, 2, e);
}

static rd_code write_scores(const settings *s, const rd_model *m, const int32_t *ids, int64_t T,
                            rd_error *e) {
  int64_t V = rd_model_vocab(m);
  float *logits = rd_calloc((size_t)(T * V), sizeof *logits, "the logits", e);
  rd_code code = logits ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_model_logits(m, ids, T, s->attention, s->gate, logits, e);
  if (code == RD_OK)
    code = write_npy(s->output, logits, T, V, e);
  free(logits);
  return code;
}

static rd_code run(void *context, char **names, rd_error *e) {
  settings *s = context;
  (void)names;
  int32_t *ids = NULL;
  int64_t T = 0;
  rd_model *m = NULL;
  if (!s->ids || !s->output)
    return rd_fail(e, RD_USAGE, "--ids and -o are needed; --help says more");
  RD_TRY(rd_tool_no_dash(s->output, "standard output is called /dev/stdout", e));
  s->common.outputs[0] = s->output;
  rd_code code = read_ids(s->ids, &ids, &T, e);
  if (code == RD_OK && s->gate >= T)
    code = rd_fail(e, RD_USAGE, "--gate %lld: no draft begins behind the last id, which is id %lld",
                   (long long)s->gate, (long long)T - 1);
  if (code == RD_OK)
    code = rd_tool_open(&m, &s->common, e);
  if (code == RD_OK)
    code = write_scores(s, m, ids, T, e);
  rd_model_close(&m);
  free(ids);
  return code;
}

rd_code rd_cmd_logits(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, run, e);
}
