/* SPDX-License-Identifier: MIT */
/* Runs every file of a folder through a fuzz target, without a fuzzer. */
#include "file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
  rd_map map;
  rd_error e = {0};
  if (rd_map_open(&map, path, &e) != RD_OK) {
    fprintf(stderr, "%s\n", e.message);
    return 1;
  }
  unsigned char *copy =
      malloc(map.size ? map.size : 1); /* exact, so that sanitizers see overruns */
  if (copy) {
    for (size_t i = 0; i < map.size; i++)
      copy[i] = map.data[i];
    (void)LLVMFuzzerTestOneInput(copy, map.size);
  }
  free(copy);
  rd_map_close(&map);
  return copy ? 0 : 1;
}

int main(int argc, char **argv) {
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  int failed = 0, count = 0;
  if (!folder) {
    fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    char *path = *entry->d_name == '.' ? NULL : rd_path_join(argv[1], entry->d_name);
    if (path) {
      failed += replay(path);
      count++;
    }
    free(path);
  }
  (void)closedir(folder);
  printf("%d inputs\n", count);
  return failed || count == 0;
}
