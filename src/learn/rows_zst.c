/* SPDX-License-Identifier: MIT */
/* Files of rows as they are passed on: compressed by zstd. The one file that knows libzstd. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { MOST = 1 << 30 };

typedef struct unpacking {
  const char *path;
  ZSTD_DStream *stream;
  ZSTD_inBuffer in;
  ZSTD_outBuffer out;
} unpacking;

static rd_code make_room(unpacking *u, rd_error *e) {
  size_t room = u->out.size ? 2 * u->out.size : 1 << 16;
  if (u->out.size >= MOST)
    return rd_fail(e, RD_BAD_INPUT, "%s: unpacks to more than %d bytes", u->path, MOST);
  char *more = realloc(u->out.dst, room);
  if (!more)
    return rd_fail(e, RD_NO_MEMORY, "%s: no memory for %zu bytes", u->path, room);
  u->out.dst = more;
  u->out.size = room;
  return RD_OK;
}

/* Frame after frame, until everything is read and nothing is left to be written. */
static rd_code unpack(unpacking *u, rd_error *e) {
  for (size_t left = 1; u->in.pos < u->in.size || left > 0;) {
    size_t read = u->in.pos, written = u->out.pos;
    if (u->out.pos == u->out.size)
      RD_TRY(make_room(u, e));
    left = ZSTD_decompressStream(u->stream, &u->out, &u->in);
    if (ZSTD_isError(left))
      return rd_fail(e, RD_BAD_INPUT, "%s: damaged: %s", u->path, ZSTD_getErrorName(left));
    if (left > 0 && u->in.pos == read && u->out.pos == written)
      return rd_fail(e, RD_BAD_INPUT, "%s: cut off after %zu bytes", u->path, u->in.size);
  }
  return RD_OK;
}

rd_code rd_rows_unpack(const char *path, const char **text, size_t *size, char **unpacked,
                       rd_error *e) {
  static const char magic[] = "\x28\xb5\x2f\xfd";
  *unpacked = NULL;
  if (*size < 4 || memcmp(*text, magic, 4) != 0)
    return RD_OK;
  unpacking u = {.path = path, .stream = ZSTD_createDStream(), .in = {*text, *size, 0}};
  rd_code code = u.stream ? unpack(&u, e) : rd_fail(e, RD_NO_MEMORY, "%s: no memory", path);
  ZSTD_freeDStream(u.stream);
  if (code != RD_OK) {
    free(u.out.dst);
    return code;
  }
  *unpacked = u.out.dst;
  *text = u.out.dst;
  *size = u.out.pos;
  return RD_OK;
}
