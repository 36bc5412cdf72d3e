/* SPDX-License-Identifier: MIT */
/* Names of served models, as a table of the shared kind. */
#include "service.h"

#include <stdlib.h>
#include <string.h>

/* Ollama's clients put a tag behind a name that has none. */
static bool is_called(const rd_service *service, const char *name) {
  size_t n = strlen(service->name);
  return strncmp(service->name, name, n) == 0 && (!name[n] || strcmp(name + n, ":latest") == 0);
}

const rd_service *rd_catalog_find(const rd_catalog *c, const char *name) {
  for (size_t i = 0; name && i < c->count; i++)
    if (is_called(&c->services[i], name))
      return &c->services[i];
  return !name || c->any ? c->services : NULL;
}

rd_code rd_catalog_missing(const rd_catalog *c, const char *name, rd_error *e) {
  const rd_table table = {"model", c->services, c->count, sizeof *c->services};
  char *names = rd_table_names(&table, ", ", " and ");
  rd_fail(e, RD_USAGE, "there is no model %.100s here; %s %s", name, names ? names : "others",
          c->count == 1 ? "is" : "are");
  free(names);
  return RD_USAGE;
}
