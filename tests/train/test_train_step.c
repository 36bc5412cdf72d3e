/* SPDX-License-Identifier: MIT */
/* Whole training steps against tests/golden/train.json: loss, gradient norm, every gradient, and
 * the weights after clipping and AdamW, within 1e-3 relative. */
#include "file.h"
#include "json.h"
#include "model.h"
#include "ops.h"
#include "parameters.h"
#include "step.h"
#include "tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"
enum { MOST_ROWS = 512, MOST_SEQUENCES = 16 };

typedef struct packed {
  rd_sequence sequences[MOST_SEQUENCES];
  int64_t count;
  int32_t ids[MOST_ROWS], targets[MOST_ROWS];
  float weights[MOST_ROWS];
} packed;

static void pack(packed *p, const json_t *step) {
  int64_t row = 0;
  p->count = 0;
  const json_t *ids = json_object_get(step, "ids");
  for (size_t s = 0; s < json_array_size(ids); s++) {
    const json_t *sequence = json_array_get(ids, s);
    const json_t *targets = json_array_get(json_object_get(step, "targets"), s);
    const json_t *weights = json_array_get(json_object_get(step, "weights"), s);
    p->sequences[p->count++] =
        (rd_sequence){.ids = p->ids + row, .count = (int64_t)json_array_size(sequence)};
    for (size_t i = 0; i < json_array_size(sequence); i++, row++) {
      p->ids[row] = (int32_t)json_integer_value(json_array_get(sequence, i));
      p->targets[row] = (int32_t)json_integer_value(json_array_get(targets, i));
      p->weights[row] = (float)json_number_value(json_array_get(weights, i));
    }
  }
}

/* The largest difference as a share of the largest value expected. */
static void compare(const rd_parameters *p, const char *file, bool gradients) {
  char path[512];
  rd_tensors tensors = {0};
  rd_error e = {0};
  snprintf(path, sizeof path, GOLDEN "%s", file);
  assert_int_equal(rd_safetensors_open(&tensors, path, &e), RD_OK);
  size_t found = 0;
  for (size_t i = 0; i < p->count; i++) {
    const rd_parameter *item = &p->items[i];
    char name[200];
    const rd_tensor *tensor = rd_tensors_find(&tensors, item->name);
    snprintf(name, sizeof name, "base_model.model.%s", item->name);
    tensor = tensor ? tensor : rd_tensors_find(&tensors, name);
    if (!tensor)
      fail_msg("%s: no tensor %s", file, item->name);
    found++;
    assert_int_equal(rd_tensor_count(tensor), item->count);
    float *want = malloc((size_t)item->count * sizeof *want);
    assert_non_null(want);
    tensor->format->decode(want, tensor->data, item->count);
    const float *got = gradients ? item->gradient : item->master;
    double most = 0, scale = 1e-6;
    for (int64_t k = 0; k < item->count; k++) {
      most = fmax(most, fabs((double)got[k] - (double)want[k]));
      scale = fmax(scale, fabs((double)want[k]));
    }
    if (!(most <= 1e-3 * scale))
      fail_msg("%s: %s differs by %g of %g", file, item->name, most, scale);
    free(want);
  }
  assert_int_equal(found, tensors.count);
  rd_tensors_drop(&tensors);
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

static void one_step(rd_parameters *p, rd_step *pass, const json_t *golden, const json_t *step,
                     int64_t index) {
  static packed batch;
  rd_error e = {0};
  double loss = 0;
  pack(&batch, step);
  const char *attention = json_string_value(json_object_get(golden, "attention"));
  assert_int_equal(rd_step_clear(pass, &e), RD_OK);
  assert_int_equal(rd_step_run(pass, batch.sequences, batch.count, strcmp(attention, "causal") == 0,
                               batch.targets, batch.weights, &p->gradient, &loss, NULL, &e),
                   RD_OK);
  assert_int_equal(rd_step_gather(pass, &e), RD_OK);
  assert_int_equal(rd_parameters_unfold(p, &e), RD_OK);
  assert_true(fabs(loss - number(step, "loss")) <= 1e-3 * fabs(number(step, "loss")));
  double norm = rd_parameters_norm(p, 1.0);
  assert_true(fabs(norm - number(step, "grad_norm")) <= 1e-3 * number(step, "grad_norm"));
  if (index == 0)
    compare(p, json_string_value(json_object_get(golden, "gradients")), true);
  const json_t *o = json_object_get(golden, "optimizer");
  double clip = number(o, "clip");
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    rd_adamw_step how = {.lr = (float)number(o, "rate"),
                         .beta1 = (float)number(o, "beta1"),
                         .beta2 = (float)number(o, "beta2"),
                         .eps = (float)number(o, "eps"),
                         .weight_decay = item->matrix ? (float)number(o, "decay") : 0.0f,
                         .grad_scale = (float)(norm > clip ? clip / norm : 1.0),
                         .step = index + 1};
    rd_adamw(item->master, item->m, item->v, item->gradient, item->count, &how);
  }
  assert_int_equal(rd_parameters_refresh(p, &e), RD_OK);
  assert_int_equal(rd_step_refresh(pass, &e), RD_OK);
  char key[16];
  snprintf(key, sizeof key, "%lld", (long long)index + 1);
  const json_t *after = json_object_get(json_object_get(golden, "after"), key);
  if (after)
    compare(p, json_string_value(after), false);
}

static void one_case(const json_t *golden, const rd_step_kind *kind) {
  char model_path[512], adapter_path[512];
  rd_error e = {0};
  const char *adapter = json_string_value(json_object_get(golden, "adapter"));
  const char *trainable = json_string_value(json_object_get(golden, "trainable"));
  snprintf(model_path, sizeof model_path, GOLDEN "%s",
           json_string_value(json_object_get(golden, "model")));
  snprintf(adapter_path, sizeof adapter_path, GOLDEN "%s", adapter ? adapter : "");
  rd_model_options options = {.path = model_path,
                              .adapter = adapter ? adapter_path : NULL,
                              .precision = "f32",
                              .use = RD_ADAPTER_BESIDE};
  rd_model *model;
  if (rd_model_open(&model, &options, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_parameters_plan_options plan = {.all = strcmp(trainable, "all") == 0,
                                     .norms = strcmp(trainable, "lora+norms") == 0,
                                     .elsewhere = kind->device,
                                     .usual_rank = RD_DEFAULT_RANK,
                                     .targets = "q_proj"};
  rd_parameters p;
  rd_step *pass;
  assert_int_equal(rd_parameters_plan(&p, &model->config, &model->weights, RD_F32, &plan, &e),
                   RD_OK);
  assert_int_equal(rd_parameters_place(&p, 1, &e), RD_OK);
  const rd_step_plan made = {.config = &model->config,
                             .weights = &p.weights,
                             .gradient = &p.gradient,
                             .gradients = p.sum.values,
                             .gradient_count = p.sum.count,
                             .rows = MOST_ROWS,
                             .longest = model->config.positions};
  if (rd_step_open(&pass, kind->name, &made, &e) != RD_OK)
    fail_msg("%s", e.message);
  size_t index;
  json_t *step;
  json_array_foreach(json_object_get(golden, "steps"), index, step)
    one_step(&p, pass, golden, step, (int64_t)index);
  rd_step_free(&pass);
  rd_parameters_drop(&p);
  rd_model_close(&model);
}

static void steps(void **state) {
  (void)state;
  json_t *all = NULL, *golden;
  size_t index;
  assert_int_equal(rd_json_open(&all, GOLDEN "train.json", NULL), RD_OK);
  json_array_foreach(all, index, golden) {
    print_message("%s\n", json_string_value(json_object_get(golden, "name")));
    for (size_t i = 0; i < rd_step_kind_count; i++)
      if (rd_step_kinds[i].able())
        one_case(golden, &rd_step_kinds[i]);
  }
  assert_true(index >= 8);
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
