/* SPDX-License-Identifier: MIT */
/* A folder whose pulled.json is missing, or says that files are still to come, was begun and not
 * ended: it is listed, and not found. */
#include "pulled.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

rd_code rd_pulled_root(char **path, rd_error *e) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  *path = NULL;
  if (cache && *cache == '/')
    *path = rd_print("%s/redraft/models", cache);
  else if (home && *home == '/')
    *path = rd_print("%s/.cache/redraft/models", home);
  else
    return rd_fail(e, RD_USAGE,
                   "where models are kept is said by XDG_CACHE_HOME or HOME, and "
                   "neither is the path of a folder");
  return *path ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the folder of models");
}

rd_code rd_pulled_folder(char **path, const rd_hub_name *name, rd_error *e) {
  char *root = NULL;
  *path = NULL;
  RD_TRY(rd_pulled_root(&root, e));
  *path = rd_path_join(root, name->model);
  free(root);
  return *path ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name->model);
}

rd_code rd_pulled_read(json_t **out, const char *folder, rd_error *e) {
  *out = NULL;
  const rd_path path = rd_path_in(folder, "pulled.json");
  if (rd_path_exists(path.text))
    return rd_json_open(out, path.text, e);
  *out = json_object();
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: pulled.json");
}

/* Is it whole: does pulled.json name the file, or any, and nothing of it is still to come? */
static rd_code whole(bool *yes, const char *folder, const char *file, rd_error *e) {
  json_t *json = NULL, *value;
  const char *name;
  RD_TRY(rd_pulled_read(&json, folder, e));
  const json_t *files = json_object_get(json, "files");
  *yes = *file ? json_object_get(files, file) != NULL : json_object_size(files) > 0;
  json_object_foreach(json_object_get(json, RD_PULLED_PART), name, value)
    *yes = *yes && *file && !rd_hub_parts_of_one(name, file);
  json_decref(json);
  return RD_OK;
}

rd_code rd_pulled_find(char **path, const char *named, rd_error *e) {
  rd_hub_name name;
  char *folder = NULL;
  bool there = false;
  *path = NULL;
  if (rd_path_exists(named) || rd_hub_name_read(&name, named, NULL) != RD_OK ||
      rd_pulled_folder(&folder, &name, NULL) != RD_OK)
    return RD_OK;
  rd_code code = whole(&there, folder, name.file, e);
  if (code == RD_OK && !there)
    code =
        rd_fail(e, RD_USAGE,
                "%s: there is no such file or folder here, and no model of this name was pulled; "
                "`redraft pull %s` fetches one",
                named, named);
  if (code == RD_OK && *name.file) {
    *path = rd_path_join(folder, name.file);
  } else if (code == RD_OK) {
    *path = folder;
    folder = NULL;
  }
  free(folder);
  return code == RD_OK && !*path ? rd_fail(e, RD_NO_MEMORY, "out of memory: %s", named) : code;
}

rd_code rd_pulled_resolve(char **named, rd_error *e) {
  char *path = NULL;
  if (*named)
    RD_TRY(rd_pulled_find(&path, *named, e));
  if (path) {
    free(*named);
    *named = path;
  }
  return RD_OK;
}

/* --- all of them --- */

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* The names in a folder in order; none where there is no such folder. */
static int list(struct dirent ***entries, const char *folder) {
  int n = scandir(folder, entries, visible, alphasort);
  return n < 0 ? 0 : n;
}

static rd_code show(rd_pulled_sink *sink, void *context, const char *root, const char *owner,
                    const char *name, rd_error *e) {
  json_t *pulled = NULL;
  const char *file;
  json_t *row;
  int64_t bytes = 0;
  const rd_path both = rd_path_in(owner, name), folder = rd_path_in(root, both.text);
  if (!rd_path_is_folder(folder.text))
    return RD_OK;
  RD_TRY(rd_pulled_read(&pulled, folder.text, e));
  json_object_foreach(json_object_get(pulled, "files"), file, row)
    bytes += json_integer_value(json_object_get(row, "size"));
  rd_code code = sink(context, both.text, folder.text, pulled, bytes, e);
  json_decref(pulled);
  return code;
}

rd_code rd_pulled_each(rd_pulled_sink *sink, void *context, rd_error *e) {
  struct dirent **owners = NULL;
  char *root = NULL;
  RD_TRY(rd_pulled_root(&root, e));
  rd_code code = RD_OK;
  int n = list(&owners, root);
  for (int i = 0; i < n; i++) {
    struct dirent **names = NULL;
    const rd_path folder = rd_path_in(root, owners[i]->d_name);
    int m = list(&names, folder.text);
    for (int k = 0; k < m; k++) {
      if (code == RD_OK)
        code = show(sink, context, root, owners[i]->d_name, names[k]->d_name, e);
      free(names[k]);
    }
    free(names);
    free(owners[i]);
  }
  free(owners);
  free(root);
  return code;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st, (void)kind, (void)at;
  return remove(path);
}

rd_code rd_pulled_remove(const rd_hub_name *name, rd_error *e) {
  char *folder = NULL;
  RD_TRY(rd_pulled_folder(&folder, name, e));
  rd_code code = RD_OK;
  if (!rd_path_is_folder(folder))
    code =
        rd_fail(e, RD_BAD_INPUT, "%s was not pulled; `redraft models` lists what was", name->model);
  else if (nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
    code = rd_fail(e, RD_IO, "%s: cannot remove: %s", folder, strerror(errno));
  else
    *strrchr(folder, '/') = '\0', (void)rmdir(folder); /* the owner's, where that was the last */
  free(folder);
  return code;
}
