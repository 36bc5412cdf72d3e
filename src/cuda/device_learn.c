/* SPDX-License-Identifier: MIT */
/* Memory of training passes on a device, laid out once to measure and once to place; what each row
 * of a pass sees; and the run through the layers. */
#include "device_learn_pass.h"

#include "attention_block.h"
#include "parts.h"
#include "rope.h"

#include <stdlib.h>

static void take_lists(rd_learn_lists *lists, rd_arena *a, int64_t rows) {
  lists->ids = RD_TAKE(a, int32_t, rows);
  lists->rows = RD_TAKE(a, rd_device_row, rows);
  lists->spans = RD_TAKE(a, rd_learn_span, rows);
  lists->tiles = RD_TAKE(a, rd_learn_tile, rows);
}

/* Activations: of all layers, of one that serves all, or of one with an input for each; a layer's
 * result is the next one's input (stack.c). `h->acts` is here, what it points at there. */
static void take_half(const rd_device_learn *l, rd_learn_half *h, rd_arena *a,
                      const rd_weights *here) {
  const rd_config *c = l->config;
  const int64_t rows = l->rows, D = c->width;
  const bool keep = h->keep != RD_STACK_NOTHING, all = h->keep == RD_STACK_ALL;
  const int64_t layers = keep ? c->layers : 1;
  h->x = RD_TAKE(a, float, rows *D);
  h->rstd = keep ? RD_TAKE(a, float, rows) : NULL;
  h->hidden = rd_arena_take(a, (size_t)(rows * D), rd_dtype_size(l->type));
  for (int64_t i = 0; i < layers; i++) {
    if (all || i == 0) {
      rd_layer_acts_take(&h->acts[i], a, c, here, i, rows, keep, h == &l->own ? l->beside : NULL);
    } else {
      h->acts[i] = h->acts[0];
      h->acts[i].x = RD_TAKE(a, float, rows *D);
    }
  }
  for (int64_t i = 0; i < layers; i++)
    h->acts[i].out = keep && i + 1 < layers ? h->acts[i + 1].x : h->x;
  if (!keep) {
    h->acts->x = h->acts->mid = h->x;
    h->acts->lse = l->delta;
  }
  take_lists(&h->there, a, rows);
}

static void take_losses(rd_device_learn *l, rd_arena *a) {
  const rd_config *c = l->config;
  const rd_weights *w = l->plan.weights;
  const size_t element = rd_dtype_size(l->type), chunk = (size_t)l->chunk, rows = (size_t)l->rows;
  const size_t V = (size_t)c->vocab, D = (size_t)c->width;
  l->logits = RD_TAKE(a, float, chunk *V);
  l->dlogits = l->type == RD_F32 ? l->logits : rd_arena_take(a, chunk * V, element);
  l->goals = w->plain ? RD_TAKE(a, float, chunk *V) : NULL;
  l->gathered = rd_arena_take(a, chunk * D, element);
  l->dgathered = RD_TAKE(a, float, chunk *D);
  l->head_mid = rd_arena_take(a, chunk * (size_t)w->head.a.rows, element);
  l->losing.rows = RD_TAKE(a, int32_t, rows);
  l->losing.targets = RD_TAKE(a, int32_t, rows);
  l->losing.parents = RD_TAKE(a, int32_t, rows);
  l->losing.weights = RD_TAKE(a, float, rows);
  l->losses = RD_TAKE(a, float, rows);
  l->apart = RD_TAKE(a, double, rows);
  l->looked_ids = RD_TAKE(a, int32_t, rows);
  l->looked_starts = RD_TAKE(a, int32_t, rows + 1);
  l->order = RD_TAKE(a, int32_t, rows);
  l->keys = RD_TAKE(a, uint64_t, (size_t)l->guesses *V);
  l->slices = RD_TAKE(a, rd_device_slice, l->guesses *rd_device_slices((int64_t)V));
  l->draws = RD_TAKE(a, rd_device_draw, l->guesses);
  l->proposals = RD_TAKE(a, rd_proposal, l->guesses);
}

static void layout(rd_device_learn *l, rd_arena *a) {
  const rd_config *c = l->config;
  const rd_weights *w = l->plan.weights;
  const size_t rows = (size_t)l->rows, D = (size_t)c->width;
  const size_t turned = (size_t)rd_config_turned(c) / 2, longest = (size_t)l->plan.longest;
  const size_t past = (size_t)(c->layers * l->rows * c->kv_heads * c->head_dim);
  l->gradients = RD_TAKE(a, float, l->plan.gradient_count);
  l->total = l->plan.apart ? RD_TAKE(a, float, l->plan.gradient_count) : NULL;
  rd_learn_take_update(l, a);
  l->delta = RD_TAKE(a, float, rows *(size_t)c->heads);
  l->unrotated = rd_layer_unrotated_take(a, c, l->type, l->rows);
  l->normed = c->post_norms ? RD_TAKE(a, float, rows *D) : NULL;
  for (int i = 0; i < 2; i++) {
    const bool own = i == 0 || c->has_local_rope;
    l->cosines[i] = own ? RD_TAKE(a, float, longest *turned) : l->cosines[0];
    l->sines[i] = own ? RD_TAKE(a, float, longest *turned) : l->sines[0];
  }
  take_half(l, &l->own, a, w);
  l->past_k = l->past_v = NULL;
  if (w->plain) {
    l->past_k = rd_arena_take(a, past, rd_dtype_size(l->type));
    l->past_v = rd_arena_take(a, past, rd_dtype_size(l->type));
    take_half(l, &l->clean, a, w->plain);
  }
  rd_layer_scratch_take(&l->scratch, a, c, l->type, l->rows, rd_weights_rank(w, c));
  rd_learn_take_groups(l, a);
  l->dx = RD_TAKE(a, float, rows *D);
  l->dhidden = RD_TAKE(a, float, rows *D);
  take_losses(l, a);
}

static void layout_here(rd_device_learn *l, rd_arena *a) {
  take_lists(&l->own.here, a, l->rows);
  if (l->plan.weights->plain)
    take_lists(&l->clean.here, a, l->rows);
  l->sorted = RD_TAKE(a, uint64_t, l->rows);
  l->sorted_lists = RD_TAKE(a, int32_t, 3 * l->rows + 1);
  l->draws_here = RD_TAKE(a, rd_device_draw, l->guesses);
  l->proposals_here = RD_TAKE(a, rd_proposal, l->guesses);
  l->items_here = RD_TAKE(a, rd_adamw_item, l->plan.trained_count);
}

/* Without memory on the device yet. Large chunks of logits keep a card's products busy. */
static rd_code begin(rd_device_learn *l, const rd_step_plan *plan, rd_error *e) {
  enum { NUMBERS = 1 << 26, LEAST = 32, GUESSES = 256 }; /* of logits: 256 MB */
  const rd_config *c = plan->config;
  int64_t chunk = NUMBERS / c->vocab;
  chunk = chunk < LEAST ? LEAST : chunk;
  *l = (rd_device_learn){.plan = *plan,
                         .config = c,
                         .type = plan->weights->type,
                         .rows = plan->rows,
                         .chunk = chunk < plan->rows ? chunk : plan->rows};
  l->guesses = l->chunk < GUESSES ? l->chunk : GUESSES;
  l->own.keep = plan->recompute ? RD_STACK_INPUTS : RD_STACK_ALL;
  const size_t layers = (size_t)c->layers;
  l->groups = rd_calloc(layers * RD_BESIDES, sizeof *l->groups, "groups of matrices", e);
  l->own.acts = rd_calloc(layers, sizeof *l->own.acts, "activations of layers", e);
  if (plan->weights->plain)
    l->clean.acts = rd_calloc(1, sizeof *l->clean.acts, "activations of a layer", e);
  if (!l->groups || !l->own.acts || (plan->weights->plain && !l->clean.acts))
    return RD_NO_MEMORY;
  rd_learn_plan_groups(l);
  return RD_OK;
}

/* A model as the weights' copier takes one. */
static rd_model model_of(const rd_step_plan *plan) {
  rd_model m = {.config = *plan->config, .weights = *plan->weights};
  return m;
}

/* Matrices that rows are multiplied with lie plain: what comes back needs them both ways. */
static rd_code check_plan(const rd_step_plan *plan, rd_error *e) {
  const rd_format *wanted = rd_format_of(plan->weights->type);
  RD_TRY(rd_device_check(plan->config, plan->longest, e));
  for (const rd_weights *w = plan->weights; w; w = w->plain) {
    rd_walk p = rd_parts_of(plan->config, NULL, w, NULL);
    while (rd_parts_next(&p))
      if (p.linear && p.linear->w.format != wanted)
        return rd_fail(e, RD_UNSUPPORTED,
                       "%s: a device trains over matrices in %s, and this one is %s: use --engine "
                       "cpu",
                       p.name, wanted->name, p.linear->w.format->name);
  }
  return RD_OK;
}

static rd_code measure(rd_device_learn *l, size_t *weights, size_t *working, rd_error *e) {
  const rd_model m = model_of(&l->plan);
  rd_arena arena = rd_arena_measure();
  layout(l, &arena);
  *working = arena.used;
  RD_TRY(check_plan(&l->plan, e));
  return rd_device_weights_size(weights, &m, e);
}

static void drop(rd_device_learn *l) {
  if (l->memory && l->device->forget)
    l->device->forget(l->device, l);
  rd_device_weights_free(&l->sent);
  if (l->memory)
    l->device->give(l->device, l->memory);
  rd_arena_drop(&l->here_arena);
  free(l->groups);
  free(l->own.acts);
  free(l->clean.acts);
}

size_t rd_device_learn_memory(const rd_step_plan *plan) {
  rd_device_learn l = {0};
  size_t weights = 0, working = 0;
  rd_code code = begin(&l, plan, NULL);
  if (code == RD_OK)
    code = measure(&l, &weights, &working, NULL);
  drop(&l);
  return code == RD_OK ? weights + working : 0;
}

/* Does a block of attention's way back have room? */
static rd_code check_heads(const rd_device_learn *l, rd_error *e) {
  const size_t wanted = rd_learn_shared(l->config->head_dim, l->type, true);
  return wanted <= l->device->shared
           ? RD_OK
           : rd_fail(e, RD_UNSUPPORTED,
                     "heads of %lld numbers in %s take %zu bytes of a block's memory, and %s has "
                     "%zu: train in bf16, or with --engine cpu",
                     (long long)l->config->head_dim, rd_dtype_name(l->type), wanted,
                     l->device->name, l->device->shared);
}

static rd_code fill(rd_device_learn *l, size_t working, rd_error *e) {
  rd_device *d = l->device;
  const rd_config *c = l->config;
  const rd_model m = model_of(&l->plan);
  rd_arena here = rd_arena_measure();
  layout_here(l, &here);
  RD_TRY(rd_arena_init(&l->here_arena, here.used, "the lists of a pass", e));
  layout_here(l, &l->here_arena);
  RD_TRY(d->take(d, &l->memory, working, "the working memory of training passes", e));
  rd_arena arena = {.base = l->memory, .size = working};
  layout(l, &arena);
  RD_TRY(rd_device_weights_new(&l->sent, &m, d, e));
  RD_TRY(rd_learn_begin_groups(l, e));
  RD_TRY(rd_learn_list_update(l, e));
  l->own.weights = &l->sent->own;
  l->clean.weights = &l->sent->plain;
  RD_TRY(rd_device_send_angles(d, l->cosines[0], l->sines[0], c, false, l->plan.longest, e));
  if (c->has_local_rope)
    RD_TRY(rd_device_send_angles(d, l->cosines[1], l->sines[1], c, true, l->plan.longest, e));
  return rd_device_learn_clear(l, e);
}

rd_code rd_device_learn_new(rd_device_learn **out, rd_device *d, const rd_step_plan *plan,
                            rd_error *e) {
  *out = NULL;
  size_t weights = 0, working = 0;
  rd_device_learn *l = rd_calloc(1, sizeof *l, "training passes of a device", e);
  if (!l)
    return RD_NO_MEMORY;
  rd_code code = begin(l, plan, e);
  l->device = d;
  if (code == RD_OK)
    code = measure(l, &weights, &working, e);
  if (code == RD_OK)
    code = check_heads(l, e);
  if (code == RD_OK)
    code = rd_device_check_memory(d, weights, working, l->rows,
                                  "--batch with --accumulate, --recompute", e);
  if (code == RD_OK)
    code = fill(l, working, e);
  if (code != RD_OK) {
    rd_device_learn_free(&l);
    return code;
  }
  *out = l;
  return RD_OK;
}

void rd_device_learn_free(rd_device_learn **learn) {
  if (!learn || !*learn)
    return;
  drop(*learn);
  free(*learn);
  *learn = NULL;
}

/* --- gradients -------------------------------------------------------------------- */

rd_code rd_device_learn_clear(rd_device_learn *l, rd_error *e) {
  const rd_clear_args args = {l->gradients, l->plan.gradient_count};
  const rd_blocks grid = rd_blocks_over(l->device, args.n);
  return args.n > 0 ? RD_LAUNCH(l, clear, &grid, &args, e) : RD_OK;
}

rd_code rd_device_learn_gather(rd_device_learn *l, rd_error *e) {
  const size_t bytes = (size_t)l->plan.gradient_count * sizeof(float);
  return bytes > 0 ? l->device->fetch(l->device, l->plan.gradients, l->gradients, bytes, e) : RD_OK;
}

rd_code rd_device_learn_spread(rd_device_learn *l, rd_error *e) {
  const size_t bytes = (size_t)l->plan.gradient_count * sizeof(float);
  return l->device->send(l->device, l->gradients, l->plan.gradients, bytes, e);
}

/* One after the other, as ranks.c adds them. */
rd_code rd_device_learn_add(rd_device_learn *l, rd_error *e) {
  const int64_t n = l->plan.gradient_count;
  const rd_add_args args = {l->total, l->gradients, 1, n};
  const rd_blocks grid = rd_blocks_over(l->device, n);
  return l->summed++ > 0
           ? RD_LAUNCH(l, add, &grid, &args, e)
           : l->device->move(l->device, l->total, l->gradients, (size_t)n * sizeof *l->total, e);
}

rd_code rd_device_learn_sum(rd_device_learn *l, rd_error *e) {
  l->summed = 0;
  return l->device->move(l->device, l->gradients, l->total,
                         (size_t)l->plan.gradient_count * sizeof *l->total, e);
}

/* --- a run ------------------------------------------------------------------------------------ */

/* Rows `at` .. of a span as one tile. */
static void place_tile(rd_learn_half *h, int64_t first, int64_t count) {
  const rd_device_row *rows = h->here.rows + h->here.spans[h->span_count].row + first;
  rd_learn_tile *tile = &h->here.tiles[h->tile_count++];
  *tile = (rd_learn_tile){
      .span = (int32_t)h->span_count, .first = (int32_t)first, .count = (int32_t)count};
  for (int w = 0; w < 2; w++) {
    tile->from[w] = rows[0].from[w];
    tile->end[w] = rows[0].seen[w];
    for (int64_t i = 1; i < count; i++) {
      tile->from[w] = rows[i].from[w] < tile->from[w] ? rows[i].from[w] : tile->from[w];
      tile->end[w] = rows[i].seen[w] > tile->end[w] ? rows[i].seen[w] : tile->end[w];
    }
  }
}

static void place(const rd_device_learn *l, rd_learn_half *h, const rd_sequence *seq,
                  int64_t before, int64_t block) {
  const rd_config *c = l->config;
  const rd_span span = {
      .keys = seq->first + seq->count, .first = seq->first, .origin = seq->origin, .led = seq->led};
  memcpy(h->here.ids + h->T, seq->ids, (size_t)seq->count * sizeof *seq->ids);
  h->here.spans[h->span_count] = (rd_learn_span){h->T, seq->count, seq->first, before};
  for (int64_t i = 0; i < seq->count; i++) {
    rd_device_row *row = &h->here.rows[h->T + i];
    *row = (rd_device_row){.position = (int32_t)(seq->first + i)};
    for (int w = 0; w < 2; w++) {
      const rd_attention a = {.block = block, .window = w ? c->window : 0};
      row->from[w] = (int32_t)rd_attention_from(&a, &span, i);
      row->seen[w] = (int32_t)rd_attention_seen(&a, &span, i);
    }
  }
  for (int64_t i = 0; i < seq->count; i += RD_LEARN_ROWS)
    place_tile(h, i, seq->count - i < RD_LEARN_ROWS ? seq->count - i : RD_LEARN_ROWS);
  h->span_count++;
  h->T += seq->count;
}

static rd_code check_sequence(const rd_device_learn *l, const rd_sequence *seq, bool past,
                              int64_t at, rd_error *e) {
  const int64_t length = seq->first + seq->count;
  RD_TRY(rd_sequence_check(seq, l->config, at, l->rows, e));
  if (seq->first < 0 || length > l->plan.longest || (seq->first > 0 && !past))
    return rd_fail(e, RD_USAGE, "a sequence reaches position %lld; this pass was made for %lld",
                   (long long)length, (long long)l->plan.longest);
  return RD_OK;
}

static rd_code send_half(rd_device_learn *l, rd_learn_half *h, rd_error *e) {
  rd_device *d = l->device;
  const rd_learn_lists *to = &h->there, *from = &h->here;
  const size_t T = (size_t)h->T, spans = (size_t)h->span_count, tiles = (size_t)h->tile_count;
  RD_TRY(d->send(d, to->ids, from->ids, T * sizeof *from->ids, e));
  RD_TRY(d->send(d, to->rows, from->rows, T * sizeof *from->rows, e));
  RD_TRY(d->send(d, to->spans, from->spans, spans * sizeof *from->spans, e));
  return d->send(d, to->tiles, from->tiles, tiles * sizeof *from->tiles, e);
}

static rd_code forward(rd_device_learn *l, rd_learn_half *h, rd_error *e) {
  const rd_config *c = l->config;
  const rd_gather_args gather = {.y = h->acts->x,
                                 .ids = h->there.ids,
                                 .m = rd_device_matrix_of(&h->weights->embedding),
                                 .scale =
                                     c->embedding_scale > 0 ? (float)c->embedding_scale : 1.0f};
  const rd_blocks grid = rd_blocks_of_rows(l->device, h->T, c->width);
  RD_TRY(RD_LAUNCH(l, gather, &grid, &gather, e));
  for (int64_t index = 0; index < c->layers; index++)
    RD_TRY(rd_learn_forward(l, h, index, e));
  return rd_learn_norm(l, h->hidden, 0, l->type, h->rstd, h->x, h->weights->norm, h->T, c->width,
                       e);
}

static rd_code forward_own(void *context, rd_error *e) {
  rd_device_learn *l = context;
  return forward(l, &l->own, e);
}
static rd_code forward_clean(void *context, rd_error *e) {
  rd_device_learn *l = context;
  return forward(l, &l->clean, e);
}

static rd_code run(rd_device_learn *l, rd_learn_half *h, const rd_sequence *sequences,
                   const int64_t *before, int64_t n, int64_t block, rd_error *e) {
  const rd_config *c = l->config;
  h->T = h->span_count = h->tile_count = 0;
  for (int64_t i = 0; i < n; i++) {
    RD_TRY(check_sequence(l, &sequences[i], before != NULL, h->T, e));
    place(l, h, &sequences[i], before ? before[i] : 0, block < 0 ? c->block : block);
  }
  if (h->T == 0)
    return RD_OK;
  RD_TRY(send_half(l, h, e));
  const bool own = h == &l->own;
  const rd_device_key key = {l, {own ? RD_LEARN_OWN : RD_LEARN_CLEAN, h->T, h->tile_count}};
  return rd_device_again(l->device, &key, own ? forward_own : forward_clean, l, e);
}

rd_code rd_device_learn_clean(rd_device_learn *l, const rd_sequence *sequences, int64_t n,
                              rd_error *e) {
  return run(l, &l->clean, sequences, NULL, n, 1, e);
}

rd_code rd_device_learn_run(rd_device_learn *l, const rd_sequence *sequences, const int64_t *before,
                            int64_t n, int64_t block, rd_error *e) {
  return run(l, &l->own, sequences, before, n, block, e);
}
