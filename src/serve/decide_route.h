/* SPDX-License-Identifier: MIT */
/* POST /v1/systemone: typed questions about a text. */
#ifndef RD_DECIDE_ROUTE_H
#define RD_DECIDE_ROUTE_H

#include "exchange.h"

enum MHD_Result rd_post_decide(rd_exchange *x);

#endif
