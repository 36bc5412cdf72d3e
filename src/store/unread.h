/* SPDX-License-Identifier: MIT */
/* Types that files hold beside weights, or that this program does not decode: tensors of them are
 * listed and measured, and refused by name only where somebody wants their numbers. */
#ifndef RD_UNREAD_H
#define RD_UNREAD_H

#include "format.h"

/* The row of a type that is not read, by safetensors' name or by ggml's number: its `decode` is
 * NULL. NULL: unknown here too. */
const rd_format *rd_unread_named(const char *name);
const rd_format *rd_unread_of_gguf(uint32_t type);
/* The row of a type that nobody here has heard of: its blocks have no known size (`bytes` 0). */
extern const rd_format rd_unread_unknown;

#endif
