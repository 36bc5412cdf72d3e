/* SPDX-License-Identifier: MIT */
/* redraft inspect: what a model is made of, in its own files' words. One JSON object holds the
 * facts; the text for people is printed from it. */
#include "adapter.h"
#include "canvas.h"
#include "clock.h"
#include "engine.h"
#include "file.h"
#include "frame.h"
#include "inspect.h"
#include "json_memory.h"
#include "matmul.h"
#include "model_folder.h"
#include "parts.h"
#include "sampler_head.h"
#include "stack.h"
#include "tokenizer.h"
#include "trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  int64_t window;
  bool tensors, check;
} settings;

static const rd_option rows[] = {
    {"tensors", RD_OPTION_AT(settings, tensors), .group = "Facts",
     .help = "list every tensor: name, type, shape"},
    {"check", RD_OPTION_AT(settings, check), .group = "Facts",
     .help = "read every number of the files, an adapter's too, and fail on NaN or infinity"},
    {"window", RD_OPTION_AT(settings, window), .fallback = "0", .max = 1 << 20, .group = "Facts",
     .help = "tokens of the pass whose memory is told; 0: as generate's"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_inspect_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

/* {"id", "token"} of a token; null for none. */
static json_t *token_json(const rd_tokenizer *t, int32_t id) {
  size_t size = 0;
  if (id < 0)
    return json_null();
  json_t *out = json_pack("{s:i}", "id", (int)id);
  if (t && (size_t)id < rd_tokenizer_size(t)) {
    const char *piece = rd_tokenizer_piece(t, id, &size);
    json_t *text = piece ? json_stringn(piece, size) : NULL;
    json_object_set_new(out, "token", text ? text : json_null());
  }
  return out;
}

static json_t *tokenizer_json(const rd_tokenizer *t) {
  if (!t)
    return json_null();
  return json_pack("{s:s, s:I, s:b}", "format", rd_tokenizer_format(t), "tokens",
                   (json_int_t)rd_tokenizer_size(t), "chat_template",
                   rd_tokenizer_chat_template(t) != NULL);
}

/* Bytes of each format. */
static json_t *stored_json(const rd_tensors *t) {
  json_t *out = json_object();
  size_t formats = 0;
  const rd_format *known = rd_formats(&formats);
  for (size_t s = 0; s < formats; s++) {
    size_t bytes = 0;
    for (size_t i = 0; i < t->count; i++)
      bytes += t->items[i].format == &known[s] ? t->items[i].size : 0;
    if (bytes > 0)
      json_object_set_new(out, known[s].name, json_integer((json_int_t)bytes));
  }
  return out;
}

static json_t *shape_json(const rd_config *c) {
  json_t *out = json_pack(
      "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b}", "layers",
      (json_int_t)c->layers, "width", (json_int_t)c->width, "heads", (json_int_t)c->heads,
      "kv_heads", (json_int_t)c->kv_heads, "head_dim", (json_int_t)c->head_dim, "ff",
      (json_int_t)c->ff, "vocab", (json_int_t)c->vocab, "positions", (json_int_t)c->positions,
      "canvas", (json_int_t)c->canvas, "block", (json_int_t)c->block, "shift_logits",
      c->shift_logits, "tied", c->tied, "qkv_bias", c->qkv_bias, "qk_norm", c->qk_norm);
  rd_config_arithmetic(c, out);
  return out;
}

/* What the first matrix product takes: generated code, and pages of its library. */
static size_t product_bytes(rd_dtype type) {
  enum { N = 64 };
  static float memory[3][N * N];
  size_t before = rd_resident_bytes();
  rd_mat a = rd_mat_rows(memory[0], type, N, N), b = rd_mat_rows(memory[1], type, N, N);
  rd_code code = rd_matmul(rd_mat_rows(memory[2], RD_F32, N, N), a, rd_mat_transposed(b), 0, NULL);
  size_t after = rd_resident_bytes();
  return code == RD_OK && after > before ? after - before : 0;
}

/* `program`: resident bytes before the model was opened. */
static json_t *facts_json(const rd_model *m, int64_t window, size_t program) {
  const rd_config *c = &m->config;
  json_t *out = shape_json(c), *eos = json_array();
  for (int i = 0; i < c->eos_count; i++)
    json_array_append_new(eos, token_json(m->tokenizer, c->eos[i]));
  window = rd_config_window(c, window);
  if (window > c->positions)
    window = c->positions;
  json_t *facts = json_pack(
      "{s:s, s:s, s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "model",
      m->name, "family", c->family->name, "parameters", (json_int_t)rd_model_parameters(m),
      "stored_bytes", stored_json(rd_model_tensors(m)), "precision", m->precision->name,
      "precision_why", m->precision_why, "tokenizer", tokenizer_json(m->tokenizer), "mask",
      token_json(m->tokenizer, c->mask), "bos", token_json(m->tokenizer, c->bos), "pad",
      token_json(m->tokenizer, c->pad), "eos", eos, "adapter_rank",
      (json_int_t)rd_weights_rank(&m->weights, c), "file_bytes", (json_int_t)m->file_bytes,
      "memory_bytes", (json_int_t)m->memory_bytes, "window", (json_int_t)window, "pass_bytes",
      (json_int_t)rd_stack_memory(&m->config, &m->weights,
                                  &(rd_stack_sizes){.rows = window, .longest = window}));
  size_t all = program + product_bytes(m->weights.type) + m->file_bytes + m->memory_bytes +
               rd_engine_memory(m, window, window);
  json_object_set_new(facts, "generate_bytes", json_integer((json_int_t)all));
  json_object_update(facts, out);
  json_decref(out);
  return facts;
}

static long long number(const json_t *facts, const char *key) {
  return (long long)json_integer_value(json_object_get(facts, key));
}

static const char *text(const json_t *facts, const char *key) {
  return json_string_value(json_object_get(facts, key));
}

static double megabytes(const json_t *facts, const char *key) {
  return (double)number(facts, key) / 1e6;
}

static void print_token(const char *label, const json_t *token) {
  const char *piece = text(token, "token");
  if (json_is_object(token))
    printf("%-12s%s%s%lld%s\n", label, piece ? piece : "", piece ? " (" : "", number(token, "id"),
           piece ? ")" : "");
  else
    printf("%-12snone\n", label);
}

static void print_stored(const json_t *stored) {
  const char *name = NULL;
  json_t *bytes = NULL;
  printf("stored      ");
  const char *between = "";
  json_object_foreach((json_t *)(uintptr_t)stored, name, bytes) {
    printf("%s%s %.1f MB", between, name, (double)json_integer_value(bytes) / 1e6);
    between = ", ";
  }
  printf("\n");
}

/* A line of each that is not as in LLaMA's layer. */
static void print_arithmetic(const json_t *f) {
  const char *key = NULL;
  json_t *value = NULL;
  long long layers = number(f, "layers");
  if (number(f, "rotary_dims") != number(f, "head_dim"))
    printf("rotary      %lld of the %lld numbers of a head\n", number(f, "rotary_dims"),
           number(f, "head_dim"));
  if (number(f, "unturned_layers") > 0)
    printf("rotary      none in %lld of %lld layers\n", number(f, "unturned_layers"), layers);
  if (number(f, "sliding_layers") > 0)
    printf("window      %lld positions in %lld of %lld layers\n", number(f, "sliding_window"),
           number(f, "sliding_layers"), layers);
  if (json_object_get(f, "local_rope_theta"))
    printf("            their rotary theta %g, scaling %s\n",
           json_real_value(json_object_get(f, "local_rope_theta")), text(f, "local_rope_scaling"));
  printf("activation  %s\n", text(f, "activation"));
  if (strcmp(text(f, "norms"), "before") != 0)
    printf("norms       %s attention and feed-forward\n", text(f, "norms"));
  json_object_foreach(json_object_get(f, "scales"), key, value)
    printf("            %s %g\n", key, json_real_value(value));
}

static void print_facts(const json_t *f) {
  const json_t *tokenizer = json_object_get(f, "tokenizer"), *token = NULL;
  size_t i = 0;
  long long block = number(f, "block");
  printf("model       %s\nfamily      %s\n", text(f, "model"), text(f, "family"));
  printf("parameters  %lld (%.1f M)\n", number(f, "parameters"), megabytes(f, "parameters"));
  printf("layers      %lld: width %lld, %lld heads of %lld over %lld key/value heads, "
         "feed-forward %lld\n",
         number(f, "layers"), number(f, "width"), number(f, "heads"), number(f, "head_dim"),
         number(f, "kv_heads"), number(f, "ff"));
  printf("vocabulary  %lld%s\n", number(f, "vocab"),
         json_is_true(json_object_get(f, "tied")) ? ", output matrix shared with the input's" : "");
  if (block > 1)
    printf("attention   in blocks of %lld", block);
  else
    printf("attention   %s", block ? "causal" : "bidirectional");
  printf("%s\n", json_is_true(json_object_get(f, "shift_logits")) ? ", logits shifted by one" : "");
  printf("positions   %lld, rotary theta %g, scaling %s\n", number(f, "positions"),
         json_real_value(json_object_get(f, "rope_theta")), text(f, "rope_scaling"));
  print_arithmetic(f);
  if (number(f, "canvas") > 0)
    printf("canvas      %lld tokens at a time\n", number(f, "canvas"));
  print_stored(json_object_get(f, "stored_bytes"));
  printf("precision   %s arithmetic: %s\n", text(f, "precision"), text(f, "precision_why"));
  if (number(f, "adapter_rank") > 0)
    printf("adapter     rank %lld\n", number(f, "adapter_rank"));
  if (json_is_object(tokenizer))
    printf(
        "tokenizer   %s, %lld tokens%s\n", text(tokenizer, "format"), number(tokenizer, "tokens"),
        json_is_true(json_object_get(tokenizer, "chat_template")) ? ", with a chat template" : "");
  else
    printf("tokenizer   none\n");
  print_token("mask", json_object_get(f, "mask"));
  print_token("bos", json_object_get(f, "bos"));
  json_array_foreach(json_object_get(f, "eos"), i, token)
    print_token("eos", token);
  printf("memory      %.1f MB mapped, %.1f MB taken; a pass over %lld tokens %.1f MB;\n"
         "            to generate, with the program, %.1f MB\n",
         megabytes(f, "file_bytes"), megabytes(f, "memory_bytes"), number(f, "window"),
         megabytes(f, "pass_bytes"), megabytes(f, "generate_bytes"));
}

static json_t *tensors_json(const rd_tensors *t) {
  json_t *out = json_array();
  for (size_t i = 0; i < t->count; i++) {
    const rd_tensor *x = &t->items[i];
    json_t *shape = json_array();
    for (int d = 0; d < x->dims; d++)
      json_array_append_new(shape, json_integer(x->shape[d]));
    json_array_append_new(out, json_pack("{s:s, s:s, s:o, s:I}", "name", x->name, "type",
                                         rd_tensor_type(x), "shape", shape, "bytes",
                                         (json_int_t)x->size));
  }
  return out;
}

static void print_tensors(const rd_tensors *t) {
  char shape[96];
  for (size_t i = 0; i < t->count; i++)
    printf("%-6s %-20s %s\n", rd_tensor_type(&t->items[i]),
           rd_shape_text(shape, sizeof shape, t->items[i].shape, t->items[i].dims),
           t->items[i].name);
}

static rd_code print_json(const json_t *facts, rd_error *e) {
  char *line = rd_json_dumps(facts, JSON_COMPACT | JSON_REAL_PRECISION(9));
  if (!line)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the facts");
  puts(line);
  free(line);
  return RD_OK;
}

/* The facts, gathered since rd_json_watch, and the tensors `t` where they are wanted. `facts` is
 * used up. */
static rd_code show(const settings *s, json_t *facts, const rd_tensors *t,
                    void (*print)(const json_t *facts), rd_error *e) {
  if (s->common.json && s->tensors)
    json_object_set_new(facts, "tensors", tensors_json(t));
  rd_code code = rd_json_lacked() ? rd_fail(e, RD_NO_MEMORY, "out of memory: the facts") : RD_OK;
  if (code == RD_OK && s->common.json) {
    code = print_json(facts, e);
  } else if (code == RD_OK) {
    print(facts);
    if (s->tensors)
      print_tensors(t);
  }
  json_decref(facts);
  return code;
}

static void print_tokenizer(const json_t *f) {
  printf("tokenizer   %s, %lld tokens%s; no weights here\n", text(f, "format"), number(f, "tokens"),
         json_is_true(json_object_get(f, "chat_template")) ? ", with a chat template" : "");
}

static rd_code inspect_tokenizer(const settings *s, const char *path, rd_error *e) {
  rd_tokenizer *t = NULL;
  const rd_tensors none = {0};
  RD_TRY(rd_tokenizer_open(&t, path, e));
  rd_json_watch();
  rd_code code = show(s, tokenizer_json(t), &none, print_tokenizer, e);
  rd_tokenizer_close(&t);
  return code;
}

static void print_sampler_head(const json_t *f) {
  if (json_object_get(f, "sampler_head"))
    printf("sampler     head of %lld numbers, which tells drafted words the ones before\n",
           number(f, "sampler_head"));
}

static void print_adapter(const json_t *f) {
  printf("adapter     LoRA of rank %lld, alpha %g%s, for %s\n", number(f, "r"),
         json_object_get(f, "lora_alpha") ? json_number_value(json_object_get(f, "lora_alpha"))
                                          : RD_PEFT_ALPHA,
         json_is_true(json_object_get(f, "use_rslora")) ? " (rank-stabilised)" : "",
         text(f, "base_model_name_or_path") ? text(f, "base_model_name_or_path")
                                            : "a model it does not name");
  print_sampler_head(f);
}

/* A head for drafted words beside the adapter: its tensors follow the others in the list. */
static rd_code add_sampler_head(json_t *facts, rd_tensors *tensors, const char *path, rd_error *e) {
  rd_tensors head = {0};
  const rd_path file = rd_path_in(path, RD_SAMPLER_HEAD_FILE);
  rd_code code = RD_OK;
  if (rd_path_exists(file.text)) {
    code = rd_safetensors_open(&head, file.text, e);
    const rd_tensor *fc1 = code == RD_OK ? rd_tensors_find(&head, "fc1.weight") : NULL;
    json_object_set_new(facts, "sampler_head", json_integer(fc1 ? fc1->shape[0] : 0));
    if (code == RD_OK)
      code = rd_tensors_prefix(&head, "sampler_head.", NULL, e);
    if (code == RD_OK)
      code = rd_tensors_join(tensors, &head, e);
    if (code == RD_OK)
      code = rd_tensors_finish(tensors, e);
  }
  rd_tensors_drop(&head);
  return code;
}

static rd_code inspect_adapter(const settings *s, const char *path, const char *config,
                               rd_error *e) {
  json_t *facts = NULL;
  rd_tensors tensors = {0};
  rd_code code = rd_json_open(&facts, config, e);
  if (code == RD_OK)
    code = rd_adapter_tensors_open(&tensors, path, e);
  if (code == RD_OK)
    code = add_sampler_head(facts, &tensors, path, e);
  if (code == RD_OK && s->check)
    code = rd_tensors_check(&tensors, e);
  rd_json_watch();
  if (code == RD_OK)
    code = show(s, json_incref(facts), &tensors, print_adapter, e);
  rd_tensors_drop(&tensors);
  json_decref(facts);
  return code;
}

static rd_code inspect_model(settings *s, rd_error *e) {
  rd_model *m = NULL;
  size_t program = rd_resident_bytes();
  RD_TRY(rd_tool_open(&m, &s->common, e));
  rd_json_watch();
  rd_code code = rd_canvas_check_window(s->window, m->config.positions, e);
  if (code == RD_OK && s->check)
    code = rd_model_check(m, e);
  if (code == RD_OK)
    code = show(s, facts_json(m, s->window, program), rd_model_tensors(m), print_facts, e);
  rd_model_close(&m);
  return code;
}

/* An adapter, by its settings, or (NULL) a tokenizer: nothing is computed by them. */
static rd_code inspect_other(const settings *s, const char *path, const char *config, rd_error *e) {
  static const char computed[] = "window precision engine adapter chat-template mask-token";
  RD_TRY(rd_tool_refuse(&s->common, computed, "to what is no model", e));
  return config ? inspect_adapter(s, path, config, e) : inspect_tokenizer(s, path, e);
}

/* By what lies at the path: a model's config.json, a GGUF or a file of weights, an adapter, a
 * tokenizer. */
static rd_code run(settings *s, rd_error *e) {
  char *path = NULL, *gguf = NULL, *tokenizer = NULL;
  RD_TRY(rd_tool_model_path(&path, NULL, &s->common, e));
  const rd_path config = rd_path_in(path, "config.json"),
                adapter = rd_path_in(path, "adapter_config.json");
  rd_code code = rd_model_folder_find(&tokenizer, path, RD_FILE_VOCABULARY, e);
  if (code == RD_OK)
    code = rd_model_folder_gguf(&gguf, path, e);
  bool model = gguf || rd_path_exists(config.text), lora = rd_path_exists(adapter.text);
  if (code == RD_OK && (model || (!lora && !tokenizer))) /* what is none says what it lacks */
    code = inspect_model(s, e);
  else if (code == RD_OK)
    code = inspect_other(s, path, lora ? adapter.text : NULL, e);
  free(gguf);
  free(tokenizer);
  free(path);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  if (names[0] && s->common.model)
    return rd_fail(e, RD_USAGE, "one at a time: %s, or -m %s", names[0], s->common.model);
  const rd_options *o = s->common.options;
  if (names[0])
    RD_TRY(rd_option_set(o, rd_option_find(o, "model"), names[0], e));
  return run(s, e);
}

rd_code rd_cmd_inspect(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
