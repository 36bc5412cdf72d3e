/* SPDX-License-Identifier: MIT */
/* The table of engines, and what is the same for all of them: what a need must be, and what a lane
 * knows. */
#include "engine.h"

#include "attention.h"
#include "device.h"
#include "rope.h"
#include "tighten.h"

#include <stdlib.h>
#include <string.h>

static bool always(void) {
  return true;
}

/* An answer gains less of smaller weights than packing them takes, and the third cache holds some.
 */
static rd_code lay_out_cpu(rd_model *model, rd_weights_made *made, void *context, rd_error *e) {
  enum { WORTH = 256 << 20 };
  return rd_model_tighten(model, WORTH, made, context, e);
}

const rd_engine_kind rd_engines[] = {
    {.name = "cuda",
     .help = "an NVIDIA card, where libredraft-cuda.so and a card are found",
     .able = rd_device_has_card,
     .device = true,
     .rounds = true,
     .open = rd_engine_cuda_open,
     .memory = rd_engine_cuda_memory},
    {.name = "cpu",
     .help = "the processor, with the best of its instruction sets",
     .able = always,
     .open = rd_engine_cpu_open,
     .memory = rd_engine_cpu_memory,
     .lay_out = lay_out_cpu},
    {.name = "emulated",
     .help = "the card's kernels run by the processor, thread after thread: for tests, slow",
     .able = always,
     .asked = true,
     .device = true,
     .open = rd_engine_emulated_open,
     .memory = rd_engine_cuda_memory},
};
const size_t rd_engine_count = sizeof rd_engines / sizeof *rd_engines;

const rd_table rd_engine_table = RD_TABLE("engine", rd_engines);

/* The first row that is taken without being named, from `kind` on; NULL: there is none. */
static const rd_engine_kind *able_from(const rd_engine_kind *kind) {
  const rd_engine_kind *end = rd_engines + rd_engine_count;
  while (kind < end && (kind->asked || !kind->able()))
    kind++;
  return kind < end ? kind : NULL;
}

static rd_code find_engine(const rd_engine_kind **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_engine_table, name, e);
  if (!*out)
    return RD_USAGE;
  return RD_OK;
}

/* What the first cannot run, the next may. */
static rd_code open_any(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                        rd_error *e) {
  rd_code code = RD_UNSUPPORTED;
  for (const rd_engine_kind *kind = able_from(rd_engines); kind && code == RD_UNSUPPORTED;
       kind = able_from(kind + 1))
    code = kind->open(out, model, rows, longest, e);
  return code;
}

rd_code rd_engine_open(rd_engine **out, const char *name, const rd_model *model, int64_t rows,
                       int64_t longest, rd_error *e) {
  const rd_engine_kind *kind = NULL;
  *out = NULL;
  name = name ? name : model->engine;
  if (!name)
    return open_any(out, model, rows, longest, e);
  RD_TRY(find_engine(&kind, name, e));
  return kind->open(out, model, rows, longest, e);
}

void rd_engine_close(rd_engine **engine) {
  if (engine && *engine)
    (*engine)->close(*engine);
  if (engine)
    *engine = NULL;
}

const rd_engine_kind *rd_engine_kind_of(const rd_model *model) {
  return model->engine ? rd_table_row(&rd_engine_table, model->engine) : able_from(rd_engines);
}

rd_code rd_engine_lay_out(rd_model *model, rd_weights_made *made, void *context, rd_error *e) {
  const rd_engine_kind *kind = rd_engine_kind_of(model);
  return kind && kind->lay_out ? kind->lay_out(model, made, context, e) : RD_OK;
}

size_t rd_engine_memory(const rd_model *model, int64_t rows, int64_t longest) {
  const rd_engine_kind *kind = rd_engine_kind_of(model);
  return kind ? kind->memory(model, rows, longest) : 0;
}

int64_t rd_engine_attention(const rd_model *model) {
  return model->config.block > RD_CAUSAL ? model->config.block : RD_BIDIRECTIONAL;
}

/* --- needs ------------------------------------------------------------------------------------ */

int64_t rd_need_rows(const rd_need *need) {
  int64_t read = need->read ? need->read_end - need->read_first : 0;
  return (need->end - need->first) * (need->unguided ? 2 : 1) + read + rd_need_branch_rows(need);
}

int64_t rd_need_branch_rows(const rd_need *need) {
  return need->branches ? need->branches->count * need->branches->masks : 0;
}

int64_t rd_need_branch(const rd_need *need) {
  int64_t b = 0;
  while (b + 1 < need->branches->count && need->out[b].id == need->canvas[need->wanted[b].position])
    b++;
  return b;
}

bool rd_need_reads(const rd_need *need, int64_t i) {
  int64_t row = need->wanted[i].position - 1;
  return need->read && row >= need->read_first && row < need->read_end;
}

int64_t rd_need_clean(const rd_need *need) {
  int64_t end = need->gated < need->end ? need->gated : need->end;
  return end > need->first ? end : need->first;
}

int64_t rd_need_in_place(const rd_need *need) {
  int64_t p = 0;
  while (need->positions && p < need->length && need->positions[p] == p)
    p++;
  return need->positions ? p : INT64_MAX;
}

int64_t rd_need_sees(const rd_need *need, int64_t position) {
  int64_t block = position < need->gated ? RD_CAUSAL : need->attention;
  return rd_sees(position, need->length, block, need->origin, need->led);
}

/* Every position in [first, end) must be known. */
static rd_code check_known(const rd_lane *lane, int64_t first, int64_t end, rd_error *e) {
  for (int64_t p = first; p < end; p++)
    if (!lane || lane->ids[p] < 0)
      return rd_fail(e, RD_USAGE,
                     "position %lld of a canvas is seen, but neither computed nor known to a lane",
                     (long long)p);
  return RD_OK;
}

static rd_code check_lane(const rd_need *need, const rd_lane *lane, rd_error *e) {
  if (lane && lane->positions < need->length)
    return rd_fail(e, RD_USAGE, "a canvas of %lld positions in a lane for %lld",
                   (long long)need->length, (long long)lane->positions);
  RD_TRY(check_known(lane, 0, need->first, e));
  return check_known(lane, need->end, rd_need_sees(need, need->end - 1), e);
}

static rd_code check_gate(const rd_need *need, const rd_model *model, rd_error *e) {
  int64_t clean = rd_need_clean(need);
  if (need->gated > 0 && !model->weights.plain && model->adapted)
    return rd_fail(e, RD_UNSUPPORTED,
                   "an adapter that counts from position %lld on: it was opened to count "
                   "everywhere, its folder having no gate (redraft.json)",
                   (long long)need->gated);
  if (need->stepwise > 0 && !need->lane)
    return rd_fail(e, RD_USAGE, "rows as if one at a time need a lane");
  if (clean > need->first && clean < need->end && !need->lane)
    return rd_fail(e, RD_USAGE, "a gate at position %lld needs a lane for what lies before it",
                   (long long)need->gated);
  return RD_OK;
}

/* What the base reads of a draft. */
static rd_code check_read(const rd_need *need, const rd_model *model, rd_error *e) {
  if (need->gated == 0 || need->unguided || !need->read_lane)
    return rd_fail(e, RD_USAGE,
                   "the base's reading of a draft needs a gate, a lane and no guidance");
  if (model->adapted && !model->weights.plain)
    return rd_fail(e, RD_UNSUPPORTED, "the base cannot read a draft: the adapter has no gate");
  if (need->read_first < 0 || need->read_end <= need->read_first || need->read_end > need->length)
    return rd_fail(e, RD_USAGE, "positions %lld to %lld of a draft of %lld make no range",
                   (long long)need->read_first, (long long)need->read_end, (long long)need->length);
  if (need->read_lane->positions < need->length)
    return rd_fail(e, RD_USAGE, "a draft of %lld positions in a lane for %lld",
                   (long long)need->length, (long long)need->read_lane->positions);
  if (rd_lane_changed(need->read_lane, need->read, need->read_first) >= need->read_first)
    return RD_OK;
  if (need->lane && rd_lane_changed(need->lane, need->read, need->read_first) >= need->read_first)
    return RD_OK;
  return rd_fail(e, RD_USAGE, "positions before %lld of a draft are read, but known to no lane",
                 (long long)need->read_first);
}

static rd_code check_branches(const rd_need *need, int64_t longest, rd_error *e) {
  const rd_branches *b = need->branches;
  const int64_t ahead = need->length + b->masks;
  if (b->count < 1 || b->masks < 1 || b->count != need->count || !need->shift || need->unguided ||
      need->gated < need->length || need->end != need->length ||
      need->wanted[0].position != need->length - b->count + 1)
    return rd_fail(e, RD_USAGE,
                   "%lld branches of %lld rows: they stand behind the last positions of a canvas "
                   "that lies before its gate, one for each word that is wanted there",
                   (long long)b->count, (long long)b->masks);
  if (!need->lane || need->lane->positions < ahead || ahead > longest)
    return rd_fail(e, RD_USAGE, "branches up to position %lld need a lane that has it",
                   (long long)ahead);
  return RD_OK;
}

static rd_code check_positions(const rd_need *need, const rd_model *model, rd_error *e) {
  if (need->attention != RD_CAUSAL || need->gated > 0 || need->unguided || need->branches)
    return rd_fail(e, RD_USAGE,
                   "places in another order than the text's: attention must look back, without "
                   "gate, guidance or branches");
  if (model->config.window > 0)
    return rd_fail(e, RD_UNSUPPORTED,
                   "places in another order than the text's, in a model whose layers have windows "
                   "of %lld positions",
                   (long long)model->config.window);
  for (int64_t p = 0; p < need->length; p++)
    if (need->positions[p] < 0 || need->positions[p] >= need->length)
      return rd_fail(e, RD_USAGE, "place %lld of a canvas of %lld has position %d", (long long)p,
                     (long long)need->length, need->positions[p]);
  return RD_OK;
}

rd_code rd_need_check(const rd_need *need, const rd_model *model, int64_t longest, rd_error *e) {
  if (need->first < 0 || need->end <= need->first || need->end > need->length)
    return rd_fail(e, RD_USAGE, "positions %lld to %lld of a canvas of %lld make no range",
                   (long long)need->first, (long long)need->end, (long long)need->length);
  if (need->length > longest)
    return rd_fail(e, RD_USAGE, "a canvas of %lld positions; the engine was opened for %lld",
                   (long long)need->length, (long long)longest);
  RD_TRY(check_gate(need, model, e));
  if (need->positions)
    RD_TRY(check_positions(need, model, e));
  if (need->read)
    RD_TRY(check_read(need, model, e));
  if (need->branches)
    RD_TRY(check_branches(need, longest, e));
  int64_t read = need->read ? need->read_end - need->read_first : 0;
  if (need->count > need->end - need->first + read)
    return rd_fail(e, RD_USAGE, "%lld positions wanted of the %lld that are computed",
                   (long long)need->count, (long long)(need->end - need->first + read));
  for (int64_t i = 0; i < need->count; i++) {
    int64_t row = rd_wanted_row(need, i);
    bool of_base = rd_need_reads(need, i) && need->wanted[i].base_weight >= 1;
    if (!of_base && (row < need->first || row >= need->end))
      return rd_fail(e, RD_USAGE, "row %lld is wanted, but %lld to %lld are computed",
                     (long long)row, (long long)need->first, (long long)need->end);
  }
  RD_TRY(check_lane(need, need->lane, e));
  return need->unguided ? check_lane(need, need->unguided_lane, e) : RD_OK;
}

int64_t rd_wanted_row(const rd_need *need, int64_t i) {
  int64_t row = need->wanted[i].position - (need->shift ? 1 : 0);
  return row > 0 ? row : 0;
}

/* --- lanes ------------------------------------------------------------------------------------ */

rd_code rd_lane_init(rd_lane *lane, rd_engine *engine, int64_t positions, rd_error *e) {
  *lane = (rd_lane){.engine = engine, .positions = positions};
  lane->ids = rd_calloc((size_t)positions, sizeof *lane->ids, "a lane", e);
  if (!lane->ids)
    return RD_NO_MEMORY;
  rd_lane_forget(lane, 0, positions);
  return RD_OK;
}

void rd_lane_drop(rd_lane *lane) {
  free(lane->ids);
}

rd_code rd_lane_open(rd_lane **out, rd_engine *engine, int64_t positions, rd_error *e) {
  *out = NULL;
  return engine->lane_open(engine, out, positions, e);
}

void rd_lane_close(rd_lane **lane) {
  if (lane && *lane)
    (*lane)->engine->lane_close(*lane);
  if (lane)
    *lane = NULL;
}

void rd_lane_forget(rd_lane *lane, int64_t first, int64_t end) {
  for (int64_t p = first; p < end && p < lane->positions; p++)
    lane->ids[p] = -1;
}

/* The kind of angles that go by a sequence of this length; NULL: they do not. */
static const rd_rope_kind *by_length(const rd_lane *lane, int64_t length) {
  const rd_config *c = lane->config;
  if (c && rd_rope_by_length(&c->rope, length))
    return c->rope.kind;
  return c && c->has_local_rope && rd_rope_by_length(&c->local_rope, length) ? c->local_rope.kind
                                                                             : NULL;
}

void rd_lane_suit(rd_lane *lane, int64_t length) {
  const rd_rope_kind *kind = by_length(lane, length);
  if (lane->beyond ? !kind : kind && kind->two_sets)
    rd_lane_forget(lane, 0, lane->positions);
  lane->beyond = kind != NULL;
}

void rd_lane_renew(rd_lane *lane, int64_t longest) {
  if (lane->beyond || by_length(lane, longest))
    rd_lane_forget(lane, 0, lane->positions);
  lane->beyond = false;
}

int64_t rd_lane_changed(const rd_lane *lane, const int32_t *canvas, int64_t length) {
  int64_t p = 0;
  while (p < length && p < lane->positions && lane->ids[p] >= 0 && lane->ids[p] == canvas[p])
    p++;
  return p;
}

void rd_need_forget(const rd_need *need) {
  if (need->lane)
    rd_lane_forget(need->lane, need->first,
                   need->end + (need->branches ? need->branches->masks : 0));
  if (need->unguided_lane)
    rd_lane_forget(need->unguided_lane, need->first, need->end);
  if (need->read)
    rd_lane_forget(need->read_lane, need->read_first, need->read_end);
}

static void keep(rd_lane *lane, const int32_t *canvas, int64_t first, int64_t end) {
  if (lane)
    memcpy(lane->ids + first, canvas + first, (size_t)(end - first) * sizeof *canvas);
}

/* Behind a gate nothing is known, nor of what stands ahead of a prefix: those rows see what is
 * still to change; nor of what will have another place. */
void rd_need_keep(const rd_need *need) {
  int64_t end = need->gated > 0                       ? rd_need_clean(need)
              : need->led && need->origin < need->end ? need->origin
                                                      : need->end;
  const int64_t in_place = rd_need_in_place(need);
  end = in_place < need->first ? need->first : in_place < end ? in_place : end;
  keep(need->lane, need->canvas, need->first, end);
  if (need->unguided)
    keep(need->unguided_lane, need->unguided, need->first, end);
  if (need->read)
    keep(need->read_lane, need->read, need->read_first, need->read_end);
}
