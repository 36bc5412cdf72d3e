/* SPDX-License-Identifier: MIT */
/* Numbers in files and options have a point, whatever the process that holds the library was told
 * of its user's language. */
#ifndef RD_NUMBER_H
#define RD_NUMBER_H

#include <stddef.h>

enum { RD_NUMBER = 32 /* bytes of a number that is shown */ };

/* strtod of the C locale. */
double rd_number_read(const char *text, char **end);
/* snprintf of the C locale. */
__attribute__((format(printf, 3, 4))) int rd_number_print(char *out, size_t size,
                                                          const char *format, ...);
/* A bound as it may be typed: whole numbers whole, others with ten digits. Returns `out`. */
const char *rd_number_show(char out[RD_NUMBER], double number);

#endif
