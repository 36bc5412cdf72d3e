/* SPDX-License-Identifier: MIT */
/* The table of paths, by whose interface they are. */
#include "endpoints.h"

#include <string.h>

const rd_endpoint rd_endpoints[] = {
    {"/", "GET", "This program's", "text/html", NULL, "the page: one file, nothing from elsewhere",
     false, false},
    {"/health", "GET", "This program's", "application/json", NULL,
     "status, model and version; 503 while stopping", false, false},
    {"/metrics", "GET", "This program's", "text/plain", NULL,
     "counters in Prometheus' format: requests, queue, passes, tokens, seconds", false, false},
    {"/openapi.json", "GET", "This program's", "application/json", NULL,
     "this list, as OpenAPI 3.1 has it", false, false},
    {"/api/options", "GET", "This program's", "application/json", NULL,
     "every option of generation and every sampler with the defaults for the model, and what it "
     "says of itself",
     false, true},
    {"/api/denoise", "POST", "This program's", "text/event-stream", "",
     "every iteration as an event", false, false},
    {"/api/tokenize", "POST", "This program's", "application/json", "model text!",
     "ids and pieces of a text", false, false},
    {"/v1/models", "GET", "OpenAI's", "application/json", NULL,
     "the models; the first answers requests that name none", false, false},
    {"/v1/models/", "GET", "OpenAI's", "application/json", NULL, "one of them", false, false},
    {"/v1/chat/completions", "POST", "OpenAI's", "application/json text/event-stream", "messages!",
     "an answer to a conversation", false, false},
    {"/v1/completions", "POST", "OpenAI's", "application/json text/event-stream", "prompt!",
     "a text gone on from, from left to right unless a sampler is asked for; with a suffix, what "
     "lies between",
     false, false},
    {"/v1/responses", "POST", "OpenAI's", "application/json text/event-stream",
     "input! instructions max_output_tokens text_form tools tool_choice include top_logprobs "
     "stream "
     "seed stop",
     "an answer to a conversation; nothing is stored", false, false},
    {"/v1/embeddings", "POST", "OpenAI's", "application/json",
     "model texts! encoding_format dimensions",
     "the mean of a text's states behind the last norm, of length 1", false, false},
    {"/v1/fim/completions", "POST", "OpenAI's", "application/json text/event-stream", "prompt!",
     "what lies between a prompt and a suffix", false, false},
    {"/v1/systemone", "POST", "System One's", "application/json",
     "model state! questions! mode samples reader decision_temperature seed deadline_ms",
     "typed questions about a text, answered with probabilities", false, false},
    {"/api/chat", "POST", "Ollama's", "application/json application/x-ndjson",
     "messages! options format tools stream", "an answer to a conversation", true, false},
    {"/api/generate", "POST", "Ollama's", "application/json application/x-ndjson",
     "prompt! system raw options format stream", "an answer to a prompt", true, false},
    {"/api/embed", "POST", "Ollama's", "application/json", "model texts!",
     "embeddings, as /v1/embeddings gives them", true, false},
    {"/api/tags", "GET", "Ollama's", "application/json", NULL, "the models", true, false},
    {"/api/ps", "GET", "Ollama's", "application/json", NULL,
     "the models that are open: all of them", true, false},
    {"/api/version", "GET", "Ollama's", "application/json", NULL, "this program's version", true,
     false},
    {"/api/show", "POST", "Ollama's", "application/json", "model name", "what a model is like",
     true, false},
    {"/infill", "POST", "llama.cpp's and vLLM's", "application/json text/event-stream",
     "input_prefix!", "what lies between a prefix and a suffix", false, false},
    {"/tokenize", "POST", "llama.cpp's and vLLM's", "application/json",
     "model content content_prompt add_special add_special_tokens parse_special with_pieces",
     "ids of a text: tokens, count, max_model_len", false, false},
    {"/detokenize", "POST", "llama.cpp's and vLLM's", "application/json", "model tokens!",
     "the text of ids, as content and as prompt", false, false},
    {"/tokenizer_info", "GET", "llama.cpp's and vLLM's", "application/json", NULL,
     "the tokenizer's special words and chat template", false, true},
    {"/props", "GET", "llama.cpp's and vLLM's", "application/json", NULL,
     "defaults, window and slots", false, true},
    {"/slots", "GET", "llama.cpp's and vLLM's", "application/json", NULL,
     "a row for each draft that may be under way", false, false},
};
const size_t rd_endpoint_count = sizeof rd_endpoints / sizeof *rd_endpoints;

const rd_endpoint *rd_endpoint_find(const char *method, const char *path) {
  for (size_t i = 0; i < rd_endpoint_count; i++)
    if (strcmp(rd_endpoints[i].path, path) == 0 && strcmp(rd_endpoints[i].method, method) == 0)
      return &rd_endpoints[i];
  return NULL;
}
