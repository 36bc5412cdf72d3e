/* SPDX-License-Identifier: MIT */
/* What paths are for, for the documents: a row for each route. */
#ifndef RD_ENDPOINTS_H
#define RD_ENDPOINTS_H

#include "table.h"

typedef struct rd_endpoint {
  const char *path, *method; /* as a route has them */
  const char *group;         /* whose interface it is */
  const char *answer;        /* media types of what goes back, separated by spaces */
  const char
      *fields; /* rows of rd_fields that its body may hold beside those of its shape, separated
                  by spaces; NULL: it takes no body. A name before "!" must be given */
  const char *help;
  bool words; /* an error is {"error": "words"}, not OpenAI's object */
  bool query; /* ?model=NAME names another model than the first */
} rd_endpoint;

extern const rd_endpoint rd_endpoints[];
extern const size_t rd_endpoint_count;
/* The row of a route, or NULL. */
const rd_endpoint *rd_endpoint_find(const char *method, const char *path);

#endif
