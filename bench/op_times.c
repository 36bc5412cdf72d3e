/* SPDX-License-Identifier: MIT */
/* Row operations, attention and dense products, timed: every case of tests/kern/op_cases.h,
 * attention_cases.h and product_cases.h, there and back, in f32 and bf16. The best of some rounds,
 * and gigabytes a second of what is read and written, or billions of multiply-adds' operations.
 * Copies that a case makes first count. Build: ninja bench_ops.
 *
 *   bench_ops [NAME]      only cases whose names begin so */
#include "attention_cases.h"
#include "clock.h"
#include "cpu.h"
#include "matmul.h"
#include "op_cases.h"
#include "product_cases.h"

#include <stdio.h>

enum { ROUNDS = 7 };
static const double LEAST = 2e-3; /* seconds of a round */

typedef void timed(void *context);

/* Seconds of one call, the best of the rounds. */
static double best_of(timed *run, void *context) {
  double best = INFINITY;
  int64_t calls = 1;
  run(context); /* prepares what is prepared once */
  for (int round = 0; round < ROUNDS; round++) {
    double begun = rd_seconds(), took = 0;
    for (int64_t i = 0; i < calls; i++)
      run(context);
    took = rd_seconds() - begun;
    best = took / (double)calls < best ? took / (double)calls : best;
    if (took < LEAST) { /* too short to tell: more calls, and the round does not count */
      calls *= 2;
      round--;
    }
  }
  return best;
}

typedef struct running {
  const op_case *c;
  op_data o;
} running;

static void there(void *context) {
  running *r = context;
  r->c->forward(&r->o);
}

static void back(void *context) {
  running *r = context;
  r->c->backward(&r->o);
}

static double bytes_of(const running *r) {
  double bytes =
      (double)op_count(&r->c->out, &r->o) * (double)rd_dtype_size(op_type(&r->c->out, &r->o));
  for (int i = 0; i < OP_INPUTS; i++)
    bytes +=
        (double)op_count(&r->c->in[i], &r->o) * (double)rd_dtype_size(op_type(&r->c->in[i], &r->o));
  return bytes;
}

static void ops(const char *only) {
  printf("| operation | T x D | type | us | GB/s | back, us |\n|---|---|---|---|---|---|\n");
  for (int k = 0; k < OP_CASES; k++)
    for (int s = 0; s < OP_SIZES && strncmp(op_cases[k].name, only, strlen(only)) == 0; s++)
      for (int t = RD_F32; t <= RD_BF16; t++) {
        running r = {.c = &op_cases[k]};
        op_init(&r.o, r.c, (rd_dtype)t, op_sizes[s][0], op_sizes[s][1]);
        double seconds = best_of(there, &r);
        printf("| %s | %ld x %ld | %s | %.2f | %.1f | ", r.c->name, (long)r.o.T, (long)r.o.D,
               rd_dtype_name((rd_dtype)t), 1e6 * seconds, 1e-9 * bytes_of(&r) / seconds);
        if (r.c->backward)
          printf("%.2f |\n", 1e6 * best_of(back, &r));
        else
          printf("- |\n");
        op_drop(&r.o);
      }
}

static void attend(void *context) {
  scene *s = context;
  rd_attention_forward(&s->a, s->data[O], s->lse, s->data[Q], s->data[K], s->data[V], s->workspace,
                       NULL);
}

static void attend_back(void *context) {
  scene *s = context;
  rd_attention_backward(&s->a, s->data[DQ], s->data[DK], s->data[DV], s->data[DO], s->data[O],
                        s->lse, s->data[Q], s->data[K], s->data[V], s->workspace, NULL);
}

static void attention(void) {
  printf("\n| attention: heads, hd, block, queries x keys | type | us | GFLOP/s | back, us |\n"
         "|---|---|---|---|---|\n");
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++) {
      const layout *l = &layouts[i];
      scene s;
      double pairs = 0;
      scene_init(&s, l, (rd_dtype)t);
      for (int64_t n = 0; n < l->sequences; n++)
        pairs += (double)(l->queries[n] * l->keys[n]);
      double seconds = best_of(attend, &s);
      printf("| %ld, %ld, %ld, %ld x %ld%s | %s | %.2f | %.2f | %.2f |\n", (long)l->heads,
             (long)l->head_dim, (long)l->block, (long)l->queries[0], (long)l->keys[0],
             l->sequences > 1 ? " .." : "", rd_dtype_name((rd_dtype)t), 1e6 * seconds,
             4e-9 * pairs * (double)(l->heads * l->head_dim) / seconds,
             1e6 * best_of(attend_back, &s));
      scene_drop(&s);
    }
}

typedef struct product {
  rd_mat a, b, c;
} product;

static void multiply(void *context) {
  const product *p = context;
  rd_matmul(p->c, p->a, p->b, 0, NULL);
}

static rd_mat numbers(rd_dtype type, int64_t rows, int64_t cols) {
  const int64_t n = rows * cols;
  const float half = 0.5f;
  unsigned char *data = malloc((size_t)n * rd_dtype_size(type));
  for (int64_t i = 0; i < n; i++)
    rd_cast(rd_at(data, type, i), type, &half, RD_F32, 1);
  return rd_mat_rows(data, type, rows, cols);
}

/* There, with the weights (n,k) turned as linears have them; back, the gradient of weights. */
static void dense(void) {
  printf("\n| product: m, n, k | type | us | GFLOP/s | back, us |\n|---|---|---|---|---|\n");
  for (int i = 0; i < PRODUCTS; i++)
    for (int t = RD_F32; t <= RD_BF16 && products[i].k > 0; t++) {
      const product_case *p = &products[i];
      rd_mat x = numbers((rd_dtype)t, p->m, p->k), w = numbers((rd_dtype)t, p->n, p->k);
      rd_mat y = numbers((rd_dtype)t, p->m, p->n), g = numbers(RD_F32, p->m, p->n);
      rd_mat grad = numbers(RD_F32, p->n, p->k);
      double seconds = best_of(multiply, &(product){x, rd_mat_transposed(w), g});
      printf("| %ld, %ld, %ld | %s | %.2f | %.2f | %.2f |\n", (long)p->m, (long)p->n, (long)p->k,
             rd_dtype_name((rd_dtype)t), 1e6 * seconds,
             2e-9 * (double)p->m * (double)p->n * (double)p->k / seconds,
             1e6 * best_of(multiply, &(product){rd_mat_transposed(y), x, grad}));
      free(x.data), free(w.data), free(y.data), free(g.data), free(grad.data);
    }
}

int main(int argc, char **argv) {
  const char *only = argc > 1 ? argv[1] : "";
  printf("%s, %d threads\n", rd_cpu_name(rd_cpu_level()), rd_threads_get());
  ops(only);
  if (strncmp("attention", only, strlen(only)) == 0)
    attention();
  if (strncmp("product", only, strlen(only)) == 0)
    dense();
  return 0;
}
