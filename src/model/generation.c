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
} numbers[] = {
    {"repetition_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"num_beams", 1},
    {"penalty_alpha", 0},
    {"typical_p", 1},
    {"min_p", 0},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"guidance_scale", 1},
    {"diversity_penalty", 0},
};
static const char *const lists[] = {"suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
                                    "force_words_ids", "forced_decoder_ids",    "sequence_bias"};
/* Counts with do_sample alone, and can be asked for here. */
static const char *const drawn[] = {"temperature", "top_k", "top_p"};

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
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (is_asked(config, numbers[i].key, numbers[i].neutral))
      list = named(list, numbers[i].key, "");
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (json_array_size(json_object_get(config, lists[i])) > 0 ||
        json_object_size(json_object_get(config, lists[i])) > 0)
      list = named(list, lists[i], "");
  for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
    if (json_is_true(json_object_get(config, "do_sample")) &&
        json_is_number(json_object_get(config, drawn[i])))
      list = named(list, drawn[i], " (an option here)");
  json_decref(config);
  return list;
}
