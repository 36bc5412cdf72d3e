/* SPDX-License-Identifier: MIT */
/* Which modules an adapter's settings name (peft: target_modules, exclude_modules,
 * layers_to_transform, layers_pattern, modules_to_save,
 * trainable_token_indices). peft passes over what a file holds for
 * others; here that is refused, for the file or the settings are not what was trained. */
#ifndef RD_ADAPTER_TARGETS_H
#define RD_ADAPTER_TARGETS_H

#include "error.h"
#include "json.h"
#include "parts.h"
#include "tensors.h"

/* Do the settings give factors to a module? `config` is adapter_config.json. */
rd_code rd_targets_module(const json_t *config, const char *module, bool *yes, rd_error *e);
/* The list of the words whose rows of a module are trained; NULL: there is none for it. */
const json_t *rd_targets_tokens(const json_t *config, const char *module);
/* RD_BAD_INPUT, unless there is a tensor for every module of the model that modules_to_save names,
 * and for every one whose rows trainable_token_indices lists. */
rd_code rd_targets_saved(const json_t *config, const rd_tensors *tensors, const rd_config *model,
                         rd_error *e);

#endif
