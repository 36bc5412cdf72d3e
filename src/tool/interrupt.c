/* SPDX-License-Identifier: MIT */
/* Signals that end a command, turned into a flag. */
#include "interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction before[SIGNALS];
static atomic_int seen;
static bool opened;

static void on_signal(int number) {
  seen = number;
}

/* The handler runs on a stack of its own: generated code of oneDNN's AVX-512 products may have the
 * stack pointer elsewhere when a signal comes, and the frame pushed there damages the heap (seen as
 * "corrupted double-linked list" when such a run ended). */
int rd_interrupt_stack(void) {
  static unsigned char memory[1 << 16];
  const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
  return sigaltstack(&stack, NULL) == 0 ? SA_ONSTACK : 0;
}

static char farewell[501];

static void say_farewell(int number) {
  ssize_t written = write(STDERR_FILENO, farewell, strlen(farewell));
  (void)written; /* there is nobody left to tell */
  signal(number, SIG_DFL);
  raise(number);
}

static void handle(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = rd_interrupt_stack();
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(signals[i], NULL, &before[i]);
    if (signals[i] != SIGHUP || before[i].sa_handler != SIG_IGN) /* nohup: the terminal may go */
      sigaction(signals[i], &action, NULL);
  }
}

void rd_interrupt_farewell(const char *line) {
  snprintf(farewell, sizeof farewell, "%s\n", line);
  handle(say_farewell);
}

void rd_interrupt_open(void) {
  seen = 0;
  opened = true;
  handle(on_signal);
}

int rd_interrupt_seen(void) {
  return seen;
}

atomic_int *rd_interrupt_flag(void) {
  return &seen;
}

void rd_interrupt_clear(void) {
  seen = 0;
}

void rd_interrupt_close(void) {
  if (!opened)
    return;
  opened = false;
  for (int i = 0; i < SIGNALS; i++)
    sigaction(signals[i], &before[i], NULL);
  if (seen && seen != SIGINT) {
    fflush(stdout); /* what was printed is not lost */
    raise(seen);
  }
}
