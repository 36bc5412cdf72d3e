/* SPDX-License-Identifier: MIT */
/* What stands at a path stays what it is: modes, links, special files; two writers at once; what
 * fsync says. The linker puts fsync below in front of the system's (cmake/tests.cmake: --wrap). */
#include "folder.h"
#include "scratch_files.h"
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[64];
static int interrupts;          /* of the next fsyncs, so many are */
static int refusal;             /* what fsync of a folder fails with; 0: nothing */
static void (*meanwhile)(void); /* called once, within the next fsync */

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
  struct stat st;
  void (*now)(void) = meanwhile;
  meanwhile = NULL;
  if (now)
    now();
  if (interrupts > 0) {
    interrupts--;
    errno = EINTR;
    return -1;
  }
  if (refusal && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    errno = refusal;
    return -1;
  }
  return __real_fsync(fd);
}

static rd_code write_text(const char *path, const char *text, rd_error *e) {
  const rd_file_piece piece = {text, strlen(text)};
  return rd_file_write(path, &piece, 1, e);
}

/* Write, which works, and find that. */
static void put(const char *path, const char *text) {
  rd_error e = {0};
  if (write_text(path, text, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void holds(const char *path, const char *text) {
  char *found = NULL;
  rd_error e = {0};
  if (rd_file_read(path, 1000, &found, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_string_equal(found, text);
  free(found);
}

static mode_t mode_of(const char *path) {
  struct stat st;
  assert_int_equal(lstat(path, &st), 0);
  return st.st_mode;
}

static void modes_are_kept(void **state) {
  (void)state;
  static const mode_t modes[] = {0600, 0640, 0644, 0444};
  const char *path = in(folder, "kept");
  mode_t usual = umask(0022);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    put(path, "one");
    assert_int_equal(mode_of(path) & 0777, 0644); /* a new file's */
    assert_int_equal(chmod(path, modes[i]), 0);
    put(path, "two");
    assert_int_equal(mode_of(path) & 0777, modes[i]);
    holds(path, "two");
    unlink(path);
  }
  umask(usual);
}

static void links_stay_links(void **state) {
  (void)state;
  const char *target = in(folder, "target"), *first = in(folder, "first"),
             *second = in(folder, "second"), *nowhere = in(folder, "nowhere");
  rd_error e = {0};
  put(target, "one");
  assert_int_equal(symlink("target", first), 0);
  assert_int_equal(symlink(first, second), 0);
  put(second, "two");
  assert_true(S_ISLNK(mode_of(first)) && S_ISLNK(mode_of(second)) && S_ISREG(mode_of(target)));
  holds(target, "two");
  assert_int_equal(symlink("missing", nowhere), 0);
  assert_int_equal(write_text(nowhere, "three", &e), RD_IO);
  assert_non_null(strstr(e.message, "leads nowhere"));
  assert_true(S_ISLNK(mode_of(nowhere)));
  rd_map map; /* nor is it "no such file" for who reads */
  assert_true(rd_path_exists(nowhere));
  rd_error why = {0};
  assert_int_equal(rd_map_open(&map, nowhere, &why), RD_IO);
  assert_non_null(strstr(why.message, "leads nowhere"));
  static const char *const names[] = {"target", "first", "second", "nowhere"};
  for (size_t i = 0; i < 4; i++)
    unlink(in(folder, names[i]));
}

/* Bit by bit: the old file until it is whole; nothing beside it afterwards (close_folder). */
static void files_grow_aside(void **state) {
  (void)state;
  const char *path = in(folder, "aside");
  const rd_file_piece piece = {"two", 3};
  rd_file_aside f = {0};
  rd_error e = {0};
  rd_file_abandon(&f); /* none was begun */
  put(path, "one");
  for (int commits = 0; commits <= 1; commits++) {
    assert_int_equal(rd_file_begin(&f, path, &e), RD_OK);
    assert_int_equal(rd_file_add(&f, &piece, 1, &e), RD_OK);
    holds(path, "one");
    holds(f.part, "two");
    if (!commits)
      rd_file_abandon(&f);
  }
  assert_int_equal(rd_file_commit(&f, &e), RD_OK);
  rd_file_abandon(&f);
  holds(path, "two");
  assert_int_equal(rd_file_begin(&f, path, &e), RD_OK);
  char part[200];
  snprintf(part, sizeof part, "%s", f.part);
  rd_file_leave(&f);
  assert_int_equal(unlink(part), 0);
  holds(path, "two");
  unlink(path);
}

/* What does not fit is not there, but for what is left on purpose. */
static void full_disks_replace_nothing(void **state) {
  (void)state;
  const char *path = in(folder, "full");
  const rd_file_piece piece = {"0123456789", 10};
  struct rlimit before, little = {.rlim_cur = 15};
  rd_file_aside f;
  rd_error e = {0}, why = {0};
  put(path, "one");
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  little.rlim_max = before.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
  const rd_file_piece twice[] = {piece, piece};
  rd_code whole = rd_file_write(path, twice, 2, &why), begun = rd_file_begin(&f, path, &e);
  rd_code fits = rd_file_add(&f, &piece, 1, &e), not = rd_file_add(&f, &piece, 1, &e);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_true(whole == RD_IO && begun == RD_OK && fits == RD_OK && not == RD_IO);
  assert_non_null(strstr(why.message, "nothing was replaced"));
  holds(path, "one");
  holds(f.part, "012345678901234");
  rd_file_abandon(&f);
  holds(path, "one");
  unlink(path);
}

/* A file that is this process's standard output grows where that stands. */
static void own_output_is_shared(void **state) {
  (void)state;
  const char *path = in(folder, "output");
  int before = dup(STDERR_FILENO), fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
  assert_int_equal(write(STDERR_FILENO, "a", 1), 1);
  rd_error e = {0};
  bool streams = rd_file_streams(path);
  rd_code code = write_text(path, "b", &e);
  assert_int_equal(write(STDERR_FILENO, "c", 1), 1);
  dup2(before, STDERR_FILENO);
  close(before);
  close(fd);
  assert_true(streams && !rd_file_streams(path) && rd_file_streams("/dev/null"));
  assert_int_equal(code, RD_OK);
  holds(path, "abc");
  unlink(path);
}

static rd_code draw_half(const void *context, FILE *out, rd_error *e) {
  fputs(context ? "whole" : "half", out);
  return context ? RD_OK : rd_fail(e, RD_BAD_INPUT, "nothing to draw");
}

static void drawings_are_whole(void **state) {
  (void)state;
  const char *path = in(folder, "drawing");
  rd_error e = {0};
  assert_int_equal(rd_file_draw(path, draw_half, path, &e), RD_OK);
  assert_int_equal(rd_file_draw(path, draw_half, NULL, &e), RD_BAD_INPUT);
  holds(path, "whole");
  unlink(path);
}

static void *read_fifo(void *path) {
  static char text[100];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  text[n < 0 ? 0 : n] = '\0';
  return text;
}

static void special_files_are_written_to(void **state) {
  (void)state;
  char path[100];
  void *found = NULL;
  pthread_t reader;
  snprintf(path, sizeof path, "%s/fifo", folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pthread_create(&reader, NULL, read_fifo, path), 0);
  put(path, "through");
  assert_true(S_ISFIFO(mode_of(path))); /* else the reader would wait for ever */
  pthread_join(reader, &found);
  assert_string_equal(found, "through");
  rd_map map;
  rd_error e = {0};
  assert_int_equal(rd_map_open(&map, path, &e), RD_IO); /* at once: nobody writes */
  assert_non_null(strstr(e.message, "not a regular file"));
  unlink(path);
  rd_error why = {0};
  assert_int_equal(write_text(folder, "x", &why), RD_IO);
  assert_non_null(strstr(why.message, "a folder"));
}

static void write_another(void) {
  put(in(folder, "shared"), "another's");
}

static void two_writers_do_not_meet(void **state) {
  (void)state;
  const char *path = in(folder, "shared");
  meanwhile = write_another;
  put(path, "the later one's");
  holds(path, "the later one's");
  unlink(path);
}

static void signals_and_folders(void **state) {
  (void)state;
  const char *path = in(folder, "synced");
  interrupts = 3;
  put(path, "one");
  assert_int_equal(interrupts, 0);
  rd_error e = {0};
  refusal = EIO;
  assert_int_equal(write_text(path, "two", &e), RD_IO);
  assert_non_null(strstr(e.message, "cannot sync the folder"));
  char whole[100], *part = NULL;
  snprintf(whole, sizeof whole, "%s/whole", folder);
  assert_int_equal(rd_folder_begin(whole, &part, &e), RD_OK);
  rd_error why = {0};
  assert_int_equal(rd_folder_commit(whole, part, &why), RD_IO);
  assert_non_null(strstr(why.message, "cannot sync the folder"));
  refusal = EINVAL; /* a file system that knows no fsync of folders */
  put(path, "three");
  refusal = 0;
  unlink(path);
  rd_folder_abandon(part);
  free(part);
}

/* A link where a folder is to go is taken away; what it leads to is somebody else's. */
static void links_are_not_entered(void **state) {
  (void)state;
  char real[200], sub[200], whole[200], *part = NULL;
  rd_error e = {0};
  snprintf(real, sizeof real, "%s/real", folder);
  snprintf(sub, sizeof sub, "%s/real/sub", folder);
  snprintf(whole, sizeof whole, "%s/linked", folder);
  assert_int_equal(mkdir(real, 0777), 0);
  assert_int_equal(mkdir(sub, 0777), 0);
  put(in(real, "file"), "theirs");
  assert_int_equal(symlink("real", whole), 0);
  rd_folder_abandon(whole);
  assert_false(rd_path_exists(whole));
  holds(in(real, "file"), "theirs");
  assert_int_equal(symlink("real", whole), 0);
  assert_int_equal(rd_folder_begin(whole, &part, &e), RD_OK);
  put(in(part, "model"), "new");
  assert_int_equal(rd_folder_commit(whole, part, &e), RD_OK);
  free(part);
  holds(in(whole, "model"), "new");
  holds(in(real, "file"), "theirs");
  assert_true(rd_path_is_folder(sub));
  rd_folder_abandon(whole);
  rmdir(sub);
  rd_folder_abandon(real);
}

/* A folder that is made again keeps what a user put into it, and loses what it had of its own. */
static void folders_keep_what_is_not_theirs(void **state) {
  (void)state;
  char whole[100], *part = NULL, other[200], sub[200];
  static const char *const made[][2] = {{"model", "old"}, {"model", "new"}};
  rd_error e = {0};
  snprintf(whole, sizeof whole, "%s/whole", folder);
  snprintf(other, sizeof other, "%s/notes", whole);
  snprintf(sub, sizeof sub, "%s/sub", whole);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(rd_folder_begin(whole, &part, &e), RD_OK);
    for (int k = 0; k < 2; k++)
      put(in(part, k ? made[i][1] : made[i][0]), made[i][1]);
    assert_int_equal(rd_folder_commit(whole, part, &e), RD_OK);
    free(part);
    if (i > 0)
      break;
    put(other, "mine");
    assert_int_equal(symlink("nowhere", in(whole, "link")), 0);
    assert_int_equal(mkdir(sub, 0777), 0);
    put(in(sub, "file"), "mine too");
  }
  holds(in(whole, "model"), "new");
  holds(in(whole, "new"), "new");
  assert_false(rd_path_exists(in(whole, "old")));
  holds(other, "mine");
  assert_true(rd_path_exists(in(whole, "link")));
  holds(in(sub, "file"), "mine too");
  assert_int_equal(rd_seal_check(whole, NULL, &e), RD_OK);
  put(in(whole, "new"), "nex");
  assert_int_equal(rd_seal_check(whole, "model", &e), RD_OK);
  assert_int_equal(rd_seal_check(whole, "notes", &e), RD_OK);
  assert_int_equal(rd_seal_check(whole, NULL, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "new is not as it was written"));
  unlink(in(sub, "file"));
  rmdir(sub);
  rd_folder_abandon(whole);
}

static int open_folder(void **state) {
  (void)state;
  temporary(folder, sizeof folder);
  alarm(60); /* what waits for ever ends the test */
  return 0;
}

static int close_folder(void **state) {
  (void)state;
  return rmdir(folder); /* and nothing was left */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(modes_are_kept),
      cmocka_unit_test(links_stay_links),
      cmocka_unit_test(files_grow_aside),
      cmocka_unit_test(full_disks_replace_nothing),
      cmocka_unit_test(own_output_is_shared),
      cmocka_unit_test(drawings_are_whole),
      cmocka_unit_test(special_files_are_written_to),
      cmocka_unit_test(two_writers_do_not_meet),
      cmocka_unit_test(signals_and_folders),
      cmocka_unit_test(links_are_not_entered),
      cmocka_unit_test(folders_keep_what_is_not_theirs),
  };
  return cmocka_run_group_tests(tests, open_folder, close_folder);
}
