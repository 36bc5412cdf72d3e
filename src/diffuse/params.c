/* SPDX-License-Identifier: MIT */
/* The option rows of generation, and what may be given together. */
#include "params.h"

#include "facts.h"
#include "family.h"
#include "model.h"
#include "reuse.h"
#include "sampler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) RD_OPTION_AT(rd_params, member)
#define DRAFT "Draft"
#define CHOICE "Choice of tokens"
#define NOISE RD_NOISE_GROUP
#define FILLING "Filling of masks"
#define REGION "Fixed text"

const rd_option rd_sampler_options[] = {
    {"sampler", AT(sampler), .fallback = "lad", .choices = &rd_sampler_table, .lists = true,
     .group = DRAFT, .value = "NAME",
     .help = "how drafts are refined; 'help' lists the samplers; the model's own unless named"},
    {"verify", AT(verify), .group = DRAFT,
     .help = "the adapter drafts and the model without it checks: the tokens of --sampler ar, in "
             "fewer passes; needs an adapter with a gate"},
    {"iterations", AT(iterations), .letter = 'n', .fallback = "64", .min = 1, .max = 512,
     .group = DRAFT, .value = "N", .help = "drafts at most"},
    {"window", AT(window), .fallback = "0", .max = 1048576, .group = DRAFT, .value = "N",
     .help = "canvas: tokens of prompt and answer together; 0: the model's own, or 256"},
    {"tokens", AT(tokens), .fallback = "0", .max = 1048576, .group = DRAFT, .value = "N",
     .help = "answer tokens at most; 0: to the end of the window"},
    {"patience", AT(patience), .fallback = "3", .max = 1000, .group = DRAFT, .value = "N",
     .help = "stop after N identical drafts; 0: never"},
    {"deadline", AT(deadline), .fallback = "0", .max = 86400, .group = DRAFT, .value = "SECONDS",
     .help = "stop with the best draft so far after this time; 0: none"},
    {"grow", AT(grow), .fallback = "256", .min = 1, .max = 256, .group = DRAFT, .value = "N",
     .help = "answer positions added at each iteration, in place of --room"},
    {"room", AT(room), .fallback = "0", .max = 1048576, .group = DRAFT, .value = "N",
     .help = "answer positions at first; as many are added whenever a draft has no end in them; "
             "0: all of the window at once"},
    {"reuse", AT(reuse), .fallback = "exact", .choices = &rd_reuse_table, .lists = true,
     .group = DRAFT, .value = "NAME",
     .help = "which keys and values are kept between passes; 'help' lists the ways"},
    {"seed", AT(seed), .fallback = "-1", .min = -1, .max = 9007199254740992.0, .group = DRAFT,
     .value = "N", .help = "of all random numbers; -1: drawn, and reported"},
    {"temperature", AT(temperature), .letter = 't', .fallback = "1", .max = 10, .group = CHOICE,
     .value = "F", .help = "0: always the best token"},
    {"top-k", AT(top_k), .letter = 'k', .fallback = "3", .max = 1000, .group = CHOICE, .value = "N",
     .help = "choose among the N best tokens; 0: among all"},
    {"top-p", AT(top_p), .fallback = "1", .min = 0.001, .max = 1, .group = CHOICE, .value = "F",
     .help = "choose among the best tokens that make up this probability"},
    {"eos-bias", AT(eos_bias), .fallback = "0", .min = -5, .max = 5, .group = CHOICE, .value = "F",
     .help = "added to the logit of the end token: negative makes longer answers"},
    {"base-weight", AT(base_weight), .fallback = "0", .max = 1, .group = CHOICE, .value = "F",
     .help = "how much the base's own reading of the draft counts beside the adapter's proposals; "
             "needs an adapter with a gate"},
    {"base-lead", AT(base_lead), .group = CHOICE,
     .help =
         "the base alone decides, up to the first word that it would not have said: the tokens "
         "of --sampler ar, and it ends where the base has said all of them; base-weight is its say "
         "behind that"},
    {"likeliest", AT(likeliest), .group = NOISE,
     .help = "with --base-lead, at temperature 0: what the base doubted is masked again, until it "
             "finds no answer likelier"},
    {"noise-start", AT(noise_start), .fallback = "0.5", .max = 1, .group = NOISE, .value = "F",
     .help = "share of the answer masked again at first"},
    {"sharpness", AT(sharpness), .fallback = "1", .min = 1, .max = 20, .group = NOISE, .value = "F",
     .help = "how fast the noise falls: larger is earlier"},
    {"no-noise", AT(no_noise), .group = NOISE,
     .help = "disable intermediate noising: the draft is refined from itself"},
    {"confidence-noise", AT(confidence_noise), .group = NOISE,
     .help = "mask the least confident positions first"},
    {"noise-clip", AT(noise_clip), .fallback = "0.01", .min = 0.01, .max = 1, .group = NOISE,
     .value = "F", .help = "least weight of a position in confidence noise"},
    {"keep", AT(keep), .group = NOISE,
     .help = "permanent unmasking: what was left unmasked once is not masked again"},
    {"noise-level", AT(noise_level), .fallback = "0.5", .max = 1, .group = NOISE, .value = "F",
     .help = "share of the answer masked again, falling to 0"},
    {"retention", AT(retention), .fallback = "none", .choices = &rd_retention_table, .group = NOISE,
     .help = "sure positions: none kept, retained (tokens may change) or locked"},
    {"proportional", AT(proportional), .fallback = "true", .group = NOISE,
     .help = "retain before and after the first end token in proportion"},
    {"eos-last", AT(eos_last), .group = NOISE,
     .help = "end tokens get the least confidence: length is decided last"},
    {"block-length", AT(block_length), .fallback = "0", .max = 1048576, .group = FILLING,
     .value = "N",
     .help = "fill in blocks of N from left to right; 0: the model's own, or one block"},
    {"block-steps", AT(block_steps), .fallback = "0", .max = 1048576, .group = FILLING,
     .value = "N", .help = "passes that fill a block, at most; 0: one for each of its tokens"},
    {"sub-block", AT(sub_block), .fallback = "8", .min = 1, .max = 1048576, .group = FILLING,
     .value = "N", .help = "a block is filled in stretches of N from left to right"},
    {"cfg-scale", AT(cfg_scale), .fallback = "0", .max = 100, .group = FILLING, .value = "F",
     .help = "classifier-free guidance: how much the prompt is stressed"},
    {"no-eos", AT(no_eos), .group = FILLING, .help = "never choose the end token"},
    {"threshold", AT(threshold), .fallback = "0.9", .max = 1, .group = FILLING, .value = "F",
     .help = "fill every position at least this confident"},
    {"factor", AT(factor), .fallback = "1", .max = 1000, .group = FILLING, .value = "F",
     .help = "fill rank r when its confidence is at least 1 - F/(r+1)"},
    {"distance", AT(distance), .fallback = "0.02", .max = 1000, .group = FILLING, .value = "F",
     .help = "each place from the first mask counts as so much entropy"},
    {"entropy-bound", AT(entropy_bound), .fallback = "0.6", .max = 1000, .group = FILLING,
     .value = "F", .help = "fill every mask with less entropy, in nats"},
    {"end-bound", AT(end_bound), .fallback = "0.9", .max = 1, .group = FILLING, .value = "F",
     .help = "a gap may grow while end words at its end are less likely than this"},
    {"doubt", AT(doubt), .fallback = "0.3", .max = 1, .group = FILLING, .value = "F",
     .help = "a mask whose word is less likely than this becomes --grow masks"},
    {"alg-temp", AT(alg_temp), .fallback = "0", .max = 100, .group = FILLING, .value = "F",
     .help = "draw the positions by softmax(confidence / F); 0: the surest"},
    {"prefix", AT(prefix), .group = REGION, .value = "TEXT", .help = "the answer begins with this"},
    {"suffix", AT(suffix), .group = REGION, .value = "TEXT",
     .help = "the answer ends with this, behind a gap of --tokens tokens; begin it with a space "
             "where a word begins"},
    {"template", AT(gaps), .group = REGION, .value = "TEXT",
     .help = "fixed text with gaps of N tokens (--sampler infill and daedal: of N at most): \"The "
             "capital of {mask:3} is Paris.\""},
    {"grammar", AT(grammar), .group = REGION, .value = "FORM",
     .help = "the form that the answer has in any case: regex:EXPRESSION, json-schema:{..} or "
             "json-object"},
};
const rd_table rd_sampler_rows = RD_TABLE("option", rd_sampler_options);
const rd_option_part rd_sampler_parts[] = {{&rd_sampler_rows, 0}, {NULL, 0}};
const size_t rd_sampler_option_count = sizeof rd_sampler_options / sizeof *rd_sampler_options;

/* `off`: the option is a flag that was taken back, --no-.. */
static rd_code without_meaning(const rd_sampler *s, const char *option, bool off, rd_error *e) {
  char names[400] = "";
  for (size_t i = 0; i < rd_sampler_count; i++)
    if (rd_sampler_takes(&rd_samplers[i], option)) {
      size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", rd_samplers[i].name);
    }
  return rd_fail(e, RD_USAGE, "--%s%s means nothing to --sampler %s; it is for %s",
                 off ? "no-" : "", option, s->name, names);
}

/* Set what the user did not give, without calling it given; NULL: back to the row's default. */
static rd_code set_default(const rd_options *o, const char *name, const json_t *value,
                           rd_error *e) {
  const rd_option *row = rd_option_find(o, name);
  if (!row || rd_option_given(o, name))
    return RD_OK;
  RD_TRY(rd_option_set_json(o, row, value ? value : json_null(), e));
  if (o->given)
    o->given[row - o->rows] = false;
  return RD_OK;
}

static rd_code set_default_text(const rd_options *o, const char *name, const char *value,
                                rd_error *e) {
  const rd_option *row = rd_option_find(o, name);
  if (!row || rd_option_given(o, name))
    return RD_OK;
  RD_TRY(rd_option_set(o, row, value, e));
  if (o->given)
    o->given[row - o->rows] = false;
  return RD_OK;
}

/* --- who says what -----------------------------------------------------------------------------
 */

/* Who gives an option; the first goes before the others. */
typedef enum giver {
  BY_REQUEST,
  BY_SERVICE,
  BY_WAY,   /* the way it is asked: a text is to go on */
  BY_FILES, /* the model's, whose plain keys are meant */
  BY_NOBODY
} giver;

static const json_t *remembered_defaults(const rd_defaults *d) {
  return d && d->model ? d->model->remembered.defaults : NULL;
}

static const json_t *remembered(const rd_defaults *d, const char *option) {
  const json_t *value = d && d->model ? rd_remembered_default(&d->model->remembered, option) : NULL;
  return json_is_null(value) ? NULL : value;
}

/* The table of a giver that has one. `o` may be NULL: nothing is requested. */
static const rd_options *table_of(giver who, const rd_options *o, const rd_defaults *d) {
  return who == BY_REQUEST ? o : who == BY_SERVICE && d ? d->service : NULL;
}

static bool gives(giver who, const rd_options *o, const rd_defaults *d, const char *option) {
  const rd_options *table = table_of(who, o, d);
  return table ? rd_option_given(table, option) : who == BY_FILES && remembered(d, option);
}

/* Fixed text is said in one of two ways; who says it in the one has it in the other from nobody
 * farther away. */
static bool displaced(giver who, const rd_options *o, const rd_defaults *d, const char *option) {
  static const struct {
    const char *option, *other;
  } rivals[] = {{"template", "prefix"},
                {"template", "suffix"},
                {"prefix", "template"},
                {"suffix", "template"}};
  for (size_t i = 0; i < sizeof rivals / sizeof *rivals; i++)
    for (giver near = BY_REQUEST; near < who && strcmp(rivals[i].option, option) == 0; near++)
      if (gives(near, o, d, rivals[i].other))
        return true;
  return false;
}

/* Who gives an option, which holds: the request, else the service, else the model's files. */
static giver giver_of(const rd_options *o, const rd_defaults *d, const char *option) {
  giver who = BY_REQUEST;
  while (who < BY_NOBODY && !gives(who, o, d, option))
    who++;
  return displaced(who, o, d, option) ? BY_NOBODY : who;
}

/* What is given: a new reference; NULL: nothing. */
static json_t *value_by(giver who, const rd_options *o, const rd_defaults *d, const char *option) {
  const rd_options *table = table_of(who, o, d);
  if (table)
    return rd_option_value(table, rd_option_find(table, option));
  return who == BY_FILES ? json_incref((json_t *)(uintptr_t)remembered(d, option)) : NULL;
}

/* --- the sampler -------------------------------------------------------------------------------
 */

/* Is there a gap in the template of which nobody said how long it is? */
static bool open_gap(giver who, const rd_options *o, const rd_defaults *d) {
  json_t *template = value_by(who, o, d, "template");
  const char *text = json_string_value(template);
  bool open = text && strstr(text, "{mask}");
  json_decref(template);
  return open;
}

/* The sampler for gaps, where there are some: in a model that reads from left to right, whole or in
 * front of a gate; in one that reads both ways, where nobody said how long they are. NULL: none. */
static const char *gap_sampler(giver *by, const rd_options *o, const rd_defaults *d) {
  const rd_model *m = d->model;
  giver gaps = giver_of(o, d, "template"), suffix = giver_of(o, d, "suffix");
  *by = gaps < suffix ? gaps : suffix;
  if (*by == BY_NOBODY)
    return NULL;
  if (rd_reads_causally(m))
    return "infill";
  bool grows = m->config.block == RD_BIDIRECTIONAL && rd_model_denoises(m);
  return grows && (suffix < BY_NOBODY || open_gap(gaps, o, d)) ? "daedal" : NULL;
}

/* The sampler of a model for those who name none, and who it comes from. */
static const char *own_sampler(giver *by, const rd_options *o, const rd_defaults *d) {
  const rd_model *m = d->model;
  const char *gaps = gap_sampler(by, o, d), *named = json_string_value(remembered(d, "sampler"));
  if (gaps && *by < BY_WAY)
    return gaps;
  bool goes_on = d->continues && m->config.block == 1;
  *by = goes_on ? BY_WAY : BY_FILES;
  if (goes_on || named || gaps)
    return goes_on ? "ar" : named ? named : gaps;
  const rd_preference *family = rd_model_preference(m);
  return !rd_model_denoises(m) ? "ar" : family ? family->sampler : "lad";
}

/* `verify` is a sampler under another name: it goes before one that comes from farther away, and
 * means one thing with one that is named beside it. */
static rd_code choose_verify(const rd_sampler **sampler, giver by, const rd_options *o,
                             const rd_defaults *d, rd_error *e) {
  giver who = giver_of(o, d, "verify");
  json_t *value = by < who ? NULL : value_by(who, o, d, "verify");
  bool verify = json_is_true(value), flag = !value || json_is_boolean(value);
  json_decref(value);
  if (!verify)
    return flag ? RD_OK : rd_fail(e, RD_BAD_INPUT, "verify: expected true or false");
  if (giver_of(o, d, "sampler") == who && !(*sampler)->checks && !rd_sampler_causal(*sampler))
    return rd_fail(e, RD_USAGE,
                   "--verify gives the tokens of --sampler ar: with --sampler %s it means nothing",
                   (*sampler)->name);
  return rd_sampler_find(sampler, "verify", e);
}

/* What only the model's files can have wrong is theirs. */
static rd_code blame_files(rd_code code, rd_error *e) {
  return code == RD_OK ? RD_OK : rd_prefix(e, RD_BAD_INPUT, "redraft.json: defaults");
}

static rd_code choose_sampler(const rd_sampler **sampler, const rd_options *o, const rd_defaults *d,
                              rd_error *e) {
  giver by = giver_of(o, d, "sampler");
  json_t *given = by < BY_WAY ? value_by(by, o, d, "sampler") : NULL;
  const char *name = json_string_value(given);
  if (by < BY_WAY && !given)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: --sampler");
  if (!name)
    by = BY_NOBODY;
  if (!name && d && d->model)
    name = own_sampler(&by, o, d);
  rd_code code = rd_sampler_find(sampler, name ? name : "lad", e);
  json_decref(given);
  if (code == RD_OK)
    code = choose_verify(sampler, by, o, d, e);
  return by == BY_FILES ? blame_files(code, e) : code;
}

/* --- defaults ----------------------------------------------------------------------------------
 */

/* What chooses the sampler is no value of one. */
static bool chooses(const char *option) {
  return rd_name_listed("sampler verify", option);
}

/* The keys of one object that are options: set where the sampler takes them. */
static rd_code set_keys(const rd_options *o, const rd_sampler *s, const rd_defaults *d,
                        const json_t *named, bool speaks, rd_error *e) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)named, name, value) {
    if (json_is_object(value) && rd_table_row(&rd_sampler_table, name))
      continue;
    const rd_option *row = rd_table_row(&rd_sampler_rows, name); /* '-' and '_' alike */
    if (!row)
      return rd_fail(e, RD_BAD_INPUT, "redraft.json: defaults: there is no option %.60s", name);
    if (!speaks || chooses(row->name) || !rd_sampler_takes(s, row->name) ||
        displaced(BY_FILES, o, d, row->name))
      continue;
    RD_TRY(blame_files(set_default(o, row->name, value, e), e));
  }
  return RD_OK;
}

/* Defaults of a redraft.json for the sampler: the plain keys, where they are its (`speaks`), and
 * over them those of the object under its name, wherever that stands. */
static rd_code set_named(const rd_options *o, const rd_sampler *s, const rd_defaults *d,
                         bool speaks, rd_error *e) {
  const json_t *own = remembered(d, s->name);
  RD_TRY(set_keys(o, s, d, remembered_defaults(d), speaks, e));
  return json_is_object(own) ? set_keys(o, s, d, own, true, e) : RD_OK;
}

/* Are the files' plain keys for this sampler? They are for the one of who says nothing. */
static rd_code speaks_of(bool *speaks, const rd_sampler *s, const rd_defaults *d, rd_error *e) {
  const rd_defaults alone = {.model = d->model, .continues = d->continues};
  const rd_sampler *own = NULL;
  rd_code code = choose_sampler(&own, NULL, &alone, e);
  *speaks = own == s;
  return code;
}

/* What a family is published with, the model's own defaults, where they speak of this sampler; then
 * those of the service. */
static rd_code set_foreign(const rd_options *o, const rd_sampler *s, const rd_defaults *d,
                           rd_error *e) {
  bool speaks = false;
  const rd_preference *family = d && d->model ? rd_model_preference(d->model) : NULL;
  for (int i = 0; family && family->options[i][0] && strcmp(family->sampler, s->name) == 0; i++)
    RD_TRY(set_default_text(o, family->options[i][0], family->options[i][1], e));
  if (remembered_defaults(d)) {
    RD_TRY(speaks_of(&speaks, s, d, e));
    RD_TRY(set_named(o, s, d, speaks, e));
  }
  for (size_t i = 0; d && d->service && i < rd_sampler_option_count; i++) {
    const char *option = rd_sampler_options[i].name;
    if (!rd_option_given(d->service, option) || chooses(option) || !rd_sampler_takes(s, option) ||
        displaced(BY_SERVICE, o, d, option))
      continue;
    json_t *served = rd_option_value(d->service, rd_option_find(d->service, option));
    rd_code code = set_default(o, option, served, e);
    json_decref(served);
    RD_TRY(code);
  }
  return RD_OK;
}

/* Rows, then the sampler, then the model and the service: each over the one before. */
static rd_code fill_defaults(const rd_options *o, const rd_sampler *s, const rd_defaults *d,
                             rd_error *e) {
  const size_t most = sizeof s->defaults / sizeof *s->defaults;
  for (size_t i = 0; i < rd_sampler_option_count; i++) /* what an earlier sampler preferred */
    RD_TRY(set_default(o, rd_sampler_options[i].name, NULL, e));
  for (const rd_override *w = s->defaults; w < s->defaults + most && w->option; w++)
    RD_TRY(set_default_text(o, w->option, w->value, e));
  RD_TRY(set_foreign(o, s, d, e));
  return set_default_text(o, "sampler", s->name, e);
}

static rd_code check_meaning(const rd_options *o, const rd_sampler *s, rd_error *e) {
  for (size_t i = 0; i < rd_sampler_option_count; i++) {
    const char *name = rd_sampler_options[i].name;
    if (!rd_option_given(o, name) || rd_sampler_takes(s, name))
      continue;
    json_t *value = rd_option_value(o, rd_option_find(o, name));
    bool off = json_is_false(value);
    json_decref(value);
    return without_meaning(s, name, off, e);
  }
  return RD_OK;
}

/* Did the user ask for a kind of LAD's noise? */
static bool noise_given(const rd_params *p, const rd_options *o) {
  return rd_option_given(o, "noise-start") || rd_option_given(o, "sharpness") ||
         rd_option_given(o, "noise-clip") ||
         (p->confidence_noise && rd_option_given(o, "confidence-noise")) ||
         (p->keep && rd_option_given(o, "keep")) ||
         (p->likeliest && rd_option_given(o, "likeliest"));
}

static rd_code check_together(const rd_params *p, const rd_options *o, rd_error *e) {
  if (p->gaps && (p->prefix || p->suffix))
    return rd_fail(e, RD_USAGE,
                   "--template says where the fixed text stands: it goes without "
                   "--prefix and --suffix");
  if (p->gaps && rd_option_given(o, "template") && p->tokens > 0 && rd_option_given(o, "tokens"))
    return rd_fail(e, RD_USAGE,
                   "--template says how long its gaps are ({mask:N}): it goes without --tokens");
  if (p->grammar && (p->no_eos || p->eos_last))
    return rd_fail(e, RD_USAGE,
                   "--grammar says where the answer ends: it goes without --no-eos and --eos-last");
  if ((p->base_weight > 0 || p->base_lead) && p->cfg_scale > 0)
    return rd_fail(
        e, RD_USAGE,
        "--base-weight and --base-lead do not go with --cfg-scale, which mixes in its own "
        "way: one of them must be 0");
  if (p->no_noise && noise_given(p, o))
    return rd_fail(e, RD_USAGE,
                   "--no-noise switches noising off: the other noise options mean "
                   "nothing beside it");
  return RD_OK;
}

/* A canvas becomes longer in one way. A default of room gives way to the others; a form says by
 * itself where its texts end. */
static rd_code settle_room(rd_params *p, const rd_options *o, bool blocks, rd_error *e) {
  const bool room = p->room > 0 && rd_option_given(o, "room"), grow = rd_option_given(o, "grow");
  if (blocks && (room || grow))
    return rd_fail(e, RD_USAGE,
                   "the adapter's gate adds a block when the one before is finished: it goes "
                   "without --room and --grow");
  if (room && (grow || p->grammar))
    return rd_fail(
        e, RD_USAGE,
        "--room adds places where a draft has no end: it goes without --grow, and without "
        "--grammar, whose texts end by themselves");
  p->room = grow || blocks ? 0 : p->room;
  return RD_OK;
}

/* What the likeliest answer is looked for by must be there: the base's best words, and noise. A
 * default of it gives way. */
static rd_code settle_likeliest(rd_params *p, const rd_options *o, bool blocks, rd_error *e) {
  const char *why = !p->base_lead                      ? "without --base-lead"
                  : p->no_noise                        ? "beside --no-noise"
                  : !rd_propose_greedy(p->temperature) ? "at a temperature above 0"
                  : p->suffix || p->gaps               ? "before fixed text"
                  : p->grammar                         ? "with --grammar"
                  : blocks                             ? "where the adapter writes in blocks"
                                                       : NULL;
  if (why && p->likeliest && rd_option_given(o, "likeliest"))
    return rd_fail(e, RD_USAGE, "--likeliest means nothing %s", why);
  p->likeliest = p->likeliest && !why;
  return RD_OK;
}

static bool writes_blocks(const rd_defaults *d, const rd_sampler *s) {
  return d && d->model && rd_gate_blocks(rd_gate_of(d->model), s);
}

rd_code rd_params_resolve(rd_params *p, const rd_options *o, const rd_defaults *defaults,
                          const rd_sampler **sampler, rd_error *e) {
  const rd_reuse *reuse;
  RD_TRY(choose_sampler(sampler, o, defaults, e));
  RD_TRY(rd_reuse_find(&reuse, p->reuse, RD_CAUSAL, e));
  RD_TRY(check_meaning(o, *sampler, e));
  RD_TRY(fill_defaults(o, *sampler, defaults, e));
  if (noise_given(p, o) && !rd_option_given(o, "no-noise"))
    p->no_noise = false; /* a default, which gives way to what was asked for */
  if (!(*sampler)->inserts)
    RD_TRY(settle_room(p, o, writes_blocks(defaults, *sampler), e));
  RD_TRY(settle_likeliest(p, o, writes_blocks(defaults, *sampler), e));
  if (p->suffix && p->tokens == 0)
    return rd_fail(e, RD_USAGE, "--suffix needs --tokens: how long the gap before it is");
  return check_together(p, o, e);
}

rd_code rd_params_check(rd_params *p, const rd_options *o, rd_error *e) {
  const rd_sampler *sampler;
  const rd_reuse *reuse;
  if (rd_option_given(o, "sampler"))
    return rd_params_resolve(p, o, NULL, &sampler, e);
  RD_TRY(rd_reuse_find(&reuse, p->reuse, RD_CAUSAL, e));
  return check_together(p, o, e);
}

json_t *rd_params_defaults(const rd_defaults *defaults, const rd_sampler **sampler, rd_error *e) {
  rd_params params = {0};
  rd_options o;
  json_t *values = NULL;
  rd_code code = rd_options_open(&o, rd_sampler_parts, &params, e);
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  if (code == RD_OK && *sampler)
    code = rd_option_set(&o, rd_option_find(&o, "sampler"), (*sampler)->name, e);
  if (code == RD_OK)
    code = rd_params_resolve(&params, &o, defaults, sampler, e);
  if (code == RD_OK)
    values = json_object();
  for (size_t i = 0; values && i < o.count; i++)
    if (i > 0 && rd_sampler_takes(*sampler, o.rows[i].name)) /* row 0 is the sampler */
      json_object_set_new(values, o.rows[i].name, rd_option_value(&o, &o.rows[i]));
  rd_options_drop(&o);
  rd_options_close(&o);
  return values;
}
