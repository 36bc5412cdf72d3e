/* SPDX-License-Identifier: MIT */
/* Policies with hand-written numbers, and what holds for every sampler on random views. */
#include "fake_view.h"
#include "params.h"
#include "rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* K = keep 0, C = commit 1. */
typedef struct policy_case {
  const char *sampler;
  double quota, limit; /* limit: threshold or factor */
  double p[6];
  const char *marks;
} policy_case;

static void policies_choose_as_their_papers_say(void **state) {
  (void)state;
  static const policy_case cases[] = {
      {"low-confidence", 2, 0, {0.1, 0.9, 0.5, 0.5, 0.2, 0.3}, "011000"}, /* tie: lowest position */
      {"low-confidence", 0, 0, {0.1, 0.9, 0.5, 0.5, 0.2, 0.3}, "000000"},
      {"low-confidence", 99, 0, {0.1, 0.9, 0.5, 0.5, 0.2, 0.3}, "111111"},
      {"low-confidence", 3, 0, {0.4, 0.4, 0.4, 0.4, 0.4, 0.4}, "111000"},
      {"threshold", 0, 0.5, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "011000"},
      {"threshold", 0, 0.95, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "010000"}, /* the best always */
      {"threshold", 0, 0, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "111111"},
      /* factor 1: rank 2 needs 1 - 1/3, rank 3 needs 1 - 1/4, rank 4 1 - 1/5 */
      {"factor", 0, 1, {0.1, 0.7, 0.68, 0.76, 0.2, 0.3}, "010100"},
      {"factor", 0, 1, {0.76, 0.77, 0.78, 0.1, 0.9, 0.1}, "011010"}, /* 4th: 0.76 < 0.8 */
      {"factor", 0, 1, {0.1, 0.2, 0.3, 0.4, 0.5, 0.1}, "000010"},
      {"factor", 0, 9, {0.1, 0.2, 0.3, 0.4, 0.5, 0.1}, "111111"},
      {"maskgit", 2.9, 0, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "011000"},  /* floor */
      {"dynamic", 2, 0.45, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "011100"}, /* three are above */
      {"dynamic", 4, 0.45, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "011101"}, /* three are too few */
      {"dynamic", 0, 0.95, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "010000"}, /* one always */
      {"longest-prefix", 0, 0.45, {0.6, 0.9, 0.3, 0.49, 0.2, 0.3}, "110000"},
      {"longest-prefix", 0, 0.45, {0.4, 0.9, 0.5, 0.49, 0.2, 0.3}, "100000"}, /* it alone */
      {"longest-prefix", 0, 0.1, {0.4, 0.9, 0.5, 0.49, 0.2, 0.3}, "111111"},
      {"lad", 0, 0, {0.1, 0.9, 0.5, 0.49, 0.2, 0.3}, "111111"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fake_view f;
    const rd_sampler *s;
    assert_int_equal(rd_sampler_find(&s, cases[i].sampler, NULL), RD_OK);
    fake_view_init(&f, 6);
    fake_view_confidence(&f, cases[i].p);
    f.p.threshold = f.p.factor = cases[i].limit;
    s->policy(&f.v, cases[i].quota, f.marks);
    if (strcmp(fake_view_marks(&f), cases[i].marks) != 0)
      fail_msg("case %zu (%s): %s, not %s", i, s->name, fake_view_marks(&f), cases[i].marks);
  }
}

static void margin_and_entropy_read_their_own_column(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 4);
  const float margin[] = {0.1f, 0.3f, 0.2f, 0.05f}, entropy[] = {2, 3, 0.5f, 0.1f};
  for (int i = 0; i < 4; i++) {
    f.proposals[i].margin = margin[i];
    f.proposals[i].entropy = entropy[i];
  }
  rd_policy_margin(&f.v, 2, f.marks);
  assert_string_equal(fake_view_marks(&f), "0110");
  memset(f.marks, 0, sizeof f.marks);
  rd_policy_entropy(&f.v, 2, f.marks); /* the least entropy is the surest */
  assert_string_equal(fake_view_marks(&f), "0011");
}

static void origin_fills_each_by_chance(void **state) {
  (void)state;
  fake_view f;
  int total = 0;
  for (uint64_t seed = 0; seed < 1000; seed++) {
    fake_view_init(&f, 40);
    f.v.seed = seed;
    rd_policy_origin(&f.v, 10, f.marks);
    total += fake_view_count(&f, RD_COMMIT);
  }
  assert_in_range(total, 9700, 10300); /* 40,000 draws of 1/4: sd 87 */
  fake_view_init(&f, 40);
  rd_policy_origin(&f.v, 40, f.marks);
  assert_int_equal(fake_view_count(&f, RD_COMMIT), 40);
}

static void random_order_is_uniform_and_exact(void **state) {
  (void)state;
  int hits[10] = {0};
  for (uint64_t seed = 0; seed < 5000; seed++) {
    fake_view f;
    fake_view_init(&f, 10);
    f.v.seed = seed;
    f.proposed[4] = 0;
    rd_policy_random(&f.v, 3, f.marks);
    assert_int_equal(fake_view_count(&f, RD_COMMIT), 3);
    for (int p = 0; p < 10; p++)
      hits[p] += f.marks[p] == RD_COMMIT;
  }
  double chi = 0, expected = 5000.0 * 3 / 9;
  for (int p = 0; p < 10; p++)
    if (p != 4)
      chi += (hits[p] - expected) * (hits[p] - expected) / expected;
  assert_int_equal(hits[4], 0);
  assert_true(chi < 26.1); /* 8 degrees of freedom, one in a thousand */
}

static void algorithm_temperature_draws_by_confidence(void **state) {
  (void)state;
  int hits[3] = {0};
  const double p[] = {0.2, 0.4, 0.6};
  for (uint64_t seed = 0; seed < 6000; seed++) {
    fake_view f;
    fake_view_init(&f, 3);
    fake_view_confidence(&f, p);
    f.v.seed = seed;
    f.p.alg_temp = 0.2; /* weights e^1, e^2, e^3 */
    rd_policy_maskgit(&f.v, 1, f.marks);
    assert_int_equal(fake_view_count(&f, RD_COMMIT), 1);
    for (int i = 0; i < 3; i++)
      hits[i] += f.marks[i] == RD_COMMIT;
  }
  const double share[] = {0.09003057, 0.24472847, 0.66524096};
  double chi = 0;
  for (int i = 0; i < 3; i++)
    chi += (hits[i] - 6000 * share[i]) * (hits[i] - 6000 * share[i]) / (6000 * share[i]);
  assert_true(chi < 13.8);
}

static void random_view(fake_view *f, rd_rng *rng) {
  fake_view_init(f, 1 + rd_rng_below(rng, VIEW_MOST));
  f->v.seed = rd_rng_u32(rng);
  f->v.iterations = 1 + rd_rng_below(rng, 20);
  f->v.iteration = 1 + rd_rng_below(rng, (uint32_t)f->v.iterations);
  f->v.block_end = 1 + rd_rng_below(rng, (uint32_t)f->v.n);
  f->p.confidence_noise = rd_rng_below(rng, 2);
  f->p.keep = rd_rng_below(rng, 2);
  f->p.eos_last = rd_rng_below(rng, 2);
  f->p.proportional = rd_rng_below(rng, 2);
  f->p.alg_temp = rd_rng_below(rng, 2) ? 0.3 : 0;
  static char *const retentions[] = {"none", "retained", "locked"};
  f->p.retention = retentions[rd_rng_below(rng, 3)];
  for (int64_t p = 0; p < f->v.n; p++) {
    f->fixed[p] = rd_rng_below(rng, 4) == 0;
    f->settled[p] = (uint8_t)(rd_rng_below(rng, 4) == 0 ? RD_SETTLED : 0);
    f->ids[p] = rd_rng_below(rng, 2) ? VIEW_MASK : (int32_t)rd_rng_below(rng, 90);
    f->proposals[p].probability = (float)rd_rng_uniform(rng);
    f->proposals[p].margin = (float)rd_rng_uniform(rng);
    f->proposals[p].entropy = (float)rd_rng_uniform(rng) * 5;
    f->proposals[p].id = rd_rng_below(rng, 5) ? (int32_t)rd_rng_below(rng, 90) : VIEW_EOS;
    f->draft[p] = f->proposals[p].id;
  }
}

static void on_random_views_fixed_stays_and_quotas_hold(void **state) {
  (void)state;
  rd_rng rng = rd_rng_at(1, RD_STREAM_EVAL, 0, 0);
  for (int trial = 0; trial < 20000; trial++) {
    fake_view f;
    random_view(&f, &rng);
    const rd_sampler *s = &rd_samplers[rd_rng_below(&rng, (uint32_t)rd_sampler_count)];
    int64_t wanted = 0;
    for (int64_t p = 0; p < f.v.n; p++) {
      f.proposed[p] = s->wants(&f.v, p);
      wanted += f.proposed[p];
    }
    if (s->ahead && !s->leads)
      assert_true(wanted == 1 && f.proposed[f.v.n - 1]);
    double quota = s->schedule(&f.v);
    assert_true(quota >= 0 && quota <= (double)f.v.n + 1);
    s->policy(&f.v, quota, f.marks);
    for (int64_t p = 0; p < f.v.n; p++) {
      assert_true(f.marks[p] == RD_KEEP ||
                  f.proposed[p]); /* nothing is taken that was not wanted */
      if (f.fixed[p] && !s->ahead)
        assert_int_equal(f.marks[p], RD_KEEP);
    }
    if (s->schedule == rd_schedule_even)
      assert_true(fake_view_count(&f, RD_COMMIT) <= (int)quota);
    if (s->schedule == rd_schedule_none && wanted > 0) /* each pass gets further: it ends */
      assert_true(fake_view_count(&f, RD_COMMIT) >= 1);
    if (!s->noise)
      continue;
    memset(f.marks, 0, sizeof f.marks);
    uint8_t settled[VIEW_MOST];
    memcpy(settled, f.settled, sizeof settled);
    s->noise(&f.v, quota, f.marks);
    for (int64_t p = 0; p < f.v.n; p++) {
      assert_true(!f.fixed[p] || f.marks[p] == RD_KEEP);
      bool kept = s->noise == rd_noise_lad ? f.p.keep : strcmp(f.p.retention, "none") != 0;
      if (kept && (settled[p] & RD_SETTLED))
        assert_true(f.marks[p] != RD_RENOISE); /* what is settled is not noised again */
    }
    if (s->noise == rd_noise_lad)
      assert_true(fake_view_count(&f, RD_RENOISE) <= (int)quota);
  }
}

static void rows_are_complete_and_options_known(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_sampler_count; i++) {
    const rd_sampler *s = &rd_samplers[i], *found;
    assert_true(s->name && s->help && s->wants && s->schedule && s->policy && s->options);
    assert_int_equal(rd_sampler_find(&found, s->name, NULL), RD_OK);
    assert_ptr_equal(found, s);
    char names[400], *at = names;
    rd_options o = {rd_sampler_options, rd_sampler_option_count, NULL, NULL};
    strcpy(names, s->options);
    for (char *name; (name = strtok_r(at, " ", &at));)
      if (!rd_option_find(&o, name))
        fail_msg("%s: no option %s", s->name, name);
    for (const rd_override *d = s->defaults; d->option; d++)
      assert_true(rd_sampler_takes(s, d->option));
  }
  for (size_t i = 0; i < rd_sampler_option_count; i++) { /* and none is for nobody */
    size_t takers = 0;
    for (size_t k = 0; k < rd_sampler_count; k++)
      takers += rd_sampler_takes(&rd_samplers[k], rd_sampler_options[i].name);
    if (takers == 0)
      fail_msg("no sampler takes --%s", rd_sampler_options[i].name);
  }
}

static rd_code resolve(const char *const *pairs, rd_params *out, rd_error *e) {
  bool given[64] = {false};
  rd_params p = {0};
  const rd_sampler *s;
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &p, given};
  assert_int_equal(rd_options_default(&o, e), RD_OK);
  rd_code code = RD_OK;
  for (; code == RD_OK && *pairs; pairs += 2)
    code = rd_option_set(&o, rd_option_find(&o, pairs[0]), pairs[1], e);
  if (code == RD_OK)
    code = rd_params_resolve(&p, &o, NULL, &s, e);
  *out = p;
  rd_options_drop(&o);
  return code;
}

static void options_without_meaning_are_said(void **state) {
  (void)state;
  static const struct {
    const char *pairs[7], *said;
  } cases[] = {
      {{"sampler", "ar", "sharpness", "2"}, "lad"},
      {{"sampler", "ar", "patience", "2"}, "--patience means nothing to --sampler ar"},
      {{"sampler", "lad", "threshold", "0.5"}, "threshold"},
      {{"sampler", "entropy", "noise-start", "0.5"}, "noise-start"},
      {{"sampler", "nonsense"}, "low-confidence"},
      {{"no-noise", "true", "noise-start", "0.3"}, "--no-noise"},
      {{"template", "a {mask:2}", "prefix", "b"}, "--template"},
      {{"suffix", "b"}, "--tokens"},
      {{"noise-start", "2"}, "0..1"},
      {{"top-k", "1001"}, "0..1000"},
      {{"iterations", "0"}, "1..512"},
      {{"retention", "all"}, "none, retained and locked"},
  };
  rd_params p;
  rd_error e = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(resolve(cases[i].pairs, &p, &e), RD_USAGE);
    if (!strstr(e.message, cases[i].said))
      fail_msg("case %zu: \"%s\" does not say %s", i, e.message, cases[i].said);
  }
  const char *none[] = {NULL}, *generic[] = {"sampler", "lad-generic", "top-k", "7", NULL};
  assert_int_equal(resolve(none, &p, &e), RD_OK);
  assert_true(p.iterations == 64 && p.top_k == 3 && p.temperature == 1 && p.noise_start == 0.5);
  assert_int_equal(resolve(generic, &p, &e), RD_OK); /* its own defaults, but what was given */
  assert_true(p.iterations == 32 && p.top_k == 7 && p.temperature == 0.7 && p.tokens == 128);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(policies_choose_as_their_papers_say),
      cmocka_unit_test(margin_and_entropy_read_their_own_column),
      cmocka_unit_test(origin_fills_each_by_chance),
      cmocka_unit_test(random_order_is_uniform_and_exact),
      cmocka_unit_test(algorithm_temperature_draws_by_confidence),
      cmocka_unit_test(on_random_views_fixed_stays_and_quotas_hold),
      cmocka_unit_test(rows_are_complete_and_options_known),
      cmocka_unit_test(options_without_meaning_are_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
