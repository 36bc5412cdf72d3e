/* SPDX-License-Identifier: MIT */
/* What torch.save writes. An input that begins as a zip archive is taken as a file; any other is a
 * pickle, put into an archive with a right checksum and one storage. Every number is then read. */
#include "inspect.h"
#include "torch_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *data, size_t size) {
  rd_tensors t = {0};
  rd_error e;
  if (rd_torch_parse(&t, data, size, &e) == RD_OK && rd_tensors_finish(&t, &e) == RD_OK)
    (void)rd_tensors_check(&t, &e);
  rd_tensors_drop(&t);
}

static uint32_t checksum(const uint8_t *data, size_t size) {
  uint32_t crc = ~UINT32_C(0);
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
  }
  return ~crc;
}

static uint8_t *put(uint8_t *at, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    *at++ = (uint8_t)(value >> 8 * i);
  return at;
}

typedef struct entry {
  const char *name;
  const uint8_t *data;
  size_t size, at; /* where its header was put */
} entry;

/* Version to extra length of both kinds of headers: stored, no time. */
static uint8_t *put_facts(uint8_t *at, const entry *e) {
  at = put(put(put(at, 20, 2), 0, 2), 0, 2);
  at = put(put(at, 0, 4), checksum(e->data, e->size), 4);
  at = put(put(at, e->size, 4), e->size, 4);
  return put(put(at, strlen(e->name), 2), 0, 2);
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t size) {
  if (size > 0)
    memcpy(at, data, size);
  return at + size;
}

static size_t archive(uint8_t *out, entry *entries, size_t count) {
  uint8_t *at = out;
  for (size_t i = 0; i < count; i++) {
    entry *e = &entries[i];
    e->at = (size_t)(at - out);
    at = put_facts(put(at, 0x04034b50, 4), e);
    at = put_bytes(put_bytes(at, e->name, strlen(e->name)), e->data, e->size);
  }
  size_t directory = (size_t)(at - out);
  for (size_t i = 0; i < count; i++) {
    at = put_facts(put(put(at, 0x02014b50, 4), 20, 2), &entries[i]);
    at = put(put(put(put(at, 0, 2), 0, 2), 0, 2), 0, 4);
    at = put_bytes(put(at, entries[i].at, 4), entries[i].name, strlen(entries[i].name));
  }
  size_t length = (size_t)(at - out) - directory;
  at = put(put(put(at, 0x06054b50, 4), 0, 2), 0, 2);
  at = put(put(put(put(at, count, 2), count, 2), length, 4), directory, 4);
  return (size_t)(put(at, 0, 2) - out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t numbers[96] = {0, 0, 128, 63, 0, 0, 0, 64, 205, 204, 76, 62, 0, 60, 0, 192};
  if (size >= 2 && memcmp(data, "PK", 2) == 0) {
    read_all(data, size);
    return 0;
  }
  entry entries[] = {{.name = "a/data.pkl", .data = data, .size = size},
                     {.name = "a/data/0", .data = numbers, .size = sizeof numbers}};
  uint8_t *file = malloc(size + 600);
  if (file) {
    size_t whole = archive(file, entries, 2);
    uint8_t *exact = realloc(file, whole); /* so that sanitizers see overruns */
    file = exact ? exact : file;
    read_all(file, whole);
  }
  free(file);
  return 0;
}
