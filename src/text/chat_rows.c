/* SPDX-License-Identifier: MIT */
/* Rows are written by what the models' makers publish. All refuse roles that they do not know, and
 * system messages behind the first message. */
#include "chat_rows.h"

#define CHECK                                                                                      \
  "{% for m in messages %}"                                                                        \
  "{% if m.role not in ['system', 'user', 'assistant'] %}"                                         \
  "{{ raise_exception('message ' ~ loop.index0 ~ ' has role \"' ~ m.role ~ "                       \
  "'\"; system, user and assistant are known') }}"                                                 \
  "{% elif m.role == 'system' and not loop.first %}"                                               \
  "{{ raise_exception('message ' ~ loop.index0 ~ ' is a system message; only the first may be') "  \
  "}}"                                                                                             \
  "{% endif %}{% endfor %}"

#define LLAMA3_TOKENS "<|start_header_id|> <|end_header_id|> <|eot_id|>"
#define LLAMA3_HEADER(role) "{{ '<|start_header_id|>' ~ " role " ~ '<|end_header_id|>\\n\\n' }}"
#define LLAMA3_TURNS(messages)                                                                     \
  "{% for m in " messages " %}" LLAMA3_HEADER(                                                     \
      "m.role") "{{ m.content | trim ~ '<|eot_id|>' }}{% endfor %}" LLAMA3_HEADER("'assistant'")
#define LLAMA3 CHECK "{{ bos_token }}" LLAMA3_TURNS("messages")
#define LLAMA3_DATES "Cutting Knowledge Date: December 2023\\nToday Date: 26 Jul 2024\\n\\n"

/* The system text that LAD gives where a conversation has none; what follows it is `turns`. */
#define LAD_SYSTEM                                                                                 \
  "{% set given = messages and messages[0].role == 'system' %}"                                    \
  "{% set system = messages[0].content | trim if given else 'You are a helpful assistant.' %}"     \
  "{% set turns = messages[1:] if given else messages %}"
#define SPACE_HEADER(role) "{{ '<|start_header_id|>' ~ " role " ~ '<|end_header_id|>\\n' }}"

#define CHATML_TOKENS "<|im_start|> <|im_end|>"
#define CHATML_SYSTEM(text)                                                                        \
  "{% if not messages or messages[0].role != 'system' %}"                                          \
  "{{ '<|im_start|>system\\n" text "<|im_end|>\\n' }}{% endif %}"
#define CHATML_TURNS                                                                               \
  "{% for m in messages %}"                                                                        \
  "{{ '<|im_start|>' ~ m.role ~ '\\n' ~ m.content ~ '<|im_end|>\\n' }}{% endfor %}"                \
  "{{ '<|im_start|>assistant\\n' }}"

static const rd_chat_row rows[] = {
    {.name = "tini",
     .help = "the built-in model: <|user|>question<|assistant|>",
     .tokens = "<|user|> <|assistant|>",
     .jinja = CHECK "{% for m in messages %}{{ '<|' ~ m.role ~ '|>' ~ m.content }}"
                    "{{ eos_token if m.role == 'assistant' }}{% endfor %}<|assistant|>"},
    {.name = "llama-3.1",
     .help = "LLaMA 3.1 and 3.2 Instruct without their dates, as LAD's adapters were trained: as "
             "llama-3, with \"You are a helpful assistant.\"",
     .tokens = LLAMA3_TOKENS,
     .jinja = CHECK LAD_SYSTEM "{{ bos_token }}" LLAMA3_HEADER(
         "'system'") "{{ system ~ '<|eot_id|>' }}" LLAMA3_TURNS("turns")},
    {.name = "llama-3.1-dates",
     .help = "LLaMA 3.1 and 3.2 Instruct as published: as llama-3, with their dates as system text",
     .tokens = LLAMA3_TOKENS,
     .jinja = CHECK
     "{{ bos_token }}{% set given = messages and messages[0].role == 'system' %}" LLAMA3_HEADER(
         "'system'") "{{ '" LLAMA3_DATES "' }}"
                     "{{ (messages[0].content | trim if given) ~ '<|eot_id|>' }}" LLAMA3_TURNS(
                         "(messages[1:] if given else messages)")},
    {.name = "lad-space",
     .help = "LAD's demo: headers and texts end in one newline, and no turn has an end token",
     .tokens = "<|start_header_id|> <|end_header_id|>",
     .jinja = CHECK LAD_SYSTEM "{{ bos_token ~ '\\n' }}" SPACE_HEADER(
         "'system'") "{{ system ~ '\\n' }}"
                     "{% for m in turns %}" SPACE_HEADER("m.role") "{{ m.content | trim ~ '\\n' }}"
                                                                   "{% endfor %}" SPACE_HEADER(
                                                                       "'assistant'")},
    {.name = "llama-3",
     .help = "LLaMA 3 Instruct: headers with roles",
     .tokens = LLAMA3_TOKENS,
     .jinja = LLAMA3},
    {.name = "llada",
     .help = "LLaDA Instruct: LLaMA 3's headers after <|startoftext|>",
     .tokens = LLAMA3_TOKENS,
     .jinja = LLAMA3},
    {.name = "qwen2.5",
     .help = "Qwen2.5 Instruct: chatml with its own system text",
     .tokens = CHATML_TOKENS,
     .jinja = CHECK CHATML_SYSTEM(
         "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.") CHATML_TURNS},
    {.name = "qwen2",
     .help = "Qwen2 Instruct and Dream: chatml with \"You are a helpful assistant.\"",
     .tokens = CHATML_TOKENS,
     .jinja = CHECK CHATML_SYSTEM("You are a helpful assistant.") CHATML_TURNS},
    {.name = "chatml",
     .help = "<|im_start|>role .. <|im_end|>",
     .tokens = CHATML_TOKENS,
     .jinja = CHECK CHATML_TURNS},
    {.name = "llama-2",
     .help = "LLaMA 2 Chat: [INST] question [/INST]",
     .tokens = "",
     .jinja =
         CHECK "{% set ns = namespace() %}{% for m in messages %}"
               "{% if m.role == 'system' %}{% set ns.system = m.content | trim %}"
               "{% elif m.role == 'user' %}{{ bos_token ~ '[INST] ' }}"
               "{{ '<<SYS>>\\n' ~ ns.system ~ '\\n<</SYS>>\\n\\n' if ns.system is defined and "
               "ns.open is undefined }}{% set ns.open = true %}{{ m.content | trim ~ ' [/INST]' }}"
               "{% else %}{{ ' ' ~ m.content | trim ~ ' ' ~ eos_token }}{% endif %}{% endfor %}"},
    {.name = "plain",
     .help = "the messages' text, one line each, and nothing else: for models without a template",
     .tokens = "",
     .jinja = CHECK "{{ bos_token if add_bos }}{% for m in messages %}"
                    "{{ '\\n' if m.role == 'assistant' }}{{ m.content }}"
                    "{{ '\\n' if m.role != 'user' }}{% endfor %}"},
};
const rd_table rd_chat_template_table = RD_TABLE("chat template", rows);
