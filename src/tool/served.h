/* SPDX-License-Identifier: MIT */
/* The models and adapters that `redraft serve` is told of, opened, each with a name of its own. */
#ifndef RD_SERVED_H
#define RD_SERVED_H

#include "common.h"
#include "service.h"

/* A caller's storage, zeroed before rd_served_open. */
typedef struct rd_served {
  rd_service *services; /* (count), the first is the default */
  size_t count, room;
  rd_model **models; /* (model_count) all that were opened */
  size_t model_count;
} rd_served;

/* `common` names models and adapters a line each, as [NAME=]PATH; `aliases` (or NULL) are names, a
 * line each, for the services in their order. A model is called as the last part of its path; the
 * adapter in its folder belongs to it, and is left away for samplers from left to right. Adapters
 * that are named are services of their own, which come first, beside the model without them.
 * RD_USAGE: two of one name; adapters for several models. *out is to be closed in any case. */
rd_code rd_served_open(rd_served *out, const rd_common *common, const char *aliases, rd_error *e);
void rd_served_close(rd_served *served);

#endif
