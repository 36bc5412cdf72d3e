/* SPDX-License-Identifier: MIT */
/* Appending to metrics.jsonl and rewinding it. */
#include "run_log.h"

#include "file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code append(const char *out, const rd_train_watch *watch, json_t *row, rd_error *e) {
  const rd_path path = rd_path_in(out, "metrics.jsonl");
  char *text = row ? rd_json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(row);
  rd_code code = text ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: metrics.jsonl");
  FILE *file = code == RD_OK ? fopen(path.text, "ae") : NULL;
  if (code == RD_OK && (!file || fprintf(file, "%s\n", text) < 0 || fflush(file) != 0))
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", path.text, strerror(errno));
  if (file)
    fclose(file);
  if (code == RD_OK && watch->row)
    watch->row(watch->context, text);
  free(text);
  return code;
}

rd_code rd_run_log_rewind(const char *out, int64_t update, rd_error *e) {
  const rd_path path = rd_path_in(out, "metrics.jsonl");
  rd_map map;
  rd_code code = RD_OK;
  if (rd_path_exists(path.text) && (code = rd_map_open(&map, path.text, e)) == RD_OK) {
    const char *at = (const char *)map.data, *end = at + map.size, *keep = at;
    while (keep < end) {
      const char *stop = memchr(keep, '\n', (size_t)(end - keep));
      json_error_t why = {0};
      json_t *row = stop ? rd_json_load(keep, (size_t)(stop - keep), 0, &why) : NULL;
      if (!row && json_error_code(&why) == json_error_out_of_memory) {
        code = rd_json_wrong(&why, path.text, e);
        break;
      }
      bool later = !row || json_integer_value(json_object_get(row, "update")) > update;
      json_decref(row);
      if (later)
        break;
      keep = stop + 1;
    }
    rd_file_piece part = {at, (size_t)(keep - at)};
    if (code == RD_OK)
      code = rd_file_write(path.text, &part, 1, e);
    rd_map_close(&map);
  }
  return code;
}

rd_code rd_run_log_progress(const char *out, const rd_train_watch *watch,
                            const rd_train_progress *p, rd_error *e) {
  return append(out, watch,
                json_pack("{s:I, s:f, s:f, s:f, s:I, s:f, s:f}", "update", (json_int_t)p->update,
                          "loss", p->loss, "learning_rate", p->learning_rate, "grad_norm",
                          p->grad_norm, "tokens", (json_int_t)p->tokens, "seconds", p->seconds,
                          "tokens_per_second", p->tokens_per_second),
                e);
}

rd_code rd_run_log_validation(const char *out, const rd_train_watch *watch, int64_t update,
                              int64_t tokens, double seconds, const rd_validation *v, rd_error *e) {
  json_t *levels = json_array();
  for (int i = 0; i < RD_NOISE_LEVELS; i++)
    json_array_append_new(levels,
                          isfinite(v->by_noise[i]) ? json_real(v->by_noise[i]) : json_null());
  return append(out, watch,
                json_pack("{s:I, s:f, s:o, s:I, s:f}", "update", (json_int_t)update,
                          "validation_loss", v->loss, "validation_by_noise", levels, "tokens",
                          (json_int_t)tokens, "seconds", seconds),
                e);
}
