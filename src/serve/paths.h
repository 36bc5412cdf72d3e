/* SPDX-License-Identifier: MIT */
/* What paths are for, for the documents: a row for each route. */
#ifndef RD_PATHS_H
#define RD_PATHS_H

#include "table.h"

typedef struct rd_path {
  const char *path, *method; /* as a route has them */
  const char *group;         /* whose interface it is */
  const char *answer;        /* media types of what goes back, separated by spaces */
  const char
      *fields; /* rows of rd_fields that its body may hold beside those of its shape, separated
                  by spaces; NULL: it takes no body. A name before "!" must be given */
  const char *help;
  bool query; /* ?model=NAME names another model than the first */
} rd_path;

extern const rd_path rd_paths[];
extern const size_t rd_path_count;
/* The row of a route, or NULL. */
const rd_path *rd_path_find(const char *method, const char *path);

#endif
