/* SPDX-License-Identifier: MIT */
/* Every way back against central differences of the way there, for all cases of op_cases.h and
 * attention_cases.h. What is differentiated is the kernel itself, not a formula beside it: the sum
 * of what it gives, each number times the gradient that comes back for it. */
#include "attention_cases.h"
#include "cpu.h"
#include "op_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { PLACES = 5 };               /* of an array at which differences are taken */
static const float STEP = 0x1p-6f; /* large, since kernels round to f32 */
static const double NEAR = 2.5e-3; /* of the largest gradient and 1 */

static double weighted(const float *y, const float *dy, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (double)y[i] * (double)dy[i];
  return sum;
}

static double largest(const float *x, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++)
    most = fmax(most, fabs((double)x[i]));
  return most;
}

/* The kernel under test, from its inputs to the weighted sum. */
typedef double evaluate(void *context);

/* Differences of `sum` at places of x (n) are what the way back put into dx. */
static void compare(const char *what, float *x, const float *dx, int64_t n, evaluate *sum,
                    void *context) {
  const double bound = NEAR * (largest(dx, n) + 1);
  for (int64_t k = 0; k < PLACES && k < n; k++) {
    const int64_t at = n <= PLACES ? k : k * (n - 1) / (PLACES - 1);
    const float before = x[at];
    x[at] = before + STEP;
    const double above = sum(context);
    x[at] = before - STEP;
    const double below = sum(context);
    x[at] = before;
    const double difference = (above - below) / (2 * (double)STEP);
    if (!(fabs(difference - (double)dx[at]) <= bound))
      fail_msg("%s, %s: gradient %ld of %ld is %g, the difference is %g", what,
               rd_cpu_name(rd_cpu_level()), (long)at, (long)n, (double)dx[at], difference);
  }
}

typedef struct running {
  const op_case *c;
  op_data o;
} running;

static double sum_of_op(void *context) {
  running *r = context;
  r->c->forward(&r->o);
  return weighted(r->o.out, r->o.dout, op_count(&r->c->out, &r->o));
}

static void ops(void) {
  for (int k = 0; k < OP_CASES; k++)
    for (int s = 0; s < OP_SIZES && op_cases[k].backward; s++) {
      running r = {.c = &op_cases[k]};
      char what[80];
      op_init(&r.o, r.c, RD_F32, op_sizes[s][0], op_sizes[s][1]);
      r.c->forward(&r.o);
      r.c->backward(&r.o);
      for (int i = 0; i < OP_INPUTS; i++) {
        snprintf(what, sizeof what, "%s of %ld x %ld, input %d", r.c->name, (long)op_sizes[s][0],
                 (long)op_sizes[s][1], i);
        compare(what, r.o.in[i], r.o.din[i], op_count(&r.c->in[i], &r.o), sum_of_op, &r);
      }
      op_drop(&r.o);
    }
}

static double sum_of_attention(void *context) {
  scene *s = context;
  assert_int_equal(rd_attention_forward(&s->a, s->data[O], s->lse, s->data[Q], s->data[K],
                                        s->data[V], s->workspace, NULL),
                   RD_OK);
  double sum = 0;
  for (int64_t n = 0; n < s->a.sequences; n++) /* rows in no span, and gaps, are nobody's */
    for (int64_t row = s->spans[n].q; row < s->spans[n].q + s->spans[n].queries; row++)
      sum += weighted((float *)s->data[O] + row * s->a.o_stride,
                      (float *)s->data[DO] + row * s->a.o_stride, s->a.heads * s->a.head_dim);
  return sum;
}

static void attention(void) {
  static const int pairs[][2] = {{Q, DQ}, {K, DK}, {V, DV}};
  for (int i = 0; i < LAYOUTS; i++) {
    scene s;
    char what[80];
    scene_init(&s, &layouts[i], RD_F32);
    sum_of_attention(&s);
    assert_int_equal(rd_attention_backward(&s.a, s.data[DQ], s.data[DK], s.data[DV], s.data[DO],
                                           s.data[O], s.lse, s.data[Q], s.data[K], s.data[V],
                                           s.workspace, NULL),
                     RD_OK);
    for (int p = 0; p < 3; p++) {
      snprintf(what, sizeof what, "attention, layout %d, %c", i, "qkv"[p]);
      compare(what, s.data[pairs[p][0]], s.data[pairs[p][1]], s.n[pairs[p][0]], sum_of_attention,
              &s);
    }
    scene_drop(&s);
  }
}

static void at_every_level(void (*run)(void)) {
  const rd_cpu most = rd_cpu_level();
  for (int level = 0; level <= (int)most; level++) {
    rd_cpu_cap((rd_cpu)level);
    run();
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void ways_back_of_operations(void **state) {
  (void)state;
  at_every_level(ops);
}

static void ways_back_of_attention(void **state) {
  (void)state;
  at_every_level(attention);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ways_back_of_operations),
                                     cmocka_unit_test(ways_back_of_attention)};
  return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
