/* SPDX-License-Identifier: MIT */
/* libedit on a terminal, getline elsewhere. Characters are read here, because libedit itself reads
 * on when a signal comes, and Ctrl-C must give a fresh line. */
#include "line.h"

#include "interrupt.h"
#include "late.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* clang-format off */
#define FUNCTIONS(F) \
  F(el_end) F(el_get) F(el_gets) F(el_init) F(el_resize) F(el_set) F(el_source) F(history) \
  F(history_end) F(history_init)
/* clang-format on */
static struct { FUNCTIONS(RD_LATE_MEMBER) } lib;
static rd_late libedit = RD_LATE(RD_LATE_EDIT, "libedit2", "a chat", FUNCTIONS, &lib);

struct rd_lines {
  EditLine *edit; /* NULL: not a terminal */
  History *history;
  const char *prompt;
  char *line; /* getline's, or a copy of libedit's */
  size_t room;
};

enum { REMEMBERED = 500 };

static char *show_prompt(EditLine *edit) {
  static char none[] = "";
  rd_lines *lines = NULL;
  lib.el_get(edit, EL_CLIENTDATA, &lines);
  return lines ? (char *)(uintptr_t)lines->prompt : none;
}

/* One character of standard input: 1, 0 at the end, -1 when a signal came. */
static int read_character(EditLine *edit, wchar_t *to) {
  (void)edit;
  mbstate_t state;
  memset(&state, 0, sizeof state);
  for (;;) {
    char byte;
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n < 0 && errno == EINTR && !rd_interrupt_seen())
      continue;
    if (n <= 0)
      return (int)n;
    size_t used = mbrtowc(to, &byte, 1, &state);
    if (used == (size_t)-1)
      memset(&state, 0, sizeof state); /* not UTF-8: dropped */
    else if (used != (size_t)-2)
      return 1;
  }
}

static rd_code open_edit(rd_lines *lines, rd_error *e) {
  HistEvent event;
  RD_TRY(rd_late_open(&libedit, e));
  setlocale(LC_CTYPE, "");
  if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
    setlocale(LC_CTYPE, "C.UTF-8");
  lines->edit = lib.el_init("redraft", stdin, stdout, stderr);
  lines->history = lib.history_init();
  if (!lines->edit || !lines->history)
    return rd_fail(e, RD_NO_MEMORY, "the terminal cannot be set up for editing lines");
  lib.history(lines->history, &event, H_SETSIZE, REMEMBERED);
  lib.history(lines->history, &event, H_SETUNIQUE, 1);
  lib.el_set(lines->edit, EL_CLIENTDATA, lines);
  lib.el_set(lines->edit, EL_PROMPT, show_prompt);
  lib.el_set(lines->edit, EL_EDITOR, "emacs");
  lib.el_set(lines->edit, EL_HIST, lib.history, lines->history);
  lib.el_set(lines->edit, EL_GETCFN, read_character);
  lib.el_source(lines->edit, NULL);
  return RD_OK;
}

rd_code rd_lines_open(rd_lines **out, const char *prompt, rd_error *e) {
  rd_lines *lines = rd_calloc(1, sizeof *lines, "lines", e);
  *out = lines;
  if (!lines)
    return RD_NO_MEMORY;
  lines->prompt = prompt;
  rd_code code = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? open_edit(lines, e) : RD_OK;
  if (code != RD_OK)
    rd_lines_close(out);
  return code;
}

void rd_lines_close(rd_lines **lines) {
  if (!lines || !*lines)
    return;
  if ((*lines)->edit)
    lib.el_end((*lines)->edit);
  if ((*lines)->history)
    lib.history_end((*lines)->history);
  free((*lines)->line);
  free(*lines);
  *lines = NULL;
}

bool rd_lines_typed(const rd_lines *lines) {
  return lines->edit != NULL;
}

static ssize_t next_edited(rd_lines *lines) {
  int size = 0;
  HistEvent event;
  lib.el_resize(lines->edit);
  const char *line = lib.el_gets(lines->edit, &size);
  if (!line || size <= 0) {
    fputc('\n', stdout);
    fflush(stdout);
    return -1;
  }
  if (line[0] != '\n')
    lib.history(lines->history, &event, H_ENTER, line);
  free(lines->line);
  lines->line = strdup(line);
  return lines->line ? size : -1;
}

rd_code rd_lines_next(rd_lines *lines, const char **line, rd_error *e) {
  *line = NULL;
  ssize_t size = lines->edit ? next_edited(lines) : getline(&lines->line, &lines->room, stdin);
  if (rd_interrupt_seen())
    return rd_fail(e, RD_CANCELLED, "interrupted");
  if (size < 0 && !lines->edit && ferror(stdin))
    return rd_fail(e, RD_IO, "standard input: %s", strerror(errno));
  if (size < 0)
    return RD_OK;
  if (!lines->edit && strlen(lines->line) != (size_t)size)
    return rd_fail(e, RD_BAD_INPUT, "standard input: a NUL byte at %zu of a line",
                   strlen(lines->line));
  size = (ssize_t)strlen(lines->line);
  while (size > 0 && strchr(" \t\r\n", lines->line[size - 1]))
    lines->line[--size] = '\0';
  *line = lines->line;
  return RD_OK;
}
