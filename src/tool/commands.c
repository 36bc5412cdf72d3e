/* SPDX-License-Identifier: MIT */
/* The table of commands. */
#include "commands.h"

#include "settings.h"

const rd_command rd_commands[] = {
    {"adapt", "MODEL [-o DIR]", "a chat model made a denoiser: its own answers, then training",
     rd_cmd_adapt, .options = rd_adapt_parts},
    {"bench", "[-m M | --shape NAME] [--train]", "speed as a fraction of what this machine can do",
     rd_cmd_bench, .options = rd_bench_parts},
    {"calibrate", "--data FILE [-o FILE.svg]",
     "the temperature at which decisions are as often right as sure", rd_cmd_calibrate,
     .options = rd_calibrate_parts},
    {"chat", "", "a conversation, with history", rd_cmd_chat, .options = rd_chat_parts},
    {"convert", "[--to TYPE] [--merge] -o DIR",
     "write a model as a Hugging Face folder or a GGUF file", rd_cmd_convert,
     .options = rd_convert_parts},
    {"decide", "[FILE | --ask TEXT]", "typed questions about a text, answered with probabilities",
     rd_cmd_decide, .options = rd_decide_parts},
    {"eval", "--task NAME --data FILE", "quality against iterations", rd_cmd_eval,
     .options = rd_eval_parts},
    {"generate", "[PROMPT]", "an answer, refined draft by draft before your eyes", rd_cmd_generate,
     .options = rd_generate_parts},
    {"help", "[COMMAND]", "this list, or a command's options; --man: all of it as a manual page",
     rd_cmd_help, .options = rd_help_parts},
    {"inspect", "PATH [--tensors] [--check]", "what a model, adapter or tokenizer is made of",
     rd_cmd_inspect, .options = rd_inspect_parts},
    {"logits", "--ids 1,2,3 -o out.npy", "the model's raw scores for token ids, one pass",
     rd_cmd_logits, .options = rd_logits_parts},
    {"mend", "[FILE]", "words that the model finds unlikely, rewritten; the rest stays",
     rd_cmd_mend, .options = rd_mend_parts},
    {"models", "[--remove OWNER/NAME]", "what was pulled, and where it lies", rd_cmd_models,
     .options = rd_models_parts},
    {"plot", "RUN|FILE... [-o FILE.svg]", "curves of training runs, of bench's CSV, of eval's JSON",
     rd_cmd_plot, .options = rd_plot_parts},
    {"pull", "OWNER/NAME[:FILE]", "a model from a hub, for -m OWNER/NAME", rd_cmd_pull,
     .options = rd_pull_parts},
    {"replay", "FILE", "a trace played back, forwards and backwards", rd_cmd_replay,
     .options = rd_replay_parts},
    {"serve", "[--port N]", "the web page, and an API that OpenAI's clients speak", rd_cmd_serve,
     .options = rd_serve_parts},
    {"tokenize", "[-m M] [--decode] [TEXT]", "text to token ids and back", rd_cmd_tokenize,
     .options = rd_tokenize_parts},
    {"train", "config.yaml [--set key=value]...", "train a model or an adapter", rd_cmd_train,
     .options = rd_train_parts, .key = "init", .key_help = "a model from nothing",
     .keys = rd_train_init_parts},
};
const size_t rd_command_count = sizeof rd_commands / sizeof *rd_commands;
const rd_table rd_command_table = RD_TABLE("command", rd_commands);
