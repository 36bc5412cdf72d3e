/* SPDX-License-Identifier: MIT */
/* redraft generate: one prompt, one answer. */
#include "answer.h"
#include "canvas.h"
#include "commands.h"
#include "interrupt.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PROMPT = 64 << 20 };

/* The whole of standard input without its last line end. */
static rd_code read_input(char **out, rd_error *e) {
  char *text = NULL;
  size_t size = 0, room = 0;
  for (;;) {
    if (size + 1 >= room) {
      room = room ? 2 * room : 4096;
      char *more = room <= MOST_PROMPT ? realloc(text, room) : NULL;
      if (!more) {
        free(text);
        return rd_fail(e, RD_BAD_INPUT, "standard input: a prompt has at most %d bytes",
                       MOST_PROMPT);
      }
      text = more;
    }
    ssize_t n = read(STDIN_FILENO, text + size, room - size - 1);
    if (n < 0) {
      free(text);
      return errno == EINTR ? rd_fail(e, RD_CANCELLED, "interrupted")
                            : rd_fail(e, RD_IO, "standard input: %s", strerror(errno));
    }
    if (n == 0)
      break;
    size += (size_t)n;
  }
  if (size > 0 && text[size - 1] == '\n')
    size--;
  text[size] = '\0';
  *out = text;
  return strlen(text) == size
             ? RD_OK
             : rd_fail(e, RD_BAD_INPUT, "standard input: a NUL byte at %zu", strlen(text));
}

/* The prompt from one of its three places, as settings.prompt. */
static rd_code find_prompt(rd_answer_settings *s, char **rest, int count, rd_error *e) {
  if (count > 1 || (count == 1 && s->prompt))
    return rd_fail(e, RD_USAGE, "one prompt at a time; put it in quotes");
  if (count == 1)
    s->prompt = rd_strdup(rest[0], e);
  else if (!s->prompt && isatty(STDIN_FILENO))
    return rd_fail(e, RD_USAGE, "no prompt: give it as an argument, with -p, or on standard input");
  else if (!s->prompt)
    RD_TRY(read_input(&s->prompt, e));
  if (!s->prompt)
    return RD_NO_MEMORY;
  RD_TRY(rd_utf8_check(s->prompt, strlen(s->prompt), "the prompt", e));
  return s->system ? rd_utf8_check(s->system, strlen(s->system), "--system", e) : RD_OK;
}

static void report(const rd_answer_settings *s, const rd_answered *answer, rd_code code) {
  if (s->common.json || !answer->text)
    return;
  if (code == RD_OK || isatty(STDOUT_FILENO))
    rd_ending_text(answer->text);
  if (!s->common.quiet && answer->done.stopped)
    rd_ending_summary(&answer->done, &answer->seed);
}

static rd_code answer(rd_answer *a, rd_error *e) {
  const rd_answer_settings *s = &a->settings;
  rd_message messages[2] = {{"system", s->system}, {"user", s->prompt}};
  size_t first = s->system ? 0 : 1;
  rd_answered answered = {0};
  rd_code code = rd_answer_open(a, e);
  if (code == RD_OK)
    code = rd_answer_run(a, messages + first, 2 - first, &answered, e);
  report(s, &answered, code);
  free(answered.text);
  return code;
}

rd_code rd_cmd_generate(int argc, char **argv, rd_error *e) {
  rd_answer a;
  char **rest = NULL;
  int count = 0;
  bool stop = false;
  rd_code code = rd_answer_init(&a, true, e);
  if (code == RD_OK)
    code = rd_tool_parse(&a.options, &a.settings.common, argc, argv, -1, &rest, &count, &stop, e);
  rd_interrupt_open();
  if (code == RD_OK && !stop && !rd_answer_lists(&a)) {
    code = rd_answer_check(&a, e);
    if (code == RD_OK)
      code = find_prompt(&a.settings, rest, count, e);
    if (code == RD_OK)
      code = answer(&a, e);
  }
  free(rest);
  rd_answer_drop(&a);
  rd_interrupt_close();
  return code;
}
