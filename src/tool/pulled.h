/* SPDX-License-Identifier: MIT */
/* Models that were pulled: folders OWNER/NAME in $XDG_CACHE_HOME/redraft/models (~/.cache), each
 * with a pulled.json that says what is in it and where it came from. */
#ifndef RD_PULLED_H
#define RD_PULLED_H

#include "hub.h"
#include "json.h"

/* A key of pulled.json: {name: true} of the files that are still to come. */
#define RD_PULLED_PART "part"
/* The folder of all, and of one model; new strings. RD_USAGE: neither variable names a place. */
rd_code rd_pulled_root(char **path, rd_error *e);
rd_code rd_pulled_folder(char **path, const rd_hub_name *name, rd_error *e);
/* Its pulled.json, {"from", "revision", "files": {name: {"size", "sum"}}}; an empty object where
 * there is none. Owned by the caller. */
rd_code rd_pulled_read(json_t **out, const char *folder, rd_error *e);
/* What `named` means where no such path is here: *path, a new string, is the folder (or the file)
 * of a model that was pulled under this name. NULL: it is no such name, or it is a path. RD_USAGE:
 * such a name, and nothing was pulled under it. */
rd_code rd_pulled_find(char **path, const char *named, rd_error *e);
/* Put that in the place of *named, a string of the heap (or NULL). */
rd_code rd_pulled_resolve(char **named, rd_error *e);

/* Called with each model that was pulled, in the order of names. `bytes` of its files. */
typedef rd_code rd_pulled_sink(void *context, const char *name, const char *folder,
                               const json_t *pulled, int64_t bytes, rd_error *e);
rd_code rd_pulled_each(rd_pulled_sink *sink, void *context, rd_error *e);
/* RD_BAD_INPUT: it was not pulled. */
rd_code rd_pulled_remove(const rd_hub_name *name, rd_error *e);

#endif
