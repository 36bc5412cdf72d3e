/* SPDX-License-Identifier: MIT */
/* Two bases. OLoRA's is that of the matrix's first columns (its QR decomposition's). PiSSA's is
 * that of the largest singular values, found by iterating a block of rows and rotating it onto the
 * singular directions; the rows beyond the rank make it converge where values lie close. */
#include "residual.h"

#include "matmul.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double dot(const float *x, const float *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)y[i];
  return sum;
}

/* Rows of q (count, n) made orthonormal, each against those before it, twice: once loses digits. A
 * row that depends on them becomes zero. */
static void orthonormalise(float *q, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; i++) {
    float *row = q + i * n;
    const double before = sqrt(dot(row, row, n));
    for (int64_t k = 0; k < 2 * i; k++) {
      const float *other = q + k % i * n;
      const double along = dot(row, other, n);
      for (int64_t j = 0; j < n; j++)
        row[j] -= (float)(along * (double)other[j]);
    }
    const double norm = sqrt(dot(row, row, n));
    for (int64_t j = 0; j < n; j++)
      row[j] = norm > 1e-6 * before ? (float)((double)row[j] / norm) : 0;
  }
}

static rd_code leading_columns(float *q, const float *w, int64_t out, int64_t in, int64_t rank,
                               rd_error *e) {
  (void)e;
  for (int64_t r = 0; r < rank; r++)
    for (int64_t i = 0; i < out; i++)
      q[r * out + i] = r < in ? w[i * in + r] : 0;
  orthonormalise(q, rank, out);
  return RD_OK;
}

/* Eigenvectors (columns of v) of the symmetric g (n, n), by Jacobi's rotations; g becomes diagonal.
 */
static void diagonalise(double *g, double *v, int64_t n) {
  enum { SWEEPS = 30 };
  for (int64_t i = 0; i < n * n; i++)
    v[i] = i % (n + 1) == 0;
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    double off = 0, all = 0;
    for (int64_t i = 0; i < n * n; i++) {
      all += g[i] * g[i];
      off += i % (n + 1) ? g[i] * g[i] : 0;
    }
    if (!(off > 1e-26 * all))
      return;
    for (int64_t p = 0; p < n; p++)
      for (int64_t q = p + 1; q < n; q++) {
        const double apq = g[p * n + q];
        if (apq == 0)
          continue;
        const double theta = (g[q * n + q] - g[p * n + p]) / (2 * apq);
        const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
        const double c = 1 / sqrt(t * t + 1), s = t * c;
        for (int64_t k = 0; k < n; k++) {
          const double x = g[k * n + p], y = g[k * n + q], vx = v[k * n + p], vy = v[k * n + q];
          g[k * n + p] = c * x - s * y;
          g[k * n + q] = s * x + c * y;
          v[k * n + p] = c * vx - s * vy;
          v[k * n + q] = s * vx + c * vy;
        }
        for (int64_t k = 0; k < n; k++) {
          const double x = g[p * n + k], y = g[q * n + k];
          g[p * n + k] = c * x - s * y;
          g[q * n + k] = s * x + c * y;
        }
      }
  }
}

/* A block of rows on its way to the singular directions of w. */
typedef struct block {
  const float *w; /* (out, in) */
  int64_t out, in, rows;
  float *q, *next; /* (rows, out) */
  float *z;        /* (rows, in) */
  double *g, *v;   /* (rows, rows) */
} block;

static rd_mat w_of(const block *b) {
  return rd_mat_rows(b->w, RD_F32, b->out, b->in);
}

/* Rows of q onto the singular directions within their span, the largest first. */
static rd_code rotate(block *b, rd_error *e) {
  const int64_t n = b->rows;
  RD_TRY(rd_matmul(rd_mat_rows(b->z, RD_F32, n, b->in), rd_mat_rows(b->q, RD_F32, n, b->out),
                   w_of(b), 0, e));
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++)
      b->g[i * n + j] = b->g[j * n + i] = dot(b->z + i * b->in, b->z + j * b->in, b->in);
  diagonalise(b->g, b->v, n);
  for (int64_t i = 0; i < n; i++) { /* the column of the i-th largest value */
    int64_t best = 0;
    for (int64_t j = 0; j < n; j++)
      best = b->g[j * n + j] > b->g[best * n + best] ? j : best;
    b->g[best * n + best] = -1;
    float *row = b->next + i * b->out;
    memset(row, 0, (size_t)b->out * sizeof *row);
    for (int64_t k = 0; k < n; k++)
      for (int64_t j = 0; j < b->out; j++)
        row[j] += (float)(b->v[k * n + best] * (double)b->q[k * b->out + j]);
  }
  memcpy(b->q, b->next, (size_t)(n * b->out) * sizeof *b->q);
  return RD_OK;
}

/* q := q w w', orthonormal. */
static rd_code iterate(block *b, rd_error *e) {
  rd_mat z = rd_mat_rows(b->z, RD_F32, b->rows, b->in);
  rd_mat q = rd_mat_rows(b->q, RD_F32, b->rows, b->out);
  RD_TRY(rd_matmul(z, q, w_of(b), 0, e));
  orthonormalise(b->z, b->rows, b->in);
  RD_TRY(rd_matmul(q, z, rd_mat_transposed(w_of(b)), 0, e));
  orthonormalise(b->q, b->rows, b->out);
  return RD_OK;
}

/* What of the first `rank` rows lies outside of the span that they had. */
static double moved(const block *b, const float *before, int64_t rank) {
  double inside = 0;
  for (int64_t i = 0; i < rank; i++)
    for (int64_t j = 0; j < rank; j++) {
      const double along = dot(b->q + i * b->out, before + j * b->out, b->out);
      inside += along * along;
    }
  return (double)rank - inside;
}

static rd_code converge(block *b, float *kept, int64_t rank, rd_error *e) {
  enum { ROUNDS = 60, STEPS = 6 };
  const size_t bytes = (size_t)(rank * b->out) * sizeof *kept;
  for (int64_t i = 0; i < b->rows * b->out; i++) {
    rd_rng rng = rd_rng_at(0, RD_STREAM_INIT, 0, (uint32_t)i);
    b->q[i] = (float)rd_rng_normal(&rng);
  }
  memset(kept, 0, bytes);
  for (int round = 0; round < ROUNDS; round++) {
    for (int step = 0; step < STEPS; step++)
      RD_TRY(iterate(b, e));
    RD_TRY(rotate(b, e));
    const double change = moved(b, kept, rank);
    memcpy(kept, b->q, bytes);
    if (change < 1e-10 * (double)rank)
      break;
  }
  return RD_OK;
}

static rd_code largest_values(float *q, const float *w, int64_t out, int64_t in, int64_t rank,
                              rd_error *e) {
  enum { BEYOND = 24 };
  const int64_t most = out < in ? out : in, rows = rank + BEYOND < most ? rank + BEYOND : most;
  block b = {.w = w, .out = out, .in = in, .rows = rows};
  const size_t floats = (size_t)(2 * rows * out + rows * in);
  b.q = rd_calloc(floats, sizeof *b.q, "singular directions", e);
  b.g = b.q ? rd_calloc((size_t)(2 * rows * rows), sizeof *b.g, "singular directions", e) : NULL;
  rd_code code = b.g ? RD_OK : RD_NO_MEMORY;
  if (b.g) {
    b.next = b.q + rows * out;
    b.z = b.next + rows * out;
    b.v = b.g + rows * rows;
    code = converge(&b, q, rank < rows ? rank : rows, e);
  }
  free(b.q);
  free(b.g);
  return code;
}

static const rd_residual_kind kinds[] = {{"pissa", false, largest_values},
                                         {"olora", true, leading_columns}};

const rd_residual_kind *rd_residual_named(const char *name) {
  for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}

rd_code rd_residual_factors(const rd_residual_kind *kind, float *a, float *b, const float *w,
                            int64_t out, int64_t in, int64_t rank, float scale, rd_error *e) {
  float *q = rd_calloc((size_t)(rank * out), sizeof *q, "a base's residual", e);
  rd_code code = q ? kind->basis(q, w, out, in, rank, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_matmul(rd_mat_rows(a, RD_F32, rank, in), rd_mat_rows(q, RD_F32, rank, out),
                     rd_mat_rows(w, RD_F32, out, in), 0, e);
  const float c = kind->scaled ? scale : 1;
  for (int64_t r = 0; r < rank && code == RD_OK; r++)
    for (int64_t i = 0; i < out; i++)
      b[i * rank + r] = -c * q[r * out + i];
  free(q);
  return code;
}
