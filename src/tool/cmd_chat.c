/* SPDX-License-Identifier: MIT */
/* redraft chat: turn after turn, with the history that fits the window, and commands that begin
 * with a slash. */
#include "answer.h"
#include "conversation.h"
#include "frame.h"
#include "interrupt.h"
#include "line.h"
#include "request.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct chat {
  rd_answer a; /* first, for rd_tool_command */
  rd_conversation past;
  rd_lines *lines;
  char *asked;   /* the latest message of the user */
  bool answered; /* it is in `past`, with its answer */
  bool quit;
} chat;

static rd_code measure(void *context, const rd_message *messages, size_t count, int64_t *tokens,
                       rd_error *e) {
  const chat *c = context;
  int32_t *ids = NULL;
  rd_code code = rd_model_prompt(&ids, tokens, c->a.model, messages, count, c->a.settings.raw, e);
  free(ids);
  return code;
}

static int64_t window_of(const chat *c) {
  return rd_config_window(&c->a.model->config, c->a.settings.params.window);
}

/* Tokens that a prompt may have: the answer keeps what --tokens asks for, at least half a window
 * where it asks for nothing or for too much. */
static int64_t prompt_limit(const chat *c) {
  const rd_params *p = &c->a.settings.params;
  int64_t window = window_of(c);
  return p->tokens > 0 && p->tokens < window ? window - p->tokens : window / 2;
}

/* The answer to the conversation as it stands, added to it. */
static rd_code answer(chat *c, rd_error *e) {
  rd_message *messages = NULL;
  rd_answered answered = {0};
  size_t count = 0, left_out = 0;
  RD_TRY(rd_answer_check(&c->a, e));
  rd_code code = rd_conversation_fit(&c->past, c->a.settings.common.prompt.system, prompt_limit(c),
                                     measure, c, &messages, &count, &left_out, e);
  if (code == RD_OK && left_out > 0)
    fprintf(stderr, "(the window of %lld tokens has no room for the oldest %zu of %zu turns)\n",
            (long long)window_of(c), left_out, c->past.count);
  if (code == RD_OK)
    code = rd_answer_run(&c->a, messages, count, &answered, e);
  rd_answer_report(&c->a, &answered, code == RD_OK || code == RD_CANCELLED);
  if (code == RD_OK)
    code = rd_conversation_add(&c->past, "assistant", answered.text, e);
  free(answered.text);
  free(messages);
  return code;
}

static rd_code ask(chat *c, rd_error *e) {
  c->answered = false;
  rd_code code = rd_conversation_add(&c->past, "user", c->asked, e);
  size_t before = c->past.count;
  if (code == RD_OK)
    code = answer(c, e);
  c->answered = code == RD_OK;
  if (!c->answered && c->past.count == before)
    rd_conversation_pop(&c->past, 1);
  return code;
}

/* --- commands --------------------------------------------------------------------------------- */

typedef rd_code command_run(chat *c, char *arguments, rd_error *e);

static command_run run_help, run_settings, run_retry, run_save, run_quit;
static const struct slash {
  const char *name, *arguments, *help;
  command_run *run;
} slash[] = {
    {"/help", "", "this list", run_help},
    {"/settings", "[NAME [VALUE|default]]", "list the options, or change one", run_settings},
    {"/retry", "", "answer the last message again", run_retry},
    {"/save", "FILE", "write the conversation as a row of training data", run_save},
    {"/quit", "", "leave; so does Ctrl-D", run_quit},
};
enum { COMMANDS = sizeof slash / sizeof *slash };
static const rd_table slash_table = RD_TABLE("command", slash);

/* Where text for people goes: with --json standard output has nothing but events. */
static FILE *prose(const chat *c) {
  return c->a.settings.common.json ? stderr : stdout;
}

static rd_code run_help(chat *c, char *arguments, rd_error *e) {
  (void)arguments;
  (void)e;
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(prose(c), "%-9s %-23s %s\n", slash[i].name, slash[i].arguments, slash[i].help);
  fputs("Ctrl-C stops an answer.\n", prose(c));
  return RD_OK;
}

static bool changeable(const rd_option *row) {
  return strcmp(row->group, "Model") != 0 && strcmp(row->group, "Program") != 0;
}

static void show_setting(const chat *c, const rd_option *row) {
  const rd_options *o = c->a.settings.common.options;
  json_t *value = rd_option_value(o, row);
  char *text = rd_json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
  fprintf(prose(c), "%-17s %-12s %s\n", row->name, text ? text : "", row->help);
  free(text);
  json_decref(value);
}

static rd_code change(chat *c, const rd_option *row, const char *text, rd_error *e) {
  const rd_options *o = c->a.settings.common.options;
  bool *given = &o->given[row - o->rows], was_given = *given;
  json_t *was = rd_option_value(o, row);
  rd_error unused;
  rd_code code = RD_OK;
  if (strcmp(text, "default") == 0) {
    code = rd_option_set_json(o, row, json_null(), e);
    *given = false;
  } else {
    code = rd_option_set(o, row, text, e);
  }
  bool listed = code == RD_OK && rd_answer_lists_on(prose(c), &c->a.settings.params);
  if (code == RD_OK && !listed)
    code = rd_answer_load_form(&c->a.settings.params, e);
  if (code == RD_OK && !listed)
    code = rd_answer_check(&c->a, e);
  if (code != RD_OK || listed) {
    rd_option_set_json(o, row, was, &unused);
    *given = was_given;
    rd_answer_check(&c->a, &unused);
  }
  json_decref(was);
  return code;
}

static rd_code run_settings(chat *c, char *arguments, rd_error *e) {
  const rd_options *o = c->a.settings.common.options;
  char *rest = NULL, *name = strtok_r(arguments, " =", &rest);
  RD_TRY(rd_answer_check(&c->a, e));
  for (size_t i = 0; !name && i < o->count; i++)
    if (changeable(&o->rows[i]))
      show_setting(c, &o->rows[i]);
  if (!name)
    return RD_OK;
  const rd_option *row = rd_option_find(o, name);
  const char *near = rd_option_nearest(o, name);
  if (!row)
    return rd_fail(e, RD_USAGE, "no option %.60s%s%s%s", name, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
  if (!changeable(row))
    return rd_fail(e, RD_USAGE, "%s is chosen when redraft chat begins", row->name);
  rest += strspn(rest, " =");
  if (*rest)
    RD_TRY(change(c, row, rest, e));
  show_setting(c, row);
  return RD_OK;
}

/* A fixed seed would give the same answer, so it moves on by one. Without a new answer the old one
 * stays. */
static rd_code run_retry(chat *c, char *arguments, rd_error *e) {
  (void)arguments;
  rd_params *p = &c->a.settings.params;
  if (!c->asked)
    return rd_fail(e, RD_USAGE, "/retry: nothing was asked yet");
  if (rd_option_given(c->a.settings.common.options, "seed") && p->seed >= 0)
    p->seed++;
  if (!c->answered)
    return ask(c, e);
  const rd_message *last = c->past.turns + c->past.count - 2;
  char *question = rd_strdup(last[0].content, e), *answered = rd_strdup(last[1].content, e);
  rd_code code = question && answered ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK) {
    rd_conversation_pop(&c->past, 2);
    code = ask(c, e);
    if (!c->answered && rd_conversation_add(&c->past, "user", question, NULL) == RD_OK)
      c->answered = rd_conversation_add(&c->past, "assistant", answered, NULL) == RD_OK;
  }
  free(question);
  free(answered);
  return code;
}

static rd_code run_save(chat *c, char *arguments, rd_error *e) {
  if (!*arguments)
    return rd_fail(e, RD_USAGE, "/save FILE: a name is needed");
  RD_TRY(rd_conversation_save(&c->past, c->a.settings.common.prompt.system, arguments, e));
  fprintf(stderr, "%zu turns in %s\n", c->past.count, arguments);
  return RD_OK;
}

static rd_code run_quit(chat *c, char *arguments, rd_error *e) {
  (void)arguments;
  (void)e;
  c->quit = true;
  return RD_OK;
}

static rd_code run_slash(chat *c, const char *line, rd_error *e) {
  char *name = rd_strdup(line, e), *arguments = name ? name + strcspn(name, " ") : NULL;
  if (!name)
    return RD_NO_MEMORY;
  if (*arguments)
    *arguments++ = '\0';
  const struct slash *row = rd_table_find(&slash_table, name, e);
  rd_code code = row ? row->run(c, arguments + strspn(arguments, " "), e) : RD_USAGE;
  free(name);
  return code;
}

/* --- the loop --------------------------------------------------------------------------------- */

static rd_code obey(chat *c, const char *line, rd_error *e) {
  line += strspn(line, " \t");
  if (*line == '/')
    return run_slash(c, line, e);
  if (!*line)
    return RD_OK;
  free(c->asked);
  c->asked = rd_strdup(line, e);
  return c->asked ? ask(c, e) : RD_NO_MEMORY;
}

/* A person goes on after Ctrl-C and after a message; a script ends with the first failure. */
static rd_code forgive(const chat *c, rd_code code, const rd_error *e) {
  if (!rd_lines_typed(c->lines) || code == RD_OK)
    return code;
  if (code == RD_CANCELLED && rd_interrupt_seen() != SIGINT)
    return code;
  if (code != RD_CANCELLED)
    fprintf(stderr, "%s\n", e->message);
  rd_interrupt_clear();
  return RD_OK;
}

static rd_code talk(chat *c, rd_error *e) {
  RD_TRY(rd_answer_open(&c->a, e));
  rd_interrupt_open(); /* while a model is opened, a signal ends all at once */
  if (!c->a.model->chat_template)
    return rd_fail(e, RD_USAGE,
                   "the model's files name no chat template: choose one with --chat-template, or "
                   "use generate");
  RD_TRY(rd_lines_open(&c->lines, "> ", e));
  if (rd_lines_typed(c->lines) && !c->a.settings.common.quiet)
    fprintf(stderr, "%s; /help lists what you can do\n", c->a.model->name);
  rd_code code = RD_OK;
  while (code == RD_OK && !c->quit) {
    const char *line = NULL;
    code = rd_lines_next(c->lines, &line, e);
    if (code == RD_OK && !line)
      return RD_OK;
    if (code == RD_OK)
      code = obey(c, line, e);
    code = forgive(c, code, e);
  }
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  chat *c = context;
  (void)names;
  if (rd_answer_lists(&c->a.settings.params))
    return RD_OK;
  rd_code code = talk(c, e);
  rd_lines_close(&c->lines);
  rd_conversation_drop(&c->past);
  free(c->asked);
  rd_answer_close(&c->a);
  rd_interrupt_close();
  return code;
}

rd_code rd_cmd_chat(const rd_command *self, int argc, char **argv, rd_error *e) {
  chat c = {0};
  return rd_tool_command(self, &c, 0, argc, argv, work, e);
}
