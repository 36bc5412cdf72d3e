/* SPDX-License-Identifier: MIT */
/* What kernels are told: one struct for each, passed by value, the same for a card and for the
 * processor that stands in for one. C and C++ read this file.
 *
 * Pointers are addresses of the device; a comment gives the shape. Numbers are f32 or bf16 (`type`,
 * an rd_dtype), rows lie one behind the other unless there is a stride. */
#ifndef RD_KERNEL_ARGS_H
#define RD_KERNEL_ARGS_H

#include "dtype.h"
#include "propose.h"

/* How the numbers of a matrix lie: plain, or in the integer groups of groups.h, panel by panel. */
typedef enum rd_form {
  RD_FORM_F32,
  RD_FORM_BF16,
  RD_FORM_I8,  /* bytes, scale in f16 */
  RD_FORM_I8B, /* bytes, scale in bf16 */
  RD_FORM_I4,  /* nibbles less 8, scale in f16 */
  RD_FORM_I4M, /* nibbles, scale and minimum in f16 */
  RD_FORM_I4K  /* nibbles, scale and minimum as multiples of 6 bits */
} rd_form;

typedef struct rd_device_matrix {
  const void *data, *scales; /* scales: of groups; else NULL */
  int64_t rows, cols;        /* (out, in) */
  int32_t form;              /* an rd_form */
} rd_device_matrix;

/* A row of a pass. */
typedef struct rd_device_row {
  int32_t position;
  int32_t from[2],
      seen[2];          /* keys that it sees, from <= key < seen; [1]: in layers with a window */
  unsigned char *k, *v; /* where layer 0 of a lane keeps this position; NULL: in none */
  int64_t stride;       /* bytes from layer to layer there */
} rd_device_row;

/* Some queries of one sequence that are gone through together. */
enum { RD_TILE_MOST = 32, RD_WARP_SIZE = 32, RD_MOST_WARPS = 8 };
typedef struct rd_device_tile {
  int32_t row, count;         /* of the pass */
  int32_t from[2], end[2];    /* keys that any of them sees */
  int64_t kept;               /* keys before this one lie in its lane, the others in the pass, */
  int64_t first;              /* whose row `first + key` has them */
  const unsigned char *k, *v; /* layer 0 of its lane, key 0 */
  int64_t stride;             /* bytes from layer to layer there */
} rd_device_tile;

/* y (T, D) in f32 = scale times rows ids (T) of the matrix. A block a row. */
typedef struct rd_gather_args {
  float *y;
  const int32_t *ids;
  rd_device_matrix m;
  float scale;
} rd_gather_args;

/* y (n, D) of type = the norm of x (n, D) times `plain` for the first `clean` vectors, `norm` for
 * the others; without weights (NULL) x itself. y may be x. A block a vector. */
typedef struct rd_norm_args {
  void *y;
  float *rstd; /* (n) what x was multiplied with, for the way back; or NULL */
  const float *x;
  const float *plain, *norm; /* (D) */
  int64_t clean, D;
  float eps;
  int32_t type;
  int64_t beside, stride; /* with `beside`, so many vectors lie side by side in rows of x and y that
                             are `stride` apart */
  int64_t y_stride;       /* without: rows of y are so far apart; 0: D */
} rd_norm_args;

/* y (T, heads, hd) of type = x of x_type turned by the rows' positions; the first `turned` numbers
 * of a head. With `back` the other way round. y may be x. A block a row. */
typedef struct rd_rope_args_on {
  void *y;
  const void *x;
  const rd_device_row *rows;    /* (T) */
  const float *cosines, *sines; /* (positions, turned / 2) */
  int32_t heads, hd, turned, interleaved, type, x_type, back;
  int64_t y_stride; /* from row to row of y; 0: heads hd */
} rd_rope_args_on;

/* Of rows x (T, (heads + 2 kv_heads) hd) in f32, queries, keys and values side by side, queries go
 * to q and keys and values to k and v, or to the row's places in a lane, all of type; queries and
 * keys are turned as above. A block a row; blocks[1] share its numbers. */
typedef struct rd_turn_args {
  void *q, *k, *v; /* (T, heads hd), (T, kv_heads hd) */
  const float *x;
  const rd_device_row *rows;
  const float *cosines, *sines;
  int64_t layer;
  int32_t heads, kv_heads, hd, turned, interleaved, type;
} rd_turn_args;

/* x (T, D) of type += bias (D); rows of x are `stride` apart, 0: D. A thread an element. */
typedef struct rd_bias_args {
  void *x;
  const float *bias;
  int64_t n, D; /* n = T D */
  int32_t type;
  int64_t stride;
} rd_bias_args;

/* y (n) += scale x (n). */
typedef struct rd_add_args {
  float *y;
  const float *x;
  float scale;
  int64_t n;
} rd_add_args;

/* The curves of activation.h. */
typedef enum rd_curve {
  RD_CURVE_SILU,
  RD_CURVE_GELU,
  RD_CURVE_GELU_TANH,
  RD_CURVE_GELU_SIGMOID,
  RD_CURVE_RELU,
  RD_CURVE_RELU_SQUARED
} rd_curve;

/* y (n) of y_type = curve(gate (n)) * up (n), both of type. y may be gate or up where the types are
 * one. With strides, gate and up, or y, are rows of D that are so far apart, and y is neither. */
typedef struct rd_gated_args {
  void *y;
  const void *gate, *up;
  int64_t n;
  int32_t y_type, type, curve;
  int64_t D, stride, y_stride;
} rd_gated_args;

/* x (n) *= factor, and where cap is not 0 x = cap tanh(x / cap). */
typedef struct rd_bound_args {
  float *x;
  float factor, cap;
  int64_t n;
} rd_bound_args;

/* y (n, ..) = rows (n) of x, of `bytes` each, a multiple of 2. A block a row. */
typedef struct rd_pick_args {
  void *y;
  const void *x;
  const int32_t *rows;
  int64_t bytes;
} rd_pick_args;

/* o (T, H hd) of type = attention of q (T, H hd) over k, v (.., K hd) of the pass or of lanes; hd
 * at most RD_HEAD_MOST. `attend`: a block a tile and head. `attend_64` and so on, for heads of up
 * to so many numbers, a multiple of 8, in bf16: blocks[0] are `chunks` for each tile, of
 * RD_ATTEND_ROWS queries times heads each; blocks[1] are heads of keys times `splits`, each of
 * which has RD_ATTEND_SPLIT keys. With more than one split, `join` makes o: a block a row and head.
 */
enum {
  RD_HEAD_MOST = 256,
  RD_ATTEND_ROWS = 32,
  RD_ATTEND_WARPS = 4,
  RD_ATTEND_KEYS = 64,
  RD_ATTEND_SPLIT = 512
};
typedef struct rd_attend_args {
  void *o;
  const void *q, *k, *v;
  const rd_device_tile *tiles;
  const rd_device_row *rows;
  int64_t layer;
  int32_t heads, kv_heads, hd, window, type; /* window: 0 or 1, which of a row's ranges */
  float scale, cap;
  int32_t chunks, splits;
  float *parts; /* (T, H, splits, hd), with more than one split */
  float *marks; /* (T, H, splits, 2) highest score and sum of weights of each */
} rd_attend_args;

/* For each part y (T, N), rows y_stride apart, = alpha x (T, K) w' (+ y with `add`), for few rows.
 * `few`: a warp an output of plain matrices; `few_groups`: a block a panel of 32 outputs of
 * matrices in groups, of which pieces of x wait in shared memory. `some_groups`: for more rows,
 * RD_SOME_ROWS of them in each of blocks[1], x in bf16; a block has `panels` panels, 1 or 2. */
enum { RD_FEW_MOST = 4, RD_FEW_PARTS = 3, RD_FEW_NUMBERS = 12288, RD_SOME_ROWS = 32 };
typedef struct rd_few_part {
  void *y;
  rd_device_matrix w; /* of one K */
  int64_t block;      /* the first of its blocks */
} rd_few_part;
typedef struct rd_few_args {
  rd_few_part parts[RD_FEW_PARTS];
  const void *x;
  int64_t T, y_stride;
  float alpha;
  int32_t count, piece; /* parts; numbers of a row of x that wait, a multiple of 32 */
  int32_t add, y_type, x_type, panels;
} rd_few_args;

/* y (count, K) of type = rows of w (in groups) from `first` on, a multiple of 32. A block 32 rows;
 * blocks[1] share the columns. */
typedef struct rd_ungroup_args {
  void *y;
  rd_device_matrix w;
  int64_t first, count;
  int32_t type;
} rd_ungroup_args;

/* Guidance: logits of row pair.given = u + weight (given - u), u those of row pair.without. */
typedef struct rd_device_pair {
  int32_t given, without;
  float weight;
} rd_device_pair;
typedef struct rd_guide_args {
  float *logits; /* (.., V) */
  const rd_device_pair *pairs;
  int64_t V;
} rd_guide_args;

/* A row of logits and how its token is chosen: rd_propose_rule. */
typedef struct rd_device_draw {
  double temperature, top_p, eos_bias;
  uint64_t seed;
  const uint64_t *allowed; /* (ceil(V / 64)) bits, or NULL */
  int64_t row, top_k;
  int32_t eos, gumbel, nucleus_first, unsure[2], unsure_count;
  uint32_t iteration, position;
} rd_device_draw;

/* What a slice of a row says of itself. Keys and ids as in kernels_survey.inc. */
enum { RD_CHOOSE_SLICE = 2048, RD_CHOOSE_LIST = 16 };
typedef struct rd_device_slice {
  uint64_t first, second; /* its best keys, without what is unsure */
  uint64_t top;           /* with it */
  uint64_t score, id;     /* Gumbel's best, and the complement of its id */
  double sums[2];         /* of e^y and of y e^y, y being seen from its best */
  uint64_t odd;           /* some score is no number */
} rd_device_slice;

/* out[i] = the proposal of draws[i]; its id is -1 where the scores are no numbers. First `survey`,
 * a block a slice, blocks[1] being draws; then `choose`, a block a draw. Logits are written over; a
 * short top-k has its candidates in lists of up to RD_CHOOSE_LIST a slice, which are keys too. */
typedef struct rd_choose_args {
  rd_proposal *out;
  float *logits;           /* (.., V) */
  uint64_t *keys;          /* (draws, V) scratch */
  rd_device_slice *slices; /* (draws, slices) */
  const rd_device_draw *draws;
  const int32_t *wordless; /* (wordless_count) ids that are never chosen */
  int64_t wordless_count, V;
} rd_choose_args;

/* A word ahead of a canvas (rd_branches) that is told the word before it, in a model with a sampler
 * head. */
typedef struct rd_device_told {
  int64_t row;    /* of the logits: its own */
  int32_t state;  /* the row of the pass that they are made of */
  int32_t before; /* the told one whose proposal is the word before; -1: that is `word` */
  int32_t word;
} rd_device_told;

/* Words ahead (n): `likeliest` finds the RD_AHEAD_LIKELY best words of their rows, a block a row,
 * as keys of kernels_survey.inc, 0 where there are fewer. `tell` lays their states and the
 * embeddings of the words before side by side, in bf16, a block a row; `soften` makes middle (n, R)
 * = silu of sums (n, R); `correct` adds to the scores of the likeliest what the shifts change in
 * them: a block a word that is likely, blocks[1] being rows. */
enum { RD_AHEAD_LIKELY = 64 };
typedef struct rd_ahead_args {
  float *logits;              /* (.., V) */
  uint64_t *keys;             /* (n, V) scratch */
  uint64_t *likely;           /* (n, RD_AHEAD_LIKELY) */
  uint16_t *both;             /* (n, 2 D) */
  const float *sums;          /* (n, R) */
  uint16_t *middle;           /* (n, R) */
  const float *shift;         /* (n, D) */
  const rd_device_told *told; /* (n) */
  const rd_proposal *chosen;  /* what `before` counts */
  const void *states;         /* (.., D) of type */
  rd_device_matrix embedding, head;
  int64_t n, V, D, R;
  float scale; /* of logits */
  int32_t type;
} rd_ahead_args;

#include "learn_args.h"

/* The kernels: name, arguments, and whether the threads of a block meet in it. */
#define RD_KERNEL_LIST(X)                                                                          \
  X(gather, rd_gather_args, 0)                                                                     \
  X(norm, rd_norm_args, 1)                                                                         \
  X(rope, rd_rope_args_on, 0)                                                                      \
  X(turn, rd_turn_args, 0)                                                                         \
  X(bias, rd_bias_args, 0)                                                                         \
  X(add, rd_add_args, 0)                                                                           \
  X(gated, rd_gated_args, 0)                                                                       \
  X(bound, rd_bound_args, 0)                                                                       \
  X(pick, rd_pick_args, 0)                                                                         \
  X(attend, rd_attend_args, 1)                                                                     \
  X(attend_64, rd_attend_args, 1)                                                                  \
  X(attend_128, rd_attend_args, 1)                                                                 \
  X(attend_256, rd_attend_args, 1)                                                                 \
  X(join, rd_attend_args, 0)                                                                       \
  X(few, rd_few_args, 1)                                                                           \
  X(few_groups, rd_few_args, 1)                                                                    \
  X(some_groups, rd_few_args, 1)                                                                   \
  X(ungroup, rd_ungroup_args, 0)                                                                   \
  X(guide, rd_guide_args, 0)                                                                       \
  X(survey, rd_choose_args, 1)                                                                     \
  X(choose, rd_choose_args, 1)                                                                     \
  X(likeliest, rd_ahead_args, 1)                                                                   \
  X(tell, rd_ahead_args, 0)                                                                        \
  X(soften, rd_ahead_args, 0)                                                                      \
  X(correct, rd_ahead_args, 1)                                                                     \
  RD_LEARN_KERNELS(X)

#endif
