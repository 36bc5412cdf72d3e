/* SPDX-License-Identifier: MIT */
/* redraft: finds the command's row, runs it, and turns its code into one line and an exit status.
 */
#include "cpu.h"
#include "help.h"
#include "profile.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The table of --profile, biggest first. */
static void show_profile(void) {
  rd_profile_row rows[32];
  size_t n = rd_profile_rows(rows, sizeof rows / sizeof *rows);
  double sum = 0;
  int64_t passes = 1;
  for (size_t i = 0; i < n; i++) {
    sum += rows[i].seconds;
    if (strcmp(rows[i].name, "embedding") == 0)
      passes = rows[i].laps;
    for (size_t j = i; j > 0 && rows[j].seconds > rows[j - 1].seconds; j--) {
      rd_profile_row other = rows[j];
      rows[j] = rows[j - 1];
      rows[j - 1] = other;
    }
  }
  if (n > 0)
    fprintf(stderr, "%-20s %10s %8s   (%lld passes)\n", "", "ms a pass", "%", (long long)passes);
  for (size_t i = 0; i < n; i++)
    fprintf(stderr, "%-20s %10.3f %8.1f\n", rows[i].name, 1e3 * rows[i].seconds / (double)passes,
            100 * rows[i].seconds / sum);
}

/* The exit status, once all output is where it belongs. */
static int end(const char *name, rd_code code, rd_error *e) {
  if (code == RD_OK && (fflush(stdout) != 0 || ferror(stdout)))
    code = rd_fail(e, RD_IO, "standard output: cannot write");
  if (code == RD_OK)
    return 0;
  if (*e->message) /* of several processes one alone speaks */
    fprintf(stderr, "redraft %s: %s\n", name, e->message);
  return rd_code_describe(code)->exit_status;
}

static int run(const rd_command *command, int argc, char **argv) {
  rd_error e = {0};
  rd_code code = rd_cpu_check(&e);
  if (code == RD_OK)
    code = command->run(command, argc, argv, &e);
  show_profile();
  return end(command->name, code, &e);
}

/* An option where the command's name belongs. */
static int end_early(const char *option) {
  fprintf(stderr, "redraft: options go behind the command: redraft COMMAND %s; --help lists them\n",
          option);
  return rd_code_describe(RD_USAGE)->exit_status;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  rd_error e = {0};
  signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is then a write that fails, and said */
  const rd_command *command = rd_table_row(&rd_command_table, name);
  if (command)
    return run(command, argc - 2, argv + 2);
  if (strcmp(name, "--version") == 0) {
    printf("redraft %s\n", rd_version());
    return end(name, RD_OK, &e);
  }
  bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
  if (*name == '-' && !help)
    return end_early(name);
  rd_help_commands(help ? stdout : stderr);
  const char *near = rd_table_nearest(&rd_command_table, name);
  if (!help && *name)
    fprintf(stderr, "\nredraft: there is no command %s%s%s%s\n", name,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  return help ? end(name, RD_OK, &e) : rd_code_describe(RD_USAGE)->exit_status;
}
