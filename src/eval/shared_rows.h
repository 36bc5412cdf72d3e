/* SPDX-License-Identifier: MIT */
/* Rows shared out among ranks: each works on its own, and all learn what came of every row, so that
 * all count the same. */
#ifndef RD_SHARED_ROWS_H
#define RD_SHARED_ROWS_H

#include "likelihood.h"
#include "ranks.h"

/* rd_likelihoods of a share of the answers, then of all. */
rd_code rd_shared_likelihoods(const rd_ranks *ranks, double *out, const rd_answer_ids *answers,
                              size_t n, const rd_likelihood_rules *rules, rd_error *e);
/* The answer that rank `from` has, for all: text, tokens, iterations, passes, seconds. `code`: what
 * came of it there. Others' results are filled and to be dropped. */
rd_code rd_shared_result(const rd_ranks *ranks, int from, rd_code code, rd_result *result,
                         rd_error *e);

#endif
