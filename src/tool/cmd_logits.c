/* SPDX-License-Identifier: MIT */
/* redraft logits: one pass over given ids, every row's logits written as a NumPy file. */
#include "engine.h"
#include "file.h"
#include "frame.h"
#include "inspect.h"
#include "ops.h"

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

static rd_code attention_block(const char *kind, int64_t *block, rd_error *e) {
  char *end = NULL;
  if (!kind)
    *block = -1;
  else if (strcmp(kind, "causal") == 0)
    *block = 1;
  else if (strcmp(kind, "bidirectional") == 0)
    *block = 0;
  else if (strncmp(kind, "block:", 6) != 0 || (*block = strtol(kind + 6, &end, 10)) < 1 || *end)
    return rd_fail(e, RD_USAGE, "--attention: expected causal, bidirectional or block:N, found %s",
                   kind);
  return RD_OK;
}

typedef struct table {
  float *logits; /* (T, V) */
  int64_t vocab;
} table;

static rd_code keep(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                    rd_error *e) {
  (void)need, (void)e;
  const table *t = context;
  memcpy(t->logits + first * t->vocab, logits, (size_t)(count * t->vocab) * sizeof *logits);
  return RD_OK;
}

/* NumPy's format 1.0: magic, header length, a Python dictionary padded to 64 bytes, data. */
static rd_code write_npy(const char *path, const table *t, int64_t T, rd_error *e) {
  char header[128];
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
  int n = snprintf(header + 10, sizeof header - 10,
                   "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %lld), }",
                   (long long)T, (long long)t->vocab);
  header[10 + n] = ' ';
  header[sizeof header - 1] = '\n';
  const rd_file_piece parts[] = {{header, sizeof header},
                                 {t->logits, (size_t)(T * t->vocab) * sizeof *t->logits}};
  return rd_file_write(path, parts, 2, e);
}

/* Without a gate everything is asked as the model reads; behind one it sees what `block` says, else
 * both ways. */
static rd_code set_gate(rd_need *need, const settings *s, const rd_model *m, int64_t block,
                        rd_error *e) {
  bool gated = m->weights.plain && m->remembered.gate.answer;
  need->attention = block < 0 ? m->config.block : block;
  if (!gated && s->gate >= 0)
    return rd_fail(e, RD_USAGE, "--gate: %s has no adapter with a gate", m->name);
  if (!gated)
    return RD_OK;
  need->gated = s->gate < 0 || s->gate > need->length ? need->length : s->gate;
  if (block < 0 && need->gated < need->length)
    need->attention = rd_engine_attention(m);
  return RD_OK;
}

static rd_code run_pass(const settings *s, const rd_model *m, const int32_t *ids, int64_t T,
                        int64_t block, rd_error *e) {
  table t = {rd_calloc((size_t)(T * m->config.vocab), sizeof(float), "the logits", e),
             m->config.vocab};
  rd_wanted *wanted = rd_calloc((size_t)T, sizeof *wanted, "positions", e);
  rd_engine *engine = NULL;
  rd_code code = t.logits && wanted ? rd_engine_open(&engine, NULL, m, T, T, e) : RD_NO_MEMORY;
  for (int64_t i = 0; wanted && i < T; i++)
    wanted[i].position = i;
  rd_need need = {.canvas = ids, .length = T, .end = T, .wanted = wanted, .count = T};
  if (code == RD_OK)
    code = set_gate(&need, s, m, block, e);
  if (code == RD_OK && need.gated > 0 && need.gated < T)
    code = rd_lane_open(&need.lane, engine, T, e);
  if (code == RD_OK)
    code = engine->scores(engine, &need, 1, keep, &t, e);
  int64_t bad = 0;
  if (code == RD_OK && !rd_all_finite(t.logits, RD_F32, T * t.vocab, &bad)) {
    (void)rd_fail(e, RD_NUMERIC, "logit %lld of position %lld is not a finite number",
                  (long long)(bad % t.vocab), (long long)(bad / t.vocab));
    code = rd_model_blame(m, e);
  }
  if (code == RD_OK)
    code = write_npy(s->output, &t, T, e);
  rd_lane_close(&need.lane);
  rd_engine_close(&engine);
  free(wanted);
  free(t.logits);
  return code;
}

static rd_code run(void *context, char **names, rd_error *e) {
  settings *s = context;
  (void)names;
  int32_t *ids = NULL;
  int64_t T = 0, block = 0;
  rd_model *m = NULL;
  if (!s->ids || !s->output)
    return rd_fail(e, RD_USAGE, "--ids and -o are needed; --help says more");
  RD_TRY(attention_block(s->attention, &block, e));
  rd_code code = read_ids(s->ids, &ids, &T, e);
  if (code == RD_OK)
    code = rd_tool_open(&m, &s->common, e);
  if (code == RD_OK)
    code = run_pass(s, m, ids, T, block, e);
  rd_model_close(&m);
  free(ids);
  return code;
}

rd_code rd_cmd_logits(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, run, e);
}
