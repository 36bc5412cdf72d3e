/* SPDX-License-Identifier: MIT */
/* The blob is the size of a double array (Darts) in bytes, the array, and the replacements, a NUL
 * behind each. A unit of the array says the byte that leads to it, where its children begin, and
 * whether a sequence ends here: then the unit at its children's base holds where in the
 * replacements its own begins. Nothing in the blob is trusted: every step is checked against it. */
#include "tok_charsmap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { LONGEST_REPLACEMENT = 256 };

struct rd_charsmap {
  bool longest;
  uint32_t *units; /* (count) */
  size_t count;
  char *texts; /* (size), a NUL behind them */
  size_t size;
};

rd_code rd_charsmap_new(rd_charsmap **out, rd_slice blob, bool longest, rd_error *e) {
  *out = NULL;
  uint32_t bytes = 0;
  if (blob.size >= 4)
    for (int i = 0; i < 4; i++)
      bytes |= (uint32_t)(unsigned char)blob.data[i] << (8 * i);
  if (blob.size < 8 || bytes < 4 || bytes > blob.size - 4 || bytes % 4 != 0)
    return rd_fail(e, RD_BAD_INPUT, "precompiled_charsmap of %zu bytes: its table is cut off",
                   blob.size);
  rd_charsmap *m = rd_calloc(1, sizeof *m, "a charsmap", e);
  if (!m)
    return RD_NO_MEMORY;
  m->longest = longest;
  m->count = bytes / 4;
  m->size = blob.size - 4 - bytes;
  m->units = rd_calloc(m->count, sizeof *m->units, "a charsmap", e);
  m->texts = rd_calloc(m->size + 1, 1, "a charsmap", e);
  if (!m->units || !m->texts) {
    rd_charsmap_free(m);
    return RD_NO_MEMORY;
  }
  for (size_t i = 0; i < bytes; i++)
    m->units[i / 4] |= (uint32_t)(unsigned char)blob.data[4 + i] << (8 * (i % 4));
  memcpy(m->texts, blob.data + 4 + bytes, m->size);
  *out = m;
  return RD_OK;
}

void rd_charsmap_free(rd_charsmap *m) {
  if (!m)
    return;
  free(m->units);
  free(m->texts);
  free(m);
}

static size_t children(uint32_t unit) {
  return (size_t)(unit >> 10) << ((unit & 1U << 9) >> 6);
}

/* The replacement of the longest, or the shortest, sequence that `text` begins with; *used: its
 * bytes, 0 where there is none. */
static const char *look_up(const rd_charsmap *m, rd_slice text, size_t *used) {
  const char *found = NULL;
  size_t node = children(m->units[0]);
  *used = 0;
  for (size_t i = 0; i < text.size && text.data[i]; i++) {
    unsigned byte = (unsigned char)text.data[i];
    node ^= byte;
    if (node >= m->count || (m->units[node] & (1U << 31 | 0xFF)) != byte)
      break;
    uint32_t unit = m->units[node];
    node ^= children(unit);
    if (!(unit >> 8 & 1U) || node >= m->count)
      continue;
    size_t at = m->units[node] & 0x7FFFFFFFU;
    if (at <= m->size) {
      found = m->texts + at;
      *used = i + 1;
    }
    if (found && !m->longest)
      break;
  }
  return found;
}

static rd_code put(rd_bytes *out, const char *replacement, rd_error *e) {
  size_t size = strlen(replacement);
  if (size > LONGEST_REPLACEMENT)
    return rd_fail(e, RD_UNSUPPORTED,
                   "precompiled_charsmap: a replacement of %zu bytes; at most %d are supported",
                   size, LONGEST_REPLACEMENT);
  return rd_bytes_add(out, replacement, size, e);
}

static rd_code run_longest(const rd_charsmap *m, rd_slice text, rd_bytes *out, rd_error *e) {
  for (size_t at = 0, used; at < text.size; at += used) {
    const char *found = look_up(m, (rd_slice){text.data + at, text.size - at}, &used);
    if (found)
      RD_TRY(put(out, found, e));
    else {
      rd_utf8 c = rd_utf8_read(text.data + at, text.size - at);
      used = c.kind == RD_UTF8_GOOD ? c.size : 1;
      RD_TRY(rd_bytes_add(out, text.data + at, used, e));
    }
  }
  return RD_OK;
}

static rd_code run_character(const rd_charsmap *m, rd_slice character, rd_bytes *out, rd_error *e) {
  size_t used;
  const char *found = look_up(m, character, &used);
  return found ? put(out, found, e) : rd_bytes_add(out, character.data, character.size, e);
}

/* One grapheme cluster. */
static rd_code run_cluster(const rd_charsmap *m, rd_slice cluster, rd_bytes *out, rd_error *e) {
  enum { SMALL = 6 };
  size_t used;
  const char *found = cluster.size < SMALL ? look_up(m, cluster, &used) : NULL;
  if (found)
    return put(out, found, e);
  for (size_t at = 0; at < cluster.size;) {
    rd_utf8 c = rd_utf8_read(cluster.data + at, cluster.size - at);
    size_t size = c.kind == RD_UTF8_GOOD ? c.size : 1;
    RD_TRY(run_character(m, (rd_slice){cluster.data + at, size}, out, e));
    at += size;
  }
  return RD_OK;
}

rd_code rd_charsmap_run(const rd_charsmap *m, rd_slice text, rd_bytes *out, rd_error *e) {
  if (m->longest)
    return run_longest(m, text, out, e);
  size_t from = 0;
  utf8proc_int32_t before = -1, state = 0;
  for (size_t at = 0; at < text.size;) {
    rd_utf8 c = rd_utf8_read(text.data + at, text.size - at);
    bool good = c.kind == RD_UTF8_GOOD;
    bool breaks = !good || before < 0 ||
                  utf8proc_grapheme_break_stateful(before, (utf8proc_int32_t)c.point, &state);
    if (breaks && at > from) {
      RD_TRY(run_cluster(m, (rd_slice){text.data + from, at - from}, out, e));
      from = at;
    }
    state = good && before >= 0 ? state : 0;
    before = good ? (utf8proc_int32_t)c.point : -1;
    at += good ? c.size : 1;
  }
  return text.size > from ? run_cluster(m, (rd_slice){text.data + from, text.size - from}, out, e)
                          : RD_OK;
}
