/* SPDX-License-Identifier: MIT */
/* Attention against a plain reference in f64, forward and backward, over masks, groups of heads,
 * packed sequences and cached keys; and independence of threads and of the other sequences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "attention_cases.h"
#include "cpu.h"

/* The formulas, one query at a time. */
static void reference(scene *s) {
  const rd_attention *a = &s->a;
  const int64_t hd = a->head_dim;
  const double scale = (double)a->scale;
  for (int64_t n = 0; n < a->sequences; n++)
    for (int64_t h = 0; h < a->heads; h++)
      for (int64_t i = 0; i < s->spans[n].queries; i++) {
        const rd_span *x = &s->spans[n];
        const int64_t row = x->q + i, position = x->first + i;
        const int64_t qo = row * a->q_stride + h * hd;
        const int64_t kh = h / (a->heads / a->kv_heads) * hd;
        double p[512], slope[512], top = -INFINITY, sum = 0, delta = 0;
        int64_t seen = x->keys;
        for (int64_t j = 0; j < x->keys; j++) {
          bool later = a->block != 0 && j / a->block > position / a->block;
          bool far = a->window > 0 &&
                     (j <= position - a->window || (a->block == 0 && j >= position + a->window));
          const int64_t ko = (x->k + j) * a->k_stride + kh;
          p[j] = 0;
          for (int64_t d = 0; d < hd; d++)
            p[j] += scale * s->exact[Q][qo + d] * s->exact[K][ko + d];
          slope[j] = 1;
          if (a->cap > 0) {
            const double share = tanh(p[j] / (double)a->cap);
            p[j] = (double)a->cap * share;
            slope[j] = 1 - share * share;
          }
          p[j] = later || far ? -INFINITY : p[j];
          top = fmax(top, p[j]);
        }
        for (int64_t j = 0; j < seen; j++)
          sum += p[j] = exp(p[j] - top);
        s->exact_lse[row * a->heads + h] = top + log(sum);
        for (int64_t j = 0; j < seen; j++) {
          p[j] /= sum;
          for (int64_t d = 0; d < hd; d++)
            s->exact[O][qo + d] += p[j] * s->exact[V][(x->k + j) * a->v_stride + kh + d];
        }
        for (int64_t d = 0; d < hd; d++)
          delta += s->exact[O][qo + d] * s->exact[DO][qo + d];
        for (int64_t j = 0; j < seen; j++) {
          const int64_t ko = (x->k + j) * a->k_stride + kh;
          double dp = 0;
          for (int64_t d = 0; d < hd; d++)
            dp += s->exact[DO][qo + d] * s->exact[V][ko + d];
          const double ds = scale * slope[j] * p[j] * (dp - delta);
          for (int64_t d = 0; d < hd; d++) {
            s->exact[DQ][qo + d] += ds * s->exact[K][ko + d];
            s->exact[DK][ko + d] += ds * s->exact[Q][qo + d];
            s->exact[DV][ko + d] += p[j] * s->exact[DO][qo + d];
          }
        }
      }
}

static void run(scene *s) {
  assert_int_equal(rd_attention_forward(&s->a, s->data[O], s->lse, s->data[Q], s->data[K],
                                        s->data[V], s->workspace, NULL),
                   RD_OK);
  assert_int_equal(rd_attention_backward(&s->a, s->data[DQ], s->data[DK], s->data[DV], s->data[DO],
                                         s->data[O], s->lse, s->data[Q], s->data[K], s->data[V],
                                         s->workspace, NULL),
                   RD_OK);
}

static void compare(const scene *s, int number) {
  static const char *const names[] = {"q", "k", "v", "o", "do", "dq", "dk", "dv"};
  for (int i = 0; i < TENSORS; i++) {
    double size = 0;
    for (int64_t j = 0; j < s->n[i]; j++)
      size = fmax(size, fabs(s->exact[i][j]));
    const double bound = size * (s->a.type == RD_F32 ? 1e-5 : 2e-2);
    for (int64_t j = 0; j < s->n[i]; j++) {
      float got;
      rd_cast(&got, RD_F32, rd_at_const(s->data[i], s->a.type, j), s->a.type, 1);
      if (!(fabs((double)got - s->exact[i][j]) <= bound))
        fail_msg("layout %d, %s, %s: %s[%ld] is %g, wanted %g", number, rd_dtype_name(s->a.type),
                 rd_cpu_name(rd_cpu_level()), names[i], (long)j, (double)got, s->exact[i][j]);
    }
  }
  for (int64_t j = 0; j < s->rows * s->a.heads; j++)
    assert_true(fabs((double)s->lse[j] - s->exact_lse[j]) <= 1e-4);
}

static void attention_matches(void **state) {
  (void)state;
  const rd_cpu most = rd_cpu_level();
  for (int level = 0; level <= (int)most; level++) {
    rd_cpu_cap((rd_cpu)level);
    for (int i = 0; i < LAYOUTS; i++)
      for (int t = RD_F32; t <= RD_BF16; t++) {
        scene s;
        scene_init(&s, &layouts[i], (rd_dtype)t);
        reference(&s);
        run(&s);
        compare(&s, i);
        scene_drop(&s);
      }
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void threads_do_not_matter(void **state) {
  (void)state;
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++) {
      scene one, three;
      scene_init(&one, &layouts[i], (rd_dtype)t);
      scene_init(&three, &layouts[i], (rd_dtype)t);
      rd_threads_set(1);
      run(&one);
      rd_threads_set(3);
      run(&three);
      for (int n = O; n < TENSORS; n++)
        assert_memory_equal(one.data[n], three.data[n],
                            (size_t)one.n[n] * rd_dtype_size((rd_dtype)t));
      scene_drop(&one);
      scene_drop(&three);
    }
  rd_threads_set(2);
}

/* Each sequence of a pack, run alone, gives the same bits. */
static void packing_does_not_matter(void **state) {
  (void)state;
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++) {
      scene all, alone;
      scene_init(&all, &layouts[i], (rd_dtype)t);
      scene_init(&alone, &layouts[i], (rd_dtype)t);
      run(&all);
      alone.a.sequences = 1;
      for (int n = 0; n < layouts[i].sequences; n++) {
        alone.a.spans = &alone.spans[n];
        run(&alone);
      }
      for (int n = O; n < TENSORS; n++)
        assert_memory_equal(all.data[n], alone.data[n],
                            (size_t)all.n[n] * rd_dtype_size((rd_dtype)t));
      scene_drop(&all);
      scene_drop(&alone);
    }
}

/* Keys and values that lie elsewhere, as a cache's do, give the same bits. */
static void keys_may_lie_elsewhere(void **state) {
  (void)state;
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++) {
      scene here, there;
      scene_init(&here, &layouts[i], (rd_dtype)t);
      scene_init(&there, &layouts[i], (rd_dtype)t);
      for (int n = 0; n < layouts[i].sequences; n += 2) {
        rd_span *s = &there.spans[n];
        s->own_k = rd_at_const(here.data[K], here.a.type, s->k * here.a.k_stride);
        s->own_v = rd_at_const(here.data[V], here.a.type, s->k * here.a.v_stride);
        s->k = -1;
      }
      assert_int_equal(rd_attention_forward(&here.a, here.data[O], NULL, here.data[Q], here.data[K],
                                            here.data[V], here.workspace, NULL),
                       RD_OK);
      assert_int_equal(rd_attention_forward(&there.a, there.data[O], NULL, there.data[Q],
                                            there.data[K], there.data[V], there.workspace, NULL),
                       RD_OK);
      assert_memory_equal(here.data[O], there.data[O],
                          (size_t)here.n[O] * rd_dtype_size((rd_dtype)t));
      scene_drop(&here);
      scene_drop(&there);
    }
}

/* A query's bits do not depend on which others are asked with it, but for a few alone, which take
 * another way. */
static void other_queries_do_not_matter(void **state) {
  (void)state;
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++)
      for (int64_t least = 5; least < 40; least += 13) {
        scene all, part;
        scene_init(&all, &layouts[i], (rd_dtype)t);
        scene_init(&part, &layouts[i], (rd_dtype)t);
        int64_t kept = 0;
        for (int n = 0; n < layouts[i].sequences; n++) {
          rd_span s = part.spans[n];
          int64_t skip = (s.queries - least) / 2;
          if (s.queries <= least)
            continue;
          s.q += skip;
          s.first += skip;
          s.queries = least;
          part.spans[kept++] = s;
        }
        part.a.sequences = kept;
        assert_int_equal(rd_attention_forward(&all.a, all.data[O], NULL, all.data[Q], all.data[K],
                                              all.data[V], all.workspace, NULL),
                         RD_OK);
        assert_int_equal(rd_attention_forward(&part.a, part.data[O], NULL, part.data[Q],
                                              part.data[K], part.data[V], part.workspace, NULL),
                         RD_OK);
        for (int64_t n = 0; n < kept; n++)
          for (int64_t r = part.spans[n].q; r < part.spans[n].q + least; r++)
            assert_memory_equal(rd_at_const(part.data[O], (rd_dtype)t, r * part.a.o_stride),
                                rd_at_const(all.data[O], (rd_dtype)t, r * all.a.o_stride),
                                (size_t)(all.a.heads * all.a.head_dim) *
                                    rd_dtype_size((rd_dtype)t));
        scene_drop(&all);
        scene_drop(&part);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attention_matches),           cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(packing_does_not_matter),     cmocka_unit_test(keys_may_lie_elsewhere),
      cmocka_unit_test(other_queries_do_not_matter),
  };
  return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
