/* SPDX-License-Identifier: MIT */
/* Ctrl-C and its relatives: remembered in a flag that running work looks at, so that commands
 * finish their files and give the terminal back before they end. */
#ifndef RD_INTERRUPT_H
#define RD_INTERRUPT_H

#include "error.h"

#include <stdatomic.h>

/* For work that ends at once: the same signals write this line (kept, shortened to 500 bytes) to
 * standard error and end the process, as they would have. */
void rd_interrupt_farewell(const char *line);
/* Handle SIGINT, SIGTERM, SIGHUP and SIGQUIT from now on. */
void rd_interrupt_open(void);
/* Give the calling thread a stack for signal handlers and return the sigaction flag that uses it.
 * Every handler that may come while products run needs it: see interrupt.c. */
int rd_interrupt_stack(void);
/* The signal that came since the last rd_interrupt_clear, or 0. */
int rd_interrupt_seen(void);
/* The same as a variable, for rd_draft_run. */
atomic_int *rd_interrupt_flag(void);
void rd_interrupt_clear(void);
/* Back to how the signals were. A signal other than SIGINT that came ends the process, as its
 * sender wanted, now that all is in order. Nothing where they are not handled. */
void rd_interrupt_close(void);

#endif
