/* SPDX-License-Identifier: MIT */
/* Reading questions, asking them, counting right answers. */
#include "exact.h"

#include "file.h"
#include "json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static rd_code read_row(rd_exact_rows *rows, const char *line, size_t size, rd_error *e) {
  json_t *row = NULL;
  const char *prompt = NULL, *answer = NULL;
  RD_TRY(rd_json_parse(&row, line, size, "row", e));
  rd_code code = rd_json_text(row, "prompt", &prompt, e);
  if (code == RD_OK)
    code = rd_json_text(row, "answer", &answer, e);
  if (code == RD_OK && (!prompt || !answer))
    code = rd_fail(e, RD_BAD_INPUT, "a row needs prompt and answer");
  rd_exact_row *items =
      code == RD_OK ? realloc(rows->items, (rows->count + 1) * sizeof *items) : NULL;
  if (items) {
    rows->items = items;
    char *p = rd_strdup(prompt, e), *a = rd_strdup(answer, e);
    items[rows->count++] = (rd_exact_row){p, a};
    code = p && a ? RD_OK : RD_NO_MEMORY;
  } else if (code == RD_OK) {
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: %zu rows", rows->count);
  }
  json_decref(row);
  return code;
}

rd_code rd_exact_read(rd_exact_rows *rows, const char *path, size_t limit, rd_error *e) {
  *rows = (rd_exact_rows){0};
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  const char *at = (const char *)map.data, *end = at + map.size;
  rd_code code = RD_OK;
  for (size_t line = 1; at < end && code == RD_OK && (limit == 0 || rows->count < limit); line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    if (size > 0 && (code = read_row(rows, at, size, e)) != RD_OK)
      rd_prefix(e, code, "%s:%zu", path, line);
    at += size + 1;
  }
  rd_map_close(&map);
  if (code == RD_OK && rows->count == 0)
    code = rd_fail(e, RD_BAD_INPUT, "%s: no rows", path);
  if (code != RD_OK)
    rd_exact_drop(rows);
  return code;
}

void rd_exact_drop(rd_exact_rows *rows) {
  for (size_t i = 0; i < rows->count; i++) {
    free((void *)(uintptr_t)rows->items[i].prompt);
    free((void *)(uintptr_t)rows->items[i].answer);
  }
  free(rows->items);
  *rows = (rd_exact_rows){0};
}

/* The next word without punctuation at its ends; *size 0 at the end. Punctuation alone is no word.
 */
static const char *next_word(const char **at, size_t *size) {
  for (;;) {
    const char *p = *at;
    while (isspace((unsigned char)*p))
      p++;
    const char *end = p;
    while (*end && !isspace((unsigned char)*end))
      end++;
    *at = end;
    const char *word_end = end;
    while (p < word_end && ispunct((unsigned char)*p))
      p++;
    while (word_end > p && ispunct((unsigned char)word_end[-1]))
      word_end--;
    *size = (size_t)(word_end - p);
    if (*size > 0 || !*end)
      return p;
  }
}

bool rd_exact_same(const char *a, const char *b) {
  for (;;) {
    size_t m = 0, n = 0;
    const char *x = next_word(&a, &m), *y = next_word(&b, &n);
    if (m != n || strncasecmp(x, y, m) != 0)
      return false;
    if (m == 0)
      return true;
  }
}

void rd_wilson_interval(size_t right, size_t n, double *low, double *high) {
  const double z = 1.959963984540054;
  double m = (double)n, p = m > 0 ? (double)right / m : 0;
  double scale = 1 + z * z / m, centre = p + z * z / (2 * m);
  double width = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  *low = n > 0 ? (centre - width) / scale : 0;
  *high = n > 0 ? (centre + width) / scale : 1;
}

rd_code rd_exact_run(rd_exact_score *score, rd_session *session, const rd_exact_rows *rows,
                     rd_exact_seen *seen, void *context, rd_error *e) {
  *score = (rd_exact_score){0};
  for (size_t i = 0; i < rows->count; i++) {
    rd_result result;
    rd_code code = rd_generate(session, rows->items[i].prompt, NULL, NULL, &result, e);
    if (code != RD_OK) {
      rd_result_drop(&result);
      return code;
    }
    bool right = rd_exact_same(result.text, rows->items[i].answer);
    score->rows++;
    score->right += right;
    score->tokens += (double)result.tokens;
    score->iterations += (double)result.iterations;
    score->seconds += result.seconds;
    code = seen ? seen(context, &rows->items[i], result.text, right, result.iterations) : RD_OK;
    rd_result_drop(&result);
    RD_TRY(code);
  }
  double n = (double)score->rows;
  score->tokens /= n;
  score->iterations /= n;
  score->seconds /= n;
  rd_wilson_interval(score->right, score->rows, &score->low, &score->high);
  return RD_OK;
}
