/* SPDX-License-Identifier: MIT */
/* GGUF files in several parts, as gguf-split and converters write them: NAME-00001-of-00003.gguf
 * and so on. The first has the keys; each says which part it is (split.no, from 0) of how many
 * (split.count), and how many tensors all of them hold (split.tensors.count). */
#include "gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct place {
  int64_t no, count, tensors;
} place;

static rd_code read_place(const rd_gguf *g, place *out, rd_error *e) {
  *out = (place){0, 1, -1};
  RD_TRY(rd_gguf_int(g, "split.count", 0, UINT16_MAX, &out->count, e));
  RD_TRY(rd_gguf_int(g, "split.no", 0, UINT16_MAX, &out->no, e));
  return rd_gguf_int(g, "split.tensors.count", 0, INT64_MAX, &out->tensors, e);
}

static rd_code open_part(rd_gguf *g, place *out, const char *path, rd_error *e) {
  rd_tensors mapped = {0};
  rd_map map;
  *g = (rd_gguf){0};
  rd_code code = rd_tensors_map(&mapped, path, &map, e);
  if (code != RD_OK) {
    rd_tensors_drop(&mapped);
    return code;
  }
  code = rd_gguf_parse(g, map.data, map.size, e);
  if (code == RD_OK)
    code = rd_tensors_join(&g->tensors, &mapped, e);
  if (code == RD_OK)
    code = read_place(g, out, e);
  if (code != RD_OK)
    rd_gguf_drop(g);
  rd_tensors_drop(&mapped);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%s", path);
}

/* The path without "-00001-of-00003.gguf" as a new string. */
static rd_code stem_of(char **stem, const char *path, place at, rd_error *e) {
  char ending[64];
  int n = snprintf(ending, sizeof ending, "-%05lld-of-%05lld.gguf", (long long)at.no + 1,
                   (long long)at.count);
  size_t size = strlen(path);
  if (size < (size_t)n || strcmp(path + size - n, ending) != 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: part %lld of %lld, which must be called NAME%s for the others to be found",
                   path, (long long)at.no + 1, (long long)at.count, ending);
  *stem = rd_strdup(path, e);
  if (!*stem)
    return RD_NO_MEMORY;
  (*stem)[size - (size_t)n] = '\0';
  return RD_OK;
}

static rd_code add_part(rd_gguf *g, const char *stem, place want, rd_error *e) {
  rd_gguf part;
  place found;
  char *path =
      rd_print("%s-%05lld-of-%05lld.gguf", stem, (long long)want.no + 1, (long long)want.count);
  if (!path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the name of a part");
  rd_code code = rd_path_exists(path)
                   ? open_part(&part, &found, path, e)
                   : rd_fail(e, RD_IO, "%s: the part is missing; all %lld are needed", path,
                             (long long)want.count);
  if (code == RD_OK) {
    if (found.no != want.no || found.count != want.count)
      code = rd_fail(e, RD_BAD_INPUT, "%s: says that it is part %lld of %lld", path,
                     (long long)found.no + 1, (long long)found.count);
    else
      code = rd_tensors_join(&g->tensors, &part.tensors, e);
    rd_gguf_drop(&part);
  }
  free(path);
  return code;
}

static rd_code add_parts(rd_gguf *g, const char *path, place at, rd_error *e) {
  char *stem = NULL;
  RD_TRY(stem_of(&stem, path, at, e));
  rd_code code = RD_OK;
  if (at.no != 0)
    code =
        rd_fail(e, RD_BAD_INPUT, "%s: part %lld of %lld; open the first, %s-00001-of-%05lld.gguf",
                path, (long long)at.no + 1, (long long)at.count, stem, (long long)at.count);
  for (int64_t i = 1; i < at.count && code == RD_OK; i++)
    code = add_part(g, stem, (place){i, at.count, at.tensors}, e);
  free(stem);
  if (code == RD_OK && at.tensors >= 0 && (size_t)at.tensors != g->tensors.count)
    code = rd_fail(e, RD_BAD_INPUT, "%s: split.tensors.count is %lld, the %lld parts hold %zu",
                   path, (long long)at.tensors, (long long)at.count, g->tensors.count);
  if (code == RD_OK && (code = rd_tensors_finish(&g->tensors, e)) != RD_OK)
    rd_prefix(e, code, "%s", path);
  return code;
}

rd_code rd_gguf_open(rd_gguf *g, const char *path, rd_error *e) {
  place at;
  RD_TRY(open_part(g, &at, path, e));
  rd_code code = at.count > 1 ? add_parts(g, path, at, e) : RD_OK;
  if (code != RD_OK)
    rd_gguf_drop(g);
  return code;
}
