/* SPDX-License-Identifier: MIT */
/* The stack of a model on a device (stack.h is the processor's): ids in, hidden states, logits and
 * proposals on the device, of which proposals come back.
 *
 * What is asked here is asked of the device in order; only what fetches waits for it. */
#ifndef RD_DEVICE_STACK_H
#define RD_DEVICE_STACK_H

#include "device_weights.h"
#include "stack.h"

/* Keys and values of one canvas on a device, by position. */
typedef struct rd_device_lane {
  unsigned char *k, *v; /* (L, positions, K*hd) of the activations' type */
  int64_t stride;       /* bytes from layer to layer */
} rd_device_lane;

typedef struct rd_device_stack rd_device_stack;

/* A row of logits that is to become a proposal. */
typedef struct rd_device_choice {
  int64_t row;             /* of the logits */
  rd_propose_row draw;     /* rule and counters */
  const uint64_t *allowed; /* (ceil(V / 64)) bits, or NULL */
} rd_device_choice;

/* For passes of at most `rows` rows over canvases of at most `longest` positions. All memory is
 * taken here. RD_NO_MEMORY: the device has less than it takes, with the numbers; RD_UNSUPPORTED
 * names what no kernel computes. */
rd_code rd_device_stack_new(rd_device_stack **out, rd_device *d, const rd_model *m, int64_t rows,
                            int64_t longest, rd_error *e);
void rd_device_stack_free(rd_device_stack **stack);
/* Bytes of the device for weights and working memory; 0 where a model is refused. */
size_t rd_device_stack_memory(const rd_model *m, int64_t rows, int64_t longest);

rd_code rd_device_lane_new(rd_device_lane *out, rd_device *d, const rd_model *m, int64_t positions,
                           rd_error *e);
void rd_device_lane_drop(rd_device_lane *lane, rd_device *d);
/* What another lane of the same model knows of `count` positions from `first` on. */
rd_code rd_device_lane_copy(const rd_device_lane *to, const rd_device_lane *from, rd_device *d,
                            const rd_model *m, int64_t first, int64_t count, rd_error *e);

/* Run the layers: as rd_stack_run, with each sequence's lane, or NULL, beside it. */
rd_code rd_device_stack_run(rd_device_stack *s, const rd_sequence *sequences,
                            rd_device_lane *const *lanes, int64_t n, int64_t block, rd_error *e);

/* How many of rows (count) of the last run can have their logits made at once. */
int64_t rd_device_stack_chunk(const rd_device_stack *s, const int32_t *rows, int64_t count);
/* Their logits become rows 0 .. count - 1 of the device's. */
rd_code rd_device_stack_logits(rd_device_stack *s, const int32_t *rows, int64_t count, rd_error *e);
/* A row of logits becomes the one of this number, which later chunks leave alone. */
rd_code rd_device_stack_hold(rd_device_stack *s, int64_t row, rd_error *e);
int64_t rd_device_stack_held(const rd_device_stack *s);
/* Guidance: row `given` of each pair becomes what the two make together. */
rd_code rd_device_stack_guide(rd_device_stack *s, const rd_device_pair *pairs, int64_t count,
                              rd_error *e);
/* The state (D) behind the last norm of a row of the run. */
rd_code rd_device_stack_state(rd_device_stack *s, float *out, int64_t row, rd_error *e);
/* A row of logits, out (V). */
rd_code rd_device_stack_fetch(rd_device_stack *s, float *out, int64_t row, rd_error *e);
/* A proposal for each choice, at most as many as there are rows of logits. An id of -1: the row's
 * scores are no numbers. */
rd_code rd_device_stack_choose(rd_device_stack *s, rd_proposal *out,
                               const rd_device_choice *choices, int64_t count, rd_error *e);
/* The same for words ahead, choices that rows of the last run are told of one after the other:
 * those of a model with a sampler head. Words whose `before` are told come behind these. */
rd_code rd_device_stack_ahead(rd_device_stack *s, rd_proposal *out, const rd_device_choice *choices,
                              const rd_device_told *told, int64_t count, rd_error *e);

#endif
