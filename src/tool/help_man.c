/* SPDX-License-Identifier: MIT */
/* The manual page, redraft(1): option rows as man macros. What most commands share stands once. */
#include "help.h"

#include "number.h"

#include <stdlib.h>
#include <string.h>

/* Text for troff: hyphens stay hyphens, backslashes stay backslashes, no line starts a request. */
static void put(FILE *out, const char *text) {
  if (*text == '.' || *text == '\'')
    fputs("\\&", out);
  for (const char *p = text; *p; p++)
    if (*p == '-')
      fputs("\\-", out);
    else if (*p == '\\')
      fputs("\\e", out);
    else
      fputc(*p, out);
}

static void put_row(FILE *out, const char *key, const rd_option *row) {
  char *word = rd_option_word(row);
  const char *value = word ? word : "";
  fputs(".TP\n", out);
  if (row->letter)
    fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
  fputs("\\fB", out);
  if (key)
    fprintf(out, "%s.", key);
  else
    fputs("\\-\\-", out);
  put(out, row->name);
  fputs("\\fR", out);
  if (*value || key) {
    fputs(key ? "=\\fI" : " \\fI", out);
    put(out, *value ? value : "true|false");
    fputs("\\fR", out);
  }
  fputc('\n', out);
  put(out, row->help);
  if (row->fallback && !(row->kind == RD_FLAG && strcmp(row->fallback, "false") == 0)) {
    fputs(". Default: ", out);
    put(out, row->fallback);
  }
  if (row->min < row->max) {
    char min[RD_NUMBER], max[RD_NUMBER];
    fputs(". From ", out);
    put(out, rd_number_show(min, row->min));
    fputs(" to ", out);
    put(out, rd_number_show(max, row->max));
  }
  fputs(".\n", out);
  free(word);
}

typedef struct page {
  FILE *out;
  const rd_command *last;
} page;

static void put_command(void *context, const rd_command *command, const char *key,
                        const rd_options *o) {
  page *p = context;
  if (p->last != command) {
    fputs(".SS \"redraft ", p->out);
    put(p->out, command->name);
    fputs(*command->arguments ? " " : "", p->out);
    put(p->out, command->arguments);
    fputs("\"\n", p->out);
    put(p->out, command->summary);
    fputs(".\n", p->out);
  }
  p->last = command;
  if (key)
    fprintf(p->out,
            ".PP\nKeys below \\fB%s:\\fR in the configuration file (no options: "
            "\\fB\\-\\-set %s.KEY=VALUE\\fR):\n",
            key, key);
  for (size_t i = 0; i < o->count; i++)
    if (!rd_help_common(&o->rows[i]))
      put_row(p->out, key, &o->rows[i]);
}

static const char opening[] =
    ".SH NAME\n"
    "redraft \\- text by iterative refinement\n"
    ".SH SYNOPSIS\n"
    ".B redraft\n"
    ".I COMMAND\n"
    "[options]\n"
    ".SH DESCRIPTION\n"
    "redraft is a diffusion language model: it starts from noise and improves a whole draft at "
    "once until it stops changing. It opens LLaMA\\-family checkpoints, adapts them, generates "
    "text with them, shows every draft, serves and measures them.\n"
    ".PP\n"
    "Results go to standard output, progress and messages to standard error. A flag is turned "
    "off by \\fB\\-\\-no\\-\\fIFLAG\\fR; a value may follow its option after a space or "
    "\\fB=\\fR; \\fB\\-\\-\\fR ends the options.\n";

static const char closing[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.B REDRAFT_MODEL\nthe model where \\fB\\-m\\fR names none; empty as if it "
    "were not set.\n"
    ".TP\n.B REDRAFT_API_KEY\nthe key that \\fBredraft serve\\fR asks of clients where "
    "\\fB\\-\\-api\\-key\\fR gives none.\n"
    ".TP\n.B XDG_CACHE_HOME\nthe folder in which \\fBredraft pull\\fR keeps models, below "
    "redraft/models; without it ~/.cache.\n"
    ".TP\n.B HF_TOKEN\nthe token that \\fBredraft pull\\fR sends to the hub, for models that are "
    "not for everybody.\n"
    ".TP\n.B SSL_CERT_FILE\nthe certificates of the authorities that \\fBredraft pull\\fR trusts, "
    "in "
    "place of the system's.\n"
    ".TP\n.B REDRAFT_CUDA\nthe library of the engine cuda, in place of the libredraft-cuda.so "
    "beside "
    "the program.\n"
    ".TP\n.B REDRAFT_CPU\nthe best instruction set to use, for tests: scalar, avx2, avx512 or "
    "avx512bf16.\n"
    ".TP\n.B NO_COLOR\nno colours on the terminal; drafts are drawn without them.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\ndone.\n.TP\n.B 1\nit failed; one line on standard error says what, where, and what "
    "to do.\n.TP\n.B 2\nwrong usage.\n.TP\n.B 130\ninterrupted.\n"
    ".SH EXAMPLES\n"
    ".nf\n"
    "redraft generate \"What\\(aqs the capital of France?\"\n"
    "redraft generate \\-\\-template \"The capital of {mask:3} is Paris.\" \"Where is Paris?\"\n"
    "redraft serve \\-\\-port 8080\n"
    "redraft inspect model.gguf\n"
    ".fi\n";

rd_code rd_help_man(FILE *out, rd_error *e) {
  page p = {out, NULL};
  fprintf(out,
          ".\\\" made by `redraft help --man`\n.TH REDRAFT 1 \"\" \"redraft %s\" "
          "\"User Commands\"\n%s",
          rd_version(), opening);
  fputs(".SH OPTIONS OF MOST COMMANDS\n", out);
  for (const rd_table *const *table = rd_help_shared; *table; table++)
    for (size_t i = 0; i < (*table)->count; i++)
      put_row(out, NULL, (const rd_option *)(*table)->rows + i);
  fputs(".SH COMMANDS\n", out);
  RD_TRY(rd_help_walk(put_command, &p, e));
  fputs(closing, out);
  return RD_OK;
}
