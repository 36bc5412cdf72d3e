/* SPDX-License-Identifier: MIT */
/* Numbers in files and options have a point, whatever the process that holds the library was told
 * of its user's language. */
#ifndef RD_NUMBER_H
#define RD_NUMBER_H

#include <stddef.h>

/* strtod of the C locale. */
double rd_number_read(const char *text, char **end);
/* snprintf of the C locale. */
__attribute__((format(printf, 3, 4))) int rd_number_print(char *out, size_t size,
                                                          const char *format, ...);

#endif
