/* SPDX-License-Identifier: MIT */
/* The reserve is for the few allocations between a failure and the next read: jansson reads 1,024
 * bytes at a time, each of which makes one value at most. */
#include "json_memory.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RESERVE = 1 << 19, ALIGNMENT = 16 };

static alignas(ALIGNMENT) unsigned char reserve[RESERVE];
static size_t used, live; /* bytes, and allocations; under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local bool watched, lacking;

static void *take(size_t size) {
  void *p = malloc(size);
  if (p || !watched)
    return p;
  lacking = true;
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  pthread_mutex_lock(&lock);
  if (size <= RESERVE - used) {
    p = reserve + used;
    used += size;
    live++;
  }
  pthread_mutex_unlock(&lock);
  return p;
}

static void give_back(void *p) {
  const unsigned char *at = p;
  if (at < reserve || at >= reserve + RESERVE) {
    free(p);
    return;
  }
  pthread_mutex_lock(&lock);
  if (--live == 0)
    used = 0;
  pthread_mutex_unlock(&lock);
}

/* A host that gave jansson functions of its own keeps them: what they made is theirs to free. */
static void start(void) {
  json_free_t drop;
  json_get_alloc_funcs(NULL, &drop);
  if (drop == free)
    json_set_alloc_funcs(take, give_back);
}

char *rd_json_dumps(const json_t *value, size_t flags) {
  char *text = json_dumps(value, flags);
  json_free_t drop;
  json_get_alloc_funcs(NULL, &drop);
  if (!text || drop == free || drop == give_back)
    return text;
  char *own = strdup(text);
  drop(text);
  return own;
}

/* What is left of the text; nothing once memory ran out. */
typedef struct feed {
  const char *at;
  size_t left;
} feed;

static size_t next(void *buffer, size_t room, void *context) {
  feed *f = context;
  size_t n = lacking ? 0 : f->left < room ? f->left : room;
  memcpy(buffer, f->at, n);
  f->at += n;
  f->left -= n;
  return n;
}

void rd_json_no_memory(json_error_t *why) {
  why->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory; /* where jansson keeps it */
}

void rd_json_watch(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
  watched = true;
  lacking = false;
}

bool rd_json_lacked(void) {
  watched = false;
  return lacking;
}

json_t *rd_json_load_safely(const char *text, size_t size, size_t flags, json_error_t *why) {
  feed f = {text, size};
  rd_json_watch();
  json_t *out = json_load_callback(next, &f, flags, why);
  if (!rd_json_lacked())
    return out;
  json_decref(out);
  rd_json_no_memory(why);
  return NULL;
}
