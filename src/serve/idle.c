/* SPDX-License-Identifier: MIT */
/* Two tables. Numbers are compared as numbers: 0 and 0.0 are one value. */
#include "idle.h"

#include <string.h>

static const rd_idle idle[] = {
    {"frequency_penalty", "0", "drafts are not penalised for repeating"},
    {"presence_penalty", "0", "the same"},
    {"repetition_penalty", "1", "the same, as a factor"},
    {"repeat_penalty", "1", "the same"},
    {"repeat_last_n", NULL, "counts for the penalties alone"},
    {"min_p", "0", "top_k and top_p choose among tokens"},
    {"typical_p", "1", "the same"},
    {"tfs_z", "1", "the same"},
    {"mirostat", "0", "the same"},
    {"logit_bias", "{}", "tokens are not weighted by hand"},
    {"modalities", "[\"text\"]", "answers are text"},
    {"store", NULL, "nothing is stored"},
    {"user", NULL, "who asks is not looked at"},
    {"safety_identifier", NULL, "the same"},
    {"metadata", NULL, "not kept"},
    {"service_tier", NULL, "there is one"},
    {"prompt_cache_key", NULL, "keys and values are kept without it"},
    {"cache_prompt", NULL, "the same"},
    {"parallel_tool_calls", NULL, "one call an answer"},
    {"keep_alive", NULL, "models stay open"},
    {"options", "{}", "options where nothing is written"},
    {"verbose", "false", "nothing more is known"},
    {"truncation", "\"disabled\"", "a prompt that is too long is refused"},
    {"truncate", NULL, "the same"},
    {"include", "[]", "answers say all that they have"},
    {"reasoning", "{}", "models do not think aloud"},
    {"think", "false", "the same"},
};
const rd_table rd_idle_table = RD_TABLE("field", idle);

/* Values that other servers take as off. */
static const struct off {
  const char *name; /* of an option */
  double given, meant;
} offs[] = {{"top_k", -1, 0}, {"top_p", 0, 0.001}, {"top_p", -1, 1}};

static bool same(const json_t *a, const json_t *b) {
  return json_is_number(a) && json_is_number(b) ? json_number_value(a) == json_number_value(b)
                                                : json_equal(a, b);
}

bool rd_idle_field(const char *name, const json_t *value) {
  const rd_idle *row = rd_table_row(&rd_idle_table, name);
  if (!row || !row->neutral)
    return row != NULL;
  json_t *neutral = json_loads(row->neutral, JSON_DECODE_ANY, NULL);
  bool nothing = neutral && same(neutral, value);
  json_decref(neutral);
  return nothing;
}

/* OpenAI allows 63 bits, the options what a double holds exactly: of more the higher bits do not
 * count. Below 0 there is what the option refuses. */
static int64_t folded(int64_t seed) {
  const int64_t most = (int64_t)1 << 53;
  return seed <= most ? seed : seed & (most - 1);
}

json_t *rd_meant_value(const char *option, const json_t *value) {
  int64_t seed;
  if (strcmp(option, "seed") == 0 && rd_json_whole(value, &seed))
    return json_integer(folded(seed));
  for (size_t i = 0; json_is_number(value) && i < sizeof offs / sizeof *offs; i++)
    if (rd_name_same(offs[i].name, option) && json_number_value(value) == offs[i].given)
      return offs[i].meant == (double)(json_int_t)offs[i].meant
               ? json_integer((json_int_t)offs[i].meant)
               : json_real(offs[i].meant);
  return json_incref((json_t *)(uintptr_t)value);
}
