/* SPDX-License-Identifier: MIT */
/* Lines become services. A name is what stands before the first '=', unless the whole is a path. */
#include "served.h"

#include "file.h"
#include "model_store.h"
#include "pulled.h"
#include "utf8.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

/* One line, cut: name (NULL: none was given) and path, in one copy. */
typedef struct spec {
  char *copy, *name, *path;
} spec;

static rd_code read_spec(spec *out, const char *line, size_t size, rd_error *e) {
  *out = (spec){.copy = rd_print("%.*s", (int)size, line)};
  if (!out->copy)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a name");
  char *equals = rd_path_exists(out->copy) ? NULL : strchr(out->copy, '=');
  out->path = equals ? equals + 1 : out->copy;
  out->name = equals ? out->copy : NULL;
  if (equals)
    *equals = '\0';
  return equals == out->copy || !*out->path
           ? rd_fail(e, RD_USAGE, "expected PATH or NAME=PATH, found %s=%s", out->copy, out->path)
           : RD_OK;
}

/* What a path is called: its last part; the part before, where training gave the last one. */
static char *name_of(const char *path) {
  static const char *const common[] = {"best", "final", "adapter"};
  char *copy = strdup(path), *name = copy ? basename(copy) : NULL;
  for (size_t i = 0; name && i < sizeof common / sizeof *common; i++)
    if (strcmp(name, common[i]) == 0 && strchr(path, '/')) {
      char *again = strdup(path), *folder = again ? basename(dirname(again)) : NULL;
      char *out = folder ? rd_utf8_copy(folder, NULL) : NULL;
      free(again);
      free(copy);
      return out;
    }
  char *out = name ? rd_utf8_copy(name, NULL) : NULL;
  free(copy);
  return out;
}

static rd_code add(rd_served *s, char *name, rd_service service, rd_error *e) {
  service.name = name;
  rd_code code = name ? rd_grow_one((void **)&s->services, s->count, sizeof *s->services, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: a model's name");
  if (code == RD_OK)
    s->services[s->count++] = service;
  else
    free(name);
  return code;
}

/* Open a model with an adapter, or "none". */
static rd_code open_one(rd_served *s, const rd_model **out, const rd_common *common, char *path,
                        char *adapter, rd_error *e) {
  RD_TRY(rd_grow_one((void **)&s->models, s->model_count, sizeof *s->models, e));
  rd_common mine = *common;
  mine.model = path;
  mine.adapter = adapter;
  RD_TRY(rd_tool_open(&s->models[s->model_count], &mine, e));
  *out = s->models[s->model_count++];
  return RD_OK;
}

/* A service for each adapter that is named, then the model itself. */
static rd_code open_adapters(rd_served *s, const rd_common *common, char *path, const char *name,
                             rd_error *e) {
  static char none[] = "none";
  const rd_model *model = NULL;
  rd_code code = RD_OK;
  for (const char *at = common->adapter; code == RD_OK && *at;) {
    size_t size = strcspn(at, "\n");
    spec one;
    code = read_spec(&one, at, size, e);
    if (code == RD_OK)
      code = open_one(s, &model, common, path, one.path, e);
    if (code == RD_OK)
      code = add(s, one.name ? rd_utf8_copy(one.name, e) : name_of(one.path),
                 (rd_service){.model = model}, e);
    free(one.copy);
    at += size + (at[size] == '\n');
  }
  if (code == RD_OK)
    code = open_one(s, &model, common, path, none, e);
  const rd_service bare = {.model = model, .beside = true};
  return code == RD_OK ? add(s, rd_strdup(name, e), bare, e) : code;
}

/* A model with the adapter that is named or that its folder has, if there is one. */
static rd_code open_model(rd_served *s, const rd_common *common, char *path, const char *name,
                          rd_error *e) {
  static char none[] = "none";
  const rd_model *model = NULL, *causal = NULL;
  char *own = NULL;
  RD_TRY(rd_tool_adapter_of(&own, path, common->adapter, e));
  rd_code code = open_one(s, &model, common, path, own ? own : none, e);
  if (code == RD_OK && own)
    code = open_one(s, &causal, common, path, none, e);
  free(own);
  const rd_service whole = {.model = model, .causal = causal};
  return code == RD_OK ? add(s, rd_strdup(name, e), whole, e) : code;
}

/* Is the one adapter that is named the one of the model's folder, or one that would be called as
 * the model is? Then both are one service, as where nobody names it. */
static bool its_own(const char *adapter, const char *name) {
  char *called = strchr(adapter, '\n') || (strchr(adapter, '=') && !rd_path_exists(adapter))
                   ? NULL
                   : name_of(adapter);
  bool same = called && strcmp(called, name) == 0;
  free(called);
  return same;
}

static rd_code open_line(rd_served *s, const rd_common *common, const char *line, size_t size,
                         rd_error *e) {
  spec one;
  bool named = common->adapter && strcmp(common->adapter, "none") != 0;
  rd_code code = read_spec(&one, line, size, e);
  char *pulled = NULL;
  if (code == RD_OK)
    code = rd_pulled_find(&pulled, one.path, e);
  one.path = pulled ? pulled : one.path;
  char *name = code != RD_OK ? NULL : one.name ? rd_utf8_copy(one.name, e) : name_of(one.path);
  if (code == RD_OK && !name)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: a model's name");
  if (code == RD_OK)
    code = (named && !its_own(common->adapter, name) ? open_adapters
                                                     : open_model)(s, common, one.path, name, e);
  free(name);
  free(pulled);
  free(one.copy);
  return code;
}

static rd_code rename_all(rd_served *s, const char *aliases, rd_error *e) {
  size_t i = 0;
  for (const char *at = aliases; at && *at; i++) {
    size_t size = strcspn(at, "\n");
    if (i == s->count)
      return rd_fail(e, RD_USAGE, "--alias %s: there are %zu models", at, s->count);
    char *said = rd_print("%.*s", (int)size, at), *name = said ? rd_utf8_copy(said, e) : NULL;
    free(said);
    if (!name)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: an alias");
    free((char *)(uintptr_t)s->services[i].name);
    s->services[i].name = name;
    at += size + (at[size] == '\n');
  }
  return RD_OK;
}

static rd_code check_names(const rd_served *s, rd_error *e) {
  for (size_t i = 0; i < s->count; i++)
    for (size_t k = 0; k < i; k++)
      if (strcmp(s->services[i].name, s->services[k].name) == 0)
        return rd_fail(e, RD_USAGE, "two models are called %s: say NAME=PATH", s->services[i].name);
  return RD_OK;
}

/* Models of one file share what is mapped, and are left so. */
static rd_code lay_out(const rd_served *s, const rd_common *common, rd_error *e) {
  for (size_t i = 0; i < s->model_count; i++) {
    size_t same = 0;
    for (size_t k = 0; k < s->model_count; k++)
      same += strcmp(s->models[i]->store->path, s->models[k]->store->path) == 0;
    if (same == 1 && !rd_model_denoises(s->models[i]))
      RD_TRY(rd_tool_lay_out(s->models[i], common, e));
  }
  return RD_OK;
}

rd_code rd_served_open(rd_served *s, const rd_common *common, const char *aliases, rd_error *e) {
  char *models = NULL;
  RD_TRY(rd_tool_model_path(&models, NULL, common, e));
  bool several = strchr(models, '\n') != NULL;
  rd_code code = RD_OK;
  if (several && common->adapter && strcmp(common->adapter, "none") != 0)
    code = rd_fail(e, RD_USAGE,
                   "--adapter goes with one model; beside others it is put into its model's "
                   "folder, as adapter/");
  for (const char *at = models; code == RD_OK && *at;) {
    size_t size = strcspn(at, "\n");
    code = open_line(s, common, at, size, e);
    at += size + (at[size] == '\n');
  }
  if (code == RD_OK)
    code = lay_out(s, common, e);
  free(models);
  if (code == RD_OK)
    code = rename_all(s, aliases, e);
  return code == RD_OK ? check_names(s, e) : code;
}

void rd_served_close(rd_served *s) {
  for (size_t i = 0; i < s->count; i++)
    free((char *)(uintptr_t)s->services[i].name);
  for (size_t i = 0; i < s->model_count; i++)
    rd_model_close(&s->models[i]);
  free(s->services);
  free(s->models);
  *s = (rd_served){0};
}
