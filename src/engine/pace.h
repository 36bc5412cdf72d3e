/* SPDX-License-Identifier: MIT */
/* How many words to draft in a pass that checks those of the pass before: by how often drafts were
 * right, and by what passes of so many rows take on this machine. */
#ifndef RD_PACE_H
#define RD_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
  RD_PACE_MOST = 4, /* words drafted at a time */
  RD_PACE_ROWS =
      (RD_PACE_MOST + 1) * (RD_PACE_MOST + 1) /* of a pass that checks and drafts so many */
};

/* All 0 at the start. What it knows is of one engine: of a model, a machine and a precision, and
 * of what is asked lately. */
typedef struct rd_pace {
  double tried[RD_PACE_MOST], right[RD_PACE_MOST]; /* drafts checked as first, second, .. behind
                                                      what stood; old ones count less */
  double seconds[RD_PACE_ROWS + 1]; /* that a pass of so many rows takes; 0: not known */
  int64_t met[RD_PACE_ROWS + 1];    /* how many such passes there were */
  int64_t rest, wait; /* passes without drafts; how many there are to be the next time */
  int64_t trial;      /* passes left that draft a word each, to see whether it pays again */
  int64_t since;      /* passes since a plain one */
  double lost;        /* plain passes that drafting has cost more than it gave */
} rd_pace;

/* Rows of a pass that checks `drafted` words and drafts `masks` behind each prefix of them. */
static inline int64_t rd_pace_rows(int64_t drafted, int64_t masks) {
  return (1 + drafted) * (1 + masks);
}

/* A pass that checked `drafted` words, of which `right` stay, and drafted `masks`, took so long.
 * `chosen`: by rd_pace_choose, which answers for what it cost. */
void rd_pace_learn(rd_pace *p, int64_t drafted, int64_t right, int64_t masks, double seconds,
                   bool chosen);
/* Words to draft in the next pass; 0: it does not pay. Counts down a rest. */
int64_t rd_pace_choose(rd_pace *p);
/* Words that a pass gives where it drafts `masks` at a time, its own one included. */
double rd_pace_words(const rd_pace *p, int64_t masks);

#endif
