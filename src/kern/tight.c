/* SPDX-License-Identifier: MIT */
/* Packing of bf16 matrices into 12 bits: what is decided about a row, and the way back. */
#include "tight.h"

#include <string.h>

#include "mapped.h"
#include "parallel.h"
#include "tight_kernels.h"
#include "whole.h"

enum { EXPONENTS = 256, WINDOW = 16 };

bool rd_tight_fast(void) {
  return rd_mapped_fast();
}

static size_t planes_of_panel(int64_t cols) {
  return (size_t)rd_over(cols, RD_TIGHT_STEP) * RD_TIGHT_STEP_BYTES;
}

size_t rd_tight_bytes(int64_t rows, int64_t cols) {
  return (size_t)rd_over(rows, RD_TIGHT_PANEL) * planes_of_panel(cols);
}

size_t rd_tight_panel_bytes(int64_t rows) {
  return (size_t)rd_over(rows, RD_TIGHT_PANEL) * sizeof(rd_tight_panel);
}

/* counts[e] numbers of a row have the exponent e. Neighbours are counted apart: one that has the
 * exponent of the last would wait until that is stored. */
static void count(uint32_t counts[EXPONENTS], const rd_bf16 *row, int64_t cols) {
  enum { APART = 4 };
  uint32_t apart[APART][EXPONENTS] = {{0}};
  int64_t k = 0;
  for (; k + APART <= cols; k += APART)
    for (int i = 0; i < APART; i++)
      apart[i][row[k + i] >> 7 & 0xff]++;
  for (; k < cols; k++)
    apart[0][row[k] >> 7 & 0xff]++;
  for (int e = 0; e < EXPONENTS; e++)
    counts[e] = apart[0][e] + apart[1][e] + apart[2][e] + apart[3][e];
}

/* The first exponent of the window that most numbers of a row have; gives how many have none. */
static int64_t choose(uint8_t *first, const rd_bf16 *row, int64_t cols) {
  uint32_t counts[EXPONENTS];
  int64_t in = 0, most = 0;
  count(counts, row, cols);
  *first = 0;
  for (int e = 0; e < EXPONENTS; e++) {
    in += counts[e];
    in -= e >= WINDOW ? counts[e - WINDOW] : 0;
    if (in <= most)
      continue;
    most = in;
    *first = (uint8_t)(e >= WINDOW ? e - WINDOW + 1 : 0);
  }
  return cols - most;
}

typedef struct packing {
  const rd_tight *t;
  const rd_bf16 *w;
} packing;

static void survey(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const packing *j = context;
  const rd_tight *t = j->t;
  for (int64_t p = first; p < last; p++) {
    rd_tight_panel *panel = &t->panels[p];
    *panel = (rd_tight_panel){.count = 0};
    const int64_t row = p * RD_TIGHT_PANEL, rows = rd_least(t->rows - row, RD_TIGHT_PANEL);
    for (int64_t i = 0; i < rows; i++)
      panel->count += choose(&panel->least[i], j->w + (row + i) * t->cols, t->cols);
  }
}

int64_t rd_tight_survey(const rd_tight *t, const rd_bf16 *w) {
  packing j = {t, w};
  const int64_t panels = rd_over(t->rows, RD_TIGHT_PANEL);
  int64_t count = 0;
  rd_parallel(panels, 1, survey, &j);
  for (int64_t p = 0; p < panels; p++)
    count += t->panels[p].count;
  return count;
}

static float number_of(int bits) {
  const uint32_t wide = (uint32_t)bits << 16;
  float x;
  memcpy(&x, &wide, sizeof x);
  return x;
}

void rd_tight_row(float *out, const rd_tight *t, int64_t row) {
  const rd_tight_panel *panel = &t->panels[row / RD_TIGHT_PANEL];
  const unsigned char *planes =
      t->planes + (size_t)(row / RD_TIGHT_PANEL) * planes_of_panel(t->cols);
  const int64_t i = row % RD_TIGHT_PANEL, half = i / 16, in_half = i % 16;
  for (int64_t k = 0; k < t->cols; k++) {
    const unsigned char *step = planes + k / RD_TIGHT_STEP * RD_TIGHT_STEP_BYTES;
    const int64_t q = k % RD_TIGHT_STEP / 2, at = 2 * in_half + k % 2;
    const unsigned char byte = step[128 * half + 32 * q + at];
    uint16_t four;
    memcpy(&four, step + 256 + 64 * half + 2 * at, sizeof four);
    const int exponent = panel->least[i] + (four >> 4 * q & 15);
    out[k] = number_of((byte & 0x80) << 8 | exponent << 7 | (byte & 0x7f));
  }
  for (int64_t n = 0; n < panel->count; n++) {
    const rd_tight_number *x = &panel->listed[n];
    if (x->at / 2 % RD_TIGHT_PANEL == (uint32_t)i)
      out[x->at / (2 * RD_TIGHT_PANEL) * 2 + x->at % 2] = number_of(x->is);
  }
}

#if defined(__x86_64__)
static void pack(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const packing *j = context;
  const rd_tight *t = j->t;
  for (int64_t p = first; p < last; p++) {
    const int64_t row = p * RD_TIGHT_PANEL;
    rd_tight_pack_panel(&t->panels[p], t->planes + (size_t)p * planes_of_panel(t->cols),
                        j->w + row * t->cols, t->cols, rd_least(t->rows - row, RD_TIGHT_PANEL),
                        t->cols);
  }
}

void rd_tight_pack(const rd_tight *t, const rd_bf16 *w, rd_tight_number *listed) {
  packing j = {t, w};
  const int64_t panels = rd_over(t->rows, RD_TIGHT_PANEL);
  for (int64_t p = 0; p < panels; p++) {
    t->panels[p].listed = listed;
    listed += t->panels[p].count;
  }
  rd_parallel(panels, 1, pack, &j);
}
#else
void rd_tight_pack(const rd_tight *t, const rd_bf16 *w, rd_tight_number *listed) {
  (void)t, (void)w, (void)listed;
}
#endif
