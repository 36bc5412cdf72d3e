/* SPDX-License-Identifier: MIT */
/* The table of commands. */
#include "commands.h"

#include <string.h>

const rd_command rd_commands[] = {
    {"bench", "[-m M | --shape NAME] [--train]", "speed as a fraction of what this machine can do",
     rd_cmd_bench},
    {"chat", "", "a conversation, with history", rd_cmd_chat},
    {"convert", "[--to TYPE] [--merge] -o DIR", "write a model as a Hugging Face folder",
     rd_cmd_convert},
    {"eval", "--task NAME --data FILE", "quality against iterations", rd_cmd_eval},
    {"generate", "[PROMPT]", "an answer, refined draft by draft before your eyes", rd_cmd_generate},
    {"help", "[COMMAND]", "this list, or a command's options; --man: all of it as a manual page",
     rd_cmd_help},
    {"inspect", "PATH [--tensors] [--check]", "what a model, adapter or tokenizer is made of",
     rd_cmd_inspect},
    {"logits", "--ids 1,2,3 -o out.npy", "the model's raw scores for token ids, one pass",
     rd_cmd_logits},
    {"plot", "RUN|FILE... [-o FILE.svg]", "curves of training runs, of bench's CSV, of eval's JSON",
     rd_cmd_plot},
    {"replay", "FILE", "a trace played back, forwards and backwards", rd_cmd_replay},
    {"serve", "[--port N]", "the web page, and an API that OpenAI's clients speak", rd_cmd_serve},
    {"tokenize", "[-m M] [--decode] [TEXT]", "text to token ids and back", rd_cmd_tokenize},
    {"train", "config.yaml [--set key=value]...", "train a model or an adapter", rd_cmd_train},
};
const size_t rd_command_count = sizeof rd_commands / sizeof *rd_commands;

const rd_command *rd_command_find(const char *name) {
  for (size_t i = 0; i < rd_command_count; i++)
    if (strcmp(name, rd_commands[i].name) == 0)
      return &rd_commands[i];
  return NULL;
}
