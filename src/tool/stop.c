/* SPDX-License-Identifier: MIT */
/* A thread in sigwait, and a condition that it signals. */
#include "stop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool serving, told, closing; /* under the lock */
static atomic_bool hurry;
static sigset_t ends;

static bool take(void) {
  pthread_mutex_lock(&lock);
  bool over = closing;
  if (!over && !serving)
    _exit(EXIT_SUCCESS); /* nothing is half written by a program that reads a model */
  if (!over && atomic_load(&hurry))
    _exit(EXIT_FAILURE);
  if (told)
    atomic_store(&hurry, true);
  told = true;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return !over;
}

static void *work(void *context) {
  int number;
  while (sigwait(&ends, &number) == 0 && take())
    ;
  return context;
}

rd_code rd_stop_open(rd_error *e) {
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, NULL);
  if (pthread_create(&thread, NULL, work, NULL) != 0)
    return rd_fail(e, RD_IO, "the system gives no thread for signals");
  return RD_OK;
}

void rd_stop_serving(void) {
  pthread_mutex_lock(&lock);
  serving = true;
  pthread_mutex_unlock(&lock);
}

void rd_stop_wait(void) {
  pthread_mutex_lock(&lock);
  while (!told)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

const atomic_bool *rd_stop_hurry(void) {
  return &hurry;
}

void rd_stop_close(void) {
  pthread_mutex_lock(&lock);
  closing = true;
  pthread_mutex_unlock(&lock);
  pthread_kill(thread, SIGTERM);
  pthread_join(thread, NULL);
}
