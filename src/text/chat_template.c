/* SPDX-License-Identifier: MIT */
/* A conversation becomes JSON, the template makes one text of it, and the text becomes ids at once,
 * so that words merge over the seams of the template as in the model's own rendering. Special
 * tokens are tokens only where every byte of them is the template's. */
#include "chat_template.h"

#include "file.h"
#include "jinja.h"
#include "tok_model.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

struct rd_chat_template {
  rd_jinja *jinja;
  rd_jinja *with_tools;   /* of conversations with tools; NULL: the same */
  const rd_chat_row *row; /* NULL: a template of the model's or of a file */
  rd_error refused;       /* why the model's own cannot be rendered; RD_OK where it can */
  bool takes_tools;       /* speaks of tools at all */
  int32_t end;
};

/* Roles as templates know them: they may stand within a special token, as in <|user|>. */
static const char *const roles[] = {"system",    "user",     "assistant", "tool",
                                    "developer", "function", "ipython",   NULL};

rd_code rd_chat_template_none(rd_error *e) {
  char *list = rd_table_names(&rd_chat_template_table, ", ", " or ");
  rd_fail(e, RD_UNSUPPORTED,
          "the model has no chat template: choose one with --chat-template (%s, or a Jinja file)",
          list ? list : "--help lists them");
  free(list);
  return RD_UNSUPPORTED;
}

rd_code rd_chat_template_load(char **out, const char *choice, rd_error *e) {
  *out = NULL;
  bool file = rd_path_exists(choice) && !rd_path_is_folder(choice);
  if (!rd_table_row(&rd_chat_template_table, choice) && file)
    return rd_template_read(out, choice, 1 << 20, e);
  if (!rd_table_find(&rd_chat_template_table, choice, e))
    return rd_prefix(e, RD_USAGE, "--chat-template, which is no file either");
  *out = rd_strdup(choice, e);
  return *out ? RD_OK : RD_NO_MEMORY;
}

/* Every special token the row writes must be one of the tokenizer's. */
static rd_code check_tokens(const rd_tokenizer *t, const rd_chat_row *row, rd_error *e) {
  for (const char *at = row->tokens; *at;) {
    size_t size = strcspn(at, " ");
    if (rd_added_id(&t->added, (rd_slice){at, size}) < 0)
      return rd_fail(e, RD_BAD_INPUT,
                     "chat template %s needs the token %.*s, which this tokenizer does not have; "
                     "--chat-template chooses another",
                     row->name, (int)size, at);
    at += size + (at[size] == ' ');
  }
  return RD_OK;
}

static rd_code open_row(rd_chat_template *c, const rd_tokenizer *t, const rd_chat_row *row,
                        rd_error *e) {
  c->row = row;
  RD_TRY(check_tokens(t, row, e));
  return rd_jinja_open(&c->jinja, row->jinja, strlen(row->jinja), e);
}

static rd_code open_choice(rd_chat_template *c, const rd_tokenizer *t, const char *choice,
                           rd_error *e) {
  const rd_chat_row *row = rd_table_row(&rd_chat_template_table, choice);
  if (row)
    return open_row(c, t, row, e);
  c->takes_tools = strstr(choice, "tools") != NULL;
  if (strstr(choice, "{{") || strstr(choice, "{%"))
    return rd_jinja_open(&c->jinja, choice, strlen(choice), e);
  (void)rd_table_find(&rd_chat_template_table, choice, e);
  return RD_USAGE;
}

static rd_code open_own(rd_chat_template *c, const rd_tokenizer *t, rd_error *e) {
  const char *text = rd_tokenizer_chat_template(t);
  if (!rd_tokenizer_has_template(t))
    return rd_chat_template_none(e);
  rd_code code = text
                   ? rd_jinja_open(&c->jinja, text, strlen(text), &c->refused)
                   : rd_fail(&c->refused, RD_UNSUPPORTED,
                             "the model's chat templates are %s, and none of them is \"default\"",
                             t->template_names);
  if (code == RD_NO_MEMORY)
    return rd_fail(e, code, "%s", c->refused.message);
  if (code != RD_OK)
    rd_prefix(&c->refused, code,
              "choose a template with --chat-template, or render none with --raw");
  c->takes_tools = text && strstr(text, "tools");
  const char *other = rd_tokenizer_tool_template(t);
  if (!other)
    return RD_OK;
  c->takes_tools = true;
  code = rd_jinja_open(&c->with_tools, other, strlen(other), e);
  return code == RD_OK ? code : rd_prefix(e, code, "the chat template tool_use");
}

/* {"bos_token": "<s>", ..}: special tokens as the tokenizer's own files name them; one that is no
 * text is not there. NULL: no memory. */
static json_t *own_variables(const rd_tokenizer *t, const rd_chat_row *row) {
  const bool all = row != NULL || !t->named.known;
  const struct token_row {
    const char *name;
    int32_t id;
  } rows[] = {{"bos_token", all ? t->bos : t->named.bos},
              {"eos_token", all ? (t->eos.size ? t->eos.data[0] : -1) : t->named.eos},
              {"pad_token", all ? t->pad : t->named.pad},
              {"unk_token", all ? t->unknown : t->named.unknown},
              {"mask_token", all ? t->mask : t->named.mask}};
  json_t *out = t->named.others ? json_copy(t->named.others) : json_object();
  bool good = out != NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows && good; i++)
    if (rows[i].id >= 0 && (size_t)rows[i].id < t->vocab.count) {
      const rd_slice text = rd_vocab_piece(&t->vocab, rows[i].id);
      if (rd_utf8_valid(text.data, text.size) == text.size)
        good = json_object_set_new(out, rows[i].name, json_stringn(text.data, text.size)) == 0;
    }
  if (row && good)
    good = json_object_set_new(out, "add_bos", json_boolean(t->add_bos)) == 0;
  if (good)
    return out;
  json_decref(out);
  return NULL;
}

static rd_code render(rd_rendered *out, const rd_tokenizer *t, const rd_chat_template *c,
                      const json_t *data, rd_error *e) {
  const rd_jinja *jinja = c->jinja;
  *out = (rd_rendered){0};
  if (c->with_tools && json_array_size(json_object_get(data, "tools")))
    jinja = c->with_tools;
  if (!jinja)
    return rd_fail(e, c->refused.code, "%s", c->refused.message);
  json_t *own = own_variables(t, c->row);
  const rd_jinja_input input = {data, own, "role", roles, NULL};
  rd_code code = own ? rd_jinja_render(out, jinja, &input, e)
                     : rd_fail(e, RD_NO_MEMORY, "out of memory: a conversation");
  json_decref(own);
  return code;
}

rd_code rd_chat_render_json(const rd_tokenizer *t, const rd_chat_template *c, const json_t *data,
                            int32_t **ids, size_t *id_count, rd_error *e) {
  rd_rendered text;
  *ids = NULL;
  *id_count = 0;
  RD_TRY(render(&text, t, c, data, e));
  rd_code code =
      rd_tokenizer_encode_marked(t, text.text, text.size, text.from_data, ids, id_count, e);
  rd_rendered_drop(&text);
  return code;
}

/* A conversation as templates see it: what is not there is none. */
static json_t *conversation(const rd_message *messages, size_t count, bool asks) {
  json_t *list = json_array();
  bool good = list != NULL;
  for (size_t i = 0; i < count && good; i++)
    good = json_array_append_new(list, json_pack("{s:s, s:s}", "role", messages[i].role, "content",
                                                 messages[i].content)) == 0;
  if (good)
    return json_pack("{s:o, s:b, s:n, s:n}", "messages", list, "add_generation_prompt", asks,
                     "tools", "documents");
  json_decref(list);
  return NULL;
}

rd_code rd_chat_render(const rd_tokenizer *t, const rd_chat_template *c, const rd_message *messages,
                       size_t count, int32_t **ids, size_t *id_count, rd_error *e) {
  *ids = NULL;
  *id_count = 0;
  for (size_t i = 0; i < count; i++) {
    RD_TRY(rd_utf8_check(messages[i].role, strlen(messages[i].role), "a role", e));
    RD_TRY(rd_utf8_check(messages[i].content, strlen(messages[i].content), "a message", e));
  }
  json_t *data = conversation(messages, count, true);
  if (!data)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a conversation of %zu messages", count);
  rd_code code = rd_chat_render_json(t, c, data, ids, id_count, e);
  json_decref(data);
  return code;
}

/* Is a token white space alone? Such a one stands between paragraphs of an answer too. */
static bool is_blank(const rd_tokenizer *t, int32_t id) {
  rd_slice text = {0};
  text.data = rd_tokenizer_piece(t, id, &text.size);
  while (text.size) {
    const rd_utf8 c = rd_utf8_read(text.data, text.size);
    if (c.kind != RD_UTF8_GOOD || !rd_utf8_space(c.point))
      return false;
    text = (rd_slice){text.data + c.size, text.size - c.size};
  }
  return true;
}

/* The token behind a turn of the assistant's, by rendering one. A conversation that the template
 * does not take, and a turn with no token behind it but white space, leave -1. */
static rd_code find_end(int32_t *end, const rd_tokenizer *t, const rd_chat_template *c,
                        rd_error *e) {
  static const char answer[] = "Yes, of course.";
  static const rd_message turns[] = {{"user", "Is it?"}, {"assistant", answer}};
  rd_added added = t->added; /* tokens of normalised text too, by how they are written */
  json_t *data = conversation(turns, 2, false);
  rd_rendered text = {0};
  rd_error refused = {0};
  added.named = 0;
  *end = -1;
  rd_code code = data ? render(&text, t, c, data, &refused) : RD_NO_MEMORY;
  if (code == RD_OK) {
    const char *at = strstr(text.text, answer);
    size_t from = at ? (size_t)(at - text.text) + strlen(answer) : text.size;
    rd_added_match m = {.end = from, .from = from};
    do
      m = rd_added_find(&added, (rd_slice){text.text, text.size}, m, text.from_data);
    while (m.id >= 0 && is_blank(t, m.id));
    *end = m.id;
  }
  rd_rendered_drop(&text);
  json_decref(data);
  return code == RD_NO_MEMORY ? rd_fail(e, code, "%s", data ? refused.message : "out of memory")
                              : RD_OK;
}

rd_code rd_chat_template_open(rd_chat_template **out, const rd_tokenizer *t, const char *choice,
                              rd_error *e) {
  *out = rd_calloc(1, sizeof **out, "a chat template", e);
  if (!*out)
    return RD_NO_MEMORY;
  rd_code code = choice ? open_choice(*out, t, choice, e) : open_own(*out, t, e);
  if (code == RD_OK)
    code = find_end(&(*out)->end, t, *out, e);
  if (code != RD_OK)
    rd_chat_template_close(out);
  return code;
}

void rd_chat_template_close(rd_chat_template **c) {
  if (!*c)
    return;
  rd_jinja_close(&(*c)->jinja);
  rd_jinja_close(&(*c)->with_tools);
  free(*c);
  *c = NULL;
}

int32_t rd_chat_template_end(const rd_chat_template *c) {
  return c->end;
}

bool rd_chat_template_takes_tools(const rd_chat_template *c) {
  return c->takes_tools;
}
