/* SPDX-License-Identifier: MIT */
/* What is trained: every tensor with its f32 master, gradient, AdamW moments and, for bf16
 * arithmetic, the working copy that the pass reads. One arena holds masters and working copies,
 * another gradients and moments; both sizes are known from rd_parameters_plan, before anything is
 * taken. */
#ifndef RD_PARAMETERS_H
#define RD_PARAMETERS_H

#include "arena.h"
#include "fold.h"
#include "parts.h"
#include "ranks.h"
#include "step_plan.h"
#include "tensors.h"

/* How a tensor begins, when it is not read from a model. */
typedef enum rd_parameter_start {
  RD_START_SOURCE,  /* `source` */
  RD_START_NORMAL,  /* normal, sd `spread` */
  RD_START_UNIFORM, /* uniform within +- `spread` */
  RD_START_CONSTANT /* `spread` */
} rd_parameter_start;

typedef struct rd_parameter {
  char name[RD_NAME]; /* the family's; factors end in .lora_A.weight, .lora_B.weight */
  int64_t rows, cols; /* a vector has one row */
  int64_t count;      /* elements */
  rd_matrix *matrix;  /* where the pass looks for it: matrices decay, and have a working copy of the
                         arithmetic's type */
  const float **vector;             /* or for a vector, which has not */
  float **slot;                     /* where the pass looks for its gradient */
  float *master, *gradient, *m, *v; /* (count) */
  void *working;                    /* (count) the master itself in f32 */
  float scale;                      /* of factors */
  float
      less; /* a model's or an adapter's file holds the numbers less this: norms of some families */
  rd_parameter_start start;
  float spread;
  rd_matrix source; /* the first rows and columns, the rest as `start` says where it is smaller; no
                       data: nothing */
} rd_parameter;

typedef struct rd_parameters {
  rd_parameter *items; /* (count) */
  size_t count;
  int64_t total; /* elements of all */
  rd_dtype type; /* of the working copies */
  const rd_config *config;
  rd_weights weights;            /* what the pass reads: working copies, and the frozen base */
  rd_gradient gradient;          /* what the pass adds to */
  const rd_ranks *apart;         /* who sums the gradients of passes, or NULL */
  rd_ranks_sum sum;              /* of the gradients of many passes, where there are many */
  rd_trained *trained;           /* (count) the items as steps take them */
  int64_t new_modules, new_rank; /* that had no factors, and the rank of these */
  rd_fold *folds;                /* (fold_count) factors that are folded into what the pass reads */
  size_t fold_count;
  bool packed; /* the base's matrices are frozen: they are packed for their products (packed.h) */
  rd_arena master_arena, state_arena, packed_arena;
  size_t master_bytes, state_bytes, packed_bytes;
} rd_parameters;

enum { RD_DEFAULT_RANK = 64 }; /* of a new adapter */

/* What is to be trained. */
typedef struct rd_parameters_plan_options {
  bool all;              /* all weights, else low-rank factors */
  bool norms;            /* with factors: the norms too */
  const rd_ranks *apart; /* several passes make an update: their gradients are summed by these; else
                            NULL */
  bool gated;            /* the weights keep their plain form, for what lies before a gate */
  bool elsewhere;        /* a device computes: nothing is folded or packed for the processor */
  int64_t rank;          /* of the factors; 0: an adapter's own in each module, else `usual_rank` */
  int64_t usual_rank;
  double alpha;        /* 0: the rank */
  const char *targets; /* "q_proj,v_proj"; NULL: where there are factors, or, if nowhere, all */
} rd_parameters_plan_options;

/* RD_USAGE: a name among the targets is no projection's, or there is none. */
rd_code rd_parameters_check_targets(const char *targets, rd_error *e);
/* List the tensors. `base` gives the weights of the model; NULL: from nothing (all weights, normal
 * with sd 0.02, the two projections that write into the residual sum divided by sqrt(2 L)).
 * `config` and `base` are borrowed. Nothing large is taken. */
rd_code rd_parameters_plan(rd_parameters *p, const rd_config *config, const rd_weights *base,
                           rd_dtype type, const rd_parameters_plan_options *options, rd_error *e);
/* Take the memory and give every tensor its first value. */
rd_code rd_parameters_place(rd_parameters *p, uint64_t seed, rd_error *e);
/* Begin at the numbers of a file, tensors called PREFIX and the name, where it has them in full:
 * the model that was opened from it may hold them rounded; of factors that have grown, the part
 * that the file has. */
rd_code rd_parameters_adopt(rd_parameters *p, const rd_tensors *tensors, const char *prefix,
                            rd_error *e);
/* Refresh all working copies and folded matrices from the masters. */
rd_code rd_parameters_refresh(rd_parameters *p, rd_error *e);
void rd_parameters_drop(rd_parameters *p);
/* The tensor of an item for a file: called PREFIX and the name, `data` of `type` (NULL: the
 * master). The name is new, the data borrowed. RD_NO_MEMORY. */
rd_code rd_parameter_tensor(rd_tensor *out, const rd_parameter *item, const char *prefix,
                            rd_dtype type, const void *data, rd_error *e);

/* The gradients of folded factors, from what the passes added to: once, behind the last pass. */
rd_code rd_parameters_unfold(rd_parameters *p, rd_error *e);
/* The norm of all gradients, each times `scale`. */
double rd_parameters_norm(const rd_parameters *p, double scale);

#endif
