/* SPDX-License-Identifier: MIT */
/* What the first item of a list is says what the list is. */
#include "prompts.h"

enum { MOST_IDS = 1 << 20, MOST_PROMPTS = 4096 };

rd_code rd_prompt_ids(const json_t *array, const char *what, int64_t vocab, int32_t **out,
                      int64_t *count, rd_error *e) {
  size_t n = json_array_size(array);
  if (!json_is_array(array) || n == 0 || n > MOST_IDS)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a list of 1 to %d token ids", what, MOST_IDS);
  *out = rd_calloc(n, sizeof **out, what, e);
  if (!*out)
    return RD_NO_MEMORY;
  *count = (int64_t)n;
  for (size_t i = 0; i < n; i++) {
    int64_t x = -1;
    bool whole = rd_json_whole(json_array_get(array, i), &x) && x >= 0 && x <= INT32_MAX;
    if (!whole || x >= vocab) {
      free(*out);
      *out = NULL;
      return whole ? rd_fail(e, RD_BAD_INPUT,
                             "%s: number %zu: token id %lld is outside the vocabulary of %lld",
                             what, i, (long long)x, (long long)vocab)
                   : rd_fail(e, RD_BAD_INPUT, "%s: number %zu is no token id", what, i);
    }
    (*out)[i] = (int32_t)x;
  }
  return RD_OK;
}

static bool is_ids(const json_t *value) {
  int64_t first;
  return rd_json_whole(json_array_get(value, 0), &first);
}

rd_code rd_prompts_count(const json_t *value, const char *what, int64_t *count, rd_error *e) {
  *count = 1;
  if (json_is_string(value) || is_ids(value))
    return RD_OK;
  size_t n = json_array_size(value);
  if (n == 0 || n > MOST_PROMPTS)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: expected a string, token ids, or a list of 1 to %d of one of them", what,
                   MOST_PROMPTS);
  for (size_t i = 0; i < n; i++) {
    const json_t *item = json_array_get(value, i);
    if (!json_is_string(item) && !is_ids(item))
      return rd_fail(e, RD_BAD_INPUT, "%s: number %zu is neither a string nor a list of token ids",
                     what, i);
  }
  *count = (int64_t)n;
  return RD_OK;
}

const json_t *rd_prompts_item(const json_t *value, int64_t which) {
  bool one = json_is_string(value) || is_ids(value);
  return one ? value : json_array_get(value, (size_t)which);
}
