/* SPDX-License-Identifier: MIT */
/* redraft mend: words that the model finds unlikely are shown and rewritten, the rest stays. */
#include "file.h"
#include "frame.h"
#include "input.h"
#include "interrupt.h"
#include "mend.h"
#include "utf8.h"
#include "view_terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  char *prompt;
  double unlikely, gain;
  int64_t iterations;
  bool show;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)
static const rd_option rows[] = {
    {"prompt", AT(prompt), .letter = 'p', .group = "Words", .value = "TEXT",
     .help = "judge each line as an answer to this"},
    {"unlikely", AT(unlikely), .fallback = "0.001", .max = 1, .group = "Words", .value = "F",
     .help = "suspect words whose probability, given the text before them, is below this"},
    {"gain", AT(gain), .fallback = "9", .max = 100, .group = "Words", .value = "NATS",
     .help = "rewrite a word where another makes the text so much likelier: 9 is 8,000 times"},
    {"iterations", AT(iterations), .letter = 'n', .fallback = "64", .min = 2, .max = 512,
     .group = "Words", .value = "N", .help = "passes that the search for a word may take"},
    {"show", AT(show), .group = "Words", .help = "say which words are unlikely, and rewrite none"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_mend_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

enum { MOST_FILE = 64 << 20 };

/* --- what is said ------------------------------------------------------------------------------
 */

/* The text as it is now; on a terminal what was rewritten stands struck out before it. */
static void print_text(const rd_mended *m, bool colour) {
  size_t at = 0;
  for (int64_t i = 0; i < m->count && colour; i++) {
    const rd_suspect *s = &m->suspects[i];
    printf("%.*s", (int)(s->first - at), m->text + at);
    if (s->gain > 0)
      printf("\x1b[31;9m%s\x1b[0m \x1b[32m%.*s\x1b[0m", s->was, (int)s->size, m->text + s->first);
    else
      printf("\x1b[33m%.*s\x1b[0m", (int)s->size, m->text + s->first);
    at = s->first + s->size;
  }
  printf("%s\n", m->text + at);
}

static void list(const rd_mended *m, int64_t line) {
  for (int64_t i = 0; i < m->count; i++) {
    const rd_suspect *s = &m->suspects[i];
    fprintf(stderr, "%lld: %s (one in %.0f)", (long long)line, s->was,
            fmin(1 / fmax(s->probability, 1e-12), 1e12));
    if (s->gain > 0)
      fprintf(stderr, " -> %.*s", (int)s->size, m->text + s->first);
    fputc('\n', stderr);
  }
}

static json_t *suspect_value(const rd_suspect *s, const char *text) {
  return json_pack("{s:s, s:f, s:o, s:f}", "word", s->was, "probability", s->probability, "instead",
                   s->gain > 0 ? json_stringn(text + s->first, s->size) : json_null(), "gain",
                   s->gain);
}

static rd_code print_json(const rd_mended *m, int64_t line, rd_error *e) {
  json_t *words = json_array();
  for (int64_t i = 0; i < m->count; i++)
    json_array_append_new(words, suspect_value(&m->suspects[i], m->text));
  json_t *value =
      json_pack("{s:I, s:s, s:o}", "line", (json_int_t)line, "text", m->text, "words", words);
  char *text = value ? rd_json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
  json_decref(value);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: line %lld", (long long)line);
  puts(text);
  free(text);
  return RD_OK;
}

/* --- lines -------------------------------------------------------------------------------------
 */

typedef struct mender {
  const settings *settings;
  rd_model *model;
  rd_kept kept;
  bool colour;
  int32_t *prompt; /* (prompt_count) or NULL */
  int64_t prompt_count;
} mender;

static rd_code mend_line(mender *w, const char *text, int64_t number, rd_error *e) {
  const settings *s = w->settings;
  const rd_mend_rules rules = {.prompt = w->prompt,
                               .prompt_count = w->prompt_count,
                               .unlikely = s->unlikely,
                               .gain = s->gain,
                               .iterations = s->iterations,
                               .show = s->show};
  rd_mended mended = {0};
  rd_code code = RD_OK;
  if (rd_prompt_blank(text))
    mended.text = rd_strdup(text, e);
  else
    code = rd_mend(&mended, w->model, &w->kept, text, &rules, rd_interrupt_flag(), e);
  if (code == RD_OK && !mended.text)
    code = RD_NO_MEMORY;
  if (code == RD_OK && s->common.json)
    code = print_json(&mended, number, e);
  else if (code == RD_OK)
    print_text(&mended, w->colour);
  if (code == RD_OK && !s->common.json && !s->common.quiet && !w->colour)
    list(&mended, number);
  rd_mended_drop(&mended);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "line %lld", (long long)number);
}

static rd_code mend_all(mender *w, char *text, rd_error *e) {
  int64_t number = 1;
  for (char *line = text, *next; line; line = next, number++) {
    next = strchr(line, '\n');
    if (next)
      *next++ = '\0';
    if (!next && !*line && number > 1) /* the last line has ended */
      break;
    if (rd_interrupt_seen())
      return rd_fail(e, RD_CANCELLED, "interrupted before line %lld", (long long)number);
    RD_TRY(mend_line(w, line, number, e));
  }
  return RD_OK;
}

static rd_code read_text(char **text, const char *path, rd_error *e) {
  RD_TRY(rd_tool_no_dash(path, "without a name standard input is read", e));
  RD_TRY(rd_tool_there(path, "a text itself comes on standard input", e));
  if (!path && isatty(STDIN_FILENO))
    return rd_fail(e, RD_USAGE, "no text: name a file, or give it on standard input");
  size_t size = 0;
  if (!path)
    RD_TRY(rd_tool_input(text, "a text", true, e));
  else
    RD_TRY(rd_file_read(path, MOST_FILE, text, &size, e));
  path = path ? path : "standard input";
  size = size ? size : strlen(*text);
  if (strlen(*text) != size)
    return rd_fail(e, RD_BAD_INPUT, "%s: a NUL byte at %zu", path, strlen(*text));
  return rd_utf8_check(*text, size, path, e);
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  char *text = NULL;
  mender w = {.settings = s, .colour = rd_terminal_coloured(STDOUT_FILENO)};
  rd_code code = read_text(&text, names[0], e);
  if (code == RD_OK)
    code = rd_tool_name_causal(&s->common, e); /* the base alone reads */
  if (code == RD_OK)
    code = rd_tool_open(&w.model, &s->common, e);
  const rd_message message = {"user", s->prompt};
  if (code == RD_OK && s->prompt)
    code = rd_model_prompt(&w.prompt, &w.prompt_count, w.model, &message, 1, false, e);
  rd_interrupt_open();
  if (code == RD_OK)
    code = mend_all(&w, text, e);
  rd_interrupt_close();
  rd_kept_drop(&w.kept);
  free(w.prompt);
  rd_model_close(&w.model);
  free(text);
  return code;
}

rd_code rd_cmd_mend(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
