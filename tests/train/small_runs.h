/* SPDX-License-Identifier: MIT */
/* Runs of the trainer on a model of a few thousand weights, for tests: settings as lists of texts,
 * over those that every run has, and a folder with data and a base model. */
#ifndef SMALL_RUNS_H
#define SMALL_RUNS_H

#include "file.h"
#include "trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/rd_trainer_XXXXXX";

static char *path_of(const char *name) {
  char *path = rd_path_join(root, name);
  assert_non_null(path);
  return path;
}

static void write_file(const char *name, const char *text) {
  char *path = path_of(name);
  rd_file_piece part = {text, strlen(text)};
  assert_int_equal(rd_file_write(path, &part, 1, NULL), RD_OK);
  free(path);
}

/* Settings from a list of "key=value" ended by NULL, over what every run here has. ROOT at the
 * start of a value is the folder of the tests. */
static void settings_of(rd_train_settings *s, const char *const *lists[]) {
  rd_error e = {0};
  memset(s, 0, sizeof *s);
  assert_int_equal(rd_train_settings_default(s, &e), RD_OK);
  for (size_t l = 0; lists[l]; l++)
    for (const char *const *item = lists[l]; *item; item++) {
      char text[400];
      const char *at = strstr(*item, "ROOT");
      if (at)
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - *item), *item, root, at + 4);
      else
        snprintf(text, sizeof text, "%s", *item);
      if (rd_train_settings_set(s, text, &e) != RD_OK)
        fail_msg("%s", e.message);
    }
  if (rd_train_settings_finish(s, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void set_stop(void *context, const rd_train_progress *progress) {
  atomic_int *stop = context;
  *stop = progress->update == 3;
}

/* Run; with `stops`, interrupted after the third update. What was trained stays in *t. */
static void run(rd_trainer *t, const rd_train_settings *s, bool stops) {
  rd_error e = {0};
  atomic_int stop = 0;
  rd_train_watch watch = {.context = &stop, .updated = set_stop, .stop = &stop};
  if (rd_trainer_open(t, s, stops ? &watch : NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_code code = rd_trainer_run(t, &e);
  if (code != (stops ? RD_CANCELLED : RD_OK))
    fail_msg("%d: %s", (int)code, e.message);
}

static const char *const common[] = {"init.tokenizer=" RD_SOURCE_DIR "/models/tini",
                                     "init.width=32",
                                     "init.layers=2",
                                     "init.heads=2",
                                     "init.ff=64",
                                     "init.positions=32",
                                     "objective=next-token",
                                     "trainable=all",
                                     "data=ROOT/text.txt",
                                     "window=32",
                                     "held_out=0.1",
                                     "validate_rows=4",
                                     "warmup=0",
                                     "clip=0",
                                     "learning_rate=0.01",
                                     "out=ROOT/run",
                                     NULL};
/* Over the model that `make_base` leaves. */
static const char *const factors[] = {"model=ROOT/base/final",
                                      "trainable=lora",
                                      "train_norms=true",
                                      "lora_rank=4",
                                      "objective=mixed",
                                      "loss_on=answer",
                                      "data=ROOT/rows.jsonl",
                                      "window=32",
                                      "batch=4",
                                      "held_out=0.2",
                                      "validate_rows=4",
                                      "warmup=2",
                                      "learning_rate=0.01",
                                      NULL};

static void run_with(rd_trainer *t, rd_train_settings *s, const char *const *base,
                     const char *const *more, const char *const *most, bool stops) {
  const char *const *lists[] = {base, more, most, NULL};
  settings_of(s, lists);
  s->overwrite = !s->resume; /* cases share folders */
  run(t, s, stops);
}

static void end(rd_trainer *t, rd_train_settings *s) {
  rd_trainer_close(t);
  rd_train_settings_drop(s);
}

static bool same_weights(const rd_trainer *a, const rd_trainer *b) {
  assert_int_equal(a->parameters.count, b->parameters.count);
  for (size_t i = 0; i < a->parameters.count; i++) {
    const rd_parameter *x = &a->parameters.items[i], *y = &b->parameters.items[i];
    if (memcmp(x->master, y->master, (size_t)x->count * sizeof(float)) != 0)
      return false;
  }
  return true;
}

/* Text longer than many windows, rows of questions, and a base model trained for a few updates. */
static int make_base(void **state) {
  (void)state;
  if (!mkdtemp(root))
    return -1;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  for (int i = 0; i < 1000; i++)
    fprintf(out, "word %d is followed by %d. ", i * 7 % 100, i * 13 % 100);
  fclose(out);
  write_file("text.txt", text);
  free(text);
  out = open_memstream(&text, &size);
  for (int i = 0; i < 60; i++)
    fprintf(out, "{\"question\":\"%d and 1?\",\"answer\":\"It is %d.\"}\n", i, i + 1);
  fclose(out);
  write_file("rows.jsonl", text);
  free(text);
  static const char *const more[] = {"updates=5", "batch=4", "out=ROOT/base", NULL};
  static const char *const none[] = {NULL};
  rd_trainer t;
  rd_train_settings s;
  run_with(&t, &s, common, more, none, false);
  end(&t, &s);
  return 0;
}

static int remove_all(void **state) {
  (void)state;
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", root);
  return system(command);
}

#endif
