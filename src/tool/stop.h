/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT of a program that serves. The first asks it to stop, the second to hurry, the
 * third ends it; before it serves there is nothing to wait for, and the first ends it. */
#ifndef RD_STOP_H
#define RD_STOP_H

#include "error.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Signals are taken by a thread of their own from now on. Called before any other thread starts, so
 * that all have them blocked: handlers must not run where generated code runs (interrupt.c). */
rd_code rd_stop_open(rd_error *e);
/* The program serves from now on: a signal no longer ends it at once. */
void rd_stop_serving(void);
/* Returns at the first signal. */
void rd_stop_wait(void);
/* Becomes true at the second. */
const atomic_bool *rd_stop_hurry(void);
void rd_stop_close(void);

#endif
