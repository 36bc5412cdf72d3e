/* SPDX-License-Identifier: MIT */
/* A model is a list of parts: one table, and one walk over it for everyone who goes through all the
 * weights (binding, writing, adapters, counting, planning a training run ..).
 *
 *   rd_walk p = rd_parts_of(config, NULL, &weights, NULL);
 *   while (rd_parts_next(&p))
 *     if (p.linear) ...
 *
 * The order is fixed, since random numbers and written files follow it: embedding, final norm, head
 * (none when tied); then layer by layer the norms, and each projection with its bias behind it, as
 * rd_parts lists them. */
#ifndef RD_PARTS_H
#define RD_PARTS_H

#include "family.h"
#include "gradients.h"

typedef enum rd_part_kind {
  RD_MATRIX, /* rows that are looked up */
  RD_LINEAR, /* a matrix that rows are multiplied with; may have a bias and an adapter */
  RD_NORM,   /* a vector */
  RD_BIAS    /* a vector: of the linear before it */
} rd_part_kind;

/* The sizes that a configuration has. */
typedef enum rd_size {
  RD_ONE,
  RD_WIDTH,
  RD_QUERIES,
  RD_KEYS,
  RD_HEAD,
  RD_FEED_FORWARD,
  RD_VOCABULARY,
  RD_QUERY_NORM,
  RD_KEY_NORM,
  RD_NONE,        /* no rows before the first of a fused matrix */
  RD_FUSED_KEYS,  /* queries and keys */
  RD_FUSED_HEADS, /* queries, keys and values */
  RD_FUSED_GATE   /* gate and up */
} rd_size;

/* A row of the table. */
typedef struct rd_part {
  const char *name; /* as options and PEFT call it: "q_proj" */
  rd_part_kind kind;
  bool layered;                         /* one in every layer, else one in the model */
  size_t names, weights, gradient, mid; /* offsets in rd_names, rd_layer or rd_weights,
                                           rd_layer_grad or rd_gradient, and rd_layer_mids */
  rd_size rows, cols;                   /* a vector has one row */
  bool (*there)(const rd_config *c);    /* NULL: in every model whose family names it */
  bool (*bias)(const rd_config *c);     /* whether it has a bias; NULL: never */
  bool bias_needed;                     /* files that have biases have this one; else it may be 0 */
  bool rotated;                         /* the rows are those of heads, which are rotated */
  rd_size before, together;             /* where names are fused: rows before its own in the stored
                                           matrix, and all rows of that; RD_ONE: never fused */
  bool residual;                        /* writes into the residual sum */
} rd_part;

/* All rows; *count of them. */
const rd_part *rd_parts(size_t *count);

enum { RD_NAME = 160 };

/* A place on the walk. */
typedef struct rd_walk {
  const rd_part *part;
  rd_part_kind kind;
  int64_t layer;          /* -1: in none */
  int64_t rows, cols;     /* a vector has one row */
  bool fused;             /* it is rows `before`.. of the `stored` rows of what has this name */
  int64_t before, stored; /* of a fused place; else 0 and its own rows */
  bool needed;            /* false: a bias that a file may have, by its config need not */
  char module[RD_NAME], name[RD_NAME]; /* "model.layers.0.mlp.up_proj", and with its ending */
  /* where it lies: NULL without weights, or where the kind has none */
  rd_matrix *matrix;
  rd_linear *linear; /* of its own matrix, not of a bias */
  const float **vector;
  float **gradient;     /* of matrix or vector; NULL without gradients */
  rd_linear_grad *grad; /* of the linear */
  /* of the walk */
  const rd_config *config;
  const rd_names *names;
  const rd_weights *weights;
  const rd_gradient *gradients;
  int64_t end; /* the layer behind the last */
} rd_walk;

/* Before the first place. `names`: NULL for the family's own. `w` and `g` may be NULL; they are
 * written through the places by those alone who own them. */
rd_walk rd_parts_of(const rd_config *c, const rd_names *names, const rd_weights *w,
                    const rd_gradient *g);
/* The same for the places of one layer. */
rd_walk rd_parts_of_layer(const rd_config *c, const rd_weights *w, int64_t layer);
/* Go to the next place; false behind the last. */
bool rd_parts_next(rd_walk *p);

/* A part's name in a family, without its ending, in `out` (RD_NAME): "" where the family has none.
 */
void rd_part_module(char *out, const rd_part *part, const rd_names *names, int64_t layer);
/* The last word of a dotted name. */
const char *rd_last_word(const char *name);

/* Number of parameters without adapters, and without biases that a file need not have:
 * rd_model_parameters knows those of an open model. */
int64_t rd_parameter_count(const rd_config *c);
/* The largest rank of an adapter, 0: none. */
int64_t rd_weights_rank(const rd_weights *w, const rd_config *c);
/* Bytes that the roundings of T rows take, for any one place: rd_input.room. */
size_t rd_weights_room(const rd_weights *w, const rd_config *c, int64_t T);

#endif
