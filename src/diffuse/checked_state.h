/* SPDX-License-Identifier: MIT */
/* What samplers whose drafts the base checks remember: for checked.c and branched.c. */
#ifndef RD_CHECKED_STATE_H
#define RD_CHECKED_STATE_H

#include "engine.h"

enum { RD_AHEAD_MOST = 8 /* words that a branch drafts at most, where so many are asked for */ };

/* Time and words of one way to go on, lately. */
typedef struct rd_lately {
  double seconds, words; /* of words that stay */
} rd_lately;

typedef struct rd_checked {
  int64_t lead;    /* places at the answer's beginning that are given */
  int64_t final;   /* places that are the base's own, those among them */
  int64_t drafted; /* places behind that stand as drafts, to be checked */
  int64_t guessed; /* of these the ones that hold a guess; masks stand behind them */
  int64_t width;   /* places to draft next */
  bool drafting;   /* this pass is the adapter's */
  bool ended;      /* with an end token */
  double asked;    /* when the pass was */
  double spent;    /* on the drafting pass before */
  rd_lately plain, helped;
  int64_t rest, wait; /* plain passes before drafts are tried again; how many it was last time */
  bool branching;     /* passes that check draft too (branched.h): the gate can */
  bool unchosen;      /* how many masks the first of them has: its engine's thread says */
  int64_t masks;      /* rows of each branch of this pass; 0: it has none */
  int32_t blanks[RD_AHEAD_MOST]; /* masks */
  rd_branches branches;
  rd_propose_rule likeliest;        /* how branches choose: the best word, at any temperature */
  rd_proposal ahead[RD_AHEAD_MOST]; /* words of the branch that was taken */
  rd_pace *pace;                    /* the engine's; NULL where nothing branches */
  int64_t now_drafted, now_accepted, now_rejected; /* by the pass before */
  int64_t all_drafted, all_accepted, all_rejected;
} rd_checked;

#endif
