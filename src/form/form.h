/* SPDX-License-Identifier: MIT */
/* Forms of answers: the set of texts that an answer may be, as an automaton over a tokenizer's
 * words. form_path.h finds the best text of a form; here a form says what may follow.
 *
 *   rd_form *f;
 *   RD_TRY(rd_form_open(&f, "regex:[0-9]{4}", words, e));
 *   int32_t state = rd_form_next(f, rd_form_start(f), id);
 *   rd_form_close(&f);
 *
 * A form is whole when it is opened, and is shared freely by threads. */
#ifndef RD_FORM_H
#define RD_FORM_H

#include "dfa.h"
#include "table.h"
#include "word_tree.h"

typedef struct rd_form rd_form;

/* `source`: "regex:..", "json-schema:{..}", "json-object". The words are borrowed. RD_USAGE: no
 * such kind, with all names. RD_BAD_INPUT, RD_UNSUPPORTED: what is wrong with it, and where; it is
 * too large; no text has this form. Time and memory are bounded whatever the source. */
rd_code rd_form_open(rd_form **out, const char *source, const rd_words *words, rd_error *e);
/* NULL is fine; *f becomes NULL. */
void rd_form_close(rd_form **f);
/* A source whose text may be the path of a file, as a new string with the file's text in it. */
rd_code rd_form_load(char **out, const char *source, rd_error *e);

/* States are numbers below this; RD_NOWHERE is none. */
int32_t rd_form_states(const rd_form *f);
/* Before the first word. */
int32_t rd_form_start(const rd_form *f);
/* Behind an end word, where only end words may stand. */
int32_t rd_form_ended(const rd_form *f);
/* May the text end here? */
bool rd_form_accepts(const rd_form *f, int32_t state);
/* After a word, or an end word; RD_NOWHERE: it may not stand here. */
int32_t rd_form_next(const rd_form *f, int32_t state, int32_t id);
/* Words that are needed at least to where the text may end; RD_FORM_NEVER: it cannot. */
int32_t rd_form_least(const rd_form *f, int32_t state);
/* A word that brings the end nearer, an end word where the text may end; -1: there is none. */
int32_t rd_form_nearest(const rd_form *f, int32_t state);
/* Set the bits (ceil(V / 64)) of the ids after which a text can end within `left` words more, and
 * of the end words where it may end; clears the others. Returns the number of those set. */
int64_t rd_form_allow(const rd_form *f, int32_t state, int64_t left, uint64_t *bits);

/* Words from the start to a state at least; RD_FORM_NEVER. */
int32_t rd_form_reach(const rd_form *f, int32_t state);
const rd_words *rd_form_words(const rd_form *f);

#endif
