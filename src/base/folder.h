/* SPDX-License-Identifier: MIT */
/* Folders that appear whole or not at all. */
#ifndef RD_FOLDER_H
#define RD_FOLDER_H

#include "error.h"

/* Build a folder aside: rd_folder_begin gives "PATH.part", emptied; rd_folder_commit seals it
 * (seal.h) and puts it in the place of PATH, of which it keeps the files that are not the program's
 * own; rd_folder_abandon removes it. Of a link in these places the link goes, and what it leads to
 * stays. */
rd_code rd_folder_begin(const char *path, char **part, rd_error *e);
rd_code rd_folder_commit(const char *path, const char *part, rd_error *e);
void rd_folder_abandon(const char *part);

/* Keep a folder for this process until rd_folder_unlock or its end, however it ends: a lock on the
 * file ".lock" in it, which stays there. *lock (0: none) is what rd_folder_unlock takes. RD_BUSY:
 * another process has it, and which. */
rd_code rd_folder_lock(const char *path, int *lock, rd_error *e);
void rd_folder_unlock(int *lock);

#endif
