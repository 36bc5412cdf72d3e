/* SPDX-License-Identifier: MIT */
/* The stack of a model: embedding, layers, final norm, head. Token ids in, final hidden states and
 * logits out. Inference and training run the same; training keeps what its way back reads.
 *
 * One run takes several packed sequences of different lengths; a sequence's results do not depend
 * on what it is packed with. Working memory is taken once, for a largest number of rows; nothing is
 * allocated while running. A stack belongs to one thread at a time; configuration and weights are
 * borrowed and may be shared. */
#ifndef RD_STACK_H
#define RD_STACK_H

#include "cache.h"
#include "past.h"

/* One sequence of a run: `count` consecutive ids at positions `first`, first + 1, ... */
typedef struct rd_sequence {
  const int32_t *ids; /* (count) */
  int64_t count;
  int64_t first;            /* position of ids[0]; with a cache or a past any, else 0 */
  const int32_t *positions; /* (count) that the ids are turned by; NULL: those of their places */
  rd_cache *cache; /* or NULL. The keys and values of these ids are put into it, at their positions;
                      those of all other positions are read from it as they are */
  int64_t length;  /* with a cache: positions there are in all, first + count or more */
  int64_t gate;    /* where in it an answer begins: for who cuts it there (clean_half.h) */
  int64_t origin;  /* of attention's blocks, and whether what is before it looks back: rd_span */
  bool led;
  bool clean;  /* before the gate: causal, and without the adapter. Clean sequences come first */
  bool branch; /* with a cache: what stands in it before `first` is seen, and of this run these rows
                  alone; they leave nothing there. Branches come last, those of one cache with
                  rising `first` */
} rd_sequence;

/* Does a sequence fit behind `at` rows of a pass for `rows`, and are its ids of the vocabulary? */
rd_code rd_sequence_check(const rd_sequence *seq, const rd_config *c, int64_t at, int64_t rows,
                          rd_error *e);

/* What a run leaves of the layers. */
typedef enum rd_stack_keep {
  RD_STACK_NOTHING, /* inference */
  RD_STACK_INPUTS,  /* each layer's input: rd_stack_layer computes the rest of a layer again */
  RD_STACK_ALL      /* all that a way back reads */
} rd_stack_keep;

typedef struct rd_stack_sizes {
  int64_t rows, longest; /* tokens of a run at most; positions of a sequence at most */
  int64_t chunk;         /* rows of logits at a time; 0: as many as stay in the cache */
  rd_stack_keep keep;
} rd_stack_sizes;

/* For who runs a stack; what learn/step.c reads on its way back is public. */
typedef struct rd_stack {
  const rd_config *config;
  const rd_weights *weights;
  rd_stack_sizes sizes;
  int32_t *ids;                 /* (rows) of the last run */
  rd_layer_acts *acts;          /* (L), or one that serves every layer */
  float *x;                     /* (rows, D) what enters the final norm */
  float *rstd;                  /* (rows) of the final norm; NULL where nothing is kept */
  void *hidden;                 /* (rows, D) after the final norm */
  void *gathered;               /* (chunk, D) the rows of `hidden` whose logits are made */
  float *logits;                /* (chunk, V) */
  void *head_mid;               /* (chunk, rank) of the head's adapter */
  rd_layer_context context;     /* T, attention and angles of the last run */
  rd_angles angles[2];          /* of all layers; of local ones, the same where they have none */
  rd_span *spans;               /* (rows) */
  const rd_sequence *sequences; /* of the run in progress */
  rd_past *record;              /* set by who wants keys and values of its runs kept; or NULL */
  int64_t clean;                /* of them are before the gate: the first */
  int64_t branches;             /* of them are branches: the last */
  rd_arena arena;
} rd_stack;

/* RD_USAGE: sizes that make no sense, or positions beyond the model's. */
rd_code rd_stack_new(rd_stack **out, const rd_config *config, const rd_weights *weights,
                     const rd_stack_sizes *sizes, rd_error *e);
void rd_stack_free(rd_stack **stack);
/* Bytes rd_stack_new takes. */
size_t rd_stack_memory(const rd_config *config, const rd_weights *weights,
                       const rd_stack_sizes *sizes);

/* Run the layers over `n` sequences. `block`: 0 bidirectional, 1 causal, N blocks (-1: the model's
 * own); clean ones are causal whatever it is. Errors: RD_USAGE for too many rows or positions,
 * RD_BAD_INPUT for ids outside the vocabulary. */
rd_code rd_stack_run(rd_stack *stack, const rd_sequence *sequences, int64_t n, int64_t block,
                     rd_error *e);
/* Layer l of the last run once more, from its kept input. */
rd_code rd_stack_layer(rd_stack *stack, int64_t l, rd_error *e);

/* Called with logits (count, V) of rows[first .. first+count) of the list given; may write into
 * them. */
typedef rd_code rd_logits_sink(void *context, float *logits, int64_t first, int64_t count,
                               rd_error *e);

/* Logits of chosen rows of the last run (rows counted over the packed sequences), in chunks: memory
 * does not grow with rows x V. While the sink is called `gathered` and `head_mid` are those of the
 * chunk. */
rd_code rd_stack_logits(rd_stack *stack, const int32_t *rows, int64_t count, rd_logits_sink *sink,
                        void *context, rd_error *e);

#endif
