/* SPDX-License-Identifier: MIT */
/* Models as clients know them: by a name, the first where none is named. */
#ifndef RD_SERVICE_H
#define RD_SERVICE_H

#include "model.h"
#include "params.h"

typedef struct rd_service {
  const char *name;
  const rd_model *model;  /* all borrowed */
  const rd_model *causal; /* for samplers from left to right; NULL: the same */
  bool beside; /* it is here since adapters of it were named, without one; options may be for those
                */
} rd_service;

typedef struct rd_catalog {
  const rd_service *services; /* (count) */
  size_t count;
  bool any;                 /* a name that is not here is the first's */
  const rd_options *chosen; /* generation options that the server was started with, for requests
                               that do not say otherwise; or NULL */
} rd_catalog;

/* The service of this name (NULL: the first), or NULL. */
const rd_service *rd_catalog_find(const rd_catalog *catalog, const char *name);
/* RD_USAGE: no service is called so; those that are. */
rd_code rd_catalog_missing(const rd_catalog *catalog, const char *name, rd_error *e);

#endif
