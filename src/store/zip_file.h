/* SPDX-License-Identifier: MIT */
/* Zip archives in memory, for reading: where an entry that is not compressed lies, and copies of
 * others. The one place that knows libzip. */
#ifndef RD_ZIP_FILE_H
#define RD_ZIP_FILE_H

#include "error.h"

typedef struct rd_zip rd_zip;

/* Read the directory of the archive at `data`, which must stay. */
rd_code rd_zip_open(rd_zip **out, const unsigned char *data, size_t size, rd_error *e);
/* NULL and a pointer to NULL are fine. */
void rd_zip_close(rd_zip **zip);

int64_t rd_zip_count(const rd_zip *zip);
/* The name of entry `i`; "" where the archive has none. */
const char *rd_zip_name(const rd_zip *zip, int64_t i);
/* The entry of that name, or -1. */
int64_t rd_zip_find(const rd_zip *zip, const char *name);

/* Where entry `i` lies and how many bytes it has; *data is NULL for one that is compressed, or that
 * must be copied for another reason. Refused: encrypted entries, methods other than deflate, sizes
 * that no compressed data of this length can have. */
rd_code rd_zip_entry(rd_zip *zip, int64_t i, const unsigned char **data, size_t *size, rd_error *e);
/* Entry `i`, whose `size` rd_zip_entry gave, into `out`; its checksum must be right. */
rd_code rd_zip_copy(rd_zip *zip, int64_t i, unsigned char *out, size_t size, rd_error *e);

#endif
