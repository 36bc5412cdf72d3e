/* SPDX-License-Identifier: MIT */
/* What a model's folder asks of the program that generates with it, and this one does not do. */
#ifndef RD_GENERATION_H
#define RD_GENERATION_H

#include <stdbool.h>

/* The keys of generation_config.json in a folder that would change answers in transformers and do
 * not here, with commas between: a new string. NULL: none, no such file, or no memory. `dreams`: of
 * a Dream, whose own generation draws wherever it has a temperature. */
char *rd_generation_unheard(const char *folder, bool dreams);

#endif
