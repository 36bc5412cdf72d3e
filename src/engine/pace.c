/* SPDX-License-Identifier: MIT */
/* Drafting m words at a time gives 1 + a1 + a1 a2 + .. words a pass, a_i being how often the i-th
 * draft is right where those before it were, and costs a pass of (1 + m)^2 rows: on a machine that
 * waits for memory little more than one row, elsewhere that many times as much. Both are measured
 * as answers are written, and the m with the most words in a second is taken.
 *
 * It begins with plain passes, and goes up one m at a time, as long as what is known lets expect
 * that it pays. Whatever else a machine does makes passes longer, never shorter: so the time of a
 * pass goes quickly down to a shorter one and slowly up, and the first pass of so many rows, which
 * may prepare products, does not count. Now and then a pass is plain, so that both sides are known
 * as they are now.
 *
 * Finding out costs something where drafting does not pay. What it has cost so far, in plain
 * passes, is held against the words that were written: where that is more than ALLOWED and a share
 * of them, nothing is drafted until it has been made up for. */
#include "pace.h"

#include <math.h>

enum { LEAST_WAIT = 40, MOST_WAIT = 1024, TRIAL = 2, ENOUGH = 3, UNLOOKED = 96 };

static const double FADING = 0.97, FIRST = 0.5, DOUBT = 2;
/* Of the way to a shorter time and to a longer one, which counts up to so many times what is known.
 */
static const double SINKING = 0.5, RISING = 0.1, MOST_LONGER = 2;
/* Drafting goes on where it seems this much slower than plain passes: times are not that exact, and
 * the less so the fewer there are. */
static const double DOUBTFUL = 0.97, DOUBT_OF_ONE = 0.6;
/* Plain passes that finding out may cost, and the share of each word more; how many that were
 * won count against it later, and how many of those are there before an m is tried that is new. */
static const double ALLOWED = 1.5, SHARE = 0.02, MOST_WON = 4, STAKE = 1;

/* How often is the draft at this place right, those before it being right? Until it has been seen a
 * few times, as often as the one before. */
static double hit_rate(const rd_pace *p, int64_t place) {
  double rate = FIRST;
  for (int64_t i = 0; i <= place; i++)
    rate = (p->right[i] + DOUBT * rate) / (p->tried[i] + DOUBT);
  return rate;
}

double rd_pace_words(const rd_pace *p, int64_t masks) {
  double words = 1, all = 1;
  for (int64_t i = 0; i < masks; i++) {
    all *= hit_rate(p, i);
    words += all;
  }
  return words;
}

/* Is it known what passes of so many rows take? One time that was held up must not decide. */
static bool known(const rd_pace *p, int64_t rows) {
  return p->met[rows] >= ENOUGH;
}

/* The rows of the passes by which m is judged, whose drafts come and go as they do at m: the
 * nearest smaller number that is known; 1: none is. */
static int64_t rows_known(const rd_pace *p, int64_t m) {
  int64_t rows = rd_pace_rows(m, m);
  while (rows > 1 && !known(p, rows))
    rows--;
  return rows;
}

/* The largest m whose passes are known, 0 where none is. */
static int64_t largest_known(const rd_pace *p) {
  int64_t m = RD_PACE_MOST;
  while (m > 0 && !known(p, rd_pace_rows(m, m)))
    m--;
  return m;
}

/* A pass gave so many words. It may have been held up, but takes no longer than its rows would one
 * by one. */
static void account(rd_pace *p, int64_t rows, double words, double seconds) {
  const double plain = p->seconds[1];
  p->since = rows > 1 ? p->since + 1 : 0;
  if (rows > 1 && plain > 0)
    p->lost += fmin(seconds / plain, (double)rows) - words;
  p->lost = fmax(p->lost - SHARE * words, -MOST_WON);
}

void rd_pace_learn(rd_pace *p, int64_t drafted, int64_t right, int64_t masks, double seconds,
                   bool chosen) {
  const int64_t rows = rd_pace_rows(drafted, masks);
  if (chosen)
    account(p, rows, (double)(right + 1), seconds);
  for (int64_t i = 0; i < drafted && i <= right && i < RD_PACE_MOST; i++) {
    p->tried[i] = FADING * p->tried[i] + 1;
    p->right[i] = FADING * p->right[i] + (i < right);
  }
  if (rows > RD_PACE_ROWS)
    return;
  if (p->met[rows]++ == 0 && rows > 1)
    return;
  double *is = &p->seconds[rows];
  if (*is <= 0)
    *is = seconds;
  else
    *is += (seconds < *is ? SINKING : RISING) * (fmin(seconds, MOST_LONGER * *is) - *is);
}

/* Seconds of passes that check and draft m words: where they are not known yet, as much more than
 * the nearest known ones as those are more than a row's. Rows beyond what memory's speed hides cost
 * more each, so that this is rather too little, and what may pay is tried. */
static double cost(const rd_pace *p, int64_t m) {
  const int64_t rows = rd_pace_rows(m, m), near = rows_known(p, m);
  const double more = near > 1 ? (p->seconds[near] - p->seconds[1]) / (double)(near - 1) : 0;
  return p->seconds[near] + fmax(more, 0) * (double)(rows - near);
}

/* The share of the speed of plain passes below which drafting m words stops. */
static double patience(const rd_pace *p, int64_t m) {
  const int64_t rows = rows_known(p, m);
  return rows > 1 ? DOUBTFUL - DOUBT_OF_ONE / (double)p->met[rows] : 0;
}

/* Nothing is drafted for a while, each time longer. */
static int64_t take_rest(rd_pace *p) {
  p->rest = p->wait > 0 ? p->wait : LEAST_WAIT;
  p->wait = 3 * p->rest < MOST_WAIT ? 3 * p->rest : MOST_WAIT;
  return 0;
}

int64_t rd_pace_choose(rd_pace *p) {
  if (!known(p, 1) || p->since >= UNLOOKED) /* nothing to hold it against */
    return 0;
  if (p->rest > 0) {
    p->trial = --p->rest == 0 ? TRIAL : 0;
    return 0;
  }
  if (p->lost > ALLOWED)
    return take_rest(p);
  if (p->trial > 0) {
    p->trial--;
    return 1;
  }
  int64_t most = largest_known(p), best = 0;
  most += most == 0 || p->lost < -STAKE;
  double fastest = 0;
  for (int64_t m = 1; m <= most && m <= RD_PACE_MOST; m++) {
    const double speed = rd_pace_words(p, m) / cost(p, m);
    if (speed > fastest) {
      fastest = speed;
      best = m;
    }
  }
  if (fastest < patience(p, best) / p->seconds[1])
    return take_rest(p);
  p->wait = LEAST_WAIT;
  return best;
}
