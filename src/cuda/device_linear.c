/* SPDX-License-Identifier: MIT */
/* Products of a device: few rows by kernels that read the matrix as it lies, many by the device's
 * own products, for which groups of integers are decoded a stretch of rows at a time. */
#include "device_pass.h"

rd_code rd_device_again(rd_device *d, const rd_device_key *key, rd_device_work *work, void *context,
                        rd_error *e) {
  bool done = false, again = d->begin != NULL;
  rd_code code = RD_OK;
  if (!again)
    return work(context, e);
  while (again) {
    RD_TRY(d->begin(d, key, &done, e));
    if (done)
      return RD_OK;
    code = work(context, e);
    const rd_code ended = d->end(d, &again, code == RD_OK ? e : NULL);
    code = code == RD_OK ? ended : code;
  }
  return code;
}

rd_blocks rd_blocks_over(const rd_device *d, int64_t n) {
  enum { EACH = 4, MOST = 1 << 16 };
  const int64_t wanted = (n + EACH * d->threads - 1) / (EACH * d->threads);
  return (rd_blocks){.blocks = wanted < MOST ? wanted : MOST, .sides = 1, .threads = d->threads};
}

rd_blocks rd_blocks_of_rows(const rd_device *d, int64_t n, int64_t D) {
  const int64_t wanted = (D / 4 + RD_WARP_SIZE - 1) / RD_WARP_SIZE * RD_WARP_SIZE;
  const int threads = wanted < d->threads ? (int)wanted : d->threads;
  return (rd_blocks){.blocks = n,
                     .sides = 1,
                     .threads = threads > 0 ? threads : RD_WARP_SIZE,
                     .shared = rd_device_room(d)};
}

/* How the parts of a product of few rows are shared out; gives its blocks. */
rd_blocks rd_few_blocks(const rd_device *d, rd_few_args *args) {
  enum { SUMS = RD_MOST_WARPS * RD_FEW_MOST * RD_WARP_SIZE };
  const bool plain = args->parts[0].w.form <= RD_FORM_BF16;
  const int64_t outputs = plain ? d->threads / RD_WARP_SIZE : RD_WARP_SIZE; /* of a block */
  const int64_t K = (args->parts[0].w.cols + 31) / 32 * 32, most = RD_FEW_NUMBERS / args->T;
  rd_blocks grid = {.sides = 1, .threads = d->threads};
  for (int i = 0; i < args->count; i++) {
    args->parts[i].block = grid.blocks;
    grid.blocks += (args->parts[i].w.rows + outputs - 1) / outputs;
  }
  args->piece = (int32_t)(K < most ? K : most / 32 * 32);
  const int64_t numbers = args->piece * args->T;
  grid.shared = plain ? 0 : (size_t)(numbers > SUMS ? numbers : SUMS) * sizeof(float);
  return grid;
}

rd_blocks rd_some_blocks(const rd_device *d, rd_few_args *args) {
  enum { LARGE = 256 }; /* panels: more than a card has blocks for at a time */
  int64_t panels = 0;
  rd_blocks grid = {.sides = (args->T + RD_SOME_ROWS - 1) / RD_SOME_ROWS, .threads = d->threads};
  for (int i = 0; i < args->count; i++)
    panels += (args->parts[i].w.rows + 31) / 32;
  args->panels = panels * grid.sides >= LARGE ? 2 : 1;
  for (int i = 0; i < args->count; i++) {
    args->parts[i].block = grid.blocks;
    grid.blocks += (args->parts[i].w.rows + 32 * args->panels - 1) / (32 * args->panels);
  }
  grid.shared =
      (size_t)(d->threads / RD_WARP_SIZE * args->panels * RD_SOME_ROWS * 33) * sizeof(float);
  return grid;
}

/* Some matrices that have their rows of x in common; y of each lies beside that of the one before.
 */
typedef struct matrix_set {
  const rd_matrix *of[RD_FEW_PARTS];
  int count;
} matrix_set;

static rd_code multiply_few(rd_device_stack *s, const matrix_set *set, const rd_product *p,
                            rd_error *e) {
  rd_few_args args = {.x = p->x,
                      .T = p->T,
                      .y_stride = p->y_stride,
                      .alpha = p->alpha,
                      .count = set->count,
                      .add = p->beta != 0,
                      .y_type = (int32_t)p->y_type,
                      .x_type = (int32_t)p->type};
  int64_t at = 0;
  for (int i = 0; i < set->count; i++) {
    args.parts[i].y = rd_at(p->y, p->y_type, at);
    args.parts[i].w = rd_device_matrix_of(set->of[i]);
    at += set->of[i]->rows;
  }
  const bool plain = args.parts[0].w.form <= RD_FORM_BF16, some = p->T > s->device->few;
  const rd_blocks grid = some ? rd_some_blocks(s->device, &args) : rd_few_blocks(s->device, &args);
  return plain ? RD_LAUNCH(s, few, &grid, &args, e)
       : some  ? RD_LAUNCH(s, some_groups, &grid, &args, e)
               : RD_LAUNCH(s, few_groups, &grid, &args, e);
}

/* Rows first .. first + count of a matrix in groups, as numbers in the room. */
static rd_code ungroup(rd_device_stack *s, const rd_device_matrix *w, int64_t first, int64_t count,
                       rd_error *e) {
  enum { NUMBERS = 1 << 14 }; /* of a block */
  const rd_ungroup_args args = {s->room, *w, first, count, (int32_t)s->type};
  const rd_blocks grid = {.blocks = (count + 31) / 32,
                          .sides = 1 + 32 * w->cols / NUMBERS,
                          .threads = s->device->threads};
  return RD_LAUNCH(s, ungroup, &grid, &args, e);
}

/* Many rows: groups of integers are decoded first. */
static rd_code multiply_many(rd_device_stack *s, const rd_matrix *m, const rd_product *product,
                             rd_error *e) {
  rd_device *d = s->device;
  const rd_device_matrix w = rd_device_matrix_of(m);
  rd_product p = *product;
  p.K = w.cols;
  p.w = w.data;
  if (w.form <= RD_FORM_BF16)
    return d->multiply(d, &p, e);
  const int64_t step = s->room_numbers / w.cols / 32 * 32;
  for (int64_t first = 0; first < w.rows; first += step) {
    p.N = w.rows - first < step ? w.rows - first : step;
    p.w = s->room;
    p.y = rd_at(product->y, p.y_type, first);
    RD_TRY(ungroup(s, &w, first, p.N, e));
    RD_TRY(d->multiply(d, &p, e));
  }
  return RD_OK;
}

/* Does b lie right behind a, so that the two are one matrix? */
static bool lies_behind(const rd_matrix *a, const rd_matrix *b) {
  const rd_device_matrix m = rd_device_matrix_of(a), n = rd_device_matrix_of(b);
  const rd_dtype type = m.form == RD_FORM_F32 ? RD_F32 : RD_BF16;
  return m.form <= RD_FORM_BF16 && m.form == n.form && m.cols == n.cols &&
         rd_at_const(m.data, type, m.rows * m.cols) == n.data;
}

static bool in_groups(const rd_matrix *m) {
  return rd_device_matrix_of(m).form > RD_FORM_BF16;
}

/* Are all read by the same kernel? */
static bool alike(const matrix_set *set) {
  for (int i = 1; i < set->count; i++)
    if (in_groups(set->of[i]) != in_groups(set->of[0]))
      return false;
  return true;
}

/* Is a matrix read as it lies, for T rows? */
static bool as_it_lies(const rd_device_stack *s, const rd_matrix *m, int64_t T) {
  const rd_device *d = s->device;
  return T <= d->few || (T <= d->some && in_groups(m) && s->type == RD_BF16);
}

/* Rows of y are p->y_stride apart, which is all of the set's outputs. */
static rd_code multiply(rd_device_stack *s, const matrix_set *set, const rd_product *product,
                        rd_error *e) {
  rd_product p = *product;
  if (p.T == 0)
    return RD_OK;
  if (alike(set) && as_it_lies(s, set->of[0], p.T))
    return multiply_few(s, set, &p, e);
  int64_t at = 0;
  for (int i = 0, n = 1; i < set->count; i += n) {
    const matrix_set one = {{set->of[i]}, 1};
    p.N = set->of[i]->rows;
    p.y = rd_at(product->y, p.y_type, at);
    const bool few = as_it_lies(s, set->of[i], p.T);
    for (n = 1; !few && i + n < set->count && lies_behind(set->of[i + n - 1], set->of[i + n]); n++)
      p.N += set->of[i + n]->rows;
    RD_TRY(few ? multiply_few(s, &one, &p, e) : multiply_many(s, set->of[i], &p, e));
    at += p.N;
  }
  return RD_OK;
}

static rd_code add_bias(rd_device_stack *s, void *y, rd_dtype type, const rd_linear *l, int64_t T,
                        int64_t stride, rd_error *e) {
  const rd_bias_args args = {y, l->bias, T * l->w.rows, l->w.rows, (int32_t)type, stride};
  const rd_blocks grid = rd_blocks_over(s->device, args.n);
  return l->bias ? RD_LAUNCH(s, bias, &grid, &args, e) : RD_OK;
}

/* y += scale (x a') b' for rows from `clean` on. */
static rd_code add_adapter(rd_device_stack *s, const rd_linear *l, void *y, rd_dtype y_type,
                           const void *x, int64_t T, int64_t clean, int64_t stride, rd_error *e) {
  const matrix_set a = {{&l->a}, 1}, b = {{&l->b}, 1};
  const rd_product down = {.y = s->mid,
                           .x = rd_at_const(x, s->type, clean * l->w.cols),
                           .T = T - clean,
                           .y_stride = l->a.rows,
                           .alpha = l->scale,
                           .type = s->type,
                           .y_type = s->type};
  const rd_product up = {.y = rd_at(y, y_type, clean * stride),
                         .x = s->mid,
                         .T = T - clean,
                         .y_stride = stride,
                         .alpha = 1,
                         .beta = 1,
                         .type = s->type,
                         .y_type = y_type};
  if (l->a.rows == 0 || clean == T)
    return RD_OK;
  RD_TRY(multiply(s, &a, &down, e));
  return multiply(s, &b, &up, e);
}

rd_code rd_device_linears(rd_device_stack *s, const rd_linear *const *set, int count, void *y,
                          rd_dtype y_type, bool add, const void *x, int64_t T, int64_t clean,
                          rd_error *e) {
  int64_t first = 0;
  matrix_set own = {.count = count}, plain = {.count = count};
  rd_product p = {
      .y = y, .x = x, .alpha = 1, .beta = add ? 1 : 0, .type = s->type, .y_type = y_type};
  for (int i = 0; i < count; i++) {
    own.of[i] = &set[i]->w;
    plain.of[i] = set[i]->plain ? set[i]->plain : &set[i]->w;
    p.y_stride += set[i]->w.rows;
    first = set[i]->plain ? clean : first;
  }
  p.T = first;
  RD_TRY(multiply(s, &plain, &p, e));
  p.y = rd_at(y, y_type, first * p.y_stride);
  p.x = rd_at_const(x, s->type, first * set[0]->w.cols);
  p.T = T - first;
  RD_TRY(multiply(s, &own, &p, e));
  int64_t at = 0;
  for (int i = 0; i < count; i++) {
    void *out = rd_at(y, y_type, at);
    RD_TRY(add_bias(s, out, y_type, set[i], T, p.y_stride, e));
    RD_TRY(add_adapter(s, set[i], out, y_type, x, T, clean, p.y_stride, e));
    at += set[i]->w.rows;
  }
  return RD_OK;
}

rd_code rd_device_linear(rd_device_stack *s, const rd_linear *l, void *y, rd_dtype y_type, bool add,
                         const void *x, int64_t T, int64_t clean, rd_error *e) {
  return rd_device_linears(s, &l, 1, y, y_type, add, x, T, clean, e);
}
