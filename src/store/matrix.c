/* SPDX-License-Identifier: MIT */
/* Matrices are made in chunks of rows that stay in the second cache: a thread asks for the rows of
 * a chunk in f32 and packs them, so that no whole copy in f32 ever exists. */
#include "matrix.h"

#include <assert.h>
#include <pthread.h>

#include "cpu.h"
#include "parallel.h"
#include "profile.h"
#include "tight.h"

rd_matrix rd_matrix_at(const rd_format *format, const void *data, int64_t rows, int64_t cols) {
  return (rd_matrix){format, rd_mat_rows(data, RD_F32, 0, 0).data, NULL, rows, cols};
}

size_t rd_matrix_row(const rd_matrix *m) {
  return (size_t)((m->cols + m->format->block - 1) / m->format->block * m->format->bytes);
}

void rd_matrix_decode(float *out, const rd_matrix *m, int64_t first, int64_t count) {
  if (m->format->read)
    m->format->read(out, m, first, count);
  else
    m->format->decode(out, (const unsigned char *)m->data + (size_t)first * rd_matrix_row(m),
                      count * m->cols);
}

typedef struct gathering {
  float *out;
  const rd_matrix *m;
  const int32_t *ids;
} gathering;

static void gather(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const gathering *g = context;
  for (int64_t t = first; t < last; t++)
    rd_matrix_decode(g->out + t * g->m->cols, g->m, g->ids[t], 1);
}

void rd_matrix_gather(float *out, const rd_matrix *m, const int32_t *ids, int64_t T) {
  enum { WORTH = 1 << 14 }; /* numbers that are worth a hand-off to another thread */
  gathering g = {out, m, ids};
  rd_parallel(T, WORTH / (m->cols + 1) + 1, gather, &g);
}

/* Rows with those that fill up the last panel. */
static int64_t whole_panels(const rd_format *format, int64_t rows) {
  const int64_t panel = format->panel ? format->panel : 1;
  return (rows + panel - 1) / panel * panel;
}

rd_matrix rd_matrix_take(const rd_format *format, int64_t rows, int64_t cols, rd_arena *arena) {
  rd_matrix m = {format, NULL, NULL, rows, cols};
  m.data = rd_arena_take(arena, (size_t)whole_panels(format, rows), rd_matrix_row(&m));
  if (format->scales)
    m.scales = rd_arena_take(arena, format->scales(&m), 1);
  return m;
}

typedef struct filling {
  const rd_matrix *m;
  rd_row_source *rows;
  void *context;
  int64_t step; /* rows of a chunk */
  pthread_mutex_t lock;
  int64_t failed; /* the first chunk that failed, -1: none */
  float *room;    /* for each thread: 2 chunks of rows */
  rd_code code;
  rd_error error;
} filling;

static rd_code fill_rows(const filling *f, float *x, int64_t first, int64_t count, rd_error *e) {
  const rd_matrix *m = f->m;
  bool direct = m->format->dtype == RD_F32;
  RD_TRY(f->rows(f->context, direct ? (float *)m->data + first * m->cols : x, x + f->step * m->cols,
                 first, count, e));
  if (!direct)
    m->format->pack(m, x, first, count);
  return RD_OK;
}

static void fill_chunks(void *context, int thread, int64_t first, int64_t last) {
  filling *f = context;
  float *x = f->room + thread * 2 * f->step * f->m->cols;
  for (int64_t i = first; i < last; i++) {
    rd_error e = {0};
    int64_t row = i * f->step, left = f->m->rows - row;
    rd_code code = fill_rows(f, x, row, left < f->step ? left : f->step, &e);
    if (code == RD_OK)
      continue;
    pthread_mutex_lock(&f->lock);
    if (f->failed < 0 || i < f->failed) {
      f->failed = i;
      f->code = code;
      f->error = e;
    }
    pthread_mutex_unlock(&f->lock);
  }
}

rd_code rd_matrix_fill(const rd_matrix *m, rd_row_source *rows, void *context, rd_error *e) {
  enum { CHUNK = 1 << 16, LEAST = 16 }; /* numbers; rows: fewer make poor products of factors */
  filling f = {.m = m,
               .rows = rows,
               .context = context,
               .step = m->cols < CHUNK / LEAST ? CHUNK / (m->cols + 1) + 1 : LEAST,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .failed = -1};
  f.step = whole_panels(m->format, f.step);
  /* taken here, whichever threads come to use it: memory must not run out by chance */
  f.room = rd_matmul_scratch((size_t)(rd_threads_get() * 2 * f.step * m->cols) * sizeof *f.room, e);
  if (!f.room)
    return RD_NO_MEMORY;
  rd_parallel_each((m->rows + f.step - 1) / f.step, fill_chunks, &f);
  if (f.code != RD_OK && e)
    *e = f.error;
  return f.code;
}

rd_code rd_matrix_rows(void *context, float *out, float *room, int64_t first, int64_t count,
                       rd_error *e) {
  (void)room, (void)e;
  rd_matrix_decode(out, context, first, count);
  return RD_OK;
}

rd_code rd_matrix_pack_both(rd_matrix *m, rd_arena *arena, rd_error *e) {
  const rd_mat w = rd_mat_rows(m->data, (rd_dtype)m->format->dtype, m->rows, m->cols);
  const size_t there = rd_matmul_packed_size(rd_mat_transposed(w)), back = rd_matmul_packed_size(w);
  if (there == 0 || back == 0)
    return RD_OK;
  void *to = rd_arena_take(arena, there, 1), *from = rd_arena_take(arena, back, 1);
  if (!to || !from)
    return RD_OK;
  RD_TRY(rd_matmul_pack(to, rd_mat_transposed(w), e));
  RD_TRY(rd_matmul_pack(from, w, e));
  *m = (rd_matrix){rd_format_named("packed"), to, from, m->rows, m->cols};
  return RD_OK;
}

bool rd_matrix_tighten(rd_matrix *m, rd_arena *arena, rd_arena *lists) {
  const int64_t most = m->rows * m->cols / RD_TIGHT_MOST;
  const rd_matrix made = rd_matrix_take(rd_format_named("tight"), m->rows, m->cols, arena);
  if (arena->base == NULL) {
    RD_TAKE(lists, rd_tight_number, most);
    return true;
  }
  const rd_tight t = {made.data, made.scales, m->rows, m->cols};
  const int64_t count = rd_tight_survey(&t, m->data);
  if (count > most)
    return false;
  rd_tight_pack(&t, m->data, RD_TAKE(lists, rd_tight_number, count));
  *m = made;
  return true;
}

rd_code rd_matrix_multiply(rd_mat y, const rd_matrix *w, rd_input *x, bool add, rd_error *e) {
  const rd_rounding *wanted = w->format->rounding;
  if (wanted && wanted != x->rounding) {
    wanted->round(x->room, x->x);
    x->rounding = wanted;
    x->halves = NULL;
    rd_profile_lap("quantize");
  }
  return w->format->multiply(y, w, x, add ? 1.0f : 0.0f, e);
}

rd_code rd_matrix_multiply_back(rd_mat dx, const rd_matrix *w, rd_mat dy, bool add, rd_error *e) {
  assert(w->format->multiply_back);
  return w->format->multiply_back(dx, w, dy, add ? 1.0f : 0.0f, e);
}
