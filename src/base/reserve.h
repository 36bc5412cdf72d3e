/* SPDX-License-Identifier: MIT */
/* Memory kept back for code that does not survive the lack of it. oneDNN, which writes its machine
 * code when a product of a new shape is asked for, ends the program where an allocation fails in
 * there. A server under a limit (ulimit -v, RLIMIT_DATA, strict overcommit) therefore holds a
 * reserve: it is given free only while such code runs, nothing large is taken meanwhile, and where
 * it is not whole the work is refused before it begins. What a control group's limit counts is
 * memory that was touched, and its way to say no is a signal: no reserve helps there.
 *
 * Until rd_reserve_open all of this does nothing. Any thread may call. */
#ifndef RD_RESERVE_H
#define RD_RESERVE_H

#include "error.h"

enum { RD_RESERVE_MB = 80 }; /* of address space; none of it is touched */

/* Hold the reserve from now on; RD_NO_MEMORY. */
rd_code rd_reserve_open(rd_error *e);
void rd_reserve_close(void);
/* Is it whole, or can it be made so? RD_NO_MEMORY: no. */
rd_code rd_reserve_check(rd_error *e);

/* Around a call that may need it. Where begin fails (RD_NO_MEMORY) the call must not be made, and
 * there is no end. Several threads may be inside. */
rd_code rd_reserve_begin(rd_error *e);
void rd_reserve_end(void);
/* Around a large mapping: waits until nobody is inside, and keeps others out. */
void rd_reserve_lock(void);
void rd_reserve_unlock(void);

#endif
