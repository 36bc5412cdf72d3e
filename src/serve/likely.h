/* SPDX-License-Identifier: MIT */
/* Log-probabilities of a job that was read, in OpenAI's two forms. */
#ifndef RD_LIKELY_H
#define RD_LIKELY_H

#include "job.h"

/* {"content": [{"token", "logprob", "bytes", "top_logprobs": [..]}, ..]}: of the answer. New
 * reference, NULL when memory is out; so is the other. */
json_t *rd_likely_chat(const rd_job *job);
/* {"tokens", "token_logprobs", "top_logprobs", "text_offset"}: of the prompt too, where it is
 * echoed.
 */
json_t *rd_likely_text(const rd_job *job);
/* How the numbers came about, for the field that says so. */
const char *rd_likely_method(const rd_job *job);

#endif
