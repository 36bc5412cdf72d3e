/* SPDX-License-Identifier: MIT */
/* transformers' GenerationConfig: ids are read elsewhere (config_json.c, tok_settings.c). How long
 * an answer is (max_length, max_new_tokens) is asked of the program, and so is not among these. */
#include "generation.h"

#include "file.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* When a key counts: always; with do_sample alone, or in Dream's own generation; in that alone. */
typedef enum counts { ALWAYS, DRAWN, DREAMS } counts;

/* Keys whose numbers change nothing where they are neutral. */
static const struct {
  const char *key;
  double neutral;
  counts counts;
} numbers[] = {
    {"repetition_penalty", 1, ALWAYS},
    {"encoder_repetition_penalty", 1, ALWAYS},
    {"no_repeat_ngram_size", 0, ALWAYS},
    {"encoder_no_repeat_ngram_size", 0, ALWAYS},
    {"min_length", 0, ALWAYS},
    {"min_new_tokens", 0, ALWAYS},
    {"num_beams", 1, ALWAYS},
    {"penalty_alpha", 0, ALWAYS},
    {"guidance_scale", 1, ALWAYS},
    {"diversity_penalty", 0, ALWAYS},
    {"forced_bos_token_id", -1, ALWAYS},
    {"forced_eos_token_id", -1, ALWAYS},
    {"typical_p", 1, DRAWN},
    {"min_p", 0, DRAWN},
    {"top_h", 1, DRAWN},
    {"epsilon_cutoff", 0, DRAWN},
    {"eta_cutoff", 0, DRAWN},
};
/* Lists, objects and texts, which change nothing where they are empty. */
static const char *const lists[] = {
    "suppress_tokens",     "begin_suppress_tokens", "bad_words_ids",
    "force_words_ids",     "forced_decoder_ids",    "sequence_bias",
    "forced_eos_token_id", "stop_strings",          "exponential_decay_length_penalty",
    "watermarking_config"};
/* What can be asked for here, and by which option. */
static const struct {
  const char *key, *option;
  counts counts;
} options[] = {
    {"temperature", "temperature", DRAWN},
    {"top_k", "top-k", DRAWN},
    {"top_p", "top-p", DRAWN},
    {"max_time", "deadline", ALWAYS},
    {"steps", "iterations", DREAMS},
    {"alg", "sampler", DREAMS},
    {"alg_temp", "alg-temp", DREAMS},
};

static bool is_asked(const json_t *config, const char *key, double neutral) {
  const json_t *value = json_object_get(config, key);
  return json_is_number(value) && json_number_value(value) != neutral;
}

static bool is_listed(const json_t *value) {
  return json_array_size(value) > 0 || json_object_size(value) > 0 || json_string_length(value) > 0;
}

static char *named(char *list, const char *key, const char *option) {
  char *longer = rd_print("%s%s%s%s%s%s", list ? list : "", list ? ", " : "", key,
                          option ? " (here --" : "", option ? option : "", option ? ")" : "");
  free(list);
  return longer;
}

char *rd_generation_unheard(const char *folder, bool dreams) {
  json_t *config = NULL;
  char *list = NULL;
  const rd_path path = rd_path_in(folder, "generation_config.json");
  if (!rd_path_exists(path.text) || rd_json_open(&config, path.text, NULL) != RD_OK)
    return NULL;
  const bool asked = json_is_true(json_object_get(config, "do_sample"));
  const bool in_force[] = {[ALWAYS] = true, [DRAWN] = asked || dreams, [DREAMS] = dreams};
  bool said = false; /* how to draw */
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (in_force[numbers[i].counts] && is_asked(config, numbers[i].key, numbers[i].neutral))
      list = named(list, numbers[i].key, NULL);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (is_listed(json_object_get(config, lists[i])))
      list = named(list, lists[i], NULL);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    const json_t *value = json_object_get(config, options[i].key);
    if (!in_force[options[i].counts] || !(json_is_number(value) || is_listed(value)))
      continue;
    list = named(list, options[i].key, options[i].option);
    said = said || options[i].counts == DRAWN;
  }
  if (asked && !said)
    list = named(list, "do_sample", "temperature 1");
  json_decref(config);
  return list;
}
