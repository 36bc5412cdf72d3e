/* SPDX-License-Identifier: MIT */
/* Runs of the trainer that are cut short and gone on with, from checkpoints whole and damaged. */
#include "small_runs.h"

#include <unistd.h>

/* Interrupted after three updates, gone on with: all weights, factors, and factors from an adapter,
 * with several passes in an update; on drafts of its own, drawn ones too, and every other damage.
 */
static void interrupted_runs_go_on(void **state) {
  (void)state;
  static const char *const from_adapter[] = {"adapter=ROOT/first/final", "accumulate=2", NULL};
  static const char *const own[] = {"own_drafts=0.5", "mask_all=0.3", NULL};
  static const char *const drawn[] = {"own_drafts=0.7",  "draft_temperature=1", "draft_top_k=3",
                                      "draft_drawn=0.5", "mask_all=0.2",        "mix_answers=0.2",
                                      "stutter=0.2",     "first_wrong=0.2",     NULL};
  static const char *const said[] = {"loss_on=assistant", NULL};
  static const char *const none[] = {NULL};
  static const char *const device[] = {"engine=emulated", NULL};
  static const char *const device_drawn[] = {"engine=emulated", "precision=bf16",
                                             "own_drafts=0.7",  "draft_temperature=1",
                                             "accumulate=2",    NULL};
  static const char *const device_beside[] = {"engine=emulated", "precision=bf16", "lora_rank=8",
                                              NULL}; /* all factors lie beside their matrices */
  static const struct {
    const char *const *kind, *const *more;
  } cases[] = {{common, none},   {factors, none},         {factors, from_adapter},
               {factors, own},   {factors, drawn},        {factors, said},
               {common, device}, {factors, device_drawn}, {factors, device_beside}};
  static const char *const first[] = {"updates=2", "batch=4", "out=ROOT/first", NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, factors, first, none, false);
  end(&a, &s);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    char whole_out[40], cut_out[40];
    snprintf(whole_out, sizeof whole_out, "out=ROOT/whole-%zu", c);
    snprintf(cut_out, sizeof cut_out, "out=ROOT/cut-%zu", c);
    const char *const whole[] = {"updates=8", "batch=4", whole_out, NULL};
    const char *const cut[] = {"updates=8", "batch=4", cut_out, "resume=true", NULL};
    run_with(&a, &s, cases[c].kind, whole, cases[c].more, false);
    run_with(&b, &u, cases[c].kind, cut, cases[c].more, true);
    assert_int_equal(b.update, 3);
    assert_false(same_weights(&a, &b));
    end(&b, &u);
    run_with(&b, &u, cases[c].kind, cut, cases[c].more, false);
    assert_true(same_weights(&a, &b));
    assert_int_equal(a.tokens, b.tokens);
    end(&a, &s);
    end(&b, &u);
  }
}

/* A line of the shell, in the folder of the tests. */
static void command(const char *line) {
  char text[500];
  snprintf(text, sizeof text, "cd %s && %s", root, line);
  assert_int_equal(system(text), 0);
}

/* --- damaged checkpoints -----------------------------------------------------------------------
 */

/* What becomes of a file's bytes, behind which there is room for a few more. */
static void flip_a_bit(char *data, size_t *size) {
  data[*size * 3 / 4] ^= 4;
}

static void zero_a_half(char *data, size_t *size) {
  memset(data + *size / 2, 0, *size - *size / 2);
}

static void cut_off(char *data, size_t *size) {
  (void)data;
  *size /= 2;
}

/* "update" becomes 10^18. */
static void boast(char *data, size_t *size) {
  char *at = strstr(data, "\"update\": "), *rest = at ? strchr(at, ',') : NULL;
  assert_non_null(rest);
  char *copy = rd_strdup(rest, NULL);
  *size = (size_t)(at - data) + (size_t)sprintf(at, "\"update\": 1000000000000000000%s", copy);
  free(copy);
}

/* Without a change the file goes. */
static void spoil(const char *path, void (*change)(char *data, size_t *size)) {
  enum { ROOM = 40 };
  rd_map map;
  if (!change) {
    assert_int_equal(unlink(path), 0);
    return;
  }
  assert_int_equal(rd_map_open(&map, path, NULL), RD_OK);
  rd_file_piece piece = {NULL, map.size};
  char *data = calloc(map.size + ROOM, 1);
  memcpy(data, map.data, map.size);
  rd_map_close(&map);
  change(data, &piece.size);
  piece.data = data;
  assert_int_equal(rd_file_write(path, &piece, 1, NULL), RD_OK);
  free(data);
}

static void keep_note(void *context, const char *message) {
  if (strstr(message, "damaged"))
    snprintf(context, 400, "%s", message);
}

/* A run goes on from the newest checkpoint that is whole, says so, and ends with the same bits;
 * where none is, it does not begin. */
static void damaged_checkpoints_are_not_believed(void **state) {
  (void)state;
  static const struct {
    const char *name, *file;
    void (*change)(char *data, size_t *size); /* NULL: the file goes */
    bool unsealed;                            /* as before there were seals */
  } cases[] = {
      {"a flipped bit", "tensors.safetensors", flip_a_bit, false},
      {"a zeroed half", "tensors.safetensors", zero_a_half, false},
      {"half a file", "tensors.safetensors", cut_off, false},
      {"no tensors", "tensors.safetensors", NULL, false},
      {"another state", "state.json", flip_a_bit, false},
      {"no state", "state.json", NULL, false},
      {"a state that boasts", "state.json", boast, true},
      {"a damaged seal", "checksums.json", flip_a_bit, false},
      {"half a seal", "checksums.json", cut_off, false},
  };
  static const char *const whole[] = {"updates=8", "out=ROOT/undamaged", NULL}, *const none[] = {
                                                                                    NULL};
  static const char *const part[] = {"updates=6", "out=ROOT/damaged", "checkpoint_every=3", NULL};
  static const char *const rest[] = {"updates=8", "out=ROOT/damaged", "checkpoint_every=3",
                                     "resume=true", NULL};
  static const char *const schedule[] = {"schedule=constant", NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, factors, whole, schedule, false);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    char folder[200], path[300], note[400] = "";
    rd_error e = {0};
    snprintf(folder, sizeof folder, "rm -rf %s/damaged", root);
    assert_int_equal(system(folder), 0);
    run_with(&b, &u, factors, part, schedule, false);
    end(&b, &u);
    snprintf(path, sizeof path, "%s/damaged/checkpoint-6/%s", root, cases[c].file);
    spoil(path, cases[c].change);
    snprintf(path, sizeof path, "%s/damaged/checkpoint-6/checksums.json", root);
    if (cases[c].unsealed)
      spoil(path, NULL);
    const rd_train_watch watch = {.context = note, .note = keep_note};
    const char *const *lists[] = {factors, rest, schedule, NULL};
    settings_of(&u, lists);
    assert_int_equal(rd_trainer_open(&b, &u, &watch, &e), RD_OK);
    if (rd_trainer_run(&b, &e) != RD_OK)
      fail_msg("%s: %s", cases[c].name, e.message);
    if (!strstr(note, "checkpoint-6: damaged"))
      fail_msg("%s: nobody was told", cases[c].name);
    if (!same_weights(&a, &b))
      fail_msg("%s: other weights", cases[c].name);
    end(&b, &u);
  }
  static const char *const kept[] = {"checkpoint-8", "checkpoint-6", "final"};
  command("rm -r damaged/checkpoint-6.damaged"); /* of the last case */
  for (size_t k = 0; k < 3; k++) {
    char path[300];
    snprintf(path, sizeof path, "%s/damaged/%s/%s", root, kept[k],
             k < 2 ? "tensors.safetensors" : "adapter_model.safetensors");
    spoil(path, k < 2 ? flip_a_bit : NULL);
  }
  char note[400] = "", *final = path_of("damaged/final/adapter_model.safetensors");
  const rd_train_watch watch = {.context = note, .note = keep_note};
  const char *const *lists[] = {factors, rest, none, NULL};
  rd_error e = {0};
  settings_of(&u, lists);
  assert_int_equal(rd_trainer_open(&b, &u, &watch, &e), RD_OK);
  assert_int_equal(rd_trainer_run(&b, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "no checkpoint is left whole"));
  assert_false(rd_path_exists(final));
  end(&b, &u);
  /* nor does it begin anew when it is asked again, but in its own place */
  settings_of(&u, lists);
  assert_int_equal(rd_trainer_open(&b, &u, NULL, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "checkpoint-8.damaged"));
  assert_non_null(strstr(e.message, "--overwrite"));
  assert_false(rd_path_exists(final));
  end(&b, &u);
  run_with(&b, &u, factors, part, schedule, false);
  char *damaged = path_of("damaged/checkpoint-8.damaged");
  assert_false(rd_path_exists(damaged));
  free(damaged);
  free(final);
  end(&b, &u);
  end(&a, &s);
}

/* --- what a run comes from ----------------------------------------------------------------------
 */

/* Keys of the checkpoint's state are set, or with NULL taken out, by somebody who breaks its seal.
 */
static void rewrite_state(const char *folder, const char *const *keys, const char *value) {
  char name[64];
  json_t *state = NULL;
  snprintf(name, sizeof name, "%s/state.json", folder);
  char *path = path_of(name), *in = path_of(folder);
  assert_int_equal(rd_json_open(&state, path, NULL), RD_OK);
  for (; *keys; keys++)
    if (value)
      json_object_set_new(state, *keys, json_string(value));
    else
      json_object_del(state, *keys);
  assert_int_equal(rd_json_write(in, "state.json", state, NULL), RD_OK);
  json_decref(state);
  snprintf(name, sizeof name, "%s/checksums.json", folder);
  free(path);
  path = path_of(name);
  unlink(path);
  free(path);
  free(in);
}

static const char *const origins[] = {"model=ROOT/mother",
                                      "validation=ROOT/held.jsonl",
                                      "adapter=ROOT/elder/final",
                                      "chat_template=ROOT/said.jinja",
                                      "updates=8",
                                      "batch=4",
                                      "learning_rate=0.001",
                                      "out=ROOT/origins",
                                      NULL};
static const char *const resuming[] = {"resume=true", NULL};

/* Go on with the run above, `more` told too; it ends as `says`, or with NULL well. */
static void goes_on(const char *what, const char *const *more, const char *says) {
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  const char *const *lists[] = {factors, origins, resuming, more, NULL};
  settings_of(&s, lists);
  rd_code code = rd_trainer_open(&t, &s, NULL, &e);
  if (code == RD_OK)
    code = rd_trainer_run(&t, &e);
  if ((code == RD_OK) == (says != NULL) || (says && !strstr(e.message, says)))
    fail_msg("%s: %d %s", what, (int)code, e.message);
  end(&t, &s);
}

/* A run goes on over the base, the adapter, the template and the validation rows that it began
 * with, and in the same arithmetic; a checkpoint that says nothing of them is one of before. */
static void runs_go_on_from_what_they_began_with(void **state) {
  (void)state;
  static const char *const keys[] = {"model",      "adapter",    "ids", "chat_template",
                                     "validation", "arithmetic", NULL};
  static const char *const arithmetic[] = {"arithmetic", NULL};
  static const char *const none[] = {NULL}, *const elder[] = {"updates=2", "batch=4",
                                                              "out=ROOT/elder", NULL};
  static const char *const f32[] = {"precision=f32", NULL};
  static const struct {
    const char *what, *change, *says;
  } cases[] = {
      {"another base", "mother/model.safetensors", "the model"},
      {"another adapter", "elder/final/adapter_model.safetensors", "the adapter"},
      {"another template", "said.jinja", "the chat template"},
      {"other validation rows", "held.jsonl", "held.jsonl is not the file of the checkpoint"},
  };
  rd_trainer t;
  rd_train_settings s;
  run_with(&t, &s, factors, elder, none, false);
  end(&t, &s);
  command("cp -r base/final mother && rm -f mother/checksums.json elder/final/checksums.json");
  command("head -n 9 rows.jsonl >held.jsonl");
  write_file("said.jinja", "{% for m in messages %}{{ m.content }} {% endfor %}:");
  run_with(&t, &s, factors, origins, none, true);
  end(&t, &s);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    char *path = path_of(cases[c].change), line[200];
    snprintf(line, sizeof line, "cp %s kept", cases[c].change);
    command(line);
    if (strstr(path, "safetensors"))
      spoil(path, flip_a_bit);
    else
      write_file(cases[c].change, c == 2 ? "{% for m in messages %}{{ m.content }}. {% endfor %}:"
                                         : "{\"question\":\"8 and 1?\",\"answer\":\"It is 9.\"}\n");
    goes_on(cases[c].what, none, cases[c].says);
    snprintf(line, sizeof line, "cp kept %s", cases[c].change);
    command(line);
    free(path);
  }
  command("cp -r origins begun");
  rewrite_state("origins/checkpoint-3", arithmetic, "f64");
  goes_on("another arithmetic", none, "in f64, and now it would in ");
  rewrite_state("origins/checkpoint-3", arithmetic, "f32");
  goes_on("the arithmetic that was found, by its name", f32, NULL);
  command("rm -r origins && cp -r begun origins");
  rewrite_state("origins/checkpoint-3", keys, NULL);
  write_file("said.jinja", "{% for m in messages %}{{ m.content }}. {% endfor %}:");
  goes_on("a checkpoint of before", none, NULL);
}

/* A run that is further than it is now said to be does not end at once as if it were done. */
static void runs_do_not_end_before_they_are(void **state) {
  (void)state;
  static const char *const first[] = {"updates=8", "out=ROOT/further", NULL}, *const none[] = {
                                                                                  NULL};
  static const char *const fewer[] = {"updates=5", "out=ROOT/further", "resume=true", NULL};
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  run_with(&t, &s, factors, first, none, false);
  end(&t, &s);
  const char *const *lists[] = {factors, fewer, NULL};
  settings_of(&s, lists);
  assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), RD_OK);
  assert_int_equal(rd_trainer_run(&t, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "update 8"));
  assert_non_null(strstr(e.message, "ends at 5"));
  end(&t, &s);
}

/* Weights that cannot be sealed leave nothing half-written. */
static void what_is_not_sealed_goes(void **state) {
  (void)state;
  static const char *const own[] = {"updates=1", "out=ROOT/stuffed", NULL};
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  command("mkdir -p stuffed/best.part/checksums.json");
  const char *const *lists[] = {factors, own, NULL};
  settings_of(&s, lists);
  assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), RD_OK);
  assert_int_equal(rd_trainer_run(&t, &e), RD_IO);
  char *path = path_of("stuffed/best.part/adapter_model.safetensors");
  assert_false(rd_path_exists(path));
  free(path);
  end(&t, &s);
}

/* Words that are gone when a model is written fail it, which nobody could open. */
static void models_are_not_left_without_words(void **state) {
  (void)state;
  static const char *const own[] = {"model=ROOT/words", "trainable=all", "updates=1",
                                    "out=ROOT/wordless", NULL};
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  command("cp -r base/final words");
  const char *const *lists[] = {factors, own, NULL};
  settings_of(&s, lists);
  assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), RD_OK);
  command("rm words/tokenizer.json");
  assert_int_equal(rd_trainer_run(&t, &e), RD_IO);
  assert_non_null(strstr(e.message, "the tokenizer's files"));
  command("test ! -e wordless/best && test ! -e wordless/final");
  end(&t, &s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(interrupted_runs_go_on),
                                     cmocka_unit_test(damaged_checkpoints_are_not_believed),
                                     cmocka_unit_test(runs_go_on_from_what_they_began_with),
                                     cmocka_unit_test(runs_do_not_end_before_they_are),
                                     cmocka_unit_test(models_are_not_left_without_words),
                                     cmocka_unit_test(what_is_not_sealed_goes)};
  return cmocka_run_group_tests(tests, make_base, remove_all);
}
