/* SPDX-License-Identifier: MIT */
/* Completion scripts: the commands, their options, and the values of those that are names or files.
 * bash has case patterns COMMAND:OPTION; zsh has a list of _arguments for each command. */
#include "help.h"

#include <stdlib.h>
#include <string.h>

/* --- bash ------------------------------------------------------------------------------------ */

/* "generate:--model|generate:-m" */
static void bash_pattern(FILE *out, const rd_command *command, const rd_option *row) {
  fprintf(out, "    %s:--%s", command->name, row->name);
  if (row->letter)
    fprintf(out, "|%s:-%c", command->name, row->letter);
  fputs(") ", out);
}

static void bash_values(void *context, const rd_command *command, const char *key,
                        const rd_options *o) {
  FILE *out = context;
  for (size_t i = 0; !key && i < o->count; i++) {
    const rd_option *row = &o->rows[i];
    char *words = rd_help_words(row);
    if (row->kind != RD_FLAG)
      bash_pattern(out, command, row);
    if (words)
      fprintf(out, "_redraft_words '%s' ;;\n", words);
    else if (rd_option_is_path(row))
      fputs("_redraft_files ;;\n", out);
    else if (row->kind != RD_FLAG)
      fputs("COMPREPLY=() ;;\n", out);
    free(words);
  }
}

static void bash_options(void *context, const rd_command *command, const char *key,
                         const rd_options *o) {
  FILE *out = context;
  if (key)
    return;
  fprintf(out, "        %s) _redraft_words '", command->name);
  for (size_t i = 0; i < o->count; i++) {
    const rd_option *row = &o->rows[i];
    bool on = row->kind == RD_FLAG && row->fallback && strcmp(row->fallback, "true") == 0;
    fprintf(out, "%s--%s", i > 0 ? " " : "", row->name);
    if (on)
      fprintf(out, " --no-%s", row->name);
  }
  fputs("' ;;\n", out);
}

rd_code rd_help_bash(FILE *out, rd_error *e) {
  fputs("# bash completion for redraft: made by `redraft help --completion bash`\n"
        "_redraft_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$word\")); }\n"
        "_redraft_files() { compopt -o filenames 2>/dev/null; "
        "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); }\n"
        "_redraft() {\n"
        "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
        "command=${COMP_WORDS[1]}\n"
        "  # bash takes --name=value apart at the =\n"
        "  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then "
        "before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "  if ((COMP_CWORD == 1)); then\n"
        "    _redraft_words '",
        out);
  for (size_t i = 0; i < rd_command_count; i++)
    fprintf(out, "%s ", rd_commands[i].name);
  fputs("--help --version'\n    return\n  fi\n  case $command:$before in\n", out);
  RD_TRY(rd_help_walk(bash_values, out, e));
  fputs("    help:*) _redraft_words '", out);
  for (size_t i = 0; i < rd_command_count; i++)
    fprintf(out, "%s ", rd_commands[i].name);
  fputs("--man --completion --help' ;;\n"
        "    *)\n"
        "      [[ $word == -* ]] || { _redraft_files; return; }\n"
        "      case $command in\n",
        out);
  RD_TRY(rd_help_walk(bash_options, out, e));
  fputs("      esac ;;\n  esac\n}\ncomplete -F _redraft redraft\n", out);
  return RD_OK;
}

/* --- zsh ------------------------------------------------------------------------------------- */

/* Text inside '...[...]': brackets, colons and quotes would end it. */
static void zsh_text(FILE *out, const char *text) {
  for (const char *p = text; *p; p++)
    if (*p == '\'')
      fputs("'\\''", out);
    else if (strchr("[]:\\", *p))
      fprintf(out, "\\%c", *p);
    else
      fputc(*p, out);
}

static void zsh_row(FILE *out, const char *dashes, const char *name, const rd_option *row) {
  char *words = rd_help_words(row), *value = rd_option_word(row);
  fprintf(out, " \\\n        '%s%s[", dashes, name);
  zsh_text(out, row->help);
  fputc(']', out);
  if (row->kind != RD_FLAG) {
    fputc(':', out);
    zsh_text(out, value ? value : "");
    fprintf(out, ":%s%s%s", words ? "(" : "", words ? words : "", words ? ")" : "");
    if (!words && rd_option_is_path(row))
      fputs("_files", out);
  }
  fputc('\'', out);
  free(words);
  free(value);
}

static void zsh_command(void *context, const rd_command *command, const char *key,
                        const rd_options *o) {
  FILE *out = context;
  if (key)
    return;
  fprintf(out, "    %s)\n      _arguments", command->name);
  for (size_t i = 0; i < o->count; i++) {
    const rd_option *row = &o->rows[i];
    char letter[2] = {row->letter, '\0'};
    zsh_row(out, "--", row->name, row);
    if (row->letter)
      zsh_row(out, "-", letter, row);
    if (row->kind == RD_FLAG && row->fallback && strcmp(row->fallback, "true") == 0)
      zsh_row(out, "--no-", row->name, row);
  }
  fputs(" \\\n        '*:file:_files' ;;\n", out);
}

rd_code rd_help_zsh(FILE *out, rd_error *e) {
  fputs("#compdef redraft\n# made by `redraft help --completion zsh`\n_redraft() {\n"
        "  local -a commands\n  commands=(\n",
        out);
  for (size_t i = 0; i < rd_command_count; i++) {
    fprintf(out, "    '%s:", rd_commands[i].name);
    zsh_text(out, rd_commands[i].summary);
    fputs("'\n", out);
  }
  fputs("  )\n  if ((CURRENT == 2)); then\n    _describe command commands\n    return\n  fi\n"
        "  local command=$words[2]\n  shift words\n  ((CURRENT--))\n  case $command in\n",
        out);
  RD_TRY(rd_help_walk(zsh_command, out, e));
  fputs("  esac\n}\n_redraft \"$@\"\n", out);
  return RD_OK;
}
