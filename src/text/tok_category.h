/* SPDX-License-Identifier: MIT */
/* Categories of characters as the tables of Hugging Face's tokenizers have them, which are those of
 * Unicode 8 to 12. */
#ifndef RD_TOK_CATEGORY_H
#define RD_TOK_CATEGORY_H

#include <stdbool.h>
#include <stdint.h>

/* What StripAccents takes away; what BertNormalizer does. */
bool rd_category_mark(uint32_t point);
bool rd_category_thin_mark(uint32_t point);
/* Control, format and private characters, tabs and line ends with them. */
bool rd_category_control(uint32_t point);
/* Those that Unicode's normal forms (12 and before) leave alone, and nothing is sorted past. */
bool rd_category_formless(uint32_t point);
/* A pattern that matches one character of punctuation, ASCII's signs with it. */
extern const char rd_category_punctuation[];

#endif
