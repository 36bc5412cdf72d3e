/* SPDX-License-Identifier: MIT */
/* A trace made again: replay --check. */
#ifndef RD_RECHECK_H
#define RD_RECHECK_H

#include "common.h"
#include "events.h"

/* Run what a signed trace was made by and compare every event, key by key, but for the time it
 * took. `common` names the model, as for any command. RD_BAD_INPUT says what differs: the model's
 * files, the adapter's, the signature, the tokens and where, any other key; or that the trace ends
 * early. RD_CANCELLED: a signal came before its end. *drafts: how many were the same. */
rd_code rd_trace_check(const char *path, rd_common *common, int64_t *drafts, rd_error *e);

#endif
