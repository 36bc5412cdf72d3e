/* SPDX-License-Identifier: MIT */
/* Reading and writing redraft.json, whose keys are those of config.json and of the options. */
#include "remembered.h"

#include "file.h"
#include "json.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>

static const char NAME[] = "redraft.json", GATE[] = "answer";

static rd_code take_gate(rd_gate *gate, const json_t *json, rd_error *e) {
  const char *name = NULL;
  RD_TRY(rd_json_text(json, "gate", &name, e));
  if (name && strcmp(name, GATE) != 0)
    return rd_fail(e, RD_UNSUPPORTED, "gate: \"%.40s\"; \"%s\" is known", name, GATE);
  if (!name && (json_object_get(json, "shift") || json_object_get(json, "block")))
    return rd_fail(e, RD_BAD_INPUT, "shift and block say how a gate works, and there is no gate");
  gate->answer = gate->answer || name;
  RD_TRY(rd_json_bool(json, "shift", &gate->shift, e));
  return rd_json_int(json, "block", 0, INT32_MAX, &gate->block, e);
}

rd_code rd_remembered_take(rd_remembered *r, const json_t *json, rd_error *e) {
  const char *template = NULL;
  RD_TRY(take_gate(&r->gate, json, e));
  RD_TRY(rd_json_int(json, "mask_token_id", 0, INT32_MAX, &r->mask, e));
  RD_TRY(rd_json_text(json, "chat_template", &template, e));
  char *copy = template ? rd_strdup(template, e) : NULL;
  if (!template)
    return RD_OK;
  free(r->chat_template);
  r->chat_template = copy;
  return copy ? RD_OK : RD_NO_MEMORY;
}

rd_code rd_remembered_read(rd_remembered *r, const char *folder, rd_error *e) {
  json_t *json = NULL;
  char *path = rd_path_join(folder, NAME);
  rd_code code = path ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", NAME);
  if (code == RD_OK && rd_path_exists(path)) {
    code = rd_seal_check(folder, NAME, e);
    if (code == RD_OK)
      code = rd_json_open(&json, path, e);
    if (code == RD_OK && (code = rd_remembered_take(r, json, e)) != RD_OK)
      rd_prefix(e, code, "%s", path);
  }
  json_decref(json);
  free(path);
  return code;
}

json_t *rd_remembered_json(const rd_remembered *r) {
  json_t *json = json_object();
  bool whole = json != NULL;
  if (whole && r->mask >= 0)
    whole = json_object_set_new(json, "mask_token_id", json_integer(r->mask)) == 0;
  if (whole && r->chat_template)
    whole = json_object_set_new(json, "chat_template", json_string(r->chat_template)) == 0;
  if (whole && r->gate.answer)
    whole = json_object_update_new(json, json_pack("{s:s, s:b, s:I}", "gate", GATE, "shift",
                                                   r->gate.shift, "block",
                                                   (json_int_t)r->gate.block)) == 0;
  if (whole)
    return json;
  json_decref(json);
  return NULL;
}

rd_code rd_remembered_write(const rd_remembered *r, const char *folder, rd_error *e) {
  json_t *json = rd_remembered_json(r);
  rd_code code = json_object_size(json) > 0 || !json ? rd_json_write(folder, NAME, json, e) : RD_OK;
  json_decref(json);
  return code;
}

void rd_remembered_drop(rd_remembered *r) {
  free(r->chat_template);
  *r = (rd_remembered){.mask = -1};
}
