/* SPDX-License-Identifier: MIT */
/* Warnings as rows: when one is due, and its words. */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

const char rd_untrained_warning[] =
    "the model was never trained to refine drafts, so this is no answer: without --sampler it "
    "writes from left to right, and an adapter makes it a denoiser";

bool rd_verdict_converged(const rd_verdict *end) {
  if (end->sampler->ahead || end->sampler->checks || strcmp(end->stopped, "converged") == 0 ||
      strcmp(end->stopped, "stop") == 0) /* in text that stays */
    return true;
  if (end->sampler->revises)
    return end->same > 1;
  return end->masks == 0 && strcmp(end->stopped, "deadline") != 0;
}

static bool unsettled(const rd_verdict *end) {
  return !rd_verdict_converged(end);
}

static bool untrained(const rd_verdict *end) {
  return end->untrained;
}

static bool empty(const rd_verdict *end) {
  return end->tokens == 0 && strcmp(end->stopped, "cancelled") != 0;
}

static const struct warning {
  bool (*due)(const rd_verdict *end);
  const char *words;
} warnings[] = {{untrained, rd_untrained_warning},
                {unsettled, "the draft was still changing when it stopped: do not trust it"},
                {empty, "the answer is empty"}};

const char *rd_verdict_warning(const rd_verdict *end, char *out, size_t room) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
    if (warnings[i].due(end) && used < room) {
      int n = snprintf(out + used, room - used, "%s%s", used ? "; " : "", warnings[i].words);
      used += n > 0 ? (size_t)n : 0;
    }
  return used ? out : NULL;
}
