/* SPDX-License-Identifier: MIT */
/* Read in pieces, not mapped: a file that is cut meanwhile is an error then, and not a signal. */
#include "digest.h"

#include <errno.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct sums {
  bool git;
  struct sha256_ctx sha256;
  struct sha1_ctx sha1;
} sums;

static void add(sums *s, const void *data, size_t size) {
  if (s->git)
    sha1_update(&s->sha1, size, data);
  else
    sha256_update(&s->sha256, size, data);
}

static void spell(char *text, sums *s) {
  uint8_t bytes[SHA256_DIGEST_SIZE];
  size_t size = s->git ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE;
  if (s->git)
    sha1_digest(&s->sha1, size, bytes);
  else
    sha256_digest(&s->sha256, size, bytes);
  for (size_t i = 0; i < size; i++)
    snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

rd_code rd_digest_file(char text[RD_DIGEST_TEXT], const char *path, bool git, rd_error *e) {
  static const size_t PIECE = 1 << 16;
  unsigned char piece[1 << 16];
  struct stat st;
  sums s = {.git = git};
  text[0] = '\0';
  FILE *file = fopen(path, "rbe");
  if (!file || fstat(fileno(file), &st) != 0) {
    int why = errno;
    if (file)
      fclose(file);
    return rd_fail(e, RD_IO, "%s: cannot read: %s", path, strerror(why));
  }
  sha1_init(&s.sha1);
  sha256_init(&s.sha256);
  char head[40]; /* git's sum is of a head, its NUL, and the content */
  int n = snprintf(head, sizeof head, "blob %lld", (long long)st.st_size);
  if (git)
    add(&s, head, (size_t)n + 1);
  for (size_t size; (size = fread(piece, 1, PIECE, file)) > 0;)
    add(&s, piece, size);
  bool failed = ferror(file);
  int why = errno;
  fclose(file);
  if (failed)
    return rd_fail(e, RD_IO, "%s: cannot read: %s", path, strerror(why));
  spell(text, &s);
  return RD_OK;
}
