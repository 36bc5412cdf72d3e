/* SPDX-License-Identifier: MIT */
/* --likeliest: an answer whose every word is the base's best behind those before it need not be the
 * likeliest answer. Once the base has led to an end, what it doubted on the way is masked again
 * with the next best word in its place, as long as an answer that begins so can still be likelier
 * than the best that is known; that one is the draft in the end. */
#ifndef RD_LIKELIEST_H
#define RD_LIKELIEST_H

#include "arena.h"
#include "engine.h"

struct rd_draft;

/* Place its arrays, where it is asked for, for a draft whose setup is known. */
void rd_likeliest_layout(struct rd_draft *d, rd_arena *a);
/* The canvas is filled, and where `led` the base will lead: is there something to look for? Not
 * with fixed text behind what is written, whose likelihood would count as well, nor in blocks, nor
 * in a form. */
void rd_likeliest_begin(struct rd_draft *d, bool led);
/* What is asked of the base's row for a place beside its word; NULL: nothing. */
const rd_row_query *rd_likeliest_ask(const struct rd_draft *d, int64_t place);
/* The base has settled the draft's word at a place, the first behind those it had settled. */
void rd_likeliest_settled(struct rd_draft *d, int64_t place);
/* A pass has settled what it could: the answer goes on, or another one begins, or it is over. */
void rd_likeliest_take(struct rd_draft *d);
/* This draft is the last: it is the best whole answer, where one is known (true). */
bool rd_likeliest_stop(struct rd_draft *d);
/* Is there a beginning to go on from? Then the canvas of the next pass, and what is masked of it in
 * d->list; returns how many. */
bool rd_likeliest_turns(const struct rd_draft *d);
int64_t rd_likeliest_turn(struct rd_draft *d);
/* May a likelier answer follow? */
bool rd_likeliest_goes_on(const struct rd_draft *d);

#endif
