/* SPDX-License-Identifier: MIT */
/* A run is known by what it leaves: settings, metrics, checkpoints, weights. */
#include "run_folder.h"

#include "file.h"
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The largest N up to `limit` of a checkpoint-N and this ending; -1: there is none. */
static int64_t newest_ending(const char *out, const char *ending, int64_t limit) {
  int64_t best = -1;
  DIR *folder = opendir(out);
  for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
    char *end = NULL;
    if (strncmp(entry->d_name, "checkpoint-", 11) != 0)
      continue;
    long long n = strtoll(entry->d_name + 11, &end, 10);
    if (strcmp(end, ending) != 0 || end == entry->d_name + 11 || n > limit)
      continue;
    best = n > best ? n : best;
  }
  if (folder)
    closedir(folder);
  return best;
}

int64_t rd_run_newest(const char *out, int64_t limit) {
  return newest_ending(out, "", limit);
}

static const char DAMAGED[] = ".damaged";

int64_t rd_run_damaged(const char *out) {
  return newest_ending(out, DAMAGED, INT64_MAX);
}

static const char *const traces[] = {"final", "best", "metrics.jsonl", "config.yaml"};

static bool has(const char *out, const char *name) {
  const rd_path path = rd_path_in(out, name);
  return rd_path_exists(path.text);
}

/* Is it what a run leaves, and another one takes the place of? */
static bool is_trace(const char *name) {
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
    if (strcmp(traces[i], name) == 0)
      return true;
  return strncmp(name, "checkpoint-", 11) == 0;
}

/* Does the path lead to the folder or file, or into it? */
static bool leads_into(const char *path, const char *folder) {
  char *at = realpath(path, NULL), *whole = realpath(folder, NULL);
  const size_t n = whole ? strlen(whole) : 0;
  bool inside = at && whole && strncmp(at, whole, n) == 0 && (at[n] == '/' || at[n] == '\0');
  free(whole);
  free(at);
  return inside;
}

/* What a run begins with is not what it takes the place of. */
static rd_code keep_apart(const char *out, const char *key, const char *path, rd_error *e) {
  DIR *folder = path ? opendir(out) : NULL;
  rd_code code = RD_OK;
  for (struct dirent *entry; code == RD_OK && folder && (entry = readdir(folder)) != NULL;) {
    const rd_path trace = rd_path_in(out, entry->d_name);
    if (is_trace(entry->d_name) && leads_into(path, trace.text))
      code = rd_fail(e, RD_USAGE,
                     "%s: %s lies in %s, which this run takes the place of: --out names another "
                     "folder, or copy it out of this one",
                     key, path, trace.text);
  }
  if (folder)
    closedir(folder);
  return code;
}

static rd_code keep_begin(const rd_train_settings *s, rd_error *e) {
  const struct {
    const char *key, *path;
  } rows[] = {{"model", s->model},
              {"adapter", s->adapter},
              {"init.tokenizer", s->init.tokenizer},
              {"chat_template", s->prompt.chat_template}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    RD_TRY(keep_apart(s->out, rows[i].key, rows[i].path, e));
  for (size_t i = 0; i < s->sources.count; i++)
    RD_TRY(keep_apart(s->out, "data", s->sources.items[i].path, e));
  for (size_t i = 0; i < s->validation_sources.count; i++)
    RD_TRY(keep_apart(s->out, "validation", s->validation_sources.items[i].path, e));
  return RD_OK;
}

rd_code rd_run_folder_check(const rd_train_settings *s, rd_error *e) {
  RD_TRY(keep_begin(s, e));
  int64_t newest = rd_run_newest(s->out, INT64_MAX), damaged = rd_run_damaged(s->out);
  bool done = has(s->out, "final");
  if (s->resume && s->overwrite)
    return rd_fail(e, RD_USAGE, "--resume and --overwrite: one of them");
  if (s->resume && newest < 0 && damaged >= 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "--resume: of the run in %s no checkpoint is left whole (checkpoint-%lld%s); "
                   "--overwrite starts anew in its place",
                   s->out, (long long)damaged, DAMAGED);
  if (s->overwrite || (s->resume && (newest >= 0 || !done)))
    return RD_OK;
  if (s->resume)
    return rd_fail(e, RD_USAGE,
                   "--resume: %s holds a finished run without a checkpoint to go on from; "
                   "--overwrite starts anew in its place",
                   s->out);
  if (newest >= 0)
    return rd_fail(e, RD_USAGE,
                   "%s holds a run (checkpoint-%lld): --resume goes on with it, --overwrite starts "
                   "anew in its place, --out names another folder",
                   s->out, (long long)newest);
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
    if (has(s->out, traces[i]))
      return rd_fail(e, RD_USAGE,
                     "%s holds a run (%s): --overwrite starts anew in its place, --out names "
                     "another folder",
                     s->out, traces[i]);
  return RD_OK;
}

static void give_up(const char *out, const char *name) {
  const rd_path path = rd_path_in(out, name);
  if (rd_path_is_folder(path.text))
    rd_folder_abandon(path.text);
  else
    unlink(path.text);
}

static rd_code clear_checkpoints(const char *out, const char *ending, rd_error *e) {
  for (int64_t n; (n = newest_ending(out, ending, INT64_MAX)) >= 0;) {
    char name[56];
    snprintf(name, sizeof name, "checkpoint-%lld%s", (long long)n, ending);
    give_up(out, name);
    if (has(out, name))
      return rd_fail(e, RD_IO, "%s/%s: cannot be removed: it holds folders, or is not ours", out,
                     name);
  }
  return RD_OK;
}

/* Checkpoints first: none of an earlier run may be taken for one of this. */
rd_code rd_run_folder_clear(const char *out, rd_error *e) {
  RD_TRY(clear_checkpoints(out, "", e));
  RD_TRY(clear_checkpoints(out, DAMAGED, e));
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
    give_up(out, traces[i]);
  return RD_OK;
}

rd_code rd_run_folder_claim(const rd_train_settings *s, int *lock, rd_error *e) {
  RD_TRY(rd_folder_make(s->out, e));
  RD_TRY(rd_folder_lock(s->out, lock, e));
  return rd_run_folder_check(s, e);
}
