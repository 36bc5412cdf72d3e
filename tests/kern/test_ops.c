/* SPDX-License-Identifier: MIT */
/* Row and element kernels at every level of the processor, forward and backward, against formulas
 * in f64, at the sizes of op_cases.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "op_cases.h"

enum { MOST = 200000 };

typedef struct array {
  float f[MOST]; /* the values, exactly as stored */
  void *data;    /* of the type under test */
  rd_bf16 b[MOST];
} array;

static array arrays[8];

/* Array `index` with n values in [-2, 2), as type t. */
static void *fill(int index, rd_dtype t, int64_t n) {
  array *a = &arrays[index];
  assert_true(n <= MOST);
  rd_rng rng = rd_rng_at(11, RD_STREAM_INIT, (uint32_t)index, (uint32_t)n);
  for (int64_t i = 0; i < n; i++) {
    a->f[i] = (float)(rd_rng_uniform(&rng) * 4 - 2);
    a->b[i] = rd_bf16_of(a->f[i]);
    if (t == RD_BF16)
      a->f[i] = rd_f32_of_bf16(a->b[i]);
  }
  a->data = t == RD_BF16 ? (void *)a->b : memcpy(malloc((size_t)n * 4 + 4), a->f, (size_t)n * 4);
  return a->data;
}

static void drop(void) {
  for (int i = 0; i < 8; i++) {
    if (arrays[i].data != arrays[i].b)
      free(arrays[i].data);
    arrays[i].data = NULL;
  }
}

static double read_at(const void *data, rd_dtype t, int64_t i) {
  return (double)(t == RD_BF16 ? rd_f32_of_bf16(((const rd_bf16 *)data)[i])
                               : ((const float *)data)[i]);
}

static void near_by(const char *what, double got, double wanted, double bound, rd_dtype t,
                    int64_t at) {
  if (!(fabs(got - wanted) <= bound))
    fail_msg("%s, %s, %s: element %ld is %.8g, wanted %.8g", what, rd_dtype_name(t),
             rd_cpu_name(rd_cpu_level()), (long)at, got, wanted);
}

static void near(const char *what, double got, double wanted, rd_dtype t, int64_t at) {
  near_by(what, got, wanted, (t == RD_BF16 ? 8e-3 : 4e-6) * (fabs(wanted) + 1), t, at);
}

/* A sum over T rows, made in f32: its error grows with the partial sums and with their number. */
static void near_sum(const char *what, double got, double wanted, int64_t T, int64_t at) {
  near_by(what, got, wanted, 4e-6 * (fabs(wanted) + 1) * fmax(1, (double)T / 50), RD_F32, at);
}

typedef void check(rd_dtype t, int64_t T, int64_t D);

static void check_rmsnorm(rd_dtype t, int64_t T, int64_t D) {
  float *x = fill(0, RD_F32, T * D), *w = fill(1, RD_F32, D), *dy = fill(2, RD_F32, T * D);
  float *dx = fill(3, RD_F32, T * D), *dw = fill(4, RD_F32, D), *rstd = fill(5, RD_F32, T);
  void *y = fill(6, t, T * D);
  rd_rmsnorm(y, t, rstd, x, w, T, D, 1e-5f);
  rd_rmsnorm_backward(dx, dw, dy, x, w, rstd, T, D);
  for (int64_t r = 0; r < T; r++) {
    double sum = 0, dot = 0;
    for (int64_t i = 0; i < D; i++) {
      sum += (double)x[r * D + i] * (double)x[r * D + i];
      dot += (double)x[r * D + i] * (double)w[i] * (double)dy[r * D + i];
    }
    const double s = 1 / sqrt(sum / (double)D + (double)1e-5f);
    near("rstd", (double)rstd[r], s, RD_F32, r);
    for (int64_t i = 0; i < D; i++) {
      const int64_t at = r * D + i;
      near("rmsnorm", read_at(y, t, at), (double)x[at] * s * (double)w[i], t, at);
      near("rmsnorm dx", (double)dx[at],
           (double)arrays[3].f[at] + s * (double)w[i] * (double)dy[at] -
               s * s * s * dot / (double)D * (double)x[at],
           RD_F32, at);
    }
  }
  for (int64_t i = 0; i < D; i++) {
    double sum = (double)arrays[4].f[i];
    for (int64_t r = 0; r < T; r++)
      sum += (double)dy[r * D + i] * (double)x[r * D + i] * (double)rstd[r];
    near_sum("rmsnorm dw", (double)dw[i], sum, T, i);
  }
}

static void check_headnorm(rd_dtype t, int64_t T, int64_t D) {
  const int64_t heads = 3, hd = D / 3 + 1, stride = heads * hd + 5;
  void *x = fill(0, t, T * stride), *dx = fill(2, t, T * stride);
  float *w = fill(1, RD_F32, hd), *dw = fill(4, RD_F32, hd), *rstd = fill(5, RD_F32, T * heads);
  rd_headnorm(x, t, rstd, w, T, heads, hd, stride, 1e-6f);
  void *before = fill(3, t, T * stride); /* other values, with another stride */
  double *sums = calloc((size_t)hd, sizeof *sums);
  for (int64_t r = 0; r < T; r++)
    for (int64_t h = 0; h < heads; h++) {
      double sum = 0;
      for (int64_t i = 0; i < hd; i++)
        sum += pow((double)arrays[0].f[r * stride + h * hd + i], 2);
      const double s = 1 / sqrt(sum / (double)hd + 1e-6);
      near("headnorm rstd", (double)rstd[r * heads + h], s, RD_F32, r);
      for (int64_t i = 0; i < hd; i++) {
        const int64_t at = r * stride + h * hd + i;
        near("headnorm", read_at(x, t, at), (double)arrays[0].f[at] * s * (double)w[i], t, at);
        sums[i] += (double)arrays[2].f[at] * (double)arrays[3].f[at] * (double)rstd[r * heads + h];
      }
    }
  rd_headnorm_backward(dx, dw, before, t, w, rstd, T, heads, hd, stride, stride);
  for (int64_t r = 0; r < T; r++)
    for (int64_t h = 0; h < heads; h++) {
      const double s = (double)rstd[r * heads + h];
      double dot = 0;
      for (int64_t i = 0; i < hd; i++) {
        const int64_t at = r * stride + h * hd + i;
        dot += (double)arrays[2].f[at] * (double)w[i] * (double)arrays[3].f[at];
      }
      for (int64_t i = 0; i < hd; i++) {
        const int64_t at = r * stride + h * hd + i;
        near("headnorm dx", read_at(dx, t, at),
             s * (double)w[i] * (double)arrays[2].f[at] -
                 s * s * s * dot / (double)hd * (double)arrays[3].f[at],
             t, at);
      }
    }
  for (int64_t i = 0; i < hd; i++)
    near_sum("headnorm dw", (double)dw[i], (double)arrays[4].f[i] + sums[i], T * heads, i);
  free(sums);
}

static void check_rope(rd_dtype t, int64_t T, int64_t D) {
  const int64_t heads = 5, half = D / 4 + 1, turned = 2 * half, kept = turned < 1000 ? 4 : 0;
  const int64_t hd = turned + kept, stride = heads * hd + 3;
  for (int interleaved = 0; interleaved < 2; interleaved++) {
    void *x = fill(0, t, T * stride);
    float *c = fill(1, RD_F32, T * half), *s = fill(2, RD_F32, T * half);
    for (int64_t i = 0; i < T * half; i++) {
      const float angle = c[i];
      c[i] = cosf(angle);
      s[i] = sinf(angle);
    }
    rd_rope(x, t, T, heads, hd, turned, stride, c, s, interleaved, false);
    for (int64_t r = 0; r < T; r++)
      for (int64_t h = 0; h < heads; h++) {
        for (int64_t i = turned; i < hd; i++) {
          const int64_t at = r * stride + h * hd + i;
          near("not rotated", read_at(x, t, at), (double)arrays[0].f[at], t, at);
        }
        for (int64_t i = 0; i < half; i++) {
          const int64_t base = r * stride + h * hd;
          const int64_t p = base + (interleaved ? 2 * i : i), q = p + (interleaved ? 1 : half);
          const double u = (double)arrays[0].f[p], v = (double)arrays[0].f[q];
          const double cs = (double)c[r * half + i], sn = (double)s[r * half + i];
          near("rope", read_at(x, t, p), u * cs - v * sn, t, p);
          near("rope", read_at(x, t, q), v * cs + u * sn, t, q);
        }
      }
    rd_rope(x, t, T, heads, hd, turned, stride, c, s, interleaved, true);
    for (int64_t i = 0; i < T * stride; i++)
      near("rope back", read_at(x, t, i) / 2, (double)arrays[0].f[i] / 2, t, i);
    drop();
  }
}

static void check_bias(rd_dtype t, int64_t T, int64_t D) {
  void *x = fill(0, t, T * (D + 3));
  float *b = fill(1, RD_F32, D), *db = fill(2, RD_F32, D);
  rd_bias_backward(db, x, t, T, D, D + 3);
  rd_bias(x, t, b, T, D, D + 3);
  for (int64_t i = 0; i < D; i++) {
    double sum = (double)arrays[2].f[i];
    for (int64_t r = 0; r < T; r++) {
      const double old = (double)arrays[0].f[r * (D + 3) + i];
      sum += old;
      near("bias", read_at(x, t, r * (D + 3) + i), old + (double)b[i], t, i);
    }
    near_sum("bias db", (double)db[i], sum, T, i);
  }
}

static void check_add(rd_dtype t, int64_t T, int64_t D) {
  float *y = fill(0, RD_F32, T * D);
  void *x = fill(1, t, T * D);
  rd_add(y, x, t, 0.75f, T * D);
  rd_scale(x, t, -1.5f, T * D);
  for (int64_t i = 0; i < T * D; i++) {
    near("add", (double)y[i], (double)arrays[0].f[i] + 0.75 * (double)arrays[1].f[i], RD_F32, i);
    near("scale", read_at(x, t, i), -1.5 * (double)arrays[1].f[i], t, i);
  }
}

/* The curves in f64, by every name that a configuration may use. */
static double silu(double x) {
  return x / (1 + exp(-x));
}
static double gelu(double x) {
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}
static double gelu_tanh(double x) {
  return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}
static double quick_gelu(double x) {
  return x / (1 + exp(-1.702 * x));
}
static double relu(double x) {
  return fmax(x, 0);
}
static double relu2(double x) {
  return relu(x) * relu(x);
}
static const struct curve {
  const char *name;
  double (*f)(double x);
} curves[] = {{"silu", silu},
              {"swish", silu},
              {"gelu", gelu},
              {"gelu_python", gelu},
              {"gelu_pytorch_tanh", gelu_tanh},
              {"gelu_python_tanh", gelu_tanh},
              {"gelu_new", gelu_tanh},
              {"gelu_fast", gelu_tanh},
              {"gelu_accurate", gelu_tanh},
              {"quick_gelu", quick_gelu},
              {"relu", relu},
              {"relu2", relu2}};
enum { CURVES = sizeof curves / sizeof *curves };

static void check_gated_by(const struct curve *c, rd_dtype t, int64_t T, int64_t D) {
  const rd_activation *f = rd_table_row(&rd_activation_table, c->name);
  const int64_t stride = 2 * D; /* gate and up side by side */
  char *both = fill(0, t, T * stride);
  void *y = fill(1, t, T * D), *dy = fill(2, t, T * D);
  char *up = both + (size_t)D * rd_dtype_size(t);
  assert_non_null(f);
  rd_gated(f, y, both, up, t, T, D, stride);
  rd_gated_backward(f, both, up, dy, both, up, t, T, D, stride);
  for (int64_t r = 0; r < T; r++)
    for (int64_t i = 0; i < D; i++) {
      const double g = (double)arrays[0].f[r * stride + i], step = 1e-5;
      const double u = (double)arrays[0].f[r * stride + D + i], d = (double)arrays[2].f[r * D + i];
      near(c->name, read_at(y, t, r * D + i), c->f(g) * u, t, i);
      near("dup", read_at(both, t, r * stride + D + i), d * c->f(g), t, i);
      if (fabs(g) > 2 * step) /* relu has a corner at 0 */
        near("dgate", read_at(both, t, r * stride + i),
             d * u * (c->f(g + step) - c->f(g - step)) / (2 * step), t, i);
    }
}

static void check_gated(rd_dtype t, int64_t T, int64_t D) {
  assert_int_equal(rd_activation_table.count, CURVES);
  for (int i = 0; i < CURVES; i++) {
    check_gated_by(&curves[i], t, T, D);
    drop();
  }
}

/* Large numbers of either sign: no infinity on the way. */
static void far_gates(void **state) {
  (void)state;
  static const float far[] = {-1e4f, -200, -88, -20, 20, 88, 200, 1e4f};
  enum { FAR = sizeof far / sizeof *far };
  const rd_cpu most = rd_cpu_level();
  for (int level = 0; level <= (int)most; level++) {
    rd_cpu_cap((rd_cpu)level);
    for (int i = 0; i < CURVES; i++) {
      const rd_activation *f = rd_table_row(&rd_activation_table, curves[i].name);
      float ones[FAR], y[FAR], dgate[FAR], dup[FAR];
      for (int k = 0; k < FAR; k++)
        ones[k] = 1;
      rd_gated(f, y, far, ones, RD_F32, 1, FAR, FAR);
      rd_gated_backward(f, dgate, dup, ones, far, ones, RD_F32, 1, FAR, FAR);
      for (int k = 0; k < FAR; k++) {
        const double x = (double)far[k], slope = far[k] < 0 ? 0 : i == CURVES - 1 ? 2 * x : 1;
        near(curves[i].name, (double)y[k], curves[i].f(x), RD_F32, k);
        near("slope", (double)dgate[k], slope, RD_F32, k);
      }
    }
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void check_cap(rd_dtype t, int64_t T, int64_t D) {
  float *x = fill(0, RD_F32, T * D);
  void *dx = fill(1, t, T * D);
  rd_cap(x, 0.5f, 3, T * D);
  rd_cap_backward(dx, t, x, 0.5f, 3, T * D);
  for (int64_t i = 0; i < T * D; i++) {
    const double share = tanh(0.5 * (double)arrays[0].f[i]);
    near("cap", (double)x[i], 3 * share, RD_F32, i);
    near("cap dx", read_at(dx, t, i), 1.5 * (1 - share * share) * (double)arrays[1].f[i], t, i);
  }
}

static void check_embed(rd_dtype t, int64_t T, int64_t D) {
  enum { V = 5 };
  (void)t;
  float *dx = fill(1, RD_F32, T * D), *dtable = fill(2, RD_F32, V * D);
  int32_t *ids = malloc((size_t)T * sizeof *ids);
  for (int64_t r = 0; r < T; r++)
    ids[r] = (int32_t)(r * r % V);
  rd_embed_backward(dtable, dx, ids, T, D);
  for (int64_t v = 0; v < V; v++)
    for (int64_t i = 0; i < D; i++) {
      double sum = (double)arrays[2].f[v * D + i];
      for (int64_t r = 0; r < T; r++)
        sum += ids[r] == v ? (double)dx[r * D + i] : 0;
      near_sum("embed d", (double)dtable[v * D + i], sum, T, i);
    }
  free(ids);
}

static void check_cross_entropy(rd_dtype t, int64_t T, int64_t D) {
  float *logits = fill(0, RD_F32, T * D), *weights = fill(1, RD_F32, T);
  float *rows = fill(2, RD_F32, T);
  void *gradient = fill(3, t, T * D);
  int32_t *targets = malloc((size_t)T * sizeof *targets);
  for (int64_t r = 0; r < T; r++)
    targets[r] = r % 4 == 3 ? -1 : (int32_t)((r * 7) % D);
  double loss = 1.5, wanted = 1.5, alone = 1.5;
  rd_cross_entropy(&alone, NULL, NULL, t, logits, targets, weights, T, D);
  rd_cross_entropy(&loss, rows, gradient, t, logits, targets, weights, T, D);
  for (int64_t r = 0; r < T; r++) {
    double sum = 0;
    for (int64_t i = 0; i < D; i++)
      sum += exp((double)logits[r * D + i]);
    const bool skip = targets[r] < 0;
    const double l = skip ? 0 : log(sum) - (double)logits[r * D + targets[r]];
    wanted += l * (double)weights[r];
    near("row loss", (double)rows[r], l, RD_F32, r);
    for (int64_t i = 0; i < D; i++)
      near("dlogits", read_at(gradient, t, r * D + i),
           skip ? 0
                : (double)weights[r] *
                      (exp((double)logits[r * D + i]) / sum - (targets[r] == i ? 1 : 0)),
           t, i);
  }
  assert_true(loss == alone);
  near("loss", loss, wanted, RD_F32, 0);
  if (t == RD_F32) { /* in place */
    rd_cross_entropy(&alone, NULL, logits, t, logits, targets, weights, T, D);
    assert_memory_equal(logits, gradient, (size_t)(T * D) * sizeof(float));
  }
  free(targets);
}

/* The same against the softmax of other scores, by sums in f64. */
static void check_cross_entropy_soft(rd_dtype t, int64_t T, int64_t D) {
  float *logits = fill(0, RD_F32, T * D), *weights = fill(1, RD_F32, T);
  float *rows = fill(2, RD_F32, T);
  void *gradient = fill(3, t, T * D);
  size_t bytes = (size_t)(T * D) * sizeof(float);
  float *goals = malloc(bytes), *spent = malloc(bytes), *kept = malloc(bytes);
  for (int64_t i = 0; i < T * D; i++)
    goals[i] = logits[(i * 7 + 3) % (T * D)];
  memcpy(kept, logits, bytes);
  double loss = 1.5, wanted = 1.5, alone = 1.5;
  memcpy(spent, goals, bytes);
  rd_cross_entropy_soft(&alone, NULL, NULL, t, logits, spent, weights, T, D);
  memcpy(spent, goals, bytes);
  memcpy(logits, kept, bytes);
  rd_cross_entropy_soft(&loss, rows, t == RD_F32 ? logits : gradient, t, logits, spent, weights, T,
                        D);
  const void *found = t == RD_F32 ? (const void *)logits : gradient;
  for (int64_t r = 0; r < T; r++) {
    double sum = 0, all = 0, row = 0;
    const float *x = kept + r * D, *goal = goals + r * D;
    for (int64_t i = 0; i < D; i++) {
      sum += exp((double)x[i]);
      all += exp((double)goal[i]);
    }
    for (int64_t i = 0; i < D; i++)
      row += exp((double)goal[i]) / all * (log(sum) - (double)x[i]);
    wanted += row * (double)weights[r];
    near("soft row loss", (double)rows[r], row, RD_F32, r);
    for (int64_t i = 0; i < D; i++)
      near("soft dlogits", read_at(found, t, r * D + i),
           (double)weights[r] * (exp((double)x[i]) / sum - exp((double)goal[i]) / all), t, i);
  }
  assert_true(loss == alone);
  near("soft loss", loss, wanted, RD_F32, 0);
  free(goals);
  free(spent);
  free(kept);
}

static void check_adamw(rd_dtype t, int64_t T, int64_t D) {
  (void)t;
  const int64_t n = T * D;
  float *w = fill(0, RD_F32, n), *m = fill(1, RD_F32, n), *v = fill(2, RD_F32, n);
  float *g = fill(3, RD_F32, n);
  for (int64_t i = 0; i < n; i++)
    v[i] = fabsf(v[i]);
  const rd_adamw_step s = {0.01f, 0.9f, 0.95f, 1e-6f, 0.1f, 0.5f, 3};
  rd_adamw(w, m, v, g, n, &s);
  for (int64_t i = 0; i < n; i++) {
    const double d = 0.5 * (double)g[i];
    const double m1 = 0.9 * (double)arrays[1].f[i] + 0.1 * d;
    const double v1 = 0.95 * fabs((double)arrays[2].f[i]) + 0.05 * d * d;
    near("adamw m", (double)m[i], m1, RD_F32, i);
    near("adamw v", (double)v[i], v1, RD_F32, i);
    near("adamw w", (double)w[i],
         (double)arrays[0].f[i] -
             0.01 * (m1 / (1 - pow(0.9, 3)) / (sqrt(v1 / (1 - pow(0.95, 3))) + 1e-6) +
                     0.1 * (double)arrays[0].f[i]),
         RD_F32, i);
  }
}

static void check_sums(rd_dtype t, int64_t T, int64_t D) {
  const int64_t n = T * D;
  float *x = fill(0, RD_F32, n);
  void *y = fill(1, t, n);
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  assert_true(fabs(rd_sum_squares(x, n) - sum) < 1e-12 * (sum + 1));
  int64_t bad = -1;
  assert_true(rd_all_finite(y, t, n, &bad));
  static const float wrong[] = {INFINITY, -INFINITY, NAN};
  for (int i = 2; i >= 0; i--) {
    const int64_t at = n * (i + 1) / 4;
    rd_cast(rd_at(y, t, at), t, &wrong[i], RD_F32, 1);
    assert_false(rd_all_finite(y, t, n, &bad));
    assert_int_equal(bad, at);
    assert_false(rd_all_finite(y, t, n, NULL));
  }
}

static check *const checks[] = {
    check_rmsnorm, check_headnorm, check_rope,  check_bias,          check_add,
    check_gated,   check_cap,      check_embed, check_cross_entropy, check_cross_entropy_soft,
    check_adamw,   check_sums,
};
static void kernels_match(void **state) {
  (void)state;
  const rd_cpu most = rd_cpu_level();
  for (int level = 0; level <= (int)most; level++) {
    rd_cpu_cap((rd_cpu)level);
    for (size_t c = 0; c < sizeof checks / sizeof *checks; c++)
      for (int s = 0; s < OP_SIZES; s++)
        for (int t = RD_F32; t <= RD_BF16; t++) {
          checks[c]((rd_dtype)t, op_sizes[s][0], op_sizes[s][1]);
          drop();
        }
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

/* Sums over tokens and losses are bitwise the same for one thread and for several. */
static void threads_do_not_matter(void **state) {
  (void)state;
  enum { T = 700, D = 50 };
  float *x = fill(0, RD_F32, T * D), *w = fill(1, RD_F32, D), *dy = fill(2, RD_F32, T * D);
  float *rstd = fill(3, RD_F32, T);
  float dw[2][D], db[2][D];
  double loss[2] = {0, 0}, squares[2];
  int32_t targets[T];
  for (int i = 0; i < T; i++)
    targets[i] = i % D;
  for (int i = 0; i < 2; i++) {
    rd_threads_set(i == 0 ? 1 : 3);
    float *dx = fill(4, RD_F32, T * D);
    memset(dw[i], 0, sizeof dw[i]);
    memset(db[i], 0, sizeof db[i]);
    rd_rmsnorm_backward(dx, dw[i], dy, x, w, rstd, T, D);
    rd_bias_backward(db[i], dy, RD_F32, T, D, D);
    rd_cross_entropy(&loss[i], NULL, NULL, RD_F32, x, targets, rstd, T, D);
    squares[i] = rd_sum_squares(x, T * D);
    free(dx);
    arrays[4].data = NULL;
  }
  assert_memory_equal(dw[0], dw[1], sizeof dw[0]);
  assert_memory_equal(db[0], db[1], sizeof db[0]);
  assert_true(loss[0] == loss[1] && squares[0] == squares[1]);
  rd_threads_set(2);
  drop();
}

static const struct {
  float value;
  uint32_t bf16, f16;
} casts[] = {
    {0.0f, 0x0000, 0x0000},       {-0.0f, 0x8000, 0x8000},      {1.0f, 0x3f80, 0x3c00},
    {-2.5f, 0xc020, 0xc100},      {65504.0f, 0x4780, 0x7bff},   {65519.0f, 0x4780, 0x7bff},
    {65520.0f, 0x4780, 0x7c00},   {0x1p-24f, 0x3380, 0x0001},   {0x1p-25f, 0x3300, 0x0000},
    {0x1.8p-25f, 0x3340, 0x0001}, {0x1.004p0f, 0x3f80, 0x3c01}, {0x1.002p0f, 0x3f80, 0x3c00},
    {0x1.006p0f, 0x3f80, 0x3c02}, {INFINITY, 0x7f80, 0x7c00},   {-INFINITY, 0xff80, 0xfc00},
    {0x1.01p0f, 0x3f80, 0x3c04},  {0x1.03p0f, 0x3f82, 0x3c0c},  {0x1.ff8p-15f, 0x3880, 0x03ff},
};

static void casts_round_to_even(void **state) {
  (void)state;
  enum { N = 37 };
  const rd_cpu most = rd_cpu_level();
  for (int level = 0; level <= (int)most; level++) {
    rd_cpu_cap((rd_cpu)level);
    for (size_t c = 0; c < sizeof casts / sizeof *casts; c++) {
      float in[N], back[N];
      uint16_t bf16[N], f16[N];
      for (int i = 0; i < N; i++)
        in[i] = casts[c].value;
      rd_cast(bf16, RD_BF16, in, RD_F32, N);
      rd_cast(f16, RD_F16, in, RD_F32, N);
      for (int i = 0; i < N; i++) {
        assert_int_equal(bf16[i], casts[c].bf16);
        assert_int_equal(f16[i], casts[c].f16);
      }
      rd_cast(back, RD_F32, f16, RD_F16, N);
      for (int i = 0; i < N; i++)
        assert_true(back[i] == rd_f32_of_f16((rd_f16)casts[c].f16));
    }
    const float wild[] = {NAN, 300.0f, -300.0f, 2.5f, 3.5f, -0.5f, 127.4f, 1.0f};
    int8_t bytes[8];
    rd_cast(bytes, RD_I8, wild, RD_F32, 8);
    assert_memory_equal(bytes, ((int8_t[]){0, 127, -128, 2, 4, 0, 127, 1}), 8);
    rd_bf16 nan[1];
    rd_cast(nan, RD_BF16, wild, RD_F32, 1);
    assert_true(isnan(rd_f32_of_bf16(nan[0])));
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
  for (uint32_t i = 0; i < 65536; i++) { /* every binary16 goes to f32 and back */
    const float x = rd_f32_of_f16((rd_f16)i);
    if (!isnan(x))
      assert_int_equal(rd_f16_of(x), i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernels_match),
      cmocka_unit_test(far_gates),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(casts_round_to_even),
  };
  return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
