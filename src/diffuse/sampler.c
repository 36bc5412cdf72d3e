/* SPDX-License-Identifier: MIT */
/* The table of samplers. */
#include "sampler.h"

/* Every position that may change. */
static bool want_all(const rd_view *v, int64_t p) {
  return !v->fixed[p] && !(v->settled[p] & RD_LOCKED);
}

/* Masked positions up to the end of the block. */
static bool want_masked(const rd_view *v, int64_t p) {
  return !v->fixed[p] && v->ids[p] == v->mask && p < v->block_end;
}

/* Fast-dLLM v2: the first token of a block alone, by the row before the block; then the masks of
 * the first stretch of the block that has some. */
static bool want_stretch(const rd_view *v, int64_t p) {
  int64_t first = v->block_first, size = v->params->sub_block > 0 ? v->params->sub_block : v->n;
  if (!want_masked(v, p))
    return false;
  while (!want_masked(v, first))
    first++;
  return first == v->block_origin
           ? p == first
           : (p - v->block_origin) / size == (first - v->block_origin) / size;
}

/* All masks, of which as many stand as are written at a time, or looked at. */
static bool want_ahead(const rd_view *v, int64_t p) {
  return !v->fixed[p] && v->ids[p] == v->mask;
}

static bool want_next(const rd_view *v, int64_t p) {
  return p == v->n - 1;
}

/* Names that mean something to every row, and those of families of rows. */
#define CHOICE "temperature top-k top-p eos-bias "
#define BLOCKS "temperature block-length cfg-scale no-eos eos-last suffix template "
#define DREAM CHOICE "iterations alg-temp suffix template"

const rd_sampler rd_samplers[] = {
    {.name = "lad",
     .help = "LAD: every position is predicted again, a falling share is masked again",
     .wants = want_all,
     .schedule = rd_schedule_lad,
     .policy = rd_policy_all,
     .noise = rd_noise_lad,
     .options =
         CHOICE "iterations noise-start sharpness no-noise confidence-noise noise-clip keep grow "
                "room patience base-weight base-lead likeliest suffix template",
     .revises = true,
     .counts = true},
    {.name = "lad-generic",
     .help = "LAD's 2026 rewrite: what is sure is retained or locked",
     .wants = want_all,
     .schedule = rd_schedule_falling,
     .policy = rd_policy_all,
     .noise = rd_noise_generic,
     .options =
         CHOICE "iterations noise-level retention confidence-noise proportional eos-last patience "
                "base-weight base-lead suffix template",
     .defaults = {{"iterations", "32"},
                  {"temperature", "0.7"},
                  {"top-k", "20"},
                  {"tokens", "128"},
                  {"patience", "0"}},
     .revises = true,
     .counts = true},
    {.name = "low-confidence",
     .help = "LLaDA: the most confident masks are filled, block by block",
     .wants = want_masked,
     .schedule = rd_schedule_even,
     .policy = rd_policy_low_confidence,
     .options = BLOCKS "iterations",
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"tokens", "128"}},
     .gumbel = true,
     .counts = true},
    {.name = "random",
     .help = "LLaDA's other order: masks are filled at random, block by block",
     .wants = want_masked,
     .schedule = rd_schedule_even,
     .policy = rd_policy_random,
     .options = BLOCKS "iterations",
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"tokens", "128"}},
     .gumbel = true,
     .counts = true},
    {.name = "threshold",
     .help = "Fast-dLLM: every mask above a confidence is filled, at least one",
     .wants = want_masked,
     .schedule = rd_schedule_none,
     .policy = rd_policy_threshold,
     .options = BLOCKS "threshold base-weight",
     .defaults = {{"temperature", "0"}, {"tokens", "128"}},
     .gumbel = true},
    {.name = "daedal",
     .help =
         "DAEDAL: gaps begin short, and a mask that the model doubts most becomes several; else "
         "as threshold",
     .wants = want_ahead,
     .schedule = rd_schedule_none,
     .policy = rd_policy_sure,
     .options = BLOCKS "threshold room grow end-bound doubt",
     .defaults = {{"temperature", "0"}, {"tokens", "64"}, {"room", "8"}, {"grow", "2"}},
     .inserts = true,
     .gumbel = true},
    {.name = "factor",
     .help = "Fast-dLLM: as many masks as their confidences allow together",
     .wants = want_masked,
     .schedule = rd_schedule_none,
     .policy = rd_policy_factor,
     .options = BLOCKS "factor base-weight",
     .defaults = {{"temperature", "0"}, {"tokens", "128"}},
     .gumbel = true},
    {.name = "origin",
     .help = "Dream: each mask is filled by chance, on a linear schedule",
     .wants = want_masked,
     .schedule = rd_schedule_linear,
     .policy = rd_policy_origin,
     .options = CHOICE "iterations suffix template",
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"top-k", "0"}, {"tokens", "128"}},
     .nucleus_first = true,
     .counts = true},
    {.name = "maskgit",
     .help = "Dream: the most probable masks are filled, on a linear schedule",
     .wants = want_masked,
     .schedule = rd_schedule_linear,
     .policy = rd_policy_maskgit,
     .options = DREAM,
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"top-k", "0"}, {"tokens", "128"}},
     .nucleus_first = true,
     .counts = true},
    {.name = "margin",
     .help = "Dream: those with the largest lead over the second token",
     .wants = want_masked,
     .schedule = rd_schedule_linear,
     .policy = rd_policy_margin,
     .options = DREAM,
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"top-k", "0"}, {"tokens", "128"}},
     .nucleus_first = true,
     .counts = true},
    {.name = "entropy",
     .help = "Dream: those with the least entropy",
     .wants = want_masked,
     .schedule = rd_schedule_linear,
     .policy = rd_policy_entropy,
     .options = DREAM,
     .defaults = {{"iterations", "128"}, {"temperature", "0"}, {"top-k", "0"}, {"tokens", "128"}},
     .nucleus_first = true,
     .counts = true},
    {.name = "static",
     .help = "models made for blocks: the most confident masks of a block, as many at each pass",
     .wants = want_masked,
     .schedule = rd_schedule_even,
     .policy = rd_policy_low_confidence,
     .options = "temperature block-length block-steps cfg-scale no-eos",
     .defaults = {{"temperature", "0"}},
     .gumbel = true,
     .ends = true},
    {.name = "dynamic",
     .help = "SDAR: a block's masks above a confidence, where there are as many as static fills",
     .wants = want_masked,
     .schedule = rd_schedule_block,
     .policy = rd_policy_dynamic,
     .options = CHOICE "block-length block-steps threshold",
     .defaults = {{"top-k", "0"}, {"threshold", "0.85"}},
     .whole = true,
     .ends = true},
    {.name = "sub-blocks",
     .help = "Fast-dLLM v2: a block's masks above a confidence, stretch by stretch",
     .wants = want_stretch,
     .schedule = rd_schedule_none,
     .policy = rd_policy_threshold,
     .options = CHOICE "block-length sub-block threshold",
     .defaults = {{"temperature", "0"}, {"top-k", "0"}, {"top-p", "0.95"}},
     .whole = true,
     .ends = true},
    {.name = "bd3lm",
     .help = "BD3-LM: static, with attention in blocks of block-length that begin with the answer",
     .wants = want_masked,
     .schedule = rd_schedule_rounded,
     .policy = rd_policy_low_confidence,
     .options = "temperature block-length block-steps cfg-scale no-eos",
     .defaults = {{"temperature", "0"}},
     .gumbel = true,
     .own_blocks = true,
     .ends = true},
    {.name = "longest-prefix",
     .help = "SDLM: block-length masks ahead of what is written, of which the first that are sure "
             "stay",
     .wants = want_ahead,
     .schedule = rd_schedule_none,
     .policy = rd_policy_leading,
     .options = CHOICE "block-length threshold",
     .defaults = {{"temperature", "0"}, {"top-k", "0"}},
     .ahead = true,
     .leads = true,
     .whole = true,
     .ends = true},
    {.name = "sliding",
     .help = "WeDLM: of block-length masks those whose entropy and distance are small, behind what "
             "is written",
     .wants = want_ahead,
     .schedule = rd_schedule_none,
     .policy = rd_policy_near,
     .options = "temperature block-length entropy-bound distance",
     .defaults = {{"temperature", "0"}},
     .gumbel = true,
     .sorts = true,
     .whole = true,
     .ends = true},
    {.name = "ar",
     .help = "left to right, one token a pass: the autoregressive baseline",
     .wants = want_next,
     .schedule = rd_schedule_none,
     .policy = rd_policy_all,
     .options = CHOICE,
     .defaults = {{"temperature", "0"}, {"top-k", "0"}},
     .attention = RD_CAUSAL,
     .grow = 1,
     .ahead = true,
     .ends = true},
    {.name = "jacobi",
     .help = "the base's own guesses, checked until they stand: the tokens of ar in fewer passes",
     .wants = want_all,
     .schedule = rd_schedule_none,
     .policy = rd_policy_all,
     .options = CHOICE "block-length",
     .defaults = {{"temperature", "0"}, {"top-k", "0"}},
     .attention = RD_CAUSAL,
     .checks = true},
    {.name = "infill",
     .help = "gaps in fixed text: words are tried, and those stay with which the base finds the "
             "text on both sides likeliest",
     .wants = want_all,
     .schedule = rd_schedule_none,
     .policy = rd_policy_all,
     .options = CHOICE "iterations suffix template",
     .defaults = {{"iterations", "128"}, {"tokens", "16"}, {"temperature", "0"}, {"top-k", "0"}},
     .attention = RD_CAUSAL,
     .searches = true,
     .counts = true},
    {.name = "strided",
     .help =
         "I-DLM: block-length - 1 masks ahead give guesses, checked in the pass that guesses on",
     .wants = want_all,
     .schedule = rd_schedule_none,
     .policy = rd_policy_all,
     .options = CHOICE "block-length",
     .defaults = {{"temperature", "0"}, {"top-k", "0"}},
     .attention = RD_CAUSAL,
     .checks = true,
     .strides = true},
    {.name = "verify",
     .help = "the adapter drafts, the base checks: the tokens of ar, in fewer passes where it pays",
     .wants = want_all,
     .schedule = rd_schedule_none,
     .policy = rd_policy_all,
     .options = CHOICE "block-length",
     .defaults = {{"temperature", "0"}, {"top-k", "0"}},
     .checks = true,
     .drafts = true},
};
const size_t rd_sampler_count = sizeof rd_samplers / sizeof *rd_samplers;

const rd_table rd_sampler_table = RD_TABLE("sampler", rd_samplers);

rd_code rd_sampler_find(const rd_sampler **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_sampler_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}

/* Options of the canvas and of the run, which every sampler has. */
static const char COMMON[] = "sampler verify window tokens seed deadline prefix reuse grammar";

bool rd_sampler_takes(const rd_sampler *s, const char *option) {
  return rd_name_listed(COMMON, option) || rd_name_listed(s->options, option);
}
