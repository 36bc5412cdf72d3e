/* SPDX-License-Identifier: MIT */
/* What the files of a device's stack share: its memory, and one kernel or product at a time. */
#ifndef RD_DEVICE_PASS_H
#define RD_DEVICE_PASS_H

#include "activation.h"
#include "device_stack.h"

/* Lists that a pass sends: here and there they lie in the same order. */
typedef struct rd_device_lists {
  int32_t *ids;          /* (rows) */
  rd_device_row *rows;   /* (rows) */
  rd_device_tile *tiles; /* (rows) at most */
  int32_t *picked;       /* (chunk) rows whose logits are made */
  rd_device_pair *pairs; /* (chunk) */
  rd_device_draw *draws; /* (chunk) */
  uint64_t *allowed;     /* (chunk, words) of those that limit their ids */
  rd_device_told *told;  /* (chunk), with a sampler head */
} rd_device_lists;

struct rd_device_stack {
  rd_device *device;
  const rd_model *model;
  const rd_config *config;
  rd_device_weights *sent;
  const rd_weights *weights; /* with addresses of the device */
  rd_dtype type;
  int64_t rows, longest, chunk;
  /* on the device */
  float *x;              /* (rows, D) the stream */
  void *n;               /* (rows, D) behind a norm */
  void *q, *k, *v, *att; /* (rows, H*hd) or (rows, K*hd) */
  float *parts, *marks;  /* of attention by splits: rd_attend_args; NULL where there is none */
  float *joined; /* (rows, (H + 2 K)*hd) heads before they are turned; (rows, 2 F) gate and up */
  void *h;       /* (rows, F) */
  float *made, *normed; /* (rows, D) a branch, and behind its norm; NULL where none needs it */
  void *mid;            /* (rows, rank) of an adapter */
  void *room;           /* of matrices that are decoded, (room_rows, cols) */
  int64_t room_numbers;
  void *gathered;          /* (chunk, D) */
  float *logits;           /* (chunk + 1, V); the last row holds what waits for the next chunk */
  uint64_t *keys;          /* (chunk, V) */
  rd_device_slice *slices; /* (chunk, slices of V) */
  rd_proposal *proposals;  /* (chunk) */
  int32_t *wordless;       /* (wordless_count) */
  rd_ahead_args ahead;     /* what a sampler head works in; R 0: there is none */
  float *cosines[2], *sines[2]; /* (longest, turned/2) of all layers; of local ones */
  rd_device_lists there, here;
  void *lists;  /* memory of the lists here */
  void *memory; /* of the device, all of the above but the weights */
  /* of the run in progress */
  int64_t T, clean, tile_count;
  bool unread;                /* nothing has been fetched since its lists were sent */
  int64_t tile_rows, key_end; /* of its largest tile; behind the last key that one sees */
};

/* Ask for what `work` asks for; a device that remembers what it did is asked by the key alone,
 * which decides every launch. */
typedef rd_code rd_device_work(void *context, rd_error *e);
rd_code rd_device_again(rd_device *d, const rd_device_key *key, rd_device_work *work, void *context,
                        rd_error *e);

/* Launch a kernel by its name, with its arguments. */
#define RD_LAUNCH(s, name, grid, args, e)                                                          \
  ((s)->device->launch((s)->device, &(s)->device->kernels->name, (grid), (args), (e)))
/* Blocks that go through n elements; one block for each of n rows of D numbers. */
rd_blocks rd_blocks_over(const rd_device *d, int64_t n);
rd_blocks rd_blocks_of_rows(const rd_device *d, int64_t n, int64_t D);
static inline size_t rd_device_room(const rd_device *d) {
  return (size_t)d->threads * 8 + 512; /* of what a block sums, and a number for each thread */
}

/* y (T, N) of y_type = x (T, K) w' + bias + scale (x a') b' as rd_linear_forward; the first `clean`
 * rows without the adapter. */
rd_code rd_device_linear(rd_device_stack *s, const rd_linear *l, void *y, rd_dtype y_type, bool add,
                         const void *x, int64_t T, int64_t clean, rd_error *e);
/* The same for several that have their rows in common and lie side by side in y. */
rd_code rd_device_linears(rd_device_stack *s, const rd_linear *const *set, int count, void *y,
                          rd_dtype y_type, bool add, const void *x, int64_t T, int64_t clean,
                          rd_error *e);
/* How the parts of a product of few rows are shared out; gives its blocks. */
rd_blocks rd_few_blocks(const rd_device *d, rd_few_args *args);
rd_blocks rd_some_blocks(const rd_device *d, rd_few_args *args); /* of some rows, in groups */
/* y of type = norm of n vectors of D, of which the first `clean` have `plain` weights. */
rd_code rd_device_norm(rd_device_stack *s, void *y, rd_dtype type, const float *x,
                       const float *plain, const float *norm, int64_t n, int64_t clean, int64_t D,
                       rd_error *e);
/* Attention of layer l: queries of the run become s->att. */
rd_code rd_device_attend(rd_device_stack *s, int64_t l, rd_error *e);
/* Rows of the longest run whose keys blocks share, and into how many parts those of a canvas fall
 * then. */
enum { RD_SPLIT_ROWS = 32 };
int64_t rd_device_splits(int64_t keys);
int64_t rd_device_splits_of(const rd_device_stack *s); /* of the run in progress */
/* Bytes that a block of attend_64 and its kin shares. */
size_t rd_attend_shared(int64_t hd);
/* The curve that kernels know an activation by. */
int32_t rd_device_curve(const rd_activation *f);
/* RD_UNSUPPORTED: what no kernel computes of a model, for sequences of up to `longest`. */
rd_code rd_device_check(const rd_config *c, int64_t longest, rd_error *e);
/* RD_NO_MEMORY: a device has less left than weights and passes of so many rows take, with the
 * numbers and what is to be smaller, or used. */
rd_code rd_device_check_memory(rd_device *d, size_t weights, size_t working, int64_t rows,
                               const char *advice, rd_error *e);
/* Tables (longest, turned/2) of all layers, or of local ones. */
rd_code rd_device_send_angles(rd_device *d, float *cosines, float *sines, const rd_config *c,
                              bool local, int64_t longest, rd_error *e);
/* A choice as kernels take it; `allowed` lies on the device. */
rd_device_draw rd_device_draw_of(const rd_device_choice *choice, const uint64_t *allowed);
/* Choices as they are sent; and from which on they are made: not yet launched. */
rd_code rd_device_send_choices(rd_device_stack *s, const rd_device_choice *choices, int64_t count,
                               rd_error *e);
rd_choose_args rd_device_choices(const rd_device_stack *s, int64_t first);
/* `count` rows of logits are surveyed slice by slice, and chosen from; slices of a row. */
rd_code rd_device_choose(rd_device *d, const rd_choose_args *args, int64_t count, rd_error *e);
int64_t rd_device_slices(int64_t V);
/* Room for words ahead, where the model has a sampler head; and what its kernels are told that
 * stays the same. */
void rd_device_take_ahead(rd_device_stack *s, rd_arena *a);
void rd_device_begin_ahead(rd_device_stack *s);
/* Layer l of the run in progress: as rd_layer_forward. */
rd_code rd_device_layer(rd_device_stack *s, int64_t l, rd_error *e);

#endif
