/* SPDX-License-Identifier: MIT */
/* redraft generate: one prompt, one answer. */
#include "answer.h"
#include "canvas.h"
#include "frame.h"
#include "input.h"
#include "interrupt.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The prompt from one of its three places, as settings.prompt. */
static rd_code find_prompt(rd_answer_settings *s, char **names, rd_error *e) {
  const char *system = s->common.prompt.system;
  if (names[0] && (names[1] || s->prompt))
    return rd_fail(e, RD_USAGE, "one prompt at a time; put it in quotes");
  if (names[0])
    s->prompt = rd_strdup(names[0], e);
  else if (!s->prompt && isatty(STDIN_FILENO))
    return rd_fail(e, RD_USAGE, "no prompt: give it as an argument, with -p, or on standard input");
  else if (!s->prompt)
    RD_TRY(rd_tool_input(&s->prompt, "a prompt", false, e));
  if (!s->prompt)
    return RD_NO_MEMORY;
  if (!s->raw && rd_prompt_blank(s->prompt))
    return rd_fail(e, RD_USAGE, "the prompt is empty: there is nothing to answer");
  RD_TRY(rd_utf8_check(s->prompt, strlen(s->prompt), "the prompt", e));
  return system ? rd_utf8_check(system, strlen(system), "--system", e) : RD_OK;
}

static rd_code answer(rd_answer *a, rd_error *e) {
  const rd_answer_settings *s = &a->settings;
  const rd_message message = {"user", s->prompt};
  rd_answered answered = {0};
  rd_code code = rd_answer_open(a, e);
  if (code == RD_OK) { /* while a model is opened, a signal ends all at once */
    rd_interrupt_open();
    code = rd_answer_run(a, &message, 1, &answered, e);
  }
  rd_answer_report(a, &answered, code == RD_OK || isatty(STDOUT_FILENO));
  free(answered.text);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  rd_answer *a = context;
  if (rd_answer_lists(&a->settings.params))
    return RD_OK;
  rd_code code = rd_answer_check(a, e);
  if (code == RD_OK)
    code = find_prompt(&a->settings, names, e);
  if (code == RD_OK)
    code = answer(a, e);
  rd_answer_close(a);
  rd_interrupt_close();
  return code;
}

rd_code rd_cmd_generate(const rd_command *self, int argc, char **argv, rd_error *e) {
  rd_answer a = {0};
  return rd_tool_command(self, &a, -1, argc, argv, work, e);
}
