/* SPDX-License-Identifier: MIT */
/* redraft pull: a model from a hub into the cache, file by file. A file is NAME.part until its size
 * and its sum are right; pulled.json, written last, says that all are there. */
#include "digest.h"
#include "fetch.h"
#include "file.h"
#include "folder.h"
#include "frame.h"
#include "pulled.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct settings {
  rd_common common; /* --quiet and --help alone have rows */
  char *from, *revision;
} settings;

static const rd_option rows[] = {
    {"from", RD_OPTION_AT(settings, from), .fallback = "https://huggingface.co", .group = "Pull",
     .value = "URL", .help = "the hub, or one like it; a token for it is taken from $HF_TOKEN"},
    {"revision", RD_OPTION_AT(settings, revision), .fallback = "main", .group = "Pull",
     .value = "NAME", .help = "branch, tag or commit"},
    {"quiet", RD_OPTION_AT(settings, common.quiet), .letter = 'q', .group = "Pull",
     .help = "no messages but errors"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_pull_parts[] = {
    {&own_rows, 0}, {&rd_help_rows, offsetof(settings, common)}, {NULL, 0}};

enum { MOST_LIST = 16 << 20 };

typedef struct pull {
  const settings *s;
  rd_hub_name name;
  char *folder;
  rd_fetch *fetch;
  rd_hub_files files;
  json_t *pulled;   /* what pulled.json says, and will say */
  const char *file; /* under way */
  int shown;        /* percents; -1: nothing yet */
} pull;

/* A line on a terminal, renewed at each percent. */
static void progress(void *context, int64_t done, int64_t of) {
  pull *p = context;
  int percent = of > 0 ? (int)((double)done / (double)of * 100) : 100;
  if (p->s->common.quiet || !isatty(STDERR_FILENO) || percent == p->shown)
    return;
  p->shown = percent;
  fprintf(stderr, "\r%s: %3d%% of %.1f MB\x1b[K", p->file, percent, (double)of / 1e6);
}

static void end_line(const pull *p) {
  if (p->shown >= 0)
    fputs("\r\x1b[K", stderr);
}

static rd_code fetch_list(pull *p, rd_error *e) {
  char *path = rd_print("api/models/%s/revision/%s?blobs=true", p->name.model, p->s->revision);
  char *text = NULL;
  size_t size = 0;
  if (!path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an address");
  rd_code code = rd_fetch_text(p->fetch, path, MOST_LIST, &text, &size, e);
  if (code == RD_OK)
    code = rd_hub_files_read(&p->files, text, size, path, e);
  free(text);
  free(path);
  return code == RD_OK ? rd_hub_files_choose(&p->files, &p->name, e) : code;
}

/* Where a file lies, or is to lie while it comes. */
static rd_path place(const pull *p, const char *file, const char *ending) {
  rd_path out = rd_path_in(p->folder, file);
  strncat(out.text, ending, sizeof out.text - 1 - strlen(out.text));
  return out;
}

static int64_t bytes_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* Was the file pulled before, as the hub has it now, and does it lie there still? */
static bool is_there(const pull *p, const rd_hub_file *file, const char *path) {
  const json_t *row = json_object_get(json_object_get(p->pulled, "files"), file->name);
  const char *sum = json_string_value(json_object_get(row, "sum"));
  return row && file->sum && sum && strcmp(sum, file->sum) == 0 &&
         bytes_of(path) == json_integer_value(json_object_get(row, "size"));
}

/* Room is asked for before anything is fetched. */
static rd_code check_room(const pull *p, rd_error *e) {
  struct statvfs fs;
  int64_t missing = 0;
  for (size_t i = 0; i < p->files.count; i++) {
    const rd_hub_file *file = &p->files.items[i];
    const rd_path path = place(p, file->name, ""), part = place(p, file->name, ".part");
    if (file->size > 0 && !is_there(p, file, path.text)) {
      int64_t begun = bytes_of(part.text);
      missing += file->size - (begun > 0 && begun <= file->size ? begun : 0);
    }
  }
  if (statvfs(p->folder, &fs) != 0)
    return rd_fail(e, RD_IO, "%s: %s", p->folder, strerror(errno));
  double room = (double)fs.f_bavail * (double)fs.f_frsize;
  return (double)missing <= room
           ? RD_OK
           : rd_fail(e, RD_IO, "%s: %.1f MB are missing of %s, and %.1f MB are free", p->folder,
                     (double)missing / 1e6, p->name.model, room / 1e6);
}

static rd_code check_sum(const rd_hub_file *file, const char *part, rd_error *e) {
  char sum[RD_DIGEST_TEXT];
  if (!file->sum)
    return RD_OK;
  RD_TRY(rd_digest_file(sum, part, file->git, e));
  if (strcmp(sum, file->sum) == 0)
    return RD_OK;
  unlink(part);
  return rd_fail(e, RD_BAD_INPUT,
                 "%s: what came has the %s sum %s, the hub lists %s; it was removed", file->name,
                 file->git ? "git" : "SHA-256", sum, file->sum);
}

static rd_code make_parent(const char *path, rd_error *e) {
  char *folder = rd_strdup(path, e);
  if (!folder)
    return RD_NO_MEMORY;
  *strrchr(folder, '/') = '\0';
  rd_code code = rd_folder_make(folder, e);
  free(folder);
  return code;
}

static rd_code note(pull *p, const rd_hub_file *file, int64_t size, rd_error *e) {
  json_t *list = json_object_get(p->pulled, "files");
  json_t *row = json_pack("{s:I}", "size", (json_int_t)size);
  bool fine = row && (!file->sum || json_object_set_new(row, "sum", json_string(file->sum)) == 0);
  fine = json_object_set_new(list, file->name, row) == 0 && fine;
  json_object_del(json_object_get(p->pulled, RD_PULLED_PART), file->name);
  return fine ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", file->name);
}

/* From the hub to NAME.part, and, when it is right, to NAME. */
static rd_code fetch_one(pull *p, const rd_hub_file *file, const char *path, const char *part,
                         rd_error *e) {
  char *from = rd_print("%s/resolve/%s/%s", p->name.model, p->files.revision, file->name);
  rd_code code = from ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: an address");
  p->file = file->name;
  p->shown = -1;
  if (code == RD_OK)
    code = rd_fetch_file(p->fetch, from, part, file->size, e);
  end_line(p);
  if (code == RD_OK)
    code = check_sum(file, part, e);
  if (code == RD_OK && rename(part, path) != 0)
    code = rd_fail(e, RD_IO, "%s: cannot rename: %s", part, strerror(errno));
  free(from);
  return code;
}

static rd_code take(pull *p, const rd_hub_file *file, rd_error *e) {
  const rd_path path = place(p, file->name, ""), part = place(p, file->name, ".part");
  const bool here = is_there(p, file, path.text);
  if (!here) {
    RD_TRY(make_parent(path.text, e));
    RD_TRY(fetch_one(p, file, path.text, part.text, e));
  }
  if (!p->s->common.quiet)
    fprintf(stderr, "%s: %s, %.1f MB\n", file->name, here ? "there already" : "fetched",
            (double)bytes_of(path.text) / 1e6);
  RD_TRY(note(p, file, bytes_of(path.text), e));
  return here ? RD_OK : rd_json_write(p->folder, "pulled.json", p->pulled, e);
}

static bool is_listed(const pull *p, const char *file) {
  for (size_t i = 0; i < p->files.count; i++)
    if (strcmp(p->files.items[i].name, file) == 0)
      return true;
  return false;
}

static bool is_gguf(const char *file) {
  const char *ending = strrchr(file, '.');
  return ending && strcmp(ending, ".gguf") == 0;
}

/* Files of another revision that this one has not would stay in force beside it. GGUF files were
 * asked for by their names, and stand alone: they stay where this revision is of another kind. */
static void forget(pull *p) {
  const char *before = json_string_value(json_object_get(p->pulled, "revision")), *file;
  bool gguf = false;
  void *next;
  json_t *row, *list = json_object_get(p->pulled, "files");
  if (*p->name.file || !before || strcmp(before, p->files.revision) == 0)
    return;
  for (size_t i = 0; i < p->files.count; i++)
    gguf = gguf || is_gguf(p->files.items[i].name);
  json_object_foreach_safe(list, next, file, row) {
    if (is_listed(p, file) || (is_gguf(file) && !gguf))
      continue;
    const rd_path path = place(p, file, "");
    if (unlink(path.text) == 0 && !p->s->common.quiet)
      fprintf(stderr, "%s: removed, it is of revision %s\n", file, before);
    json_object_del(list, file);
  }
}

static rd_code take_all(pull *p, rd_error *e) {
  RD_TRY(rd_pulled_read(&p->pulled, p->folder, e));
  if (!json_is_object(json_object_get(p->pulled, "files")) &&
      json_object_set_new(p->pulled, "files", json_object()) != 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: pulled.json");
  RD_TRY(check_room(p, e));
  json_t *part = json_object_get(p->pulled, RD_PULLED_PART);
  if (!part)
    json_object_set_new(p->pulled, RD_PULLED_PART, part = json_object());
  for (size_t i = 0; i < p->files.count; i++)
    json_object_set_new(part, p->files.items[i].name, json_true());
  for (size_t i = 0; i < p->files.count; i++)
    RD_TRY(take(p, &p->files.items[i], e));
  forget(p);
  if (json_object_size(part) == 0) /* else of another pull that was broken off */
    json_object_del(p->pulled, RD_PULLED_PART);
  if (json_object_set_new(p->pulled, "from", json_string(p->s->from)) != 0 ||
      json_object_set_new(p->pulled, "revision", json_string(p->files.revision)) != 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: pulled.json");
  return rd_json_write(p->folder, "pulled.json", p->pulled, e);
}

static rd_code run(pull *p, rd_error *e) {
  int lock = 0;
  RD_TRY(fetch_list(p, e));
  RD_TRY(rd_pulled_folder(&p->folder, &p->name, e));
  RD_TRY(rd_folder_make(p->folder, e));
  RD_TRY(rd_folder_lock(p->folder, &lock, e));
  rd_code code = take_all(p, e);
  rd_folder_unlock(&lock);
  if (code == RD_OK)
    printf("%s\n", p->folder);
  if (code == RD_OK && !p->s->common.quiet)
    fprintf(stderr, "redraft generate -m %s%s%s \"..\"\n", p->name.model, *p->name.file ? ":" : "",
            p->name.file);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  pull p = {.s = s};
  const char *token = getenv("HF_TOKEN");
  size_t end = strlen(s->from);
  if (!names[0])
    return rd_fail(e, RD_USAGE, "name a model: OWNER/NAME, or OWNER/NAME:FILE");
  RD_TRY(rd_hub_name_read(&p.name, names[0], e));
  if (s->revision[strspn(s->revision, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_.")])
    return rd_fail(e, RD_USAGE, "--revision: %.60s is no name of a branch, tag or commit",
                   s->revision);
  while (end > 0 && s->from[end - 1] == '/')
    s->from[--end] = '\0';
  const rd_fetch_options options = {.base = s->from,
                                    .token = token && *token ? token : NULL,
                                    .progress = progress,
                                    .context = &p};
  rd_code code = rd_fetch_open(&p.fetch, &options, e);
  if (code == RD_OK)
    code = run(&p, e);
  rd_fetch_close(&p.fetch);
  rd_hub_files_drop(&p.files);
  json_decref(p.pulled);
  free(p.folder);
  return code;
}

rd_code rd_cmd_pull(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
