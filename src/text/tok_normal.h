/* SPDX-License-Identifier: MIT */
/* What is done to the text before it is cut: Unicode forms, replacements, the space put in front. A
 * normaliser is a list of steps, each a row of tok_normal.c with its parameters. */
#ifndef RD_TOK_NORMAL_H
#define RD_TOK_NORMAL_H

#include "tok_added.h"
#include "tok_charsmap.h"
#include "tok_regex.h"

typedef struct rd_normal_step rd_normal_step;
typedef rd_code (*rd_normal_apply)(const rd_normal_step *step, rd_slice in, rd_bytes *out,
                                   rd_error *e);

/* What becomes of a character: at most 4 are written, and it returns how many. */
typedef unsigned rd_normal_change(uint32_t point, uint32_t made[4]);

struct rd_normal_step {
  rd_normal_apply apply;
  rd_normal_apply on;       /* where the text goes on from earlier text; NULL: the same */
  rd_normal_change *change; /* of each character, for steps that look at one at a time */
  char *from, *to;          /* owned; what is replaced, what is put */
  size_t from_size, to_size;
  rd_regex *regex;      /* owned; what is replaced, where it is a pattern; or NULL */
  rd_charsmap *map;     /* owned; or NULL */
  const rd_added *kept; /* what the map leaves as it is, or NULL */
  int form;             /* utf8proc options */
  bool left, right;     /* strip: at which ends */
  bool unless_present;  /* prefix: not where the text has it already */
  bool at_start;        /* prefix: only where the gap starts the whole text */
};

typedef struct rd_normaliser {
  rd_normal_step *steps; /* (count) */
  size_t count, capacity;
} rd_normaliser;

void rd_normaliser_drop(rd_normaliser *n);
/* Add a step as it stands; its two texts are copied into it. */
rd_code rd_normal_add(rd_normaliser *n, rd_normal_step step, rd_slice from, rd_slice to,
                      rd_error *e);
/* Add a step. The text is copied. */
rd_code rd_normal_prefix(rd_normaliser *n, rd_slice prefix, bool unless_present, bool at_start,
                         rd_error *e);
rd_code rd_normal_replace(rd_normaliser *n, rd_slice from, rd_slice to, rd_error *e);
/* The same of every match of a regular expression. */
rd_code rd_normal_replace_matches(rd_normaliser *n, rd_slice pattern, rd_slice to, rd_error *e);
/* Small letters; no white space at an end; no marks on letters. */
rd_code rd_normal_lowercase(rd_normaliser *n, rd_error *e);
rd_code rd_normal_strip(rd_normaliser *n, bool left, bool right, rd_error *e);
rd_code rd_normal_strip_accents(rd_normaliser *n, rd_error *e);
/* BERT's: control characters go and white space is made spaces; CJK ideographs get spaces around
 * them; accents go (in form D); small letters. */
rd_code rd_normal_bert(rd_normaliser *n, bool cleaned, bool ideographs, bool accents,
                       bool lowercase, rd_error *e);
/* Control characters go, spaces of many kinds become plain ones, as NMT's rules say. */
rd_code rd_normal_nmt(rd_normaliser *n, rd_error *e);
/* White space goes, and every word that it leaves gets the mark in front, where it has none. */
rd_code rd_normal_words(rd_normaliser *n, rd_slice mark, rd_error *e);
/* SentencePiece's compiled rules (rd_charsmap_new). */
rd_code rd_normal_charsmap(rd_normaliser *n, rd_slice blob, bool longest, rd_error *e);
/* Runs of spaces become one; spaces at both ends go. */
rd_code rd_normal_squeeze(rd_normaliser *n, rd_error *e);
/* "NFC", "NFD", "NFKC" or "NFKD"; *known is false, and nothing is added, for another name. */
rd_code rd_normal_form(rd_normaliser *n, const char *name, bool *known, rd_error *e);

/* Do both do the same, step by step? Steps by regular expressions and by
 * compiled rules are taken to differ. */
bool rd_normaliser_same(const rd_normaliser *a, const rd_normaliser *b);

/* Where a gap stands in the whole text. */
typedef enum rd_gap {
  RD_GAP_START,  /* starts it */
  RD_GAP_INSIDE, /* follows an added token */
  RD_GAP_ON,     /* goes on from earlier text: nothing is put in front */
} rd_gap;

/* Run all steps over `text`. The result lies in `text` itself
 * or in one of the two buffers. Bytes that are not UTF-8 pass unchanged. *shorter (NULL: nobody
 * asks): is the result's beginning no longer that of the text, because something was taken away
 * there? */
rd_code rd_normaliser_run(const rd_normaliser *n, rd_slice text, rd_gap gap, rd_bytes buffers[2],
                          rd_slice *result, bool *shorter, rd_error *e);

#endif
