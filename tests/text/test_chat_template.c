/* SPDX-License-Identifier: MIT */
/* Chat templates: every row rendered, a model's own template from every place that holds one, and
 * both safe against tokens written by a user. */
#include "chat_rows.h"
#include "chat_template.h"
#include "scratch_files.h"

#include <sys/stat.h>

static const char pattern_json[] =
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}";

/* A byte-level tokenizer of 256 bytes and the special tokens of every row. */
static rd_tokenizer *make(void) {
  static const char *const special[] = {"<s>",
                                        "</s>",
                                        "<|user|>",
                                        "<|assistant|>",
                                        "<|system|>",
                                        "<|eot_id|>",
                                        "<|im_end|>",
                                        "<|start_header_id|>",
                                        "<|end_header_id|>",
                                        "<|im_start|>"};
  char *text = NULL, *next;
  rd_tokenizer *t;
  rd_error e = {0};
  text = rd_print("{%s,\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
                  "\"SpecialToken\":{\"id\":\"<s>\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[256]"
                  "}}},\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{",
                  pattern_json);
  for (unsigned b = 0, spare = 256; b < 256; b++) {
    bool printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
    unsigned point = printable ? b : spare++;
    next = rd_print("%s%s\"\\u%04X\":%u", text, b ? "," : "", point, b);
    free(text);
    text = next;
  }
  next = rd_print("%s}},\"added_tokens\":[", text);
  free(text);
  text = next;
  for (unsigned i = 0; i < sizeof special / sizeof *special; i++) {
    next = rd_print("%s%s{\"id\":%u,\"content\":\"%s\",\"special\":true}", text, i ? "," : "",
                    256 + i, special[i]);
    free(text);
    text = next;
  }
  next = rd_print("%s]}", text);
  free(text);
  if (rd_tokenizer_open_memory(&t, "tokenizer.json", next, strlen(next), &e) != RD_OK)
    fail_msg("%s", e.message);
  free(next);
  return t;
}

static const rd_message talk[] = {
    {"system", "Be kind."}, {"user", " Hi <s>\n"}, {"assistant", "Hello"}, {"user", "Bye"}};

static const struct render_row {
  const char *name;
  size_t first, count; /* of the talk */
  const char *text;
} render_rows[] = {
    {"plain", 1, 1, "<s> Hi <s>\n"},
    {"tini", 0, 4, "<|system|>Be kind.<|user|> Hi <s>\n<|assistant|>Hello<|user|>Bye<|assistant|>"},
    {"llama-2", 0, 4,
     "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi <s> [/INST] Hello <s>[INST] Bye [/INST]"},
    {"llama-3", 1, 1,
     "<s><|start_header_id|>user<|end_header_id|>\n\nHi <s><|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>\n\n"},
    {"llada", 3, 1,
     "<s><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>\n\n"},
    {"llama-3.1", 3, 1,
     "<s><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful assistant.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"llama-3.1", 0, 2,
     "<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHi <s><|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"lad-space", 3, 1,
     "<s>\n<|start_header_id|>system<|end_header_id|>\nYou are a helpful assistant.\n"
     "<|start_header_id|>user<|end_header_id|>\nBye\n"
     "<|start_header_id|>assistant<|end_header_id|>\n"},
    {"llama-3.1-dates", 3, 1,
     "<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
     "Today Date: 26 Jul "
     "2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"chatml", 2, 2,
     "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
     "<|im_start|>assistant\n"},
    {"qwen2", 3, 1,
     "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
     "<|im_start|>assistant\n"},
    {"qwen2.5", 0, 2,
     "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi <s>\n<|im_end|>\n"
     "<|im_start|>assistant\n"},
};

/* As a user chooses: a row, a file, or NULL for the model's own. */
static rd_chat_template *open_template(const rd_tokenizer *t, const char *name) {
  rd_chat_template *c;
  char *choice = NULL;
  rd_error e = {0};
  if (name && rd_chat_template_load(&choice, name, &e) != RD_OK)
    fail_msg("%s: %s", name, e.message);
  if (rd_chat_template_open(&c, t, choice, &e) != RD_OK)
    fail_msg("%s: %s", name ? name : "own", e.message);
  free(choice);
  return c;
}

static void test_render(void **state) {
  (void)state;
  rd_tokenizer *t = make();
  for (size_t i = 0; i < sizeof render_rows / sizeof *render_rows; i++) {
    const struct render_row *row = &render_rows[i];
    rd_chat_template *template = open_template(t, row->name);
    rd_error e = {0};
    int32_t *ids;
    size_t count, size, begins = 0;
    char *text;
    if (rd_chat_render(t, template, talk + row->first, row->count, &ids, &count, &e) != RD_OK)
      fail_msg("%s: %s", row->name, e.message);
    assert_int_equal(rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e), RD_OK);
    assert_string_equal(text, row->text);
    for (size_t k = 0; k < count; k++)
      begins += ids[k] == 256;
    /* the user's own "<s>" is text: only the template's are tokens */
    size_t expected = strncmp(row->text, "<s>", 3) == 0;
    expected += strstr(row->text, "Hello <s>[INST]") != NULL;
    assert_int_equal(begins, expected);
    free(ids);
    free(text);
    rd_chat_template_close(&template);
  }
  rd_tokenizer_close(&t);
}

/* The token behind an answer: special tokens of make() are 256 and on. */
static const struct end_row {
  const char *name;
  int32_t end;
} end_rows[] = {{"tini", 259}, /* make() has no EOS: the next header follows */
                {"llama-3", 261},
                {"chatml", 262},
                {"llada", 261},
                {"llama-3.1", 261},
                {"llama-3.1-dates", 261},
                {"lad-space", 263},
                {"qwen2", 262},
                {"qwen2.5", 262},
                {"llama-2", -1},
                /* an EOS, which make() has not */ {"plain", -1}};

static void test_ends(void **state) {
  (void)state;
  rd_tokenizer *t = make();
  for (size_t i = 0; i < sizeof end_rows / sizeof *end_rows; i++) {
    rd_chat_template *template = open_template(t, end_rows[i].name);
    assert_int_equal(rd_chat_template_end(template), end_rows[i].end);
    rd_chat_template_close(&template);
  }
  rd_tokenizer_close(&t);
}

/* White space that is a token, as in Gemma's vocabularies, ends no answer. */
static void test_blank_ends(void **state) {
  (void)state;
  static const char json[] =
      "{\"added_tokens\":[{\"id\":1,\"content\":\"\\n\\n\"},{\"id\":2,\"content\":\"\u2581\"},{"
      "\"id\":3,\"content\":\"<e>\"}],\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}";
  static const struct end_row turns[] = {{"{{ messages[1].content }}\n\n\u2581", -1},
                                         {"{{ messages[1].content }}\n\n<e>", 3}};
  rd_tokenizer *t;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_open_memory(&t, "tokenizer.json", json, strlen(json), &e), RD_OK);
  for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
    rd_chat_template *template = NULL;
    assert_int_equal(rd_chat_template_open(&template, t, turns[i].name, &e), RD_OK);
    assert_int_equal(rd_chat_template_end(template), turns[i].end);
    rd_chat_template_close(&template);
  }
  rd_tokenizer_close(&t);
}

/* Templates of files, on the tokenizer of make(), and the ids of what they render: bytes are their
 * own ids. */
static const struct file_row {
  const char *jinja;
  size_t first, count; /* of the talk */
  const char *text;
  size_t specials; /* how many of the ids are special tokens */
} file_rows[] = {
    {"{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{% endfor %}", 0,
     2, "<s><|system|>Be kind.<|user|>Hi <s>", 3},
    /* a token made of both: the template's brackets around a user's word */
    {"<|{{ messages[0].content }}|>{{ messages[0].content }}<|im_end|>", 3, 1,
     "<|Bye|>Bye<|im_end|>", 1},
    {"{{ messages[0].content ~ '<s>' }}{{ messages[0].content | replace('H', '<s>') | tojson }}", 1,
     1, " Hi <s>\n<s>\" <s>i <s>\\n\"", 2},
    {"{{ messages[0].content[4:7] }}{{ '<s>'[:2] ~ '>' }}{{ (messages[0].content | list)[4:7] | "
     "join }}",
     1, 1, "<s><s><s>", 1},
};

static void test_files(void **state) {
  (void)state;
  rd_tokenizer *t = make();
  char folder[64];
  temporary(folder, sizeof folder);
  const char *path = in(folder, "chat_template.jinja");
  for (size_t i = 0; i < sizeof file_rows / sizeof *file_rows; i++) {
    const struct file_row *row = &file_rows[i];
    rd_error e = {0};
    int32_t *ids;
    size_t count, size, specials = 0;
    char *text;
    write_bytes(path, row->jinja, strlen(row->jinja));
    rd_chat_template *template = open_template(t, path);
    if (rd_chat_render(t, template, talk + row->first, row->count, &ids, &count, &e) != RD_OK)
      fail_msg("%s: %s", row->jinja, e.message);
    assert_int_equal(rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e), RD_OK);
    assert_string_equal(text, row->text);
    for (size_t k = 0; k < count; k++)
      specials += ids[k] >= 256;
    assert_int_equal(specials, row->specials);
    free(ids);
    free(text);
    rd_chat_template_close(&template);
  }
  remove(path);
  rmdir(folder);
  rd_tokenizer_close(&t);
}

/* Special tokens that are found in normalised text, as LLaMA 2's: the template's are tokens beside
 * text of a user's, whose own are none. Ids as tokenizers (0.23.3) prints them. */
static void test_normalised(void **state) {
  (void)state;
  static const char json[] =
      "{\"normalizer\":%s,\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"merges\":[],"
      "\"vocab\":{\"<unk>\":0,\"<s>\":1,\"</s>\":2,\"\u2581\":3,\" "
      "\":10,\"h\":4,\"i\":5,\"<\":6,\">\":7,"
      "\"s\":8,\"\u226F\":9}},\"added_tokens\":["
      "{\"id\":1,\"content\":\"<s>\",\"special\":true,\"normalized\":true},"
      "{\"id\":2,\"content\":\"</s>\",\"special\":true,\"normalized\":true}]}";
#define MARKS                                                                                      \
  "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\u2581\"},{"        \
  "\"type\":"                                                                                      \
  "\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\u2581\"}]}"
  static const struct {
    const char *normalizer, *content;
    int32_t ids[12];
    size_t count;
  } rows[] = {
      {"null", "hi", {1, 4, 5, 10, 2}, 5},
      {"null", "<s>i", {1, 6, 8, 7, 5, 10, 2}, 7},
      {MARKS, "hi", {1, 4, 5, 2}, 4},
      {MARKS, "hi <s> <s>", {1, 4, 5, 3, 6, 8, 7, 3, 6, 8, 7, 2}, 12},
      {"{\"type\":\"Lowercase\"}", "H<S>", {1, 4, 6, 8, 7, 10, 2}, 7},
      /* what a user's mark changes of the template's is a token no more, nor is what follows */
      {"{\"type\":\"NFC\"}", "\u0338", {6, 8, 9, 10, 6, 0, 8, 7}, 8},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static const char jinja[] = "<s>{% for m in messages %}{{ m.content }}{% endfor %} </s>";
    const rd_message turn = {"user", rows[i].content};
    rd_tokenizer *t;
    rd_chat_template *template;
    rd_error e = {0};
    int32_t *ids = NULL;
    size_t count = 0;
    char *text = rd_print(json, rows[i].normalizer);
    if (rd_tokenizer_open_memory(&t, "tokenizer.json", text, strlen(text), &e) != RD_OK ||
        rd_chat_template_open(&template, t, jinja, &e) != RD_OK ||
        rd_chat_render(t, template, &turn, 1, &ids, &count, &e) != RD_OK)
      fail_msg("%s: %s", text, e.message);
    if (count != rows[i].count || memcmp(ids, rows[i].ids, count * sizeof *ids) != 0)
      fail_msg("row %zu: %zu ids, %d %d %d ..", i, count, ids[0], ids[1], ids[2]);
    assert_int_equal(rd_chat_template_end(template), 2);
    free(ids);
    free(text);
    rd_chat_template_close(&template);
    rd_tokenizer_close(&t);
  }
}

/* What tokenizer.json puts before a text counts, whatever tokenizer_config.json says. */
static void test_first_token(void **state) {
  (void)state;
  static const char template[] =
      "{\"post_processor\":%s,\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"<s>\":1},\"merges\":"
      "[]},\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true}]}";
  static const char *const processors[] = {
      "null", "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},{"
              "\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[1]}}}"};
  static const char *const names[] = {"tokenizer.json", "tokenizer_config.json"};
  for (int asked = 0; asked < 2; asked++)
    for (int i = 0; i < 2; i++) {
      char folder[64], config[80];
      rd_tokenizer *t;
      rd_error e = {0};
      temporary(folder, sizeof folder);
      char *json = rd_print(template, processors[i]);
      snprintf(config, sizeof config, "{\"bos_token\":\"<s>\",\"add_bos_token\":%s}",
               asked ? "true" : "false");
      write_bytes(in(folder, names[0]), json, strlen(json));
      write_bytes(in(folder, names[1]), config, strlen(config));
      if (rd_tokenizer_open(&t, folder, &e) != RD_OK)
        fail_msg("%s", e.message);
      assert_int_equal(rd_tokenizer_adds_bos(t), i == 1);
      assert_int_equal(rd_tokenizer_bos(t), 1);
      rd_tokenizer_close(&t);
      sweep(folder, names, 2);
      free(json);
    }
}

/* What a post-processor puts behind a text ends answers, and is not put behind a prompt. */
static void test_last_token(void **state) {
  (void)state;
  static const char template[] =
      "{\"post_processor\":%s,\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"<s>\":1,\"</s>\":2},"
      "\"merges\":[]}}";
#define TOKENS "\"special_tokens\":{\"<s>\":{\"ids\":[1]},\"</s>\":{\"ids\":[2]}}}"
  static const char *const processors[] = {
      "{\"type\":\"RobertaProcessing\",\"cls\":[\"<s>\",1],\"sep\":[\"</s>\",2]}",
      "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},{"
      "\"Sequence\":{"
      "\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"</s>\"}}]," TOKENS,
      "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},{"
      "\"SpecialToken\":{"
      "\"id\":\"</s>\"}}]," TOKENS};
#undef TOKENS
  for (size_t i = 0; i < sizeof processors / sizeof *processors; i++) {
    char *json = rd_print(template, processors[i]);
    rd_tokenizer *t;
    rd_error e = {0};
    size_t count = 0;
    if (rd_tokenizer_open_memory(&t, "tokenizer.json", json, strlen(json), &e) != RD_OK)
      fail_msg("%s: %s", json, e.message);
    const int32_t *eos = rd_tokenizer_eos(t, &count);
    assert_int_equal(count, 1);
    assert_int_equal(eos[0], 2);
    assert_int_equal(rd_tokenizer_adds_bos(t), i < 2);
    rd_tokenizer_close(&t);
    free(json);
  }
}

/* Templates of a folder: what they are told of the tokens that tokenizer_config.json names, which
 * one counts, and which cannot be rendered. Single quotes of the configurations stand for double
 * ones. */
static void test_folders(void **state) {
  (void)state;
  static const char json[] = "{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"B\":0,\"y\":"
                             "1,\"e\":2,\"D\":3,\"F\":4,"
                             "\"T\":5,\"[\":6,\"]\":7}}}";
  static const char *const names[] = {"tokenizer.json", "tokenizer_config.json",
                                      "chat_template.jinja"};
  static const char *const more = "additional_chat_templates",
                           *const usual = "additional_chat_templates/default.jinja";
#define SAYS "{{ messages[0].content }}"
  static const struct {
    const char *config, *file, *usual; /* templates of files; NULL: there is none */
    size_t file_size;
    const char *wanted, *says;
  } cases[] = {
      {"{'sep_token':'[','cls_token':{'content':']'},'chat_template':'{{ cls_token }}" SAYS
       "{{ sep_token }}'}",
       NULL, NULL, 0, "]Bye[", NULL},
      {"{'image_token':'[','extra_special_tokens':{'boi':']'},'chat_template':'{{ image_token "
       "}}" SAYS "{{ boi }}'}",
       NULL, NULL, 0, "[Bye]", NULL},
      {"{'chat_template':'T'}", "F" SAYS, NULL, 0, "FBye", NULL},
      {"{'chat_template':'T'}", "F" SAYS, "D" SAYS, 0, "DBye", NULL},
      {"{}", "F\0" SAYS, NULL, 4, NULL, "byte 1 is NUL"},
      {"{'chat_template':[{'name':'rag','template':'T'},{'name':'tool_use','template':'F'}]}", NULL,
       NULL, 0, NULL, "templates are rag, tool_use, and none"},
      {"{'chat_template':[{'name':'rag','template':'T'},{'name':'default','template':'D'}]}", NULL,
       NULL, 0, "D", NULL},
  };
#undef SAYS
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64], *config = strdup(cases[i].config), *text = NULL;
    rd_tokenizer *t = NULL;
    rd_chat_template *c = NULL;
    rd_error e = {0};
    int32_t *ids = NULL;
    size_t count, size;
    temporary(folder, sizeof folder);
    for (char *at = config; (at = strchr(at, '\''));)
      *at = '"';
    write_bytes(in(folder, names[0]), json, strlen(json));
    write_bytes(in(folder, names[1]), config, strlen(config));
    if (cases[i].file)
      write_bytes(in(folder, names[2]), cases[i].file,
                  cases[i].file_size ? cases[i].file_size : strlen(cases[i].file));
    assert_int_equal(mkdir(in(folder, more), 0700), 0);
    if (cases[i].usual)
      write_bytes(in(folder, usual), cases[i].usual, strlen(cases[i].usual));
    rd_code code = rd_tokenizer_open(&t, folder, &e);
    if (code == RD_OK)
      code = rd_chat_template_open(&c, t, NULL, &e);
    if (code == RD_OK)
      code = rd_chat_render(t, c, talk + 3, 1, &ids, &count, &e);
    if (code == RD_OK)
      code = rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e);
    if ((code == RD_OK) != (cases[i].wanted != NULL) ||
        (text ? strcmp(text, cases[i].wanted) != 0 : !strstr(e.message, cases[i].says)))
      fail_msg("%s: %s", cases[i].config, text ? text : e.message);
    free(text);
    free(ids);
    free(config);
    if (c)
      rd_chat_template_close(&c);
    rd_tokenizer_close(&t);
    remove(in(folder, usual));
    rmdir(in(folder, more));
    sweep(folder, names, 3);
  }
}

/* A model's own template opens, and its turn ends as the model's files say it ends. */
static const struct model_row {
  const char *path, *prompt;
} model_rows[] = {
    {RD_SOURCE_DIR "/models/tini", "<|user|>Bye<|assistant|>"},
    {RD_SOURCE_DIR "/../shared/data/tokenizers/qwen2.5",
     "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
     "<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"},
};

static void test_models(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof model_rows / sizeof *model_rows; i++) {
    rd_tokenizer *t;
    rd_error e = {0};
    int32_t *ids;
    size_t count, size;
    char *text;
    if (!rd_path_exists(model_rows[i].path)) {
      print_message("skipped: %s is not here\n", model_rows[i].path);
      continue;
    }
    assert_int_equal(rd_tokenizer_open(&t, model_rows[i].path, &e), RD_OK);
    rd_chat_template *template = open_template(t, NULL);
    assert_true(rd_tokenizer_is_eos(t, rd_chat_template_end(template)));
    assert_int_equal(rd_chat_render(t, template, talk + 3, 1, &ids, &count, &e), RD_OK);
    assert_int_equal(rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e), RD_OK);
    assert_string_equal(text, model_rows[i].prompt);
    free(ids);
    free(text);
    rd_chat_template_close(&template);
    rd_tokenizer_close(&t);
  }
}

/* The prompts of a real model's conversations, as transformers makes them. */
static void test_conversations(void **state) {
  (void)state;
  const char *folder = RD_SOURCE_DIR "/../shared/data/models/smollm2-135m-instruct";
  rd_tokenizer *t;
  rd_error e = {0};
  json_t *rows, *row, *message;
  size_t i, k;
  if (!rd_path_exists(folder)) {
    print_message("skipped: %s is not here\n", folder);
    skip();
  }
  assert_int_equal(rd_tokenizer_open(&t, in(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"), &e), RD_OK);
  assert_int_equal(rd_json_open(&rows, in(folder, "greedy.json"), &e), RD_OK);
  rd_chat_template *c = open_template(t, NULL);
  assert_int_equal(rd_chat_template_end(c), 2); /* <|im_end|> */
  json_array_foreach(rows, i, row) {
    const json_t *messages = json_object_get(row, "messages"),
                 *wanted = json_object_get(row, "prompt_ids");
    rd_message list[16];
    int32_t *ids;
    size_t count;
    assert_true(json_array_size(messages) <= 16);
    json_array_foreach(messages, k, message) {
      list[k] = (rd_message){json_string_value(json_object_get(message, "role")),
                             json_string_value(json_object_get(message, "content"))};
    }
    if (rd_chat_render(t, c, list, json_array_size(messages), &ids, &count, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(count, json_array_size(wanted));
    for (k = 0; k < count; k++)
      assert_int_equal(ids[k], json_integer_value(json_array_get(wanted, k)));
    free(ids);
  }
  json_decref(rows);
  rd_chat_template_close(&c);
  rd_tokenizer_close(&t);
}

/* Every row of the table is rendered above, and its end is known. */
static void test_walk(void **state) {
  (void)state;
  const char *name;
  for (size_t i = 0; (name = rd_table_name(&rd_chat_template_table, i)); i++) {
    bool rendered = false, ended = false;
    for (size_t k = 0; k < sizeof render_rows / sizeof *render_rows; k++)
      rendered = rendered || strcmp(render_rows[k].name, name) == 0;
    for (size_t k = 0; k < sizeof end_rows / sizeof *end_rows; k++)
      ended = ended || strcmp(end_rows[k].name, name) == 0;
    if (!rendered || !ended)
      fail_msg("chat template %s: add it to render_rows and end_rows", name);
  }
}

/* Conversations and templates that are refused, and what the message names. */
static const rd_message late[] = {{"user", "a"}, {"system", "b"}};
static const rd_message tool[] = {{"tool", "a"}};
static const struct refused_row {
  const char *name;
  const rd_message *messages;
  size_t count;
  const char *says;
} refused_rows[] = {{"plain", late, 2, "message 1 is a system message"},
                    {"chatml", tool, 1, "\"tool\""},
                    {"llama-3", late, 2, "only the first may be"}};

static void test_refusals(void **state) {
  (void)state;
  rd_tokenizer *t = make();
  rd_chat_template *c;
  rd_error e = {0};
  int32_t *ids;
  size_t count;
  char *choice;
  assert_int_equal(rd_chat_template_load(&choice, "nosuch", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "llama-2"));
  assert_int_equal(rd_chat_template_open(&c, t, "nosuch", &e), RD_USAGE);
  assert_null(c);
  assert_int_equal(rd_chat_template_open(&c, t, NULL, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "--chat-template"));
  for (size_t i = 0; i < sizeof refused_rows / sizeof *refused_rows; i++) {
    const struct refused_row *row = &refused_rows[i];
    c = open_template(t, row->name);
    assert_int_equal(rd_chat_render(t, c, row->messages, row->count, &ids, &count, &e),
                     RD_BAD_INPUT);
    assert_non_null(strstr(e.message, row->says));
    rd_chat_template_close(&c);
  }
  rd_tokenizer_close(&t);
  assert_int_equal(rd_tokenizer_open(&t, RD_SOURCE_DIR "/models/tini", &e), RD_OK);
  assert_int_equal(rd_chat_template_open(&c, t, "chatml", &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "<|im_start|>"));
  rd_tokenizer_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_walk),          cmocka_unit_test(test_render),
      cmocka_unit_test(test_ends),          cmocka_unit_test(test_blank_ends),
      cmocka_unit_test(test_normalised),    cmocka_unit_test(test_first_token),
      cmocka_unit_test(test_files),         cmocka_unit_test(test_models),
      cmocka_unit_test(test_folders),       cmocka_unit_test(test_last_token),
      cmocka_unit_test(test_conversations), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
