/* SPDX-License-Identifier: MIT */
/* Keys of a model's or an adapter's settings that change the arithmetic: one that has another value
 * than what is computed here is refused by name, for numbers that are silently other than the
 * maker's are worse than none. */
#ifndef RD_COMPUTED_H
#define RD_COMPUTED_H

#include "json.h"

/* RD_UNSUPPORTED names the key, its value and the values that are computed. Keys that are missing
 * are fine. */
/* config.json; `computed`: the keys that its family computes, with spaces between, or NULL. */
rd_code rd_computed_config(const json_t *config, const char *computed, rd_error *e);
rd_code rd_computed_adapter(const json_t *config, rd_error *e); /* adapter_config.json */

#endif
