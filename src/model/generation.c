/* SPDX-License-Identifier: MIT */
/* transformers' GenerationConfig: ids are read elsewhere (config_json.c, tok_settings.c); the
 * numbers below change nothing where they are neutral, and lists where they are empty. */
#include "generation.h"

#include "file.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *key;
  double neutral;
  bool drawn; /* counts with do_sample alone */
} numbers[] = {
    {"repetition_penalty", 1, false},
    {"encoder_repetition_penalty", 1, false},
    {"no_repeat_ngram_size", 0, false},
    {"encoder_no_repeat_ngram_size", 0, false},
    {"min_length", 0, false},
    {"min_new_tokens", 0, false},
    {"num_beams", 1, false},
    {"penalty_alpha", 0, false},
    {"guidance_scale", 1, false},
    {"diversity_penalty", 0, false},
    {"typical_p", 1, true},
    {"min_p", 0, true},
    {"epsilon_cutoff", 0, true},
    {"eta_cutoff", 0, true},
};
static const char *const lists[] = {"suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
                                    "force_words_ids", "forced_decoder_ids",    "sequence_bias"};
/* The same, and can be asked for here. */
static const char *const options[] = {"temperature", "top_k", "top_p"};

static bool is_asked(const json_t *config, const char *key, double neutral) {
  const json_t *value = json_object_get(config, key);
  return json_is_number(value) && json_number_value(value) != neutral;
}

static char *named(char *list, const char *key, const char *more) {
  char *longer = rd_print("%s%s%s%s", list ? list : "", list ? ", " : "", key, more);
  free(list);
  return longer;
}

char *rd_generation_unheard(const char *folder) {
  json_t *config = NULL;
  char *list = NULL;
  const rd_path path = rd_path_in(folder, "generation_config.json");
  if (!rd_path_exists(path.text) || rd_json_open(&config, path.text, NULL) != RD_OK)
    return NULL;
  const bool drawn = json_is_true(json_object_get(config, "do_sample"));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if ((drawn || !numbers[i].drawn) && is_asked(config, numbers[i].key, numbers[i].neutral))
      list = named(list, numbers[i].key, "");
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (json_array_size(json_object_get(config, lists[i])) > 0 ||
        json_object_size(json_object_get(config, lists[i])) > 0)
      list = named(list, lists[i], "");
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (drawn && json_is_number(json_object_get(config, options[i])))
      list = named(list, options[i], " (an option here)");
  json_decref(config);
  return list;
}
