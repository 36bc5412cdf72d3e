/* SPDX-License-Identifier: MIT */
/* The table of shapes: a row each, found by the path that takes it. */
#ifndef RD_SHAPES_H
#define RD_SHAPES_H

#include "shape.h"
#include "table.h"

extern const rd_shape rd_shapes[];
extern const size_t rd_shape_count;
extern const rd_table rd_shape_table; /* the same */

#endif
