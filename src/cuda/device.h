/* SPDX-License-Identifier: MIT */
/* A device: memory of its own, kernels, matrix products. There are two, with one interface: a card
 * (device_card.cu, in a library that is opened at run time), and the processor in its place
 * (device_host.c), which runs the same kernels.
 *
 * What is asked of a device happens in the order of asking. A device belongs to one thread at a
 * time. */
#ifndef RD_DEVICE_H
#define RD_DEVICE_H

#include "kernel_args.h"

/* A kernel of a device. */
typedef struct rd_kernel {
  const char *name;
  size_t args;                    /* bytes of its arguments */
  bool meets;                     /* the threads of a block wait for each other */
  const void *entry;              /* for the device */
  void (*work)(const void *args); /* for the processor */
} rd_kernel;

#define RD_KERNEL_MEMBER(name, args, meets) rd_kernel name;
typedef struct rd_kernel_set {
  RD_KERNEL_LIST(RD_KERNEL_MEMBER)
} rd_kernel_set;

/* How many blocks, in two directions, of how many threads (a multiple of 32), that share how much.
 */
typedef struct rd_blocks {
  int64_t blocks, sides;
  int threads;
  size_t shared; /* bytes */
} rd_blocks;

/* y (T, N), rows y_stride apart, = alpha x (T, K) w (N, K)' + beta y, or + beta times `from`, which
 * lies as y does. x and w are of one type. Where beta is not 0, alpha is 1. The ways back of a
 * product have their operands the other way: `x_across`: x lies as (K, T); `w_across`: w lies as
 * (K, N). Rows of x and w, as they lie, are x_stride and w_stride apart; 0: side by side. */
typedef struct rd_product {
  void *y;
  const void *x, *w, *from; /* from: NULL: y */
  int64_t T, N, K, y_stride, x_stride, w_stride;
  float alpha, beta;
  rd_dtype type, y_type;
  bool x_across, w_across;
} rd_product;

/* What comes again. */
typedef struct rd_device_key {
  const void *owner;
  int64_t n[5];
} rd_device_key;

typedef struct rd_device rd_device;
struct rd_device {
  const char *name; /* for people: "NVIDIA H100 80GB HBM3" */
  const rd_kernel_set *kernels;
  int threads;   /* of a block that goes over a long row */
  size_t shared; /* bytes that a block may have */
  int64_t few;   /* products of this many rows or fewer are the kernels' own; at most RD_FEW_MOST */
  int64_t some;  /* and with matrices in groups those of this many */
  /* Memory, not cleared, aligned to 256 bytes. RD_NO_MEMORY says how much there is. */
  rd_code (*take)(rd_device *d, void **out, size_t bytes, const char *what, rd_error *e);
  void (*give)(rd_device *d, void *memory); /* NULL is fine */
  /* The processor's memory, for what is sent again and again. What is sent from it may be written
   * over only behind a fetch; of other memory at once. */
  rd_code (*take_here)(rd_device *d, void **out, size_t bytes, const char *what, rd_error *e);
  void (*give_here)(rd_device *d, void *memory); /* NULL is fine */
  rd_code (*send)(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e);
  /* Both are the device's, and lie apart. */
  rd_code (*move)(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e);
  /* Waits until all that was asked is done. RD_IO: something of it went wrong. */
  rd_code (*fetch)(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e);
  rd_code (*launch)(rd_device *d, const rd_kernel *kernel, const rd_blocks *grid, const void *args,
                    rd_error *e);
  rd_code (*multiply)(rd_device *d, const rd_product *p, rd_error *e);
  /* Optional, all or none: what is asked between `begin` and `end` and comes again. The key stands
   * for all that decides what that is, down to the arguments; what is sent lies in memory of
   * take_here, and nothing is fetched. Where *done comes back true the device has been asked for
   * all of it, and there is no end. Where *again does, nothing of it was done, and it is to be
   * asked once more, from the beginning on. `forget`: before an owner's memory goes. */
  rd_code (*begin)(rd_device *d, const rd_device_key *key, bool *done, rd_error *e);
  rd_code (*end)(rd_device *d, bool *again, rd_error *e);
  void (*forget)(rd_device *d, const void *owner);
  void (*memory)(rd_device *d, size_t *unused, size_t *all); /* bytes */
  void (*close)(rd_device *d);
};

/* The processor in a card's place. Uses the number of threads set when it is called. */
rd_code rd_device_host(rd_device **out, rd_error *e);
/* For tests: every block's last thread first, which must change nothing. */
void rd_device_host_backwards(rd_device *d, bool backwards);

/* A card, by the library libredraft-cuda.so: the file in $REDRAFT_CUDA, else beside the program, in
 * lib/redraft/ beside the program's folder, or where the loader looks. RD_UNSUPPORTED says what is
 * missing. */
rd_code rd_device_card(rd_device **out, rd_error *e);
/* Of several cards the one of this number is this process's, beginning again with the first where
 * there are not as many; until this is called, the first. */
void rd_device_card_number(int number);
/* Is there a card that rd_device_card would open? Looks once. */
bool rd_device_has_card(void);

void rd_device_close(rd_device **d);

/* What a library for cards has: its one symbol, of this type. It fails where `version` is not its
 * own. */
enum { RD_DEVICE_VERSION = 6 };
#define RD_DEVICE_SYMBOL "rd_cuda_open"
typedef struct rd_device_ask {
  int version, number; /* of this program; of the card, as rd_device_card_number counts */
} rd_device_ask;
typedef rd_code rd_device_opener(rd_device **out, const rd_device_ask *ask, rd_error *e);

#endif
