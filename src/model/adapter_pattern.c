/* SPDX-License-Identifier: MIT */
/* Keys of letters and dots are compared, others compiled. */
#include "adapter_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A key of letters and dots: no need to compile it. As in the expression, a dot fits any character.
 */
static bool ends_with(const char *name, const char *key) {
  size_t n = strlen(name), k = strlen(key);
  if (k > n || (k < n && name[n - k - 1] != '.'))
    return false;
  for (size_t i = 0; i < k; i++)
    if (key[i] != '.' && key[i] != name[n - k + i])
      return false;
  return true;
}

/* Is `name` what an expression says? As Python's fullmatch; `form` has a %s for the key. */
static rd_code matches(const char *form, const char *key, const char *name, bool *yes,
                       rd_error *e) {
  char *expression = rd_print(form, key);
  if (!expression)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a pattern");
  int error = 0;
  PCRE2_SIZE where = 0;
  pcre2_code *code =
      pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, 0, &error, &where, NULL);
  pcre2_match_data *match = code ? pcre2_match_data_create(1, NULL) : NULL;
  pcre2_match_context *limits = match ? pcre2_match_context_create(NULL) : NULL;
  int found = PCRE2_ERROR_NOMEMORY;
  if (limits) {
    (void)pcre2_set_match_limit(limits, 100000);
    found = pcre2_match(code, (PCRE2_SPTR)name, strlen(name), 0, 0, match, limits);
  }
  pcre2_match_context_free(limits);
  pcre2_match_data_free(match);
  pcre2_code_free(code);
  free(expression);
  *yes = found >= 0;
  return found >= 0 || found == PCRE2_ERROR_NOMATCH
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "\"%s\" is no pattern of module names that can be matched",
                     key);
}

static rd_code fits(const char *key, const char *name, bool *yes, rd_error *e) {
  if (strpbrk(key, "\\^$*+?()[]{}|"))
    return matches("^(?:.*\\.)?(?:%s)$", key, name, yes, e);
  *yes = ends_with(name, key);
  return RD_OK;
}

rd_code rd_pattern_lists(const json_t *list, const char *module, bool *yes, rd_error *e) {
  const char *whole = json_string_value(list);
  json_t *item = NULL;
  size_t i = 0;
  *yes = false;
  if (whole)
    return matches("^(?:%s)$", whole, module, yes, e);
  json_array_foreach((json_t *)(uintptr_t)list, i, item) {
    const char *key = json_string_value(item);
    size_t n = strlen(module), k = key ? strlen(key) : n + 1;
    if (k <= n && strcmp(module + n - k, key) == 0 && (k == n || module[n - k - 1] == '.'))
      *yes = true;
  }
  return RD_OK;
}

rd_code rd_pattern_number(const json_t *patterns, const char *module, double *value, rd_error *e) {
  const char *key = NULL;
  json_t *item = NULL;
  json_object_foreach((json_t *)(uintptr_t)patterns, key, item) {
    bool yes = false;
    RD_TRY(fits(key, module, &yes, e));
    if (yes) {
      *value = json_number_value(item);
      return RD_OK;
    }
  }
  return RD_OK;
}
