/* SPDX-License-Identifier: MIT */
/* Drafts that keep to a form (form.h). A sampler that fills or revises gets as proposals the words
 * of the best text of the form, so that every draft, whatever a policy takes of it, can become one;
 * from left to right only words may be chosen after which the text can still end in time. */
#ifndef RD_FORMED_H
#define RD_FORMED_H

#include "draft_setup.h"
#include "form_path.h"

struct rd_draft;

typedef struct rd_formed {
  rd_form *form;
  rd_form_path *path;
  int64_t room;      /* places that the text may take */
  int32_t *ids;      /* (room) of the best text at the last pass, to `told` */
  float *logs;       /* (room) */
  int64_t told;      /* places of this pass that the path knows */
  uint64_t *allowed; /* (rows, ceil(V / 64)) of wanted positions, from left to right */
  int64_t rows, width;
} rd_formed;

/* When canvas and sampler are known; takes the form over, on failure too. RD_USAGE: no text of the
 * form fits, or none with what is given. */
rd_code rd_formed_open(struct rd_draft *d, rd_form *form, rd_error *e);
void rd_formed_close(rd_formed **formed);
/* What the next pass must know of the form. */
void rd_formed_need(struct rd_draft *d, rd_need *need);
/* What may stand at the places of wanted[first .. first + count), by the words before them in ids
 * (the region's). Behind a guess that is no word of the form everything may: what follows from it
 * is thrown away. */
void rd_formed_allow(struct rd_draft *d, int64_t first, int64_t count, const int32_t *ids);
/* Proposals become words of the form. */
rd_code rd_formed_take(struct rd_draft *d, rd_error *e);
/* Where the draft must be the last: what nobody asked for is filled, and the text is brought to its
 * end by the nearest words. */
void rd_formed_fill(struct rd_draft *d);

#endif
