/* SPDX-License-Identifier: MIT */
/* The interface as a document for programs. */
#ifndef RD_OPENAPI_H
#define RD_OPENAPI_H

#include "json.h"

/* OpenAPI 3.1, made of the tables of paths, shapes, fields and options. Under "x-options" and
 * "x-idle" it has what every path that writes takes: options of generation, and fields that change
 * nothing. New reference, NULL when memory is out. */
json_t *rd_openapi(void);

#endif
