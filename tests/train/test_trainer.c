/* SPDX-License-Identifier: MIT */
/* Whole runs of the trainer, on a model of a few thousand weights: accumulation against a bigger
 * batch, recomputation, adapters as a start, drafts of its own, devices. */
#include "convert.h"
#include "cpu.h"
#include "model.h"
#include "own_draft.h"
#include "small_runs.h"

#include <math.h>

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

static void put_tensor(rd_tensor *t, const char *name, const float *data, int64_t rows,
                       int64_t cols) {
  *t = (rd_tensor){.name = (char *)(uintptr_t)name,
                   .format = rd_format_of(RD_F32),
                   .dims = 2,
                   .shape = {rows, cols, 1, 1},
                   .data = (const unsigned char *)data,
                   .size = (size_t)(rows * cols) * sizeof *data};
}

static const rd_parameter *parameter_of(const rd_trainer *t, const char *name) {
  for (size_t i = 0; i < t->parameters.count; i++)
    if (strcmp(t->parameters.items[i].name, name) == 0)
      return &t->parameters.items[i];
  fail_msg("no %s is trained", name);
  return NULL;
}

/* PEFT writes a head with factors with its bare matrix beside them: `trainable: all` goes on from
 * the sum, not from what the base had. */
static void all_goes_on_from_the_merged_model(void **state) {
  (void)state;
  enum { RANK = 2, WIDTH = 32 };
  static const char *const bare[] = {"init.tied=false", "updates=2", "out=ROOT/untied", NULL};
  static const char *const still[] = {"model=ROOT/untied/final",
                                      "adapter=ROOT/headed",
                                      "trainable=all",
                                      "updates=1",
                                      "learning_rate=0",
                                      "out=ROOT/merged",
                                      NULL};
  static const char *const none[] = {NULL};
  rd_trainer a, b;
  rd_train_settings s, u;
  run_with(&a, &s, common, bare, none, false);
  const rd_parameter *head = parameter_of(&a, "lm_head.weight");
  const int64_t vocab = head->rows;
  float *down = calloc(RANK * WIDTH, sizeof *down), *up = calloc((size_t)vocab * RANK, sizeof *up);
  for (int64_t i = 0; i < RANK * WIDTH; i++)
    down[i] = (float)(i % 7) * 0.125f;
  for (int64_t i = 0; i < vocab * RANK; i++)
    up[i] = (float)(i % 5) * 0.25f;
  rd_tensor tensors[3];
  put_tensor(&tensors[0], "base_model.model.lm_head.lora_A.weight", down, RANK, WIDTH);
  put_tensor(&tensors[1], "base_model.model.lm_head.lora_B.weight", up, vocab, RANK);
  put_tensor(&tensors[2], "base_model.model.lm_head.base_layer.weight", head->master, vocab, WIDTH);
  char *folder = path_of("headed"), *path = path_of("headed/adapter_model.safetensors");
  assert_int_equal(rd_folder_make(folder, NULL), RD_OK);
  write_file(
      "headed/adapter_config.json",
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"lm_head\"]}");
  assert_int_equal(rd_safetensors_write(path, tensors, 3, NULL), RD_OK);
  run_with(&b, &u, factors, still, none, false);
  const rd_parameter *now = parameter_of(&b, "lm_head.weight");
  double most = 0;
  for (int64_t i = 0; i < vocab; i++)
    for (int64_t k = 0; k < WIDTH; k++) {
      double sum = (double)head->master[i * WIDTH + k];
      for (int64_t r = 0; r < RANK; r++)
        sum += 2.0 * (double)(up[i * RANK + r] * down[r * WIDTH + k]);
      most = fmax(most, fabs(sum - (double)now->master[i * WIDTH + k]));
    }
  if (most > 1e-5)
    fail_msg("the head is off by %g", most);
  free(folder);
  free(path);
  free(down);
  free(up);
  end(&a, &s);
  end(&b, &u);
}

static void keep_note(void *context, const char *message) {
  snprintf(context, 400, "%s", message);
}

/* An adapter of few modules goes on with these, at their rank; more are named by hand, get its rank
 * too, and are told of. */
static void adapters_stay_as_small(void **state) {
  (void)state;
  static const char *const small[] = {"lora_targets=q_proj,v_proj", "lora_rank=3", "updates=1",
                                      "out=ROOT/small", NULL};
  static const struct {
    const char *const more[4];
    size_t factors; /* tensors, of two layers */
    int64_t rank;
    const char *says; /* NULL: nothing */
  } cases[] = {
      {{"lora_rank=0", NULL}, 8, 3, NULL},
      {{"lora_rank=5", NULL}, 8, 5, NULL},
      {{"lora_rank=0", "lora_targets=q_proj,v_proj,o_proj", NULL},
       12,
       3,
       "2 modules get factors of rank 3 that the adapter has none for"},
  };
  rd_trainer a;
  rd_train_settings s;
  static const char *const none[] = {NULL};
  run_with(&a, &s, factors, small, none, false);
  end(&a, &s);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    static const char *const on[] = {"adapter=ROOT/small/final", "updates=1", "out=ROOT/grown-on",
                                     NULL};
    const char *const *lists[] = {factors, on, cases[c].more, NULL};
    char note[400] = "";
    const rd_train_watch watch = {.context = note, .note = keep_note};
    rd_error e = {0};
    settings_of(&s, lists);
    if (rd_trainer_open(&a, &s, &watch, &e) != RD_OK)
      fail_msg("%s", e.message);
    size_t found = 0;
    for (size_t i = 0; i < a.parameters.count; i++) {
      const rd_parameter *p = &a.parameters.items[i];
      if (!strstr(p->name, "lora_A"))
        continue;
      found += 2;
      assert_int_equal(p->rows, cases[c].rank);
    }
    assert_int_equal(found, cases[c].factors);
    if (cases[c].says ? !strstr(note, cases[c].says) : *note != '\0')
      fail_msg("case %zu: %s", c, note);
    end(&a, &s);
  }
}

/* An epoch's last update is the one that takes the last of its examples, however many share a pass
 * and whatever becomes of the rest of it. */
static void epochs_are_counted_by_packing(void **state) {
  (void)state;
  static const char *const text[] = {"data=ROOT/text.txt", "objective=next-token", "loss_on=answer",
                                     NULL};
  static const char *const blocks[] = {"objective=blocks", "gate=answer", "window=24", NULL};
  static const char *const short_pad[] = {"pad=short", NULL}, *const none[] = {NULL};
  static const struct {
    const char *const *kind;
    const char *epochs, *batch, *accumulate;
    double want;
  } cases[] = {{none, "epochs=1", "batch=1", "accumulate=1", 1},
               {none, "epochs=2.5", "batch=3", "accumulate=2", 2.5},
               {short_pad, "epochs=1", "batch=4", "accumulate=1", 1},
               {text, "epochs=1", "batch=2", "accumulate=1", 1},
               {blocks, "epochs=1", "batch=4", "accumulate=1", 1}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const char *const own[] = {cases[c].epochs, cases[c].batch, cases[c].accumulate,
                               "out=ROOT/epochs", NULL};
    const char *const *lists[] = {factors, cases[c].kind, own, NULL};
    rd_train_settings s;
    rd_trainer t;
    rd_error e = {0};
    settings_of(&s, lists);
    if (rd_trainer_open(&t, &s, NULL, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(rd_batch_init(&t.batch, t.rules.rows, &e), RD_OK);
    double before = 0, after = 0;
    for (int64_t number = 0; number < t.updates * s.accumulate; number++) {
      if (number % s.accumulate == 0)
        before = (double)t.order.epoch + (double)t.order.position / (double)t.order.length;
      assert_int_equal(rd_batch_next(&t.batch, &t.rules, &t.examples, &t.order, number, &e), RD_OK);
      after = (double)t.order.epoch + (double)t.order.position / (double)t.order.length;
    }
    if (!(before < cases[c].want && after >= cases[c].want))
      fail_msg("case %zu: %d updates: %g epochs before the last, %g behind it", c, (int)t.updates,
               before, after);
    end(&t, &s);
  }
}

/* transformers opens no model whose heads do not divide its width. */
static void heads_divide_the_width(void **state) {
  (void)state;
  static const char *const odd[] = {"init.heads=5", "init.head_dim=8", "updates=1", "out=ROOT/odd",
                                    NULL};
  const char *const *lists[] = {common, odd, NULL};
  rd_train_settings s;
  rd_trainer t;
  rd_error e = {0};
  settings_of(&s, lists);
  assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "width 32"));
  assert_non_null(strstr(e.message, "5 heads"));
  end(&t, &s);
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
      {"stutter=0.5", "next-token corrupts nothing", RD_USAGE, "objective=next-token"},
      {"mask_all=0.5", "next-token corrupts nothing", RD_USAGE, "objective=next-token"},
      {"stutter=0.5", "structural or mixed", RD_USAGE, "objective=mask"},
      {"align=0.5", "only objective blocks", RD_USAGE, NULL},
      {"loss_on=corrupted", "loss_on: objective next-token corrupts nothing", RD_USAGE,
       "objective=next-token"},
      {"draft_drawn=0.5", "nothing is drawn", RD_USAGE, "own_drafts=0.5"},
      {"mask_all=0.6", "first-wrong: 0.5; with those before it, 1.1", RD_USAGE, "first_wrong=0.5"},
      {"draft_temperature=1", "give own_drafts", RD_USAGE, NULL},
      {"draft_top_k=3", "nothing is drawn", RD_USAGE, "own_drafts=0.5"},
      {"adapter=ROOT/first/final", "not shrink", RD_USAGE, "lora_rank=2"},
      {"adapter=ROOT/nothing", "adapter_config.json", RD_IO, NULL},
      {"data=ROOT/nothing.jsonl", "nothing.jsonl", RD_IO, NULL},
      {"overwrite=true", "base/final lies in", RD_USAGE, "out=ROOT/base"},
      {"adapter=ROOT/first/final", "first/final lies in", RD_USAGE, "out=ROOT/first"},
      {"data=ROOT/first/metrics.jsonl", "metrics.jsonl lies in", RD_USAGE, "out=ROOT/first"},
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
                                     cmocka_unit_test(devices_train_as_the_processor),
                                     cmocka_unit_test(own_drafts_replace_the_noise),
                                     cmocka_unit_test(own_drafts_can_be_drawn),
                                     cmocka_unit_test(a_gguf_is_trained_as_its_folder),
                                     cmocka_unit_test(all_goes_on_from_the_merged_model),
                                     cmocka_unit_test(adapters_stay_as_small),
                                     cmocka_unit_test(epochs_are_counted_by_packing),
                                     cmocka_unit_test(heads_divide_the_width),
                                     cmocka_unit_test(what_is_refused)};
  return cmocka_run_group_tests(tests, make_base, remove_all);
}
