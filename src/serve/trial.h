/* SPDX-License-Identifier: MIT */
/* What a server is started with, tried on every service before anybody asks. */
#ifndef RD_TRIAL_H
#define RD_TRIAL_H

#include "service.h"

/* Make and drop the draft of a plain request to each service, in which the options that the server
 * was started with are said as a client says them; no pass is run. The error is that of such a
 * request, behind the service's name. Options that mean nothing to a service's sampler are passed
 * over where nobody named that one: they may be for another's. So are models that are only beside
 * their adapters. */
rd_code rd_trial_check(const rd_catalog *catalog, rd_error *e);

#endif
