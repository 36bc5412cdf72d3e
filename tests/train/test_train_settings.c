/* SPDX-License-Identifier: MIT */
/* What a training may be told: choices by name, a key for each share, and what a resume compares.
 */
#include "corrupt.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a row of a table may be is said when it is set, whether with = or in a file. */
static void settings_name_their_choices(void **state) {
  (void)state;
  static const struct {
    const char *set, *says;
  } cases[] = {
      {"objective=guess", "unknown objective guess; there are next-token"},
      {"loss_on=some", "unknown loss_on some; there are all, assistant, answer and corrupted"},
      {"schedule=steps", "unknown schedule steps; there are cosine, linear"},
      {"trainable=half", "unknown trainable half; there are lora and all"},
      {"pad=long", "unknown pad long; there are random, short"},
      {"long_rows=keep", "unknown long_rows keep; there are drop and truncate"},
      {"precision=int8", "unknown precision int8; there are auto, f32 and bf16"},
      {"chat_template=nosuch", "unknown chat template nosuch; there are"},
      {"seed=9007199254740993", "is outside 0..9007199254740992"},
      {"a_key_that_has_so_many_characters_that_no_key_of_a_run_can_be_as_long=1",
       "unknown key a_key_"},
      {"lora_r=3", "did you mean lora_rank?"},
      {"mask=3", "did you mean mask_all?"},
      {"init.with=3", "did you mean init.width?"},
      {"completely-else=1", "lists them"},
  };
  rd_train_settings s = {0};
  rd_error e = {0};
  assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(rd_train_settings_set(&s, cases[i].set, &e), RD_USAGE);
    if (!strstr(e.message, cases[i].says))
      fail_msg("%s: %s", cases[i].set, e.message);
  }
  json_t *keys = rd_train_settings_json(&s);
  static const char *const shared[] = {"mask_token", "chat_template", "system"};
  for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
    assert_non_null(json_object_get(keys, shared[i]));
  json_decref(keys);
  rd_train_settings_drop(&s);
}

/* Each corruption that is taken for a share has a key of its name. */
static void corruptions_have_keys(void **state) {
  (void)state;
  rd_train_settings s = {0};
  rd_error e = {0};
  assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
  for (size_t i = 0; i < rd_corruption_count; i++) {
    char text[64];
    snprintf(text, sizeof text, "%s=0.25", rd_corruptions[i].name);
    if (!rd_corruptions[i].shared)
      continue;
    assert_true(rd_train_settings_share(&s, rd_corruptions[i].name) == 0);
    assert_int_equal(rd_train_settings_set(&s, text, &e), RD_OK);
    assert_true(rd_train_settings_share(&s, rd_corruptions[i].name) == 0.25);
  }
  rd_train_settings_drop(&s);
}

/* A checkpoint of before a key was there is one of its default. */
static void new_keys_do_not_stop_a_resume(void **state) {
  (void)state;
  rd_train_settings s = {0};
  rd_error e = {0};
  assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
  json_t *before = rd_train_settings_json(&s);
  assert_int_equal(json_object_del(before, "stutter"), 0);
  assert_int_equal(rd_train_settings_same(&s, before, &e), RD_OK);
  assert_int_equal(rd_train_settings_set(&s, "stutter=0.5", &e), RD_OK);
  assert_int_equal(rd_train_settings_same(&s, before, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "stutter was 0.0 and is now 0.5"));
  json_decref(before);
  rd_train_settings_drop(&s);
}

/* What one start was told of itself is no setting of the run: a configuration with `overwrite` in
 * it would wipe the run when it is used again. */
static void a_run_is_not_told_of_one_start(void **state) {
  (void)state;
  static const char *const keys[] = {"resume", "overwrite", "dry_run", "json", "quiet"};
  rd_train_settings s = {0};
  rd_error e = {0};
  assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char text[64];
    snprintf(text, sizeof text, "%s=true", keys[i]);
    assert_int_equal(rd_train_settings_set(&s, text, &e), RD_OK);
  }
  char *yaml = rd_train_settings_yaml(&s);
  assert_non_null(strstr(yaml, "checkpoint_every: 500\n"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strstr(yaml, keys[i]))
      fail_msg("%s stands in it", keys[i]);
  free(yaml);
  rd_train_settings_drop(&s);
}

/* Values as people write them in YAML, and what the key then is; `says`: it is refused. */
static void values_in_yaml(void **state) {
  (void)state;
  static const struct {
    const char *yaml, *key, *value, *says;
  } cases[] = {
      {"block_lengths: [4, 8]", "block_lengths", "4,8", NULL},
      {"block_lengths: 8", "block_lengths", "8", NULL},
      {"block_lengths: \"4,8\"", "block_lengths", "4,8", NULL},
      {"block_lengths: [4, x]", NULL, NULL, "block_lengths: entry 2: expected a whole number"},
      {"block_lengths: 4.5", NULL, NULL, "block_lengths: entry 1: expected a whole number"},
      {"lora_targets: [q_proj, v_proj]", "lora_targets", "q_proj,v_proj", NULL},
      {"adapter: none", "adapter", NULL, NULL},
      {"model: 7", NULL, NULL, "model: expected a string"},
      {"data: [\"x,y.jsonl\"]", NULL, NULL, "data: entry 1: x,y.jsonl: commas stand between"},
      {"data: [a.jsonl, {path: \"x,y\", weight: 2}]", NULL, NULL, "data: entry 2: x,y: commas"},
      {"data: [1, 2]", NULL, NULL, "data: entry 1: expected a path"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_train_settings s = {0};
    rd_error e = {0};
    json_t *object = NULL;
    assert_int_equal(
        rd_yaml_parse(&object, cases[i].yaml, strlen(cases[i].yaml), "config.yaml", &e), RD_OK);
    assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
    rd_code code = rd_train_settings_read(&s, object, &e);
    if ((code == RD_OK) != !cases[i].says || (cases[i].says && !strstr(e.message, cases[i].says)))
      fail_msg("%s: %d %s", cases[i].yaml, (int)code, e.message);
    static const char *const needed[] = {"data=a.jsonl", "out=o", "model=m"};
    for (size_t k = 0; code == RD_OK && k < 3; k++)
      assert_int_equal(rd_train_settings_set(&s, needed[k], &e), RD_OK);
    if (code == RD_OK && rd_train_settings_finish(&s, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].yaml, e.message);
    json_t *all = rd_train_settings_json(&s);
    const char *found = cases[i].key ? json_string_value(json_object_get(all, cases[i].key)) : NULL;
    if (code == RD_OK && ((found != NULL) != (cases[i].value != NULL) ||
                          (found && strcmp(found, cases[i].value) != 0)))
      fail_msg("%s: found %s", cases[i].yaml, found ? found : "nothing");
    json_decref(all);
    json_decref(object);
    rd_train_settings_drop(&s);
  }
}

/* What is found wrong with all keys together. */
static void settings_that_do_not_go_together(void **state) {
  (void)state;
  static const char *const needed[] = {"data=a.jsonl", "out=o"};
  static const struct {
    const char *sets[3], *says;
  } cases[] = {
      {{"init.tokenizer=t", "trainable=all", "adapter=a"}, "init and adapter: "},
      {{"model=m", "out=a\xff"}, "out: byte 1 (0xFF) is no UTF-8"},
      {{"trainable=all", "init.tokenizer=\xe9t"}, "tokenizer: byte 0 (0xE9) is no UTF-8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_train_settings s = {0};
    rd_error e = {0};
    assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
    for (size_t k = 0; k < 2; k++)
      assert_int_equal(rd_train_settings_set(&s, needed[k], &e), RD_OK);
    for (size_t k = 0; k < 3 && cases[i].sets[k]; k++)
      assert_int_equal(rd_train_settings_set(&s, cases[i].sets[k], &e), RD_OK);
    assert_int_equal(rd_train_settings_finish(&s, &e), RD_USAGE);
    if (!strstr(e.message, cases[i].says))
      fail_msg("%s: %s", cases[i].says, e.message);
    rd_train_settings_drop(&s);
  }
}

/* Projections had a list as their default once: without one now, the factors are compared. */
static void projections_of_before(void **state) {
  (void)state;
  rd_train_settings s = {0};
  rd_error e = {0};
  assert_int_equal(rd_train_settings_default(&s, &e), RD_OK);
  json_t *before = rd_train_settings_json(&s);
  json_object_set_new(before, "lora_targets",
                      json_string("q_proj,k_proj,v_proj,o_proj,gate_proj,"
                                  "up_proj,down_proj"));
  assert_int_equal(rd_train_settings_same(&s, before, &e), RD_OK);
  assert_int_equal(rd_train_settings_set(&s, "lora_targets=q_proj", &e), RD_OK);
  assert_int_equal(rd_train_settings_same(&s, before, &e), RD_USAGE);
  json_decref(before);
  rd_train_settings_drop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(settings_name_their_choices),
                                     cmocka_unit_test(corruptions_have_keys),
                                     cmocka_unit_test(new_keys_do_not_stop_a_resume),
                                     cmocka_unit_test(a_run_is_not_told_of_one_start),
                                     cmocka_unit_test(values_in_yaml),
                                     cmocka_unit_test(settings_that_do_not_go_together),
                                     cmocka_unit_test(projections_of_before)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
