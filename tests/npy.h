/* SPDX-License-Identifier: MIT */
/* Arrays that NumPy wrote. */
#ifndef NPY_H
#define NPY_H

#include "file.h"

#include <stdlib.h>
#include <string.h>

/* The numbers of a version 1 .npy file of C order, '<f4' or '<f8', as doubles. The folder ends in a
 * slash. */
static inline double *read_npy(const char *folder, const char *file, size_t *count) {
  char *path = rd_print("%s%s", folder, file);
  rd_map map;
  rd_error e = {0};
  if (rd_map_open(&map, path, &e))
    fail_msg("%s", e.message);
  size_t header = 10u + map.data[8] + 256u * map.data[9];
  char text[256] = "";
  memcpy(text, map.data + 10, header - 10 < 255 ? header - 10 : 255);
  size_t bytes = strstr(text, "<f8") ? 8 : 4;
  *count = (map.size - header) / bytes;
  double *out = malloc(*count * sizeof *out);
  for (size_t i = 0; i < *count; i++) {
    const unsigned char *at = map.data + header + i * bytes;
    float single;
    memcpy(bytes == 8 ? (void *)&out[i] : (void *)&single, at, bytes);
    if (bytes == 4)
      out[i] = (double)single;
  }
  rd_map_close(&map);
  free(path);
  return out;
}

#endif
