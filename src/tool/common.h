/* SPDX-License-Identifier: MIT */
/* What commands share: the common options of COMMANDS.md as rows, opening the model they name, and
 * the frame every command is run in. */
#ifndef RD_COMMON_H
#define RD_COMMON_H

#include "model.h"
#include "option.h"
#include "precision.h"

/* First member of every command's parameter struct. */
typedef struct rd_common {
  char *model, *adapter, *precision, *chat_template, *mask_token;
  int64_t threads;
  bool profile, json, quiet, verbose, help;
} rd_common;

#define RD_COMMON_ROW(at, member, name, letter, kind, standard, most, choices, group, word, help)  \
  {                                                                                                \
    name, letter, kind, standard, 0, most, choices, group, word, help,                             \
        (at) + offsetof(rd_common, member)                                                         \
  }

/* The rows of rd_common at offset `at` of the command's struct. */
#define RD_COMMON_OPTIONS(at)                                                                      \
  RD_COMMON_ROW(                                                                                   \
      at, model, "model", 'm', RD_TEXT, NULL, 0, NULL, "Model", "PATH",                            \
      "a Hugging Face folder or a .gguf file; without it $REDRAFT_MODEL, or the built-in model"),  \
      RD_COMMON_ROW(at, adapter, "adapter", 0, RD_TEXT, NULL, 0, NULL, "Model", "DIR",             \
                    "a LoRA adapter in PEFT's layout"),                                            \
      RD_COMMON_ROW(at, precision, "precision", 0, RD_CHOICE, "auto", 0, RD_PRECISION_NAMES,       \
                    "Model", NULL,                                                                 \
                    "arithmetic of matrix products; int8: 8-bit integers, for inference"),         \
      RD_COMMON_ROW(at, chat_template, "chat-template", 0, RD_TEXT, NULL, 0, NULL, "Model",        \
                    "NAME", "how messages are laid out, when the model's own files do not say"),   \
      RD_COMMON_ROW(at, mask_token, "mask-token", 0, RD_TEXT, NULL, 0, NULL, "Model", "WORD",      \
                    "the word that stands for noise, when the model's own files name none"),       \
      RD_COMMON_ROW(at, threads, "threads", 0, RD_INT, "0", 1024, NULL, "Program", "N",            \
                    "threads; 0: one a core"),                                                     \
      RD_COMMON_ROW(at, profile, "profile", 0, RD_FLAG, "false", 0, NULL, "Program", NULL,         \
                    "say at the end where the time went, by operation"),                           \
      RD_COMMON_ROW(at, json, "json", 0, RD_FLAG, "false", 0, NULL, "Program", NULL,               \
                    "one JSON object a line"),                                                     \
      RD_COMMON_ROW(at, quiet, "quiet", 'q', RD_FLAG, "false", 0, NULL, "Program", NULL,           \
                    "no messages but errors"),                                                     \
      RD_COMMON_ROW(at, verbose, "verbose", 'v', RD_FLAG, "false", 0, NULL, "Program", NULL,       \
                    "say more"),                                                                   \
      RD_COMMON_ROW(at, help, "help", 'h', RD_FLAG, "false", 0, NULL, "Program", NULL,             \
                    "this list")

/* The same as a table of its own. */
extern const rd_option *const rd_common_options;
extern const size_t rd_common_option_count;

/* Parse a command's arguments into its struct (zeroed by the caller). With --help the text goes to
 * standard output and *stop is set. `rest` gets what is no option: at most `most` arguments (-1:
 * any number). */
rd_code rd_tool_parse(const rd_options *o, const rd_common *common, int argc, char **argv, int most,
                      char ***rest, int *rest_count, bool *stop, rd_error *e);
/* What a command does once its options are known: `settings` is its struct, `names` what stood
 * beside the options, then NULL. */
typedef rd_code rd_tool_work(void *settings, char **names, rd_error *e);
/* The frame of most commands: parse into o->params (zeroed, rd_common first), work unless --help
 * was asked for, drop. `most`: names beside the options (-1: any number). */
rd_code rd_tool_command(const rd_options *o, int most, int argc, char **argv, rd_tool_work *work,
                        rd_error *e);
/* The model that the options name (--model, else $REDRAFT_MODEL, else the built-in one) and, unless
 * NULL, its adapter: --adapter, or the built-in model's own. New strings; *adapter may be NULL.
 */
rd_code rd_tool_model_path(char **out, char **adapter, const rd_common *common, rd_error *e);
/* Do the options leave it at the built-in model? */
bool rd_tool_builtin(const rd_common *common);
/* For samplers from left to right: the built-in model is named without the adapter that makes it a
 * denoiser; another model stays as it was named. */
rd_code rd_tool_name_causal(rd_common *common, rd_error *e);
/* Open the model that the options name. */
rd_code rd_tool_open(rd_model **out, const rd_common *common, rd_error *e);
#endif
