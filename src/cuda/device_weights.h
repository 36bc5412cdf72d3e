/* SPDX-License-Identifier: MIT */
/* A model's weights on a device: the same structs, whose matrices and vectors lie there. Only the
 * device reads what they point at. */
#ifndef RD_DEVICE_WEIGHTS_H
#define RD_DEVICE_WEIGHTS_H

#include "device.h"
#include "model.h"

typedef struct rd_device_weights {
  rd_weights own, plain; /* own.plain is &plain where the model has a gate */
  rd_matrix fc1, fc2;    /* of the model's sampler head; or no matrices */
  rd_device *device;
  void *memory; /* of the device */
  size_t bytes; /* of it */
} rd_device_weights;

/* Bytes of the device that the weights of a model take. */
rd_code rd_device_weights_size(size_t *bytes, const rd_model *m, rd_error *e);
/* Copy them there. What two places share is copied once. Rows that are looked up go in a form that
 * kernels read: exact groups of integers where the file has such, else the activations' type. */
rd_code rd_device_weights_new(rd_device_weights **out, const rd_model *m, rd_device *d,
                              rd_error *e);
void rd_device_weights_free(rd_device_weights **weights);

/* A matrix as kernels take it. */
rd_device_matrix rd_device_matrix_of(const rd_matrix *m);

#endif
