/* SPDX-License-Identifier: MIT */
/* What a draft is made of: for draft.c, for draft_stops.c, for checked.c and gap_search.c, which
 * have the passes of samplers whose drafts the base checks, or which search, and for base_say.c. */
#ifndef RD_DRAFT_STATE_H
#define RD_DRAFT_STATE_H

#include "arena.h"
#include "checked_state.h"
#include "draft_setup.h"
#include "gap_state.h"
#include "grid.h"
#include "growth.h"
#include "likeliest_state.h"
#include "reuse.h"

/* What the base reads (base_say.h): the canvas, where a mask stands the word that was last proposed
 * for it. */
typedef struct rd_base_say {
  int32_t *ids;   /* (prompt + count) */
  rd_lane *lane;  /* or NULL: nothing is read */
  int64_t known;  /* places of the region that can be read */
  int64_t speaks; /* places that the base has its say about: the first ones */
  /* where it leads (base_lead.h) */
  int64_t asked; /* places that it is asked about alone; they stand before the others in `wanted` */
  int64_t led;   /* places from the first on that are as it says, and final */
  bool ended;    /* with an end token */
} rd_base_say;

struct rd_draft {
  rd_draft_setup setup;
  const rd_params *params;
  const rd_sampler *sampler;
  rd_arena arena;
  rd_propose_rule rule;
  rd_view view;                /* its arrays are the ones below, past the prompt */
  int32_t *canvas;             /* (prompt + count) what the model sees next */
  int32_t *unguided;           /* (prompt + count) the same with the prompt masked */
  int32_t *sorted, *positions; /* (prompt + count) of samplers that sort: sorted.c */
  int32_t *draft;              /* (count) the last draft */
  int32_t *previous;           /* (count) the one before */
  int32_t *list, *kept;        /* (count) positions, for events */
  rd_wanted *wanted;           /* (count), and as much room before */
  rd_proposal *out;            /* the same, by wanted position */
  rd_proposal *proposals;      /* (count) by position; id -1: none yet */
  float *confidence;           /* (count) */
  uint8_t *fixed, *proposed, *settled, *marks; /* (count) */
  uint8_t *still; /* (count) 1: its proposal was the same as the pass before: see reuse settled */
  int64_t moving_first, moving_end; /* of the pass: the stretch of the region that is not settled */
  int64_t wanted_count;             /* without those that the base is asked about alone */
  int32_t blank; /* what stands where nothing is written: the mask, or -1 for nothing */
  int64_t given; /* places at the answer's beginning that are given */
  rd_grid grid;  /* the blocks of attention, and those that are written */
  bool by_block; /* behind a gate, block after block: what is finished is clean */
  bool roomy;    /* places are added where a draft does not end (--room) */
  bool lead;     /* the next pass is for the block's first word alone, which the base says */
  const rd_reuse *reuse;
  rd_lane *lane, *unguided_lane; /* or NULL */
  bool lent;                     /* the lane is somebody else's */
  int64_t n, previous_n;         /* places in the canvas now; in the draft before */
  int64_t same;                  /* identical drafts so far */
  int64_t drafts, passes;
  double begun;
  double seconds;
  const char *stopped;
  bool converged;      /* once stopped: as in rd_event */
  const char *warning; /* NULL, or words */
  char words[400];
  rd_checked checked;       /* of samplers whose drafts the base checks */
  rd_gap_search gaps;       /* of samplers that search */
  rd_growth growth;         /* of samplers that insert */
  struct rd_formed *formed; /* the form that the answer keeps to, or NULL */
  rd_base_say say;          /* what the base reads, and up to where it speaks */
  rd_likeliest likeliest;   /* where it leads: other answers that it may find likelier */
};

/* From where rows are computed again for the last one before `end` to have the bits that it has in
 * a pass over all of them: attention goes through a few rows alone in another way. */
int64_t rd_draft_tail(int64_t end);
/* Places that an iteration adds. */
int64_t rd_draft_step(const rd_draft *d);
/* Is there something to write between these places? */
bool rd_draft_open_in(const rd_draft *d, int64_t first, int64_t end);
/* Go on to the first block that has masks, from the one that begins at `origin`. */
void rd_draft_begin_block(rd_draft *d, int64_t origin);
/* The first place where nothing is written in ids (n); n: there is none. */
int64_t rd_draft_written(const rd_draft *d, const int32_t *ids);
/* Does the canvas need no more places: are all there, or with --room an end token in the draft? */
bool rd_draft_has_room(const rd_draft *d);
/* Is the block as it will stay? The last one is left to the stops. */
bool rd_draft_block_over(const rd_draft *d, const int32_t *ids);
/* The reason of the first rule that is due (late: the deadline is over), or NULL to go on. */
const char *rd_draft_stop_reason(const rd_draft *d, bool late);

/* Reuse settled, before a pass: the stretch outside which every place stands still and is as the
 * lane knows it; at every fourth pass, and with any other reuse, all of the region. */
void rd_draft_find_moving(rd_draft *d);
/* Is a place settled, so that a sampler that asks for all places need not ask for it? */
bool rd_draft_stands_still(const rd_draft *d, int64_t p);
/* The same token, from a distribution that moved by less than a bound. */
bool rd_draft_same_proposal(const rd_proposal *a, const rd_proposal *b);

/* Places of the region that stand in the canvas: the one that a sampler looks ahead to does not. */
int64_t rd_draft_standing(const rd_draft *d);
/* What spells the ids of an event, or NULL. */
const rd_speller *rd_draft_speller(const rd_draft *d);
rd_code rd_draft_emit(rd_draft *d, rd_event event);
/* Event `noise`, with the first `count` positions of list as those that were masked. */
rd_code rd_draft_emit_noise(rd_draft *d, int64_t count);
/* What keep and retention settled: first those retained, then those locked. */
void rd_draft_add_settled(rd_draft *d, rd_event *event);
/* Positions that differ from the draft before go to list; returns their number. */
int64_t rd_draft_find_changes(rd_draft *d);
/* It is over, for this reason: the verdict, and event `done`. */
rd_code rd_draft_finish(rd_draft *d, const char *why);
/* An observer that refuses ends the generation: as cancelled, or with its own code. */
rd_code rd_draft_heard(rd_draft *d, rd_code code, rd_error *e);

/* Does the base's lead settle a place in this pass, whose words of the base have come? Then *id is
 * its word (base_lead.c). */
bool rd_base_lead_settles(const rd_draft *d, int64_t place, int32_t *id);

/* Samplers that sort (WeDLM), in sorted.c: attention looks back only, so what is written stands in
 * front of the masks, which see all of it, whatever position it has in the text. The canvas in the
 * order of a pass, and the positions of its places: */
void rd_sorted_layout(rd_draft *d, rd_arena *arena);
/* A need whose canvas lies as the text does becomes one over places; what is wanted too. */
void rd_sorted_need(rd_draft *d, rd_need *need);

#endif
