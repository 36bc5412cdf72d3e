/* SPDX-License-Identifier: MIT */
/* What a model's files say of its arithmetic, as facts. */
#include "activation.h"
#include "config_scales.h"
#include "inspect.h"
#include "rope.h"

static int64_t layers_of(const rd_config *c, uint8_t kind) {
  int64_t count = 0;
  for (int64_t l = 0; l < c->layers; l++)
    count += (c->layer_kinds[l] & kind) != 0;
  return count;
}

static const char *scaling_of(const rd_rotary *r) {
  return r->kind ? r->kind->name : "none";
}

static const char *norms_of(const rd_config *c) {
  return c->no_pre_norms ? "after" : c->post_norms ? "before and after" : "before";
}

void rd_config_arithmetic(const rd_config *c, json_t *out) {
  size_t count = 0;
  const rd_config_scale *scales = rd_config_scales(&count);
  rd_config copy = *c;
  json_t *numbers = json_object();
  for (size_t i = 0; i < count; i++) {
    double value = *rd_config_scale_at(&scales[i], &copy);
    if (value > 0)
      json_object_set_new(numbers, scales[i].key, json_real(value));
  }
  json_object_set_new(out, "rope_theta", json_real(c->rope.theta));
  json_object_set_new(out, "rope_scaling", json_string(scaling_of(&c->rope)));
  json_object_set_new(out, "rotary_dims", json_integer(rd_config_turned(c)));
  if (c->has_local_rope) {
    json_object_set_new(out, "local_rope_theta", json_real(c->local_rope.theta));
    json_object_set_new(out, "local_rope_scaling", json_string(scaling_of(&c->local_rope)));
  }
  json_object_set_new(out, "unturned_layers", json_integer(layers_of(c, RD_LAYER_UNTURNED)));
  json_object_set_new(out, "activation", json_string(c->activation ? c->activation->name : "silu"));
  json_object_set_new(out, "norms", json_string(norms_of(c)));
  json_object_set_new(out, "sliding_window", json_integer(c->window));
  json_object_set_new(out, "sliding_layers", json_integer(layers_of(c, RD_LAYER_LOCAL)));
  json_object_set_new(out, "scales", numbers);
}
