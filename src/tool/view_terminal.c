/* SPDX-License-Identifier: MIT */
/* In-place redraw: go up as many rows as the last picture takes at the present width (terminals
 * fold its lines anew when they shrink), write each line over the old one, clear what is below. */
#include "view_terminal.h"

#include "interrupt.h"
#include "view_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct {
  bool open;
  bool silent; /* what is typed does not show */
  bool raw;    /* and comes key by key */
  int keys;    /* descriptor of the keyboard, or -1 */
  bool keys_owned;
  struct termios saved;
  char *shown; /* the last picture */
} terminal = {.keys = -1};

static volatile sig_atomic_t resized;
static volatile sig_atomic_t left; /* others wrote below the picture meanwhile */

static const struct {
  int number, flags;
} handled[] = {{SIGWINCH, 0},
               {SIGTSTP, 0},
               {SIGABRT, (int)SA_RESETHAND},
               {SIGSEGV, (int)SA_RESETHAND},
               {SIGBUS, (int)SA_RESETHAND}};
enum { HANDLED = sizeof handled / sizeof *handled };
static struct sigaction before[HANDLED];

static void send(const char *text, size_t size) {
  while (size > 0) {
    ssize_t n = write(STDOUT_FILENO, text, size);
    if (n < 0 && errno == EAGAIN)
      poll(&(struct pollfd){STDOUT_FILENO, POLLOUT, 0}, 1, -1);
    else if (n < 0 && errno != EINTR)
      return; /* the terminal is gone: SIGHUP ends the program */
    text += n > 0 ? n : 0;
    size -= n > 0 ? (size_t)n : 0;
  }
}

/* Both are safe in signal handlers. */
static void take(void) {
  if (terminal.silent) {
    struct termios t = terminal.saved;
    t.c_lflag &= ~(tcflag_t)(terminal.raw ? ICANON | ECHO : ECHO);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(terminal.keys, TCSADRAIN, &t);
  }
  send("\x1b[?25l", 6);
}

static void give(void) {
  if (terminal.silent)
    tcsetattr(terminal.keys, TCSADRAIN, &terminal.saved);
  send("\x1b[0m\x1b[?25h", 10);
}

static void on_signal(int number) {
  int error = errno;
  if (number != SIGWINCH)
    give();
  if (number == SIGTSTP) {
    raise(SIGSTOP);
    left = 1;
    take();
  } else if (number != SIGWINCH) {
    raise(number);
  }
  resized = 1;
  errno = error;
}

bool rd_terminal_able(int fd) {
  const char *name = getenv("TERM");
  return isatty(fd) && name && *name && strcmp(name, "dumb") != 0;
}

bool rd_terminal_coloured(int fd) {
  const char *plain = getenv("NO_COLOR");
  return rd_terminal_able(fd) && !(plain && *plain);
}

static void open_keys(bool needed) {
  bool input = isatty(STDIN_FILENO) != 0;
  terminal.keys = input ? STDIN_FILENO : needed ? open("/dev/tty", O_RDONLY | O_CLOEXEC) : -1;
  terminal.keys_owned = !input && terminal.keys >= 0;
  terminal.silent = terminal.keys >= 0 && tcgetattr(terminal.keys, &terminal.saved) == 0;
  terminal.raw = needed && terminal.silent;
}

rd_code rd_terminal_open(bool keys, rd_error *e) {
  open_keys(keys);
  if (keys && !terminal.raw)
    return rd_fail(e, RD_IO, "no keyboard: stepping needs a terminal to read keys from");
  for (int i = 0; i < HANDLED; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = handled[i].flags | rd_interrupt_stack();
    sigemptyset(&action.sa_mask);
    sigaction(handled[i].number, &action, &before[i]);
  }
  fflush(stdout);
  terminal.open = true;
  take();
  return RD_OK;
}

void rd_terminal_size(int *width, int *height) {
  struct winsize size;
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  *width = known ? size.ws_col : 80;
  *height = known ? size.ws_row : 24;
}

/* Rows from the top of what is shown to the cursor at its end. */
static int rows_up(void) {
  int width, height, rows = -1;
  rd_terminal_size(&width, &height);
  for (const char *at = terminal.shown; at;) {
    size_t n = strcspn(at, "\n");
    int columns = rd_text_width(at, n);
    rows += columns > width ? (columns + width - 1) / width : 1;
    at = at[n] ? at + n + 1 : NULL;
  }
  return rows < height ? rows : height - 1;
}

/* The new lines over the old ones. When memory is out the old ones stay. */
static void redraw(const char *painted, const char *end) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return;
  int up = left ? 0 : rows_up();
  left = 0;
  fputc('\r', out);
  if (up > 0)
    fprintf(out, "\x1b[%dA", up);
  for (const char *at = painted; at;) {
    size_t n = strcspn(at, "\n");
    fprintf(out, "\x1b[2K%.*s", (int)n, at);
    at = at[n] ? at + n + 1 : NULL;
    fputs(at ? "\r\n" : end, out);
  }
  if (fclose(out) == 0)
    send(text, size);
  free(text);
}

void rd_terminal_show(const char *painted) {
  resized = 0;
  redraw(painted, "\x1b[J");
  free(terminal.shown);
  terminal.shown = strdup(painted);
}

void rd_terminal_leave(const char *text) {
  redraw(text, *text ? "\x1b[J\r\n" : "\x1b[J");
  free(terminal.shown);
  terminal.shown = NULL;
}

static int decode(const unsigned char *bytes, ssize_t n) {
  static const struct {
    const char *bytes;
    int key;
  } rows[] = {{"\x1b[D", RD_KEY_LEFT},  {"\x1bOD", RD_KEY_LEFT}, {"\x1b[C", RD_KEY_RIGHT},
              {"\x1bOC", RD_KEY_RIGHT}, {"\x1b[H", RD_KEY_HOME}, {"\x1bOH", RD_KEY_HOME},
              {"\x1b[1~", RD_KEY_HOME}, {"\x1b[F", RD_KEY_END},  {"\x1bOF", RD_KEY_END},
              {"\x1b[4~", RD_KEY_END}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if ((size_t)n == strlen(rows[i].bytes) && memcmp(bytes, rows[i].bytes, (size_t)n) == 0)
      return rows[i].key;
  return bytes[0];
}

/* Escape sequences come in one read; keys typed ahead come one at a time. */
static int read_key(void) {
  unsigned char bytes[8];
  ssize_t n = read(terminal.keys, bytes, 1);
  if (n == 1 && bytes[0] == 0x1b)
    while (n < (ssize_t)sizeof bytes &&
           poll(&(struct pollfd){terminal.keys, POLLIN, 0}, 1, 20) == 1) {
      ssize_t more = read(terminal.keys, bytes + n, 1);
      if (more != 1)
        break;
      n++;
      unsigned char last = bytes[n - 1];
      if (n > 2 && ((last >= 'A' && last <= 'Z') || last == '~'))
        break;
    }
  return n > 0 ? decode(bytes, n) : n == 0 ? RD_KEY_CLOSED : RD_KEY_SIGNAL;
}

/* Signals are blocked between the look at their flags and the wait, so none is missed. */
int rd_terminal_key(double seconds) {
  static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
  sigset_t block, old;
  sigemptyset(&block);
  for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
    sigaddset(&block, watched[i]);
  struct timespec limit = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  struct pollfd from = {terminal.raw ? terminal.keys : -1, POLLIN, 0};
  pthread_sigmask(SIG_BLOCK, &block, &old);
  int ready = -1;
  if (!rd_interrupt_seen() && !resized)
    ready = ppoll(&from, 1, seconds < 0 ? NULL : &limit, &old);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (rd_interrupt_seen())
    return RD_KEY_SIGNAL;
  if (resized)
    return RD_KEY_RESIZED;
  return ready > 0 ? read_key() : RD_KEY_NONE;
}

void rd_terminal_close(void) {
  if (!terminal.open)
    return;
  give();
  for (int i = 0; i < HANDLED; i++)
    sigaction(handled[i].number, &before[i], NULL);
  if (terminal.keys_owned)
    close(terminal.keys);
  free(terminal.shown);
  memset(&terminal, 0, sizeof terminal);
  terminal.keys = -1;
}
