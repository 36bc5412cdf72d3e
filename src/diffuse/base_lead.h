/* SPDX-License-Identifier: MIT */
/* --base-lead: while the adapter refines a draft, the base settles it from the left. What it has
 * settled is what it writes from left to right. */
#ifndef RD_BASE_LEAD_H
#define RD_BASE_LEAD_H

#include "draft_setup.h"

/* Does the base lead in this draft? */
bool rd_base_leads(const rd_draft *d);
/* The first place that it has not settled, fixed ones left out. */
int64_t rd_base_lead_front(rd_draft *d);
/* Behind rd_base_say_need, which looks for the front: ask it alone about the places that are not
 * settled, beside what a need with its reading asks for. */
void rd_base_lead_need(rd_draft *d, rd_need *need);
/* Its words have come, and the draft has taken the other proposals: settle what can be. */
void rd_base_lead_take(rd_draft *d);

#endif
