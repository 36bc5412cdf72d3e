/* SPDX-License-Identifier: MIT */
/* Rotary position tables, with the scalings of their frequencies for long contexts. */
#ifndef RD_ROPE_H
#define RD_ROPE_H

#include "config.h"
#include "table.h"

/* A way to change the frequencies: plain ones come in, `turned` / 2 of them. */
struct rd_rope_kind {
  const char *name; /* config.json's rope_type */
  void (*change)(double *frequencies, const rd_rotary *r, int64_t turned, int64_t length);
  bool by_length; /* sequences longer than r->original have angles of their own */
  bool two_sets;  /* which are the same for all of these */
};
extern const rd_table rd_rope_table;

/* Does a sequence of `length` positions have angles of its own? */
bool rd_rope_by_length(const rd_rotary *r, int64_t length);
/* Inverse frequencies (turned/2): theta^(-2i/turned), changed for a sequence of `length`. */
void rd_rope_frequencies(double *out, const rd_rotary *r, int64_t turned, int64_t length);
/* cos and sin of position x frequency, times the attention factor, for positions
 * first .. first+count-1 of a sequence of `length`: (count, turned/2) each. */
void rd_rope_tables(float *cosines, float *sines, const rd_rotary *r, int64_t turned,
                    int64_t length, int64_t first, int64_t count);

/* Where row r of a rotated head's halves (i, i + hd/2) lies among pairs (2i, 2i+1). */
int64_t rd_rope_pair(int64_t r, int64_t hd);
/* Rows of rotated heads in the other order of their pairs: from (i, i + hd/2) to (2i, 2i+1) with
 * `interleave`, else back. `size` bytes a row; out may not be in. */
void rd_rope_reorder(void *out, const void *in, int64_t rows, int64_t hd, size_t size,
                     bool interleave);

#endif
