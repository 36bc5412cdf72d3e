/* SPDX-License-Identifier: MIT */
/* Sharing rows: shares that lie together for likelihoods, which are packed; rows in turn for
 * answers, so that nobody waits long for one. */
#include "shared_rows.h"

#include <string.h>

rd_code rd_shared_likelihoods(const rd_ranks *ranks, double *out, const rd_answer_ids *answers,
                              size_t n, const rd_likelihood_rules *rules, rd_error *e) {
  const size_t count = (size_t)ranks->count, rank = (size_t)ranks->rank;
  const size_t first = n * rank / count, end = n * (rank + 1) / count;
  rd_code code =
      end > first ? rd_likelihoods(out + first, answers + first, end - first, rules, e) : RD_OK;
  RD_TRY(rd_ranks_agree(ranks, code, e));
  for (size_t i = 0; i < count; i++) {
    const size_t from = n * i / count, to = n * (i + 1) / count;
    if (to > from)
      RD_TRY(rd_ranks_share(ranks, (int)i, out + from, (to - from) * sizeof *out, e));
  }
  return RD_OK;
}

rd_code rd_shared_result(const rd_ranks *ranks, int from, rd_code code, rd_result *result,
                         rd_error *e) {
  if (ranks->count == 1)
    return code;
  RD_TRY(rd_ranks_agree(ranks, code, e));
  struct {
    int64_t tokens, iterations, passes;
    double seconds;
    size_t size;
  } head = {result->tokens, result->iterations, result->passes, result->seconds,
            result->text ? strlen(result->text) + 1 : 0};
  RD_TRY(rd_ranks_share(ranks, from, &head, sizeof head, e));
  if (ranks->rank != from) {
    *result = (rd_result){.tokens = head.tokens,
                          .iterations = head.iterations,
                          .passes = head.passes,
                          .seconds = head.seconds};
    result->text = rd_calloc(head.size, 1, "an answer", e);
    code = result->text ? RD_OK : RD_NO_MEMORY;
  }
  RD_TRY(rd_ranks_agree(ranks, code, e));
  return rd_ranks_share(ranks, from, result->text, head.size, e);
}
