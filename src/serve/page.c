/* SPDX-License-Identifier: MIT */
/* The assembler puts the files of web/dist into read-only data, byte for byte. */
#include "page.h"

#include <string.h>

#define EMBED(name, file)                                                                          \
  __asm__(".pushsection .rodata\n"                                                                 \
          ".global rd_" name "_begin\n.hidden rd_" name "_begin\nrd_" name "_begin:\n"             \
          ".incbin \"" RD_WEB_DIST "/" file "\"\n"                                                 \
          ".global rd_" name "_end\n.hidden rd_" name "_end\nrd_" name "_end:\n"                   \
          ".byte 0\n.popsection\n")

EMBED("page", "index.html");
EMBED("policy", "csp.txt");

extern const char rd_page_begin[], rd_page_end[], rd_policy_begin[], rd_policy_end[];

const char *rd_page_html(size_t *size) {
  *size = (size_t)(rd_page_end - rd_page_begin);
  return rd_page_begin;
}

void rd_page_policy(char *out, size_t room) {
  size_t n = (size_t)(rd_policy_end - rd_policy_begin);
  while (n > 0 && (unsigned char)rd_policy_begin[n - 1] <= ' ')
    n--;
  n = n < room ? n : room - 1;
  memcpy(out, rd_policy_begin, n);
  out[n] = '\0';
}
