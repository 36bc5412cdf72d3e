/* SPDX-License-Identifier: MIT */
/* Precisions by name: what the products of a model run in. */
#ifndef RD_PRECISION_H
#define RD_PRECISION_H

#include "table.h"
#include "tensors.h"

typedef struct rd_precision {
  const char *name;       /* as options take it: "bf16" */
  rd_dtype (*type)(void); /* of activations; auto: bf16 where the processor has it */
  const char *format;  /* of the matrices that are multiplied; NULL: integer groups, for inference;
                          auto: nothing */
  int bits;            /* of the numbers that some stored matrix must have; 0: no matter */
  rd_dtype arithmetic; /* what the machine multiplies, whose peak is the limit */
} rd_precision;

/* What a model gets. */
typedef struct rd_precision_choice {
  const rd_precision *row; /* never auto */
  rd_dtype type;           /* of activations */
  const char *why;         /* a few words */
} rd_precision_choice;

/* The precisions; those that training knows. */
extern const rd_table rd_precision_table, rd_train_precision_table;

/* The row of a name (NULL: auto). RD_USAGE names the choices. */
rd_code rd_precision_find(const rd_precision **out, const char *name, rd_error *e);
/* The type of activations in a run that trains, on a device or on the processor: there auto takes
 * what is faster. */
rd_dtype rd_precision_trained(const rd_precision *p, bool device);
/* What a model of these tensors (NULL: one without files) gets for a name. RD_USAGE where they have
 * no matrix of the bits that it needs. */
rd_code rd_precision_choose(rd_precision_choice *out, const char *name, const rd_tensors *stored,
                            rd_error *e);
/* The format in which a precision, not auto, multiplies a matrix that is stored in `stored`. */
const rd_format *rd_precision_format(const rd_precision *p, const rd_format *stored);

#endif
