/* SPDX-License-Identifier: MIT */
/* Attention is one kind a pass, so needs of one kind go together. A guided need is two sequences
 * whose wanted rows alternate: with the prompt, without; and so are a draft's rows and the base's
 * reading of it. */
#include "packing.h"

#include "attention.h"

#include <string.h>

void rd_packing_take(rd_packing *p, rd_arena *a) {
  size_t n = (size_t)p->rows;
  p->sequences = RD_TAKE(a, rd_sequence, n);
  p->lanes = RD_TAKE(a, rd_lane *, n);
  p->indices = RD_TAKE(a, int32_t, 2 * n);
  p->uses = RD_TAKE(a, rd_row_use, 2 * n);
}

/* The positions of a need on one side of its gate. */
typedef struct side {
  int64_t first, end;
  bool clean;
} side;

static side side_of(const rd_need *need, bool clean) {
  int64_t gate = rd_need_clean(need);
  return clean ? (side){need->first, gate, true} : (side){gate, need->end, false};
}

static void add_sequence(rd_packing *p, const rd_need *need, side s, const int32_t *canvas,
                         rd_lane *lane) {
  p->lanes[p->sequence_count] = lane;
  p->sequences[p->sequence_count++] =
      (rd_sequence){.ids = canvas + s.first,
                    .count = s.end - s.first,
                    .first = s.first,
                    .length = s.clean ? s.end : rd_need_sees(need, s.end - 1),
                    .positions = need->positions ? need->positions + s.first : NULL,
                    .origin = need->origin,
                    .led = need->led,
                    .clean = s.clean};
}

/* The rows of a side over one of the need's canvases, or over what the base reads, as one sequence:
 * or, from `stepwise` on, as some of so few rows that attention goes through them one by one. */
static void add_side(rd_packing *p, const rd_need *need, side s, const int32_t *canvas,
                     rd_lane *lane) {
  bool looks_back = s.clean || need->attention == RD_CAUSAL;
  int64_t few = need->stepwise > 0 && looks_back ? need->stepwise : s.end;
  for (side part = s; part.first < s.end; part.first = part.end) {
    part.end = part.first < few ? few : part.first + RD_ATTENTION_FEW;
    part.end = part.end < s.end ? part.end : s.end;
    add_sequence(p, need, part, canvas, lane);
  }
}

static int64_t rows_read(const rd_need *need) {
  return need->read ? need->read_end - need->read_first : 0;
}

/* What a draft's lane does not know of what comes before the rows that the base reads. */
static rd_code copy_known(const rd_need *need, const rd_pass_runner *runner, rd_error *e) {
  if (!need->read)
    return RD_OK;
  int64_t first = rd_lane_changed(need->read_lane, need->read, need->read_first);
  int64_t count = need->read_first - first;
  if (count == 0)
    return RD_OK;
  RD_TRY(runner->copy(need->read_lane, need->lane, first, count, e));
  memcpy(need->read_lane->ids + first, need->read + first, (size_t)count * sizeof *need->read);
  return RD_OK;
}

/* Sequences of one side of a need; returns their rows. What the base reads is of the clean one, and
 * comes last. */
static int64_t pack_side(rd_packing *p, const rd_need *need, bool clean) {
  side s = side_of(need, clean);
  add_side(p, need, s, need->canvas, need->lane);
  if (need->unguided)
    add_side(p, need, s, need->unguided, need->unguided_lane);
  if (clean && need->read) /* as clean as a prompt */
    add_side(p, need, (side){need->read_first, need->read_end, true}, need->read, need->read_lane);
  return (s.end - s.first) * (need->unguided ? 2 : 1) + (clean ? rows_read(need) : 0);
}

/* The branches of a need, which come last of all. */
static void add_branches(rd_packing *p, const rd_need *need) {
  const rd_branches *b = need->branches;
  for (int64_t i = 0; b && i < b->count; i++) {
    const int64_t first = need->length - b->count + 1 + i;
    p->lanes[p->sequence_count] = need->lane;
    p->sequences[p->sequence_count++] = (rd_sequence){.ids = b->ids,
                                                      .count = b->masks,
                                                      .first = first,
                                                      .length = first + b->masks,
                                                      .branch = true};
  }
}

static void want_row(rd_packing *p, int64_t row, rd_row_use use) {
  p->indices[p->use_count] = (int32_t)row;
  p->uses[p->use_count++] = use;
}

/* Wanted rows of needs[number], whose sides begin at rows at[0] (clean) and at[1]. */
static void pack_wanted(rd_packing *p, int64_t number, const int64_t at[2], const int64_t rows[2]) {
  const rd_need *need = &p->needs[number];
  int64_t gate = need->first + rows[0], read = at[0] + rows[0] - need->read_first;
  for (int64_t i = 0; i < need->count; i++) {
    int64_t position = rd_wanted_row(need, i), behind = position >= gate;
    int64_t row = at[behind] + position - (behind ? gate : need->first);
    const double weight = rd_need_reads(need, i) ? need->wanted[i].base_weight : 0;
    const int64_t second = weight > 0 ? read + need->wanted[i].position - 1 : row + rows[behind];
    bool paired = need->unguided || (weight > 0 && weight < 1);
    want_row(p, weight < 1 ? row : second,
             (rd_row_use){number, i, paired ? RD_USE_OF_PAIR : RD_USE_ALONE});
    if (paired)
      want_row(p, second, (rd_row_use){number, i, RD_USE_AGAINST});
  }
}

/* Every row of the branches of needs[first .. end), which begin at row `at`. */
static void pack_branches(rd_packing *p, int64_t first, int64_t end, int64_t attention,
                          int64_t at) {
  for (int64_t i = first; i < end; i++) {
    if (p->needs[i].attention != attention)
      continue;
    add_branches(p, &p->needs[i]);
    for (int64_t row = 0; row < rd_need_branch_rows(&p->needs[i]); row++) {
      const int64_t use = p->use_count + p->branch_rows;
      p->indices[use] = (int32_t)(at + p->branch_rows++);
      p->uses[use] = (rd_row_use){i, row, RD_USE_ALONE};
    }
  }
}

/* needs[first .. end) of a kind of attention: clean sides first, branches last. */
static void pack(rd_packing *p, int64_t first, int64_t end, int64_t attention) {
  int64_t at[2] = {0};
  p->sequence_count = p->use_count = p->branch_rows = 0;
  for (int behind = 0; behind < 2; behind++)
    for (int64_t i = first; i < end; i++)
      if (p->needs[i].attention == attention)
        at[1] += pack_side(p, &p->needs[i], !behind) * !behind;
  for (int64_t i = first; i < end; i++) {
    const rd_need *need = &p->needs[i];
    if (need->attention != attention)
      continue;
    side clean = side_of(need, true), rest = side_of(need, false);
    const int64_t rows[2] = {clean.end - clean.first, rest.end - rest.first};
    pack_wanted(p, i, at, rows);
    rd_need_forget(need);
    for (int behind = 0; behind < 2; behind++)
      at[behind] += rows[behind] * (need->unguided ? 2 : 1) + (behind ? 0 : rows_read(need));
  }
  pack_branches(p, first, end, attention, at[1]);
}

/* A product of a shape not met before costs a millisecond to prepare, and drafts of many lengths
 * come and go: passes over several are filled up to one of a few sizes in each doubling. Passes
 * with branches are of few sizes. */
static void pad(rd_packing *p, int64_t rows) {
  enum { LEAST = 16, MOST = 256 };
  static const int32_t filler[MOST] = {0};
  int64_t step = LEAST;
  while (step < MOST && 16 * step <= rows)
    step *= 2;
  int64_t lacking = (step - rows % step) % step;
  if (lacking > 0 && lacking <= p->rows - rows && lacking <= p->longest)
    add_sequence(p, &(rd_need){.length = lacking}, (side){0, lacking, false}, filler, NULL);
}

/* One pass over needs[first..) of a kind, as many as fit; *next is the first one left. */
static rd_code run_pass(rd_packing *p, int64_t n, int64_t first, int64_t *next,
                        const rd_pass_runner *runner, void *engine, rd_error *e) {
  int64_t attention = p->needs[first].attention;
  int64_t rows = 0, end = first;
  for (; end < n; end++) {
    if (p->needs[end].attention != attention)
      continue;
    if (rd_need_rows(&p->needs[end]) > p->rows - rows)
      break;
    rows += rd_need_rows(&p->needs[end]);
  }
  if (rows == 0)
    return rd_fail(e, RD_USAGE, "%lld positions do not fit in a pass of %lld",
                   (long long)rd_need_rows(&p->needs[first]), (long long)p->rows);
  for (int64_t i = first; i < end; i++)
    if (p->needs[i].attention == attention)
      RD_TRY(copy_known(&p->needs[i], runner, e));
  pack(p, first, end, attention);
  if (p->sequence_count > 1 && attention != RD_CAUSAL && p->branch_rows == 0)
    pad(p, rows);
  RD_TRY(runner->run(engine, attention, e));
  for (int64_t i = first; i < end; i++)
    if (p->needs[i].attention == attention)
      rd_need_keep(&p->needs[i]);
  *next = end;
  return RD_OK;
}

/* The next larger kind of attention among the needs; INT64_MAX: there is none. */
static int64_t next_kind(const rd_need *needs, int64_t n, int64_t after) {
  int64_t kind = INT64_MAX;
  for (int64_t i = 0; i < n; i++)
    if (needs[i].attention > after && needs[i].attention < kind)
      kind = needs[i].attention;
  return kind;
}

rd_code rd_packing_run(rd_packing *p, const rd_need *needs, int64_t n, const rd_pass_runner *runner,
                       void *engine, rd_error *e) {
  p->needs = needs;
  for (int64_t i = 0; i < n; i++)
    RD_TRY(rd_need_check(&needs[i], p->model, p->longest, e));
  for (int64_t kind = -1; (kind = next_kind(needs, n, kind)) < INT64_MAX;)
    for (int64_t at = 0; at < n;)
      if (needs[at].attention != kind)
        at++;
      else
        RD_TRY(run_pass(p, n, at, &at, runner, engine, e));
  return RD_OK;
}
