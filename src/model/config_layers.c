/* SPDX-License-Identifier: MIT */
/* Kinds of layers: by the family's facts first; then as lists of the file say. */
#include "config_layers.h"

#include "family.h"

#include <string.h>

enum { MOST = 1 << 24 };

static const char local_name[] = "sliding_attention", full_name[] = "full_attention";

void rd_config_default_layers(rd_config *c, int64_t first, int64_t whole_every) {
  const rd_window_facts *w = &c->family->window;
  for (int64_t l = 0; l < c->layers; l++) {
    bool whole = l < first || (whole_every > 0 && (l + 1) % whole_every == 0) ||
                 (w->unturned && !(c->layer_kinds[l] & RD_LAYER_UNTURNED));
    if (c->window > 0 && !whole)
      c->layer_kinds[l] |= RD_LAYER_LOCAL;
  }
}

/* no_rope_layers has a 1 for each layer with rotary positions, in spite of its name. */
static rd_code read_turned(rd_config *c, const json_t *config, rd_error *e) {
  const json_t *list = json_object_get(config, "no_rope_layers");
  int64_t every = c->family->unturned_every;
  if (every == 0)
    return RD_OK;
  RD_TRY(rd_json_int(config, "no_rope_layer_interval", 1, MOST, &every, e));
  bool listed = json_is_array(list);
  if (listed && (int64_t)json_array_size(list) < c->layers)
    return rd_fail(e, RD_BAD_INPUT, "no_rope_layers names %zu layers of %lld",
                   json_array_size(list), (long long)c->layers);
  for (int64_t l = 0; l < c->layers; l++) {
    const json_t *item = json_array_get(list, (size_t)l);
    bool turned =
        listed ? json_integer_value(item) != 0 || json_is_true(item) : (l + 1) % every != 0;
    if (!turned)
      c->layer_kinds[l] |= RD_LAYER_UNTURNED;
  }
  return RD_OK;
}

/* layer_types has to be what the family's makers compute: their own list, or what follows from the
 * other keys. */
static rd_code read_types(rd_config *c, const json_t *config, rd_error *e) {
  const json_t *list = json_object_get(config, "layer_types");
  if (!json_is_array(list))
    return RD_OK;
  if ((int64_t)json_array_size(list) < c->layers)
    return rd_fail(e, RD_BAD_INPUT, "layer_types names %zu layers of %lld", json_array_size(list),
                   (long long)c->layers);
  for (int64_t l = 0; l < c->layers; l++) {
    const char *type = json_string_value(json_array_get(list, (size_t)l));
    bool local = type && strcmp(type, local_name) == 0;
    bool is_local = (c->layer_kinds[l] & RD_LAYER_LOCAL) != 0;
    if (!local && (!type || strcmp(type, full_name) != 0))
      return rd_fail(e, RD_UNSUPPORTED,
                     "layer_types: layer %lld is \"%s\"; what is computed: %s, %s", (long long)l,
                     type ? type : "no name", full_name, local_name);
    if (local != is_local && (!c->family->window.typed || (local && c->window == 0)))
      return rd_fail(e, RD_UNSUPPORTED,
                     "layer_types: layer %lld is \"%s\", which family %s with a sliding_window of "
                     "%lld does not compute",
                     (long long)l, type, c->family->name, (long long)c->window);
    c->layer_kinds[l] =
        (uint8_t)((c->layer_kinds[l] & ~RD_LAYER_LOCAL) | (local ? RD_LAYER_LOCAL : 0));
  }
  return RD_OK;
}

rd_code rd_config_read_layers(rd_config *c, const json_t *config, rd_error *e) {
  const rd_window_facts *w = &c->family->window;
  int64_t first = w->first, whole_every = w->whole_every;
  bool asked = !w->asked;
  RD_TRY(read_turned(c, config, e));
  if (w->asked)
    RD_TRY(rd_json_bool(config, "use_sliding_window", &asked, e));
  if (w->first_key)
    RD_TRY(rd_json_int(config, w->first_key, 0, MOST, &first, e));
  if (w->whole_key)
    RD_TRY(rd_json_int(config, w->whole_key, 1, MOST, &whole_every, e));
  if (w->some && asked) {
    c->window = json_object_get(config, "sliding_window") ? 0 : w->missing;
    RD_TRY(rd_json_int(config, "sliding_window", 1, MOST, &c->window, e));
  }
  rd_config_default_layers(c, first, whole_every);
  return read_types(c, config, e);
}

void rd_config_write_layers(const rd_config *c, json_t *out) {
  const rd_window_facts *w = &c->family->window;
  bool local = rd_config_layer_of(c, RD_LAYER_LOCAL) >= 0;
  json_t *types = json_array(), *turned = json_array();
  for (int64_t l = 0; l < c->layers; l++) {
    json_array_append_new(types,
                          json_string(c->layer_kinds[l] & RD_LAYER_LOCAL ? local_name : full_name));
    json_array_append_new(turned, json_integer(c->layer_kinds[l] & RD_LAYER_UNTURNED ? 0 : 1));
  }
  if (w->some)
    json_object_set_new(out, "sliding_window", local ? json_integer(c->window) : json_null());
  if (w->asked)
    json_object_set_new(out, "use_sliding_window", json_boolean(local));
  if (w->typed && local)
    json_object_set(out, "layer_types", types);
  if (c->family->unturned_every > 0)
    json_object_set(out, "no_rope_layers", turned);
  json_decref(types);
  json_decref(turned);
}
