/* SPDX-License-Identifier: MIT */
/* Keys of GGUF files that change the arithmetic, as computed.h has them for config.json: one that
 * says something else than what is computed is refused by name and value. */
#ifndef RD_GGUF_COMPUTED_H
#define RD_GGUF_COMPUTED_H

#include "config.h"
#include "gguf.h"

/* After the sizes are read: keys {architecture}.* that c->family does not compute. */
rd_code rd_computed_gguf(const rd_gguf *g, const char *architecture, const rd_config *c,
                         rd_error *e);

#endif
