/* SPDX-License-Identifier: MIT */
/* --base-weight: while the adapter refines a draft, the base reads it from left to right, and what
 * it would say of each place counts as well. */
#ifndef RD_BASE_SAY_H
#define RD_BASE_SAY_H

#include "draft_setup.h"

/* Does this draft ask the base? */
bool rd_base_say_wanted(const rd_draft *d);
/* Add the reading to a need whose range and wanted positions are chosen. */
void rd_base_say_need(rd_draft *d, rd_need *need);
/* The proposals have come. Where the sampler does not revise, those that rest on a word which was
 * read, and is not proposed again, are not to be taken. */
void rd_base_say_confirm(rd_draft *d);

#endif
