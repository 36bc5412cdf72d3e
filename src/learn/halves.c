/* SPDX-License-Identifier: MIT */
/* A batch cut at its gates. */
#include "halves.h"

void rd_halves_take(rd_halves *h, rd_arena *a, int64_t rows) {
  h->clean = RD_TAKE(a, rd_sequence, rows);
  h->noisy = RD_TAKE(a, rd_sequence, rows);
  h->before = RD_TAKE(a, int64_t, rows);
  h->batch_rows = RD_TAKE(a, int32_t, rows);
  h->places = RD_TAKE(a, int32_t, rows);
  h->same = RD_TAKE(a, int32_t, rows);
}

void rd_halves_cut(rd_halves *h, const rd_sequence *sequences, int64_t n) {
  int64_t clean_rows = 0, at = 0, whole = 0;
  bool copied = false; /* what follows a text that is clean to its end are blocks of it */
  h->clean_count = h->noisy_count = h->rows = 0;
  for (int64_t i = 0; i < n; i++) {
    const rd_sequence *s = &sequences[i];
    int64_t gate = s->gate < s->count ? s->gate : s->count;
    for (int64_t p = 0; p < s->count; p++)
      h->places[at + p] = -1;
    whole = gate == 0 && copied ? whole : clean_rows;
    copied = gate > 0 ? gate == s->count : copied;
    if (gate < s->count) {
      h->before[h->noisy_count] = whole;
      h->noisy[h->noisy_count++] =
          (rd_sequence){.ids = s->ids + gate, .count = s->count - gate, .first = s->first + gate};
    }
    for (int64_t p = gate; p < s->count; p++) {
      h->same[h->rows] = (int32_t)(whole + s->first + p);
      h->batch_rows[h->rows] = (int32_t)(at + p);
      h->places[at + p] = (int32_t)h->rows++;
    }
    if (gate > 0)
      h->clean[h->clean_count++] = (rd_sequence){.ids = s->ids, .count = gate};
    clean_rows += gate;
    at += s->count;
  }
  h->batch = at;
}
