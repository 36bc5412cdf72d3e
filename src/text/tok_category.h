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
#define RD_PUNCTUATION                                                                             \
  "(?!["                                                                                           \
  "\\x{61D}\\x{9FD}\\x{A76}\\x{C77}"                                                               \
  "\\x{C84}\\x{1B7D}-\\x{1B7E}\\x{2E43}-\\x{2E4F}\\x{2E52}-\\x{2E5D}"                              \
  "\\x{10EAD}\\x{10F55}-\\x{10F59}\\x{10F86}-\\x{10F89}\\x{1144B}-\\x{1144F}"                      \
  "\\x{1145A}-\\x{1145B}\\x{1145D}\\x{11660}-\\x{1166C}\\x{116B9}"                                 \
  "\\x{1183B}\\x{11944}-\\x{11946}\\x{119E2}\\x{11A3F}-\\x{11A46}"                                 \
  "\\x{11A9A}-\\x{11A9C}\\x{11A9E}-\\x{11AA2}\\x{11B00}-\\x{11B09}\\x{11C41}-\\x{11C45}"           \
  "\\x{11C70}-\\x{11C71}\\x{11EF7}-\\x{11EF8}\\x{11F43}-\\x{11F4F}\\x{11FFF}"                      \
  "\\x{12FF1}-\\x{12FF2}\\x{16E97}-\\x{16E9A}\\x{16FE2}\\x{1E95E}-\\x{1E95F}"                      \
  "])[\\p{P}!-/:-@\\[-`{-~\\x{166D}\\x{111C9}]"

#endif
