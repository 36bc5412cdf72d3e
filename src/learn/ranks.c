/* SPDX-License-Identifier: MIT */
/* Agreeing, and sums in a fixed order.
 *
 * Each rank owns a share of the values and sums it: in every round it gets that share of the
 * others' passes, block by block, and adds them in the order of the ranks. A reduction of MPI's own
 * would send less but choose its order by the number of ranks. In the end each tells the others its
 * share. */
#include "device.h"
#include "ranks_way.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18, LINE = 16 /* floats, so that shares start on lines */ };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static rd_ranks ranks = {.rank = 0, .count = 1, .threads = 0};
static rd_code began = RD_OK;
static rd_error why;

/* How many a launcher says that there are: those of Open MPI, MPICH and Slurm. */
static int launched(void) {
  static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    if (text != NULL && atoi(text) > 1)
      return atoi(text);
  }
  return 1;
}

#ifdef RD_MPI
static rd_code begin(int count, rd_error *e) {
  RD_TRY(rd_ranks_mpi_begin(&ranks, e));
  if (ranks.count != count || count > RD_MOST_RANKS)
    return rd_fail(e, RD_UNSUPPORTED,
                   "%d processes were started and MPI connects %d; at most %d work together", count,
                   ranks.count, RD_MOST_RANKS);
  return RD_OK;
}
static rd_code share(int from, void *bytes, size_t size, rd_error *e) {
  return rd_ranks_mpi_share(from, bytes, size, e);
}
static rd_code swap(const rd_ranks *r, float *const *send, const int *counts, float *const *receive,
                    int count, rd_error *e) {
  return rd_ranks_mpi_swap(r, send, counts, receive, count, e);
}
#else
static rd_code begin(int count, rd_error *e) {
  return rd_fail(e, RD_UNSUPPORTED,
                 "started as one of %d processes, and this program was built without MPI: `make "
                 "MPI=1` builds one that works with them",
                 count);
}
static rd_code share(int from, void *bytes, size_t size, rd_error *e) {
  (void)bytes;
  return rd_fail(e, RD_UNSUPPORTED, "rank %d has %zu bytes for nobody", from, size);
}
static rd_code swap(const rd_ranks *r, float *const *send, const int *counts, float *const *receive,
                    int count, rd_error *e) {
  (void)send, (void)counts, (void)receive;
  return rd_fail(e, RD_UNSUPPORTED, "%d ranks swap %d numbers with nobody", r->count, count);
}
#endif

static void join(void) {
  const int count = launched();
  if (count > 1)
    began = begin(count, &why);
  rd_device_card_number(ranks.local);
}

rd_code rd_ranks_join(const rd_ranks **out, rd_error *e) {
  pthread_once(&once, join);
  *out = &ranks;
  return began == RD_OK ? RD_OK : rd_fail(e, began, "%s", why.message);
}

rd_code rd_ranks_share(const rd_ranks *r, int from, void *bytes, size_t size, rd_error *e) {
  return r->count > 1 ? share(from, bytes, size, e) : RD_OK;
}

rd_code rd_ranks_agree(const rd_ranks *r, rd_code mine, rd_error *e) {
  for (int i = 0; i < r->count; i++) {
    rd_error said = {.code = mine};
    if (i == r->rank && mine != RD_OK && e != NULL)
      said = *e;
    said.code = mine;
    RD_TRY(rd_ranks_share(r, i, &said, sizeof said, e));
    if (said.code == RD_OK)
      continue;
    return i == r->rank ? mine : rd_fail(e, said.code, "%s", said.message);
  }
  return RD_OK;
}

rd_code rd_ranks_same(const rd_ranks *r, const void *bytes, size_t size, const char *what,
                      rd_error *e) {
  rd_code code = RD_OK;
  uint64_t mine = 14695981039346656037u; /* FNV-1a */
  for (size_t i = 0; r->count > 1 && i < size; i++)
    mine = (mine ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
  uint64_t first = mine;
  RD_TRY(rd_ranks_share(r, 0, &first, sizeof first, e));
  if (first != mine)
    code = rd_fail(e, RD_BAD_INPUT, "ranks 0 and %d have different %s", r->rank, what);
  return rd_ranks_agree(r, code, e);
}

/* Values first .. first + size of rank i's share. */
typedef struct part {
  int64_t first, size;
} part;

int64_t rd_ranks_sum_room(const rd_ranks *r, int64_t count) {
  int64_t each = (count + r->count - 1) / r->count;
  return (each + LINE - 1) / LINE * LINE;
}

int64_t rd_ranks_sum_pieces(const rd_ranks *r) {
  return r->count > 1 ? (int64_t)r->count * BLOCK : 0;
}

/* The part of rank i's share that is its block at `at`, of at most `most` values. */
static part part_of(const rd_ranks *r, const rd_ranks_sum *s, int i, int64_t at, int64_t most) {
  int64_t share = rd_ranks_sum_room(r, s->count), first = i * share + at, end = (i + 1) * share;
  end = end < s->count ? end : s->count;
  int64_t left = end > first ? end - first : 0;
  return (part){first, left < most ? left : most};
}

static void add(float *total, const float *values, int64_t n, bool begins) {
  if (begins)
    memcpy(total, values, (size_t)n * sizeof *total);
  for (int64_t i = 0; i < n && !begins; i++)
    total[i] += values[i];
}

static rd_code add_block(const rd_ranks *r, rd_ranks_sum *s, int64_t at, rd_error *e) {
  float *send[RD_MOST_RANKS], *receive[RD_MOST_RANKS];
  int counts[RD_MOST_RANKS];
  const part mine = part_of(r, s, r->rank, at, BLOCK);
  for (int i = 0; i < r->count; i++) {
    const part theirs = part_of(r, s, i, at, BLOCK);
    send[i] = i == r->rank ? NULL : s->values + theirs.first;
    counts[i] = (int)theirs.size;
    receive[i] = i == r->rank ? NULL : s->pieces + (int64_t)i * BLOCK;
  }
  RD_TRY(swap(r, send, counts, receive, (int)mine.size, e));
  for (int i = 0; i < r->count; i++)
    add(s->total + at, i == r->rank ? s->values + mine.first : receive[i], mine.size,
        s->passes == 0 && i == 0);
  return RD_OK;
}

rd_code rd_ranks_sum_add(const rd_ranks *r, rd_ranks_sum *s, rd_error *e) {
  int64_t room = rd_ranks_sum_room(r, s->count);
  if (r->count == 1)
    add(s->total, s->values, s->count, s->passes == 0);
  for (int64_t at = 0; r->count > 1 && at < room; at += BLOCK)
    RD_TRY(add_block(r, s, at, e));
  s->passes += r->count;
  return RD_OK;
}

rd_code rd_ranks_sum_end(const rd_ranks *r, rd_ranks_sum *s, rd_error *e) {
  const part mine = part_of(r, s, r->rank, 0, s->count);
  if (mine.size > 0)
    memcpy(s->values + mine.first, s->total, (size_t)mine.size * sizeof *s->values);
  for (int i = 0; i < r->count; i++) {
    const part theirs = part_of(r, s, i, 0, s->count);
    if (theirs.size > 0)
      RD_TRY(rd_ranks_share(r, i, s->values + theirs.first, (size_t)theirs.size * sizeof *s->values,
                            e));
  }
  s->passes = 0;
  return RD_OK;
}
