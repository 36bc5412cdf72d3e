/* SPDX-License-Identifier: MIT */
/* libmicrohttpd, opened when a server starts; the one header that knows it. */
#ifndef RD_MHD_H
#define RD_MHD_H

#include "late.h"

#include <microhttpd.h>

/* clang-format off */
#define RD_MHD_FUNCTIONS(F) \
  F(MHD_add_response_header) F(MHD_create_response_from_buffer) \
  F(MHD_create_response_from_callback) F(MHD_destroy_response) F(MHD_get_connection_info) \
  F(MHD_get_connection_values) F(MHD_get_reason_phrase_for) F(MHD_lookup_connection_value) \
  F(MHD_queue_response) F(MHD_quiesce_daemon) F(MHD_set_connection_option) F(MHD_start_daemon) \
  F(MHD_stop_daemon)
/* clang-format on */

/* Its functions, callable once a server is open. */
extern struct rd_mhd { RD_MHD_FUNCTIONS(RD_LATE_MEMBER) } rd_mhd;

#endif
