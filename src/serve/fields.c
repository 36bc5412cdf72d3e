/* SPDX-License-Identifier: MIT */
/* The table of fields. A schema says what a value may be, as JSON Schema has it; what is refused
 * beyond that says so when it is asked. */
#include "fields.h"

#include <stdio.h>
#include <string.h>

static const rd_field fields[] = {
    {"model", NULL, "{\"type\":\"string\"}", "which of the served models; the first, unless named"},
    {"prompt", NULL,
     "{\"title\":\"text, token ids, or a list of "
     "either\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":"
     "\"integer\","
     "\"minimum\":0},\"minItems\":1},{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[{"
     "\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0},"
     "\"minItems\":1}]}}]}",
     "the text, token ids, or a list of either: one answer each, by index"},
    {"one_prompt", "prompt",
     "{\"title\":\"text or token ids\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\","
     "\"items\":{\"type\":\"integer\",\"minimum\":0},\"minItems\":1}]}",
     "what is to be answered"},
    {"messages", NULL,
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"properties\":{\"role\":{"
     "\"type\":\"string\"},\"content\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\"},{"
     "\"type\":\"null\"}]}},\"required\":[\"role\"]}}",
     "the conversation: system (developer), user, assistant, tool (function); a content may be a "
     "list of parts that are text"},
    {"tools", NULL, "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
     "functions that may be called, for the model's chat template"},
    {"tool_choice", NULL, "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\"}]}",
     "whether an answer must be a call"},
    {"response_format", NULL, "{\"type\":\"object\"}", "the form that an answer must have"},
    {"system", NULL, "{\"type\":\"string\"}",
     "the system message, before those of the conversation"},
    {"raw", NULL, "{\"type\":\"boolean\"}", "the prompt is plain text: no chat template"},
    {"draft", NULL,
     "{\"type\":\"object\",\"properties\":{\"ids\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"integer\",\"minimum\":0},\"minItems\":1},\"state\":{\"type\":\"array\",\"items\":{\"enum\":"
     "[\"mask\",\"edit\",\"lock\"]}}},\"required\":[\"ids\",\"state\"]}",
     "a draft by position: masked places are written, editable ones may be revised, locked ones "
     "stay"},
    {"stream", NULL, "{\"type\":\"boolean\"}", "pieces as they become certain"},
    {"stream_options", NULL,
     "{\"type\":\"object\",\"properties\":{\"include_usage\":{\"type\":\"boolean\"}}}",
     "include_usage: a last chunk with the counts"},
    {"diffusing", NULL, "{\"type\":\"boolean\"}",
     "in a stream: the whole draft too, in a field of its own"},
    {"max_tokens", NULL, "{\"type\":\"integer\",\"minimum\":-1}",
     "tokens of an answer at most; -1: to the end of the window; 0: none"},
    {"max_completion_tokens", NULL, "{\"type\":\"integer\",\"minimum\":-1}", "as max_tokens"},
    {"max_output_tokens", NULL, "{\"type\":\"integer\",\"minimum\":-1}", "as max_tokens"},
    {"n_predict", NULL, "{\"type\":\"integer\",\"minimum\":-1}", "as max_tokens"},
    {"stop", NULL,
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
     "the answer ends before the first of these"},
    {"seed", NULL, "{\"type\":\"integer\"}",
     "of all random numbers, of which 53 bits count; -1: drawn; of several answers each has the "
     "next one"},
    {"n", NULL, "{\"type\":\"integer\",\"minimum\":1,\"maximum\":128,\"default\":1}",
     "answers for each prompt"},
    {"best_of", NULL, "{\"type\":\"integer\",\"minimum\":0,\"maximum\":128}",
     "the same number as n, or 0"},
    {"echo", NULL, "{\"type\":\"boolean\"}", "the prompt's text goes before the answer's"},
    {"logprobs", NULL,
     "{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"integer\",\"minimum\":0,\"maximum\":20}]}",
     "the log-probability of each token; a number: and of so many others in its place"},
    {"top_logprobs", NULL, "{\"type\":\"integer\",\"minimum\":0,\"maximum\":20}",
     "so many others in each token's place"},
    {"deadline_ms", NULL, "{\"type\":\"number\",\"minimum\":0}",
     "milliseconds, after which the best draft so far is the answer; 0: none"},
    {"deadline", NULL, "{\"type\":\"number\",\"minimum\":0,\"maximum\":86400}",
     "as deadline_ms, in seconds"},
    {"suffix", NULL, "{\"type\":\"string\"}", "what stands behind the answer"},
    {"input_prefix", NULL, "{\"type\":\"string\"}", "what stands before the answer"},
    {"input_suffix", NULL, "{\"type\":\"string\"}", "what stands behind it"},
    {"input", NULL,
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"object\"}}]}",
     "a text, or items: messages, calls of functions and their results"},
    {"texts", "input",
     "{\"title\":\"text, token ids, or a list of "
     "either\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":"
     "\"integer\","
     "\"minimum\":0},\"minItems\":1},{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[{"
     "\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0},"
     "\"minItems\":1}]}}]}",
     "the text, token ids, or a list of either"},
    {"include", NULL, "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
     "message.output_text.logprobs: the log-probability of each token; others ask for nothing "
     "here"},
    {"instructions", NULL, "{\"type\":\"string\"}", "the system message"},
    {"text_form", "text", "{\"type\":\"object\",\"properties\":{\"format\":{\"type\":\"object\"}}}",
     "format: the form that the answer must have"},
    {"options", NULL, "{\"type\":\"object\"}",
     "options of generation, num_predict (max_tokens) and num_ctx (window) among them"},
    {"format", NULL, "{\"anyOf\":[{\"enum\":[\"\",\"json\"]},{\"type\":\"object\"}]}",
     "the form that the answer must have: json, or a JSON schema"},
    {"encoding_format", NULL, "{\"enum\":[\"float\",\"base64\"],\"default\":\"float\"}",
     "numbers, or base64 of 32-bit floats, the lowest byte first"},
    {"dimensions", NULL, "{\"type\":\"integer\",\"minimum\":1}",
     "those of the model; no other number"},
    {"text", NULL, "{\"type\":\"string\"}", "what is cut into tokens"},
    {"continue", NULL, "{\"type\":\"boolean\"}",
     "as what goes on with a text: without the space that some tokenizers put first"},
    {"content", NULL, "{\"type\":\"string\"}", "what is cut into tokens"},
    {"content_prompt", "prompt", "{\"type\":\"string\"}", "as content, where that is not given"},
    {"add_special", NULL, "{\"type\":\"boolean\"}", "with what the tokenizer puts before a text"},
    {"add_special_tokens", NULL, "{\"type\":\"boolean\"}", "as add_special"},
    {"parse_special", NULL, "{\"type\":\"boolean\",\"default\":true}",
     "special tokens that are written in the text are tokens"},
    {"with_pieces", NULL, "{\"type\":\"boolean\"}", "tokens as objects with id and piece"},
    {"tokens", NULL, "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0}}",
     "ids of a text"},
    {"name", NULL, "{\"type\":\"string\"}", "the model, by its older field"},
    {"state", NULL,
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\"},{\"type\":\"array\"}]}",
     "what the questions are about"},
    {"questions", NULL, "{\"type\":\"object\"}",
     "id: {type, instructions, criteria}; doc/COMMANDS.md has the types"},
    {"mode", NULL, "{\"enum\":[\"independent\",\"packed\"],\"default\":\"independent\"}",
     "each question by itself, or all in one canvas"},
    {"samples", NULL, "{\"type\":\"integer\",\"minimum\":1,\"maximum\":8}",
     "draws of noise that are averaged"},
    {"reader", NULL, "{\"enum\":[\"auto\",\"draft\",\"base\"],\"default\":\"auto\"}",
     "who reads the answer's place: the draft, from both sides, or the base, from the left"},
    {"decision_temperature", "temperature",
     "{\"type\":\"number\",\"minimum\":0.01,\"maximum\":100,\"default\":1}",
     "scores are divided by it; redraft calibrate fits it"},
};
const rd_table rd_fields = RD_TABLE("field", fields);

const char *rd_field_name(const rd_field *row) {
  return row->name ? row->name : row->key;
}

const rd_field *rd_field_next(const char **keys, bool *must) {
  char key[64];
  *keys += strspn(*keys, " ");
  size_t size = strcspn(*keys, " !");
  snprintf(key, sizeof key, "%.*s", (int)size, *keys);
  *keys += size;
  *must = **keys == '!';
  *keys += *must;
  return size > 0 ? rd_table_row(&rd_fields, key) : NULL;
}
