/* SPDX-License-Identifier: MIT */
/* Seals: a folder that the program wrote and reads again says of each of its files how long it is
 * and what it hashes to, in checksums.json beside them. What was damaged since is then not
 * believed, and what the seal does not name is somebody else's. */
#ifndef RD_SEAL_H
#define RD_SEAL_H

#include "file.h"

/* FNV-1a, 64 bits: whatever single byte changes, so does it. Of bytes behind those whose hash is
 * given, RD_HASH_NONE where there are none; and of a file. */
#define RD_HASH_NONE 14695981039346656037u
uint64_t rd_hash_more(uint64_t hash, const void *bytes, size_t size);
uint64_t rd_hash(const rd_map *file);

/* Write the seal of the files that are in the folder now. */
rd_code rd_seal_write(const char *folder, rd_error *e);
/* RD_BAD_INPUT says which file is not as it was sealed: the one called `name`, or with NULL any
 * that the seal names. RD_OK where there is no seal (folders of before there were any), or where it
 * does not know the name. */
rd_code rd_seal_check(const char *folder, const char *name, rd_error *e);
/* Link into `folder` what the folder `older` holds beyond its seal (files of a user's), unless a
 * file of that name is there. Where `older` has no seal all of it counts. */
rd_code rd_seal_keep_others(const char *folder, const char *older, rd_error *e);

#endif
