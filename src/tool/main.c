/* SPDX-License-Identifier: MIT */
/* redraft: finds the command's row, runs it, and turns its code into one line and an exit status.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const rd_command commands[] = {
    {"bench", "[-m M | --shape NAME] [--train]", "speed as a fraction of what this machine can do",
     rd_cmd_bench},
    {"chat", "", "a conversation, with history", rd_cmd_chat},
    {"convert", "[--to TYPE] [--merge] -o DIR", "write a model as a Hugging Face folder",
     rd_cmd_convert},
    {"eval", "--task NAME --data FILE", "quality against iterations", rd_cmd_eval},
    {"generate", "[PROMPT]", "an answer, refined draft by draft before your eyes", rd_cmd_generate},
    {"inspect", "PATH [--tensors] [--check]", "what a model, adapter or tokenizer is made of",
     rd_cmd_inspect},
    {"logits", "--ids 1,2,3 -o out.npy", "the model's raw scores for token ids, one pass",
     rd_cmd_logits},
    {"plot", "RUN... [-o FILE.svg]", "loss curves of training runs", rd_cmd_plot},
    {"replay", "FILE", "a trace played back, forwards and backwards", rd_cmd_replay},
    {"serve", "[--port N]", "the web page, and an API that OpenAI's clients speak", rd_cmd_serve},
    {"tokenize", "[-m M] [--decode] [TEXT]", "text to token ids and back", rd_cmd_tokenize},
    {"train", "config.yaml [--set key=value]...", "train a model or an adapter", rd_cmd_train},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *out) {
  fprintf(out, "redraft %s: text by iterative refinement\n\nusage: redraft COMMAND [options]\n\n",
          rd_version());
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-10s %-34s %s\n", commands[i].name, commands[i].arguments,
            commands[i].summary);
  fprintf(out, "\nredraft COMMAND --help lists its options.\n");
}

static int run(const rd_command *command, int argc, char **argv) {
  rd_error e = {0};
  rd_code code = command->run(argc, argv, &e);
  if (code == RD_OK && (fflush(stdout) != 0 || ferror(stdout)))
    code = rd_fail(&e, RD_IO, "standard output: cannot write");
  if (code == RD_OK)
    return 0;
  fprintf(stderr, "redraft %s: %s\n", command->name, e.message);
  return rd_code_describe(code)->exit_status;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0)
      return run(&commands[i], argc - 2, argv + 2);
  if (strcmp(name, "--version") == 0) {
    printf("redraft %s\n", rd_version());
    return 0;
  }
  bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
  usage(help ? stdout : stderr);
  if (!help && *name)
    fprintf(stderr, "\nredraft: there is no command %s\n", name);
  return help ? 0 : rd_code_describe(RD_USAGE)->exit_status;
}
