/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t plain; /* of the C locale; 0: no memory for it, and the process's own is taken */

static void make(void) {
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t enter(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make);
  return plain ? uselocale(plain) : (locale_t)0;
}

static void leave(locale_t before) {
  if (before)
    uselocale(before);
}

double rd_number_read(const char *text, char **end) {
  locale_t before = enter();
  double number = strtod(text, end);
  leave(before);
  return number;
}

int rd_number_print(char *out, size_t size, const char *format, ...) {
  va_list args;
  locale_t before = enter();
  va_start(args, format);
  int length = vsnprintf(out, size, format, args);
  va_end(args);
  leave(before);
  return length;
}

const char *rd_number_show(char out[RD_NUMBER], double number) {
  bool whole = floor(number) == number && fabs(number) < 1e18;
  rd_number_print(out, RD_NUMBER, whole ? "%.0f" : "%.10g", number);
  return out;
}
