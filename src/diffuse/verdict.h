/* SPDX-License-Identifier: MIT */
/* What is said of a draft that is over: did it settle, and what its reader should know. */
#ifndef RD_VERDICT_H
#define RD_VERDICT_H

#include "sampler.h"

/* How a draft ended. */
typedef struct rd_verdict {
  const rd_sampler *sampler;
  const char *stopped;
  int64_t same;   /* identical drafts at the end, the last one counted */
  int64_t masks;  /* left in the region */
  int64_t tokens; /* of the answer */
  bool untrained; /* the model was never trained for the sampler */
} rd_verdict;

/* Did it come to rest? One that revises must have written the same draft twice; one that fills must
 * have filled all in its own time; from left to right every token stands. */
bool rd_verdict_converged(const rd_verdict *ending);
/* The warnings that are due, in words with "; " between them, at most `room` - 1 bytes. Returns
 * `out`, or NULL where nothing is to be said. */
const char *rd_verdict_warning(const rd_verdict *ending, char *out, size_t room);

/* The words for a model that was never trained for the sampler, also said before it writes. */
extern const char rd_untrained_warning[];

#endif
