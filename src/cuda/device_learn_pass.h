/* SPDX-License-Identifier: MIT */
/* What the files of a device's training passes share. Activations and scratch are layer.h's own
 * structs, with addresses of the device. */
#ifndef RD_DEVICE_LEARN_PASS_H
#define RD_DEVICE_LEARN_PASS_H

#include "device_learn.h"
#include "device_pass.h"

/* Lists of a pass: here and there they lie in the same order. */
typedef struct rd_learn_lists {
  int32_t *ids;         /* (rows) */
  rd_device_row *rows;  /* (rows) */
  rd_learn_span *spans; /* (rows) at most */
  rd_learn_tile *tiles; /* (rows) at most */
} rd_learn_lists;

/* Rows that go through the stack together: those that learn, or those before gates. */
typedef struct rd_learn_half {
  const rd_weights *weights; /* with addresses of the device */
  rd_layer_acts *acts;       /* (L), or one that serves every layer */
  rd_stack_keep keep;
  float *x, *rstd; /* (rows, D) what enters the final norm; (rows), or NULL */
  void *hidden;    /* (rows, D) */
  rd_learn_lists there, here;
  int64_t T, span_count, tile_count; /* of the last run */
} rd_learn_half;

/* What of a pass a device remembers, before the numbers that decide it: no other owner's. */
enum { RD_LEARN_OWN = -1, RD_LEARN_CLEAN = -2, RD_LEARN_BACK = -3 };

/* Lists of rows that have losses. */
typedef struct rd_loss_lists {
  int32_t *rows, *targets, *parents; /* (rows) */
  float *weights;                    /* (rows) */
} rd_loss_lists;

/* Matrices of a layer that have their rows x (T, K) in common, copied beside their factors. The
 * middles lie behind the rows, and w (N + R, K + R) is, for two,
 *
 *   W1 B1  0
 *   W2  0 B2
 *   A1  0  0
 *   A2  0  0
 *
 * so that [x, mids] times its first N rows are the results, and [dy, dmids] times its first K
 * columns the gradients of x. */
enum { RD_GROUP_MOST = 3 };
typedef struct rd_learn_group {
  void *w; /* on the device; NULL: the matrices stand alone */
  const rd_linear *linears[RD_GROUP_MOST];
  int64_t rows[RD_GROUP_MOST], ats[RD_GROUP_MOST]; /* first row, and first column behind K */
  int count;
  int64_t N, K, R;
} rd_learn_group;

/* Where a factor is copied to: rows of `cols` numbers, `stride` apart; NULL: nowhere. */
typedef struct rd_learn_place {
  void *at;
  int64_t cols, stride;
} rd_learn_place;

struct rd_device_learn {
  rd_device *device;
  rd_step_plan plan;
  const rd_config *config;
  rd_device_weights *sent;
  rd_dtype type;
  int64_t rows, chunk, guesses; /* of a pass; of logits; of proposals at a time */
  rd_learn_half own, clean;     /* clean.acts NULL: without a gate */
  rd_learn_group *groups;       /* (L, RD_BESIDES) of rows that learn */
  int64_t beside[RD_BESIDES];   /* numbers behind the rows that groups share; 0: no groups */
  /* on the device */
  float *gradients;               /* (gradient_count) laid out as the plan's */
  float *total;                   /* (gradient_count) of the passes so far, if summed apart */
  unsigned char *past_k, *past_v; /* (L, rows, K*hd) of clean rows, or NULL */
  float *unrotated, *normed;      /* as rd_layer_context has them */
  float *cosines[2], *sines[2];   /* (longest, turned/2) */
  float *delta;                   /* (rows, H) */
  rd_layer_scratch scratch;
  void *joined;                                /* (rows, N + R) of the widest group, or NULL */
  float *dx, *dhidden;                         /* (rows, D) */
  float *logits, *goals;                       /* (chunk, V); goals NULL without a gate */
  void *dlogits;                               /* (chunk, V); the logits themselves in f32 */
  void *gathered, *head_mid;                   /* (chunk, D), (chunk, rank) */
  float *dgathered;                            /* (chunk, D) */
  rd_loss_lists losing;                        /* of rows with losses */
  float *losses;                               /* (rows) */
  double *apart;                               /* (rows) */
  int32_t *looked_ids, *looked_starts, *order; /* (rows), (rows + 1), (rows) */
  uint64_t *keys;                              /* (guesses, V) */
  rd_device_slice *slices;                     /* (guesses, slices of V) */
  rd_device_draw *draws;                       /* (guesses) */
  rd_proposal *proposals;                      /* (guesses) */
  rd_adamw_item *items;                        /* (trained_count) */
  double *squares;                             /* (RD_SQUARES_BLOCKS) */
  void *memory;                                /* all of the above but the weights */
  /* here */
  uint64_t *sorted;            /* (rows) */
  int32_t *sorted_lists;       /* (3 rows + 1) */
  rd_device_draw *draws_here;  /* (guesses) */
  rd_proposal *proposals_here; /* (guesses) */
  rd_adamw_item *items_here;   /* (trained_count) */
  int64_t summed;              /* passes in the total */
  rd_arena here_arena;
};

/* Room for what the optimizer keeps there; its list is made when the weights have been sent. */
void rd_learn_take_update(rd_device_learn *l, rd_arena *a);
rd_code rd_learn_list_update(rd_device_learn *l, rd_error *e);

/* What matrices and vectors of the plan's gradient are on the device. */
float *rd_learn_gradient(const rd_device_learn *l, const float *here);

/* Which matrices are copied beside their factors; their memory; copies once they have been sent,
 * and of factors that have changed; where AdamW copies a factor's numbers to. */
void rd_learn_plan_groups(rd_device_learn *l);
void rd_learn_take_groups(rd_device_learn *l, rd_arena *a);
rd_code rd_learn_begin_groups(rd_device_learn *l, rd_error *e);
rd_code rd_learn_follow_groups(rd_device_learn *l, rd_error *e);
rd_learn_place rd_learn_place_of(const rd_device_learn *l, const void *matrix);
/* The group of a half's rows, or NULL: then all that follows does nothing, or as without. */
const rd_learn_group *rd_learn_group_of(const rd_device_learn *l, const rd_learn_half *h,
                                        int64_t layer, int kind);
/* From row to row of a group's x. */
static inline int64_t rd_learn_stride(const rd_learn_group *g, int64_t K) {
  return g ? g->K + g->R : K;
}
/* The middles behind rows x (T, K + R). */
rd_code rd_learn_mids(rd_device_learn *l, const rd_learn_group *g, void *x, int64_t T, rd_error *e);
/* The rows of a group's w that make a linear's result, and its middle behind x. */
const void *rd_learn_rows_of(const rd_device_learn *l, const rd_learn_group *g, const rd_linear *p);
const void *rd_learn_mid_of(const rd_device_learn *l, const rd_learn_group *g, const rd_linear *p,
                            const void *x);
/* All gradients from dy (T, N + R), behind whose rows the middles' go: dx (T, K) is written. */
rd_code rd_learn_group_back(rd_device_learn *l, const rd_learn_group *g, int kind,
                            const rd_layer_grad *grads, float *dx, void *dy, const void *x,
                            int64_t T, rd_error *e);

/* y (T, N) of y_type = what is added (as y, or NULL: nothing) + x w' + bias + scale (x a') b';
 * `mid` (T, rank) of the activations' type. With a group, whose middles are made, x is its rows. */
rd_code rd_learn_linear(rd_device_learn *l, const rd_learn_group *group, const rd_linear *p,
                        void *y, rd_dtype y_type, const void *added, const void *x, int64_t T,
                        void *mid, rd_error *e);
/* Gradients from dy (T, N): dx (T, K) of dx_type is written or added to, where it is not NULL. */
rd_code rd_learn_linear_back(rd_device_learn *l, const rd_learn_group *group, const rd_linear *p,
                             const rd_linear_grad *g, void *dx, rd_dtype dx_type, bool add,
                             const void *dy, const void *x, int64_t T, const void *mid,
                             rd_error *e);
/* g (N, K) of the plan's gradient, or NULL, += dy' (T, N) x (T, K), with strides. */
rd_code rd_learn_weight_gradient(rd_device_learn *l, const float *g, const void *dy,
                                 int64_t dy_stride, int64_t N, const void *x, int64_t x_stride,
                                 int64_t K, int64_t T, rd_error *e);
/* sum (D), of the plan's gradient or NULL, += what comes back to weights of a norm, or to a bias (x
 * NULL). Rows of dy are `stride` apart. */
rd_code rd_learn_sum_rows(rd_device_learn *l, float *sum, const void *dy, int64_t stride,
                          const void *x, rd_dtype type, const float *rstd, int64_t n, int64_t D,
                          rd_error *e);
/* y (n, D) of type, with a stride, = norm(x), or x where there are no weights. */
rd_code rd_learn_norm(rd_device_learn *l, void *y, int64_t y_stride, rd_dtype type, float *rstd,
                      const float *x, const float *norm, int64_t n, int64_t D, rd_error *e);
/* dx of dx_type (+)= what comes back of dy through a norm; dnorm of the plan's gradient, or NULL.
 * Rows of dx, of `row` numbers, are dx_stride apart; dy and x lie together. */
rd_code rd_learn_norm_back(rd_device_learn *l, void *dx, rd_dtype dx_type, bool add, int64_t row,
                           int64_t dx_stride, const void *dy, const void *x, rd_dtype type,
                           const float *norm, float *dnorm, const float *rstd, int64_t n, int64_t D,
                           rd_error *e);

/* A layer of a half, there and, over rows that learn, back: dx as in rd_layer_backward. */
rd_code rd_learn_forward(rd_device_learn *l, rd_learn_half *h, int64_t index, rd_error *e);
rd_code rd_learn_backward(rd_device_learn *l, int64_t index, const rd_layer_grad *grad,
                          rd_error *e);
/* The way back from dhidden, through all layers to the embedding. */
rd_code rd_learn_back(rd_device_learn *l, const rd_gradient *gradient, rd_error *e);

#endif
