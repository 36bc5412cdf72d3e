/* SPDX-License-Identifier: MIT */
/* redraft.json: what was chosen when a model or an adapter was trained and its other files do not
 * say. It lies beside them and is read back when they are opened, so that whoever uses them need
 * not choose again. */
#ifndef RD_REMEMBERED_H
#define RD_REMEMBERED_H

#include "json.h"

/* Where an adapter counts: with a gate not in the prompt, and not in what is written for good.
 * Those rows are the base's own, and look back; the rows behind see them and one another. */
typedef struct rd_gate {
  bool answer;   /* there is one */
  bool shift;    /* the row before a position predicts it, as in the base */
  int64_t block; /* answer positions that are refined at a time; 0: all of them */
} rd_gate;

typedef struct rd_remembered {
  int64_t mask;        /* id of the token that stands for noise; -1: not chosen */
  char *chat_template; /* name of a row, or Jinja text; NULL: not chosen */
  rd_gate gate;        /* of the adapter: "gate": "answer", "shift", "block" */
  int denoiser;        /* 1: trained to refine drafts; 0: from left to right; -1: not said */
  json_t *defaults;    /* an object of generation options, "sampler" among them; or NULL */
  char *about;         /* a sentence for a visitor: what it knows; or NULL */
  json_t *examples;    /* an array of {"kind", "prompt"}: questions that it answers; or NULL */
} rd_remembered;

#define RD_REMEMBERED_NOTHING ((rd_remembered){.mask = -1, .denoiser = -1})

/* Take from a folder what it remembers; the rest of *r, which begins as RD_REMEMBERED_NOTHING,
 * stays, and so do defaults of other names. A folder without the file remembers nothing. Names of
 * defaults are spelled with hyphens from here on. RD_BAD_INPUT: one is there in two spellings. */
rd_code rd_remembered_read(rd_remembered *r, const char *folder, rd_error *e);
/* Write the file, where there is something to remember. */
rd_code rd_remembered_write(const rd_remembered *r, const char *folder, rd_error *e);
/* The same as JSON, for files that hold it elsewhere (GGUF's key redraft.remembered): a new object,
 * empty where there is nothing to remember, and what is read from one. */
json_t *rd_remembered_json(const rd_remembered *r);
rd_code rd_remembered_take(rd_remembered *r, const json_t *json, rd_error *e);
/* The default of an option ('-' and '_' alike), borrowed; NULL: not chosen. */
const json_t *rd_remembered_default(const rd_remembered *r, const char *option);
void rd_remembered_drop(rd_remembered *r);

#endif
