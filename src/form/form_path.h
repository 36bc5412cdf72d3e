/* SPDX-License-Identifier: MIT */
/* The best text of a form: given for each position of an answer the probabilities of all words, the
 * words, one for each position, that are a text of the form and whose probabilities have the
 * greatest product (DINGO, arXiv 2505.23061, over the words of form.h). Exact, whatever the
 * probabilities.
 *
 * Positions are told from the first to the last, each as one of rd_form_path_word,
 * rd_form_path_any, rd_form_path_row; then rd_form_path_settle says the words. An answer is the
 * text and end words behind it to the last position; it may also end with the last position. All
 * memory is taken when it is opened.
 */
#ifndef RD_FORM_PATH_H
#define RD_FORM_PATH_H

#include "form.h"

typedef struct rd_form_path rd_form_path;

/* For answers of at most `room` positions. The form is borrowed. RD_USAGE: no text of the form
 * fits, with the least number of words. RD_NO_MEMORY. */
rd_code rd_form_path_open(rd_form_path **out, const rd_form *form, int64_t room, rd_error *e);
/* NULL is fine; *p becomes NULL. */
void rd_form_path_close(rd_form_path **p);

/* Begin again with the first position. */
void rd_form_path_begin(rd_form_path *p);
/* How many positions were told so far. */
int64_t rd_form_path_count(const rd_form_path *p);
/* The next position holds this word. */
void rd_form_path_word(rd_form_path *p, int32_t id);
/* It may hold any word, all alike. */
void rd_form_path_any(rd_form_path *p);
/* It may hold any word: logits (V), of which log_sum is the logarithm of the sum of exponentials. A
 * word that was drawn counts as certain; -1: none was. `leader`: a word that is known to have the
 * greatest logit, end words left out, and of equal ones the lowest id; -1: none is known. */
void rd_form_path_row(rd_form_path *p, const float *logits, double log_sum, int32_t drawn,
                      int32_t leader);
/* The words (rd_form_path_count) of the best answer, and the logarithms of their probabilities, 0
 * where there were none. The positions that were not told must do for the rest of the text, and
 * count for nothing. False: no text of the form has the words that were told. */
bool rd_form_path_settle(rd_form_path *p, int32_t *ids, float *logs);

#endif
