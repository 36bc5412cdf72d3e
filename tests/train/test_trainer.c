/* SPDX-License-Identifier: MIT */
/* Whole runs of the trainer, on a model of a few thousand weights: accumulation against a bigger
 * batch, recomputation, adapters as a start, runs cut short, memory against its estimate. */
#include "checkpoint.h"
#include "convert.h"
#include "cpu.h"
#include "file.h"
#include "model.h"
#include "own_draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The largest difference of two runs' last gradients, as a share of the largest gradient. */
static double gradients_differ(const rd_trainer *a, const rd_trainer *b) {
  double most = 0, scale = 0;
  assert_int_equal(a->parameters.count, b->parameters.count);
  for (size_t i = 0; i < a->parameters.count; i++) {
    const rd_parameter *x = &a->parameters.items[i], *y = &b->parameters.items[i];
    assert_int_equal(x->count, y->count);
    for (int64_t k = 0; k < x->count; k++) {
      most = fmax(most, fabs((double)x->gradient[k] - (double)y->gradient[k]));
      scale = fmax(scale, fabs((double)x->gradient[k]));
    }
  }
  assert_true(scale > 0);
  return most / scale;
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

/* Pieces of one long text fill every window, so that the rows are the same either way. */
static void passes_add_up_to_a_bigger_batch(void **state) {
  (void)state;
  static const char *const parts[] = {"updates=1", "precision=f32",  "accumulate=4",
                                      "batch=2",   "out=ROOT/parts", NULL};
  static const char *const whole[] = {"updates=1", "precision=f32", "batch=8", "out=ROOT/sum",
                                      NULL};
  static const char *const none[] = {NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, common, parts, none, false);
  run_with(&b, &u, common, whole, none, false);
  assert_int_equal(a.tokens, b.tokens);
  assert_int_equal(a.order.position, b.order.position);
  assert_true(gradients_differ(&a, &b) < 1e-5);
  end(&a, &s);
  end(&b, &u);
}

static void recomputation_changes_no_bit(void **state) {
  (void)state;
  static const char *const *const kinds[] = {common, factors};
  static const char *const types[] = {"precision=f32", "precision=bf16"};
  for (size_t k = 0; k < 2; k++)
    for (int type = 0; type < (rd_bf16_fast() ? 2 : 1); type++) {
      const char *const kept[] = {"updates=3", "batch=4",        "out=ROOT/kept",
                                  types[type], "overwrite=true", NULL};
      static const char *const again[] = {"recompute=true", "out=ROOT/again", NULL}, *const none[] =
                                                                                         {NULL};
      rd_trainer a, b;
      rd_train_settings s, u;
      run_with(&a, &s, kinds[k], kept, none, false);
      run_with(&b, &u, kinds[k], kept, again, false);
      assert_true(gradients_differ(&a, &b) <= 0.0);
      assert_true(same_weights(&a, &b));
      end(&a, &s);
      end(&b, &u);
    }
}

/* An adapter of ours goes on with all its bits, whatever type the model was opened in. */
static void adapters_are_a_start(void **state) {
  (void)state;
  static const char *const first[] = {"updates=4", "out=ROOT/first", NULL};
  static const char *const still[] = {"updates=1", "learning_rate=0", "adapter=ROOT/first/final",
                                      "out=ROOT/second", NULL};
  static const char *const none[] = {NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, factors, first, none, false);
  run_with(&b, &u, factors, still, none, false);
  assert_true(same_weights(&a, &b));
  end(&a, &s);
  end(&b, &u);
}

/* The gradients of the last batch again, by a pass over these layers. */
static void gradients_of(rd_trainer *t, const rd_weights *weights, rd_gradient *gradient) {
  const rd_batch *b = &t->batch;
  rd_step *step = NULL;
  rd_error e = {0};
  double loss = 0;
  memset(t->parameters.sum.values, 0, (size_t)t->parameters.sum.count * sizeof(float));
  assert_int_equal(rd_step_new(&step, &t->config, weights, b->rows, t->rules.window, false, &e),
                   RD_OK);
  assert_int_equal(rd_step_run(step, b->sequences, b->sequence_count, 0, b->targets, b->weights,
                               gradient, &loss, NULL, &e),
                   RD_OK);
  rd_step_free(&step);
}

/* What the pass reads and what it adds to, as if no factors were folded. */
static void unfolded(const rd_parameters *p, rd_weights *weights, rd_gradient *gradient) {
  rd_walk own = rd_parts_of(p->config, NULL, &p->weights, NULL);
  rd_walk at = rd_parts_of(p->config, NULL, weights, gradient);
  size_t folded = 0;
  while (rd_parts_next(&own) && rd_parts_next(&at))
    for (size_t i = 0; i < p->fold_count; i++) {
      const rd_fold *fold = &p->folds[i];
      if (!at.linear || fold->linear != own.linear)
        continue;
      assert_int_equal(fold->a.rows, 24);
      *at.linear = (rd_linear){.w = fold->base,
                               .bias = at.linear->bias,
                               .a = fold->a,
                               .b = fold->b,
                               .scale = fold->scale};
      *at.grad = (rd_linear_grad){.bias = at.grad->bias, .a = fold->da, .b = fold->db};
      folded++;
    }
  assert_true(folded > 0);
  assert_int_equal(folded, p->fold_count);
}

/* Folded factors get the gradients that they get beside their matrix. */
static void thick_factors_are_folded(void **state) {
  (void)state;
  static const char *const thick[] = {"updates=3",     "lora_rank=24",   "lora_alpha=12",
                                      "precision=f32", "out=ROOT/thick", NULL};
  static const char *const none[] = {NULL};
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  rd_layer layers[2];
  rd_layer_grad gradients[2];
  run_with(&t, &s, factors, thick, none, false);
  rd_parameters *p = &t.parameters;
  rd_weights beside = p->weights;
  rd_gradient slots = p->gradient;
  memcpy(layers, p->weights.layers, sizeof layers);
  memcpy(gradients, p->gradient.layers, sizeof gradients);
  beside.layers = layers;
  slots.layers = gradients;
  unfolded(p, &beside, &slots);
  gradients_of(&t, &beside, &slots);
  float *expected = malloc((size_t)p->total * sizeof *expected), *at = expected;
  for (size_t i = 0; i < p->count; at += p->items[i++].count)
    memcpy(at, p->items[i].gradient, (size_t)p->items[i].count * sizeof *at);
  gradients_of(&t, &p->weights, &p->gradient);
  assert_int_equal(rd_parameters_unfold(p, &e), RD_OK);
  at = expected;
  for (size_t i = 0; i < p->count; at += p->items[i++].count) {
    double most = 0, scale = 0;
    for (int64_t k = 0; k < p->items[i].count; k++) {
      most = fmax(most, fabs((double)p->items[i].gradient[k] - (double)at[k]));
      scale = fmax(scale, fabs((double)at[k]));
    }
    if (!(scale > 0 && most < 1e-4 * scale))
      fail_msg("%s: off by %g of %g", p->items[i].name, most, scale);
  }
  free(expected);
  end(&t, &s);
}

/* More rank for an adapter: its factors come first, new rows of A behind them, nothing in B. */
static void ranks_grow(void **state) {
  (void)state;
  static const char *const first[] = {"updates=4", "out=ROOT/thin", NULL};
  static const char *const more[] = {"updates=1",    "learning_rate=0", "adapter=ROOT/thin/final",
                                     "lora_rank=24", "out=ROOT/grown",  NULL};
  static const char *const none[] = {NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, factors, first, none, false);
  run_with(&b, &u, factors, more, none, false);
  assert_int_equal(a.parameters.count, b.parameters.count);
  for (size_t i = 0; i < a.parameters.count; i++) {
    const rd_parameter *x = &a.parameters.items[i], *y = &b.parameters.items[i];
    for (int64_t r = 0; r < x->rows; r++)
      assert_memory_equal(x->master + r * x->cols, y->master + r * y->cols,
                          (size_t)x->cols * sizeof(float));
    for (int64_t k = 0; y->cols > x->cols && k < y->count; k++)
      assert_true(k % y->cols < x->cols || (y->master[k] >= 0 && y->master[k] <= 0));
    for (int64_t k = x->count; y->cols == x->cols && k < y->count; k++)
      assert_true(fabsf(y->master[k]) <= 1.0f / sqrtf((float)y->cols) && y->master[k] != 0.0f);
  }
  assert_true(b.parameters.total > a.parameters.total);
  end(&a, &s);
  end(&b, &u);
}

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
  static const struct {
    const char *const *kind, *const *more;
  } cases[] = {{common, none},   {factors, none}, {factors, from_adapter}, {factors, own},
               {factors, drawn}, {factors, said}, {common, device},        {factors, device_drawn}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    char whole_out[40], cut_out[40];
    snprintf(whole_out, sizeof whole_out, "out=ROOT/whole-%zu", c);
    snprintf(cut_out, sizeof cut_out, "out=ROOT/cut-%zu", c);
    const char *const whole[] = {"updates=8", "batch=4", whole_out, NULL};
    const char *const cut[] = {"updates=8", "batch=4", cut_out, "resume=true", NULL};
    rd_trainer a, b;
    rd_train_settings s, u;
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

/* The kernels of a device, run by the processor: an update's gradients are those of the processor's
 * own steps, to rounding, and a run's end is no worse. */
static void devices_train_as_the_processor(void **state) {
  (void)state;
  static const char *const *const kinds[] = {common, factors};
  static const char *const first[] = {"updates=1",  "batch=4",       "precision=f32",
                                      "engine=cpu", "out=ROOT/here", NULL};
  static const char *const there[] = {"engine=emulated", "out=ROOT/there", NULL};
  static const char *const longer[] = {"updates=8", "batch=4", "precision=f32", "out=ROOT/longer",
                                       NULL};
  static const char *const none[] = {NULL};
  for (size_t k = 0; k < 2; k++) {
    rd_trainer a, b;
    rd_train_settings s, u;
    run_with(&a, &s, kinds[k], first, none, false);
    run_with(&b, &u, kinds[k], first, there, false);
    assert_true(rd_step_updates(b.step) && !rd_step_updates(a.step));
    assert_int_equal(rd_step_gather(b.step, NULL), RD_OK);
    assert_true(gradients_differ(&a, &b) < 1e-4);
    assert_true(fabs(a.best_loss - b.best_loss) < 1e-3 * a.best_loss);
    const double before = b.best_loss;
    end(&a, &s);
    end(&b, &u);
    run_with(&a, &s, kinds[k], first, longer, false);
    run_with(&b, &u, kinds[k], longer, there, false);
    assert_true(b.best_loss < before && fabs(a.best_loss - b.best_loss) < 1e-2 * a.best_loss);
    end(&a, &s);
    end(&b, &u);
  }
}

/* --- damaged checkpoints -----------------------------------------------------------------------
 */

static void slurp(const char *path, char **data, size_t *size) {
  assert_int_equal(rd_file_read(path, 1 << 26, data, size, NULL), RD_OK);
}

static void spill(const char *path, const char *data, size_t size) {
  rd_file_piece piece = {data, size};
  assert_int_equal(rd_file_write(path, &piece, 1, NULL), RD_OK);
}

static void flip_a_bit(const char *path) {
  size_t size;
  char *data;
  slurp(path, &data, &size);
  data[size * 3 / 4] ^= 4;
  spill(path, data, size);
  free(data);
}

static void zero_a_half(const char *path) {
  size_t size;
  char *data;
  slurp(path, &data, &size);
  memset(data + size / 2, 0, size - size / 2);
  spill(path, data, size);
  free(data);
}

static void cut_off(const char *path) {
  size_t size;
  char *data;
  slurp(path, &data, &size);
  spill(path, data, size / 2);
  free(data);
}

static void take_away(const char *path) {
  assert_int_equal(unlink(path), 0);
}

/* "update" becomes 10^18; without a seal, as before there were any. */
static void boast(const char *path) {
  size_t size;
  char *data, changed[4096];
  slurp(path, &data, &size);
  const char *at = strstr(data, "\"update\": ");
  assert_non_null(at);
  assert_true(size < sizeof changed - 30);
  int n = snprintf(changed, sizeof changed, "%.*s\"update\": 1000000000000000000%s",
                   (int)(at - data), data, strchr(at, ','));
  spill(path, changed, (size_t)n);
  free(data);
  char *seal = path_of("damaged/checkpoint-6/checksums.json");
  unlink(seal);
  free(seal);
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
    void (*damage)(const char *path);
  } cases[] = {
      {"a flipped bit", "tensors.safetensors", flip_a_bit},
      {"a zeroed half", "tensors.safetensors", zero_a_half},
      {"half a file", "tensors.safetensors", cut_off},
      {"no tensors", "tensors.safetensors", take_away},
      {"another state", "state.json", flip_a_bit},
      {"no state", "state.json", take_away},
      {"a state that boasts", "state.json", boast},
      {"a damaged seal", "checksums.json", flip_a_bit},
      {"half a seal", "checksums.json", cut_off},
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
    cases[c].damage(path);
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
  for (size_t k = 0; k < 3; k++) {
    char path[300];
    snprintf(path, sizeof path, "%s/damaged/%s/%s", root, kept[k],
             k < 2 ? "tensors.safetensors" : "adapter_model.safetensors");
    k < 2 ? flip_a_bit(path) : take_away(path);
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
  free(final);
  end(&b, &u);
  end(&a, &s);
}

typedef struct likeliest {
  const int32_t *rows;
  int32_t *ids;
  int64_t V;
} likeliest;

static rd_code keep_likeliest(void *context, float *logits, int64_t first, int64_t count,
                              rd_error *e) {
  (void)e;
  const likeliest *l = context;
  for (int64_t i = 0; i < count; i++) {
    const float *row = logits + i * l->V;
    int32_t best = 0;
    for (int32_t v = 1; v < l->V; v++)
      best = row[v] > row[best] ? v : best;
    l->ids[l->rows[first + i]] = best;
  }
  return RD_OK;
}

/* Behind each prompt stands what an ordinary pass over the noise finds most likely, by the rows
 * that predict it; the prompts, the targets and the weights are as they were. */
static void drafts_replace_noise(const char *const *more, int64_t shift) {
  static const char *const most[] = {"updates=4", "precision=f32", "out=ROOT/own", "overwrite=true",
                                     NULL};
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  run_with(&t, &s, factors, more, most, false);
  rd_batch *b = &t.batch;
  assert_int_equal(t.rules.shift, shift);
  assert_int_equal(rd_batch_next(b, &t.rules, &t.examples, &t.order, 4, &e), RD_OK);
  enum { MOST = 4096 };
  int32_t expected[MOST], targets[MOST], rows[MOST];
  assert_true(b->rows < MOST);
  memcpy(expected, b->ids, (size_t)b->rows * sizeof *expected);
  memcpy(targets, b->targets, (size_t)b->rows * sizeof *targets);
  assert_int_equal(rd_batch_own_draft(b, &t.rules, 4, t.step, &e), RD_OK);
  assert_memory_equal(b->ids, expected, (size_t)b->rows * sizeof *expected);

  rd_model live = rd_trainer_live(&t);
  rd_stack *pass = NULL;
  int64_t count = 0;
  for (int64_t i = 0; i < b->sequence_count; i++) {
    int64_t first = b->sequences[i].ids - b->ids, end = first + b->sequences[i].count;
    for (int64_t r = b->answers[i]; r < end; r++)
      if (r - shift >= first)
        rows[count++] = (int32_t)(r - shift);
  }
  assert_true(count > 0);
  likeliest l = {rows, expected + shift, t.config.vocab};
  assert_int_equal(rd_stack_new(&pass, &live.config, &live.weights,
                                &(rd_stack_sizes){.rows = b->rows, .longest = t.rules.window}, &e),
                   RD_OK);
  int32_t noise[MOST];
  memcpy(noise, b->ids, (size_t)b->rows * sizeof *noise);
  for (int reading = 0; reading < 3; reading++) { /* as many as there can be */
    assert_int_equal(rd_stack_run(pass, b->sequences, b->sequence_count, 0, &e), RD_OK);
    assert_int_equal(rd_stack_logits(pass, rows, count, keep_likeliest, &l, &e), RD_OK);
    memcpy(b->ids, expected, (size_t)b->rows * sizeof *expected);
  }
  memcpy(b->ids, noise, (size_t)b->rows * sizeof *noise);
  rd_stack_free(&pass);

  rd_batch_rules always = t.rules;
  always.own_drafts = 1;
  assert_int_equal(rd_batch_own_draft(b, &always, 4, t.step, &e), RD_OK);
  assert_memory_equal(b->ids, expected, (size_t)b->rows * sizeof *expected);
  assert_memory_equal(b->targets, targets, (size_t)b->rows * sizeof *targets);
  end(&t, &s);
}

/* Rows that predict in place; the next position; the same where nothing stands before an answer. */
static void own_drafts_replace_the_noise(void **state) {
  (void)state;
  static const char *const here[] = {NULL};
  static const char *const next[] = {"model=" RD_SOURCE_DIR "/tests/golden/models/dream",
                                     "window=64", NULL};
  static const char *const text[] = {"model=" RD_SOURCE_DIR "/tests/golden/models/dream",
                                     "data=ROOT/text.txt", NULL};
  drafts_replace_noise(here, 0);
  drafts_replace_noise(next, 1);
  drafts_replace_noise(text, 1);
}

/* The base as one GGUF file, whose queries and keys lie in another order: the same numbers as from
 * the folder, factors, norms or all of it, and an adapter of the one is an adapter of the other. */
static void a_gguf_is_trained_as_its_folder(void **state) {
  (void)state;
  static const char *const none[] = {NULL};
  static const char *const kinds[][4] = {
      {"updates=3", "precision=f32", "lora_targets=q_proj,k_proj,v_proj", NULL},
      {"updates=3", "precision=bf16", "gate=answer", NULL},
      {"updates=3", "precision=f32", "trainable=all", NULL},
      {"updates=3", "precision=f32", "adapter=ROOT/halves/final", NULL}};
  static const char *const folder[] = {"out=ROOT/halves", NULL};
  static const char *const file[] = {"out=ROOT/pairs", "model=ROOT/base.gguf", NULL};
  char *from = path_of("base/final"), *to = path_of("base.gguf");
  rd_error e = {0};
  if (rd_convert(&(rd_convert_options){.path = from, .out = to, .gguf = true}, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const char *const *base = k == 3 ? kinds[0] : none;
    rd_trainer a, b, c;
    rd_train_settings s, u, v;
    if (k == 3) { /* the folder's adapter goes on over the file */
      const char *const *start[] = {factors, base, folder, NULL};
      settings_of(&v, start);
      v.overwrite = true;
      run(&c, &v, false);
      end(&c, &v);
    }
    const char *const out[] = {k == 3 ? "out=ROOT/on" : "out=ROOT/halves", NULL};
    const char *const *of_folder[] = {factors, base, kinds[k], out, NULL};
    const char *const *of_file[] = {factors, base, kinds[k], file, NULL};
    settings_of(&s, of_folder);
    settings_of(&u, of_file);
    s.overwrite = u.overwrite = true;
    run(&a, &s, false);
    run(&b, &u, false);
    assert_true(same_weights(&a, &b));
    end(&a, &s);
    end(&b, &u);
  }
  free(from);
  free(to);
}

static void what_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *setting, *says;
    rd_code code;
    const char *also;
  } cases[] = {
      {"window=64", "the model has 32 positions", RD_USAGE, NULL},
      {"lora_targets=c_attn", "no projection c_attn", RD_USAGE, NULL},
      {"own_drafts=0.5", "structural or mixed", RD_USAGE, "objective=mask"},
      {"own_drafts=0.5", "loss_on all or answer", RD_USAGE, "loss_on=corrupted"},
      {"mix_answers=0.5", "mix-answers: wrong words", RD_USAGE, "objective=mask"},
      {"stutter=0.5", "structural or mixed", RD_USAGE, "objective=next-token"},
      {"mask_all=0.6", "first-wrong: 0.5; with those before it, 1.1", RD_USAGE, "first_wrong=0.5"},
      {"draft_temperature=1", "give own_drafts", RD_USAGE, NULL},
      {"draft_top_k=3", "nothing is drawn", RD_USAGE, "own_drafts=0.5"},
      {"adapter=ROOT/first/final", "not shrink", RD_USAGE, "lora_rank=2"},
      {"adapter=ROOT/nothing", "adapter_config.json", RD_IO, NULL},
      {"data=ROOT/nothing.jsonl", "nothing.jsonl", RD_IO, NULL},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const char *const one[] = {cases[c].setting, "out=ROOT/refused", cases[c].also, NULL};
    const char *const *lists[] = {factors, one, NULL};
    rd_train_settings s;
    rd_trainer t;
    rd_error e = {0};
    settings_of(&s, lists);
    assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), cases[c].code);
    if (!strstr(e.message, cases[c].says))
      fail_msg("%s: %s", cases[c].setting, e.message);
    end(&t, &s);
  }
}

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

/* Drawn drafts: from the likeliest words alone where there is one to draw from, others where there
 * are more; the same by the same number; greedy where the share of the drawn is none. */
static void own_drafts_can_be_drawn(void **state) {
  (void)state;
  static const char *const most[] = {"updates=4", "precision=f32", "out=ROOT/drawn", NULL};
  static const char *const none[] = {NULL};
  enum { MOST = 4096 };
  static const struct {
    double temperature, drawn;
    int64_t top_k;
    bool same;
  } cases[] = {
      {0, 1, 0, true}, {1, 1, 1, true}, {1, 0, 3, true}, {1, 1, 3, false}, {5, 1, 0, false}};
  int32_t noise[MOST], greedy[MOST], once[MOST];
  rd_trainer t;
  rd_train_settings s;
  rd_error e = {0};
  run_with(&t, &s, factors, none, most, false);
  rd_batch *b = &t.batch;
  assert_int_equal(rd_batch_next(b, &t.rules, &t.examples, &t.order, 4, &e), RD_OK);
  size_t size = (size_t)b->rows * sizeof *noise;
  assert_true(b->rows < MOST);
  memcpy(noise, b->ids, size);
  t.rules.own_drafts = 1;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    t.rules.draft_temperature = cases[c].temperature;
    t.rules.draft_drawn = cases[c].drawn;
    t.rules.draft_top_k = cases[c].top_k;
    for (int time = 0; time < 2; time++) {
      memcpy(b->ids, noise, size);
      assert_int_equal(rd_batch_own_draft(b, &t.rules, 4, t.step, &e), RD_OK);
      if (time == 0)
        memcpy(once, b->ids, size);
    }
    assert_memory_equal(once, b->ids, size);
    if (c == 0)
      memcpy(greedy, once, size);
    assert_true((memcmp(greedy, once, size) == 0) == cases[c].same);
  }
  end(&t, &s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(passes_add_up_to_a_bigger_batch),
                                     cmocka_unit_test(recomputation_changes_no_bit),
                                     cmocka_unit_test(adapters_are_a_start),
                                     cmocka_unit_test(thick_factors_are_folded),
                                     cmocka_unit_test(ranks_grow),
                                     cmocka_unit_test(interrupted_runs_go_on),
                                     cmocka_unit_test(devices_train_as_the_processor),
                                     cmocka_unit_test(damaged_checkpoints_are_not_believed),
                                     cmocka_unit_test(own_drafts_replace_the_noise),
                                     cmocka_unit_test(own_drafts_can_be_drawn),
                                     cmocka_unit_test(corruptions_have_keys),
                                     cmocka_unit_test(new_keys_do_not_stop_a_resume),
                                     cmocka_unit_test(a_gguf_is_trained_as_its_folder),
                                     cmocka_unit_test(what_is_refused),
                                     cmocka_unit_test(settings_name_their_choices)};
  return cmocka_run_group_tests(tests, make_base, remove_all);
}
