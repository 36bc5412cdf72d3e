/* SPDX-License-Identifier: MIT */
/* SentencePiece's compiled normalisation ("precompiled_charsmap"): which sequences of characters
 * are replaced, and by what. */
#ifndef RD_TOK_CHARSMAP_H
#define RD_TOK_CHARSMAP_H

#include "tok_bytes.h"

typedef struct rd_charsmap rd_charsmap;

/* The blob is copied. `longest`: the longest sequence at every place is replaced, as SentencePiece
 * itself does; else what Hugging Face's tokenizers make of the same rules: whole grapheme clusters
 * of less than 6 bytes, else single characters, by the shortest sequence that they begin with.
 * RD_BAD_INPUT: cut off. */
rd_code rd_charsmap_new(rd_charsmap **out, rd_slice blob, bool longest, rd_error *e);
void rd_charsmap_free(rd_charsmap *m);
/* Append what `text` becomes. Bytes that are not UTF-8 stay. */
rd_code rd_charsmap_run(const rd_charsmap *m, rd_slice text, rd_bytes *out, rd_error *e);

#endif
