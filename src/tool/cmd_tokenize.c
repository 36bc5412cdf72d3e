/* SPDX-License-Identifier: MIT */
/* redraft tokenize: text to token ids and back, of an argument or of the whole standard input. */
#include "frame.h"
#include "tok_bytes.h"
#include "tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  bool decode, lines, bos, special;
} settings;

static const rd_option rows[] = {
    {"decode", RD_OPTION_AT(settings, decode), .group = "Tokens",
     .help = "from ids (with spaces or commas between) to text, byte for byte"},
    {"lines", RD_OPTION_AT(settings, lines), .group = "Tokens", .help = "each line on its own"},
    {"bos", RD_OPTION_AT(settings, bos), .group = "Tokens", .help = "put the BOS token first"},
    {"special", RD_OPTION_AT(settings, special), .fallback = "true", .group = "Tokens",
     .help = "special tokens written in the text are those tokens; --no-special: plain text"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_tokenize_parts[] = {{&own_rows, 0},
                                            {&rd_path_rows, offsetof(settings, common)},
                                            {&rd_program_rows, offsetof(settings, common)},
                                            {NULL, 0}};

/* One text, or one list of ids, to standard output; `newline` closes it. */
typedef rd_code (*job)(const settings *s, const rd_tokenizer *t, rd_slice text, bool newline,
                       rd_error *e);

static rd_code print_json(json_t *object, rd_error *e) {
  int failed = object ? json_dumpf(object, stdout, JSON_COMPACT) : -1;
  json_decref(object);
  (void)putchar('\n');
  return failed ? rd_fail(e, RD_IO, "cannot write JSON") : RD_OK;
}

/* {"ids": [..], "pieces": [..]}; pieces that are part of a character show U+FFFD. */
static rd_code ids_json(const rd_tokenizer *t, const int32_t *ids, size_t count, rd_error *e) {
  json_t *list = json_array(), *pieces = json_array();
  rd_bytes text = {0};
  rd_code code = RD_OK;
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    rd_slice piece;
    piece.data = rd_tokenizer_piece(t, ids[i], &piece.size);
    text.size = 0;
    code = rd_utf8_replace(piece, &text, e);
    json_array_append_new(list, json_integer(ids[i]));
    json_array_append_new(pieces, json_stringn(text.data ? text.data : "", text.size));
  }
  rd_bytes_drop(&text);
  json_t *object = json_pack("{s:o,s:o}", "ids", list, "pieces", pieces);
  if (code == RD_OK)
    return print_json(object, e);
  json_decref(object);
  return code;
}

static rd_code encode(const settings *s, const rd_tokenizer *t, rd_slice text, bool newline,
                      rd_error *e) {
  int32_t *ids;
  size_t count;
  unsigned flags = (s->bos ? RD_TOK_BOS : 0U) | (s->special ? RD_TOK_SPECIAL : 0U);
  (void)newline; /* a list of ids is always a line */
  RD_TRY(rd_tokenizer_encode(t, text.data, text.size, flags, &ids, &count, e));
  rd_code code = RD_OK;
  if (s->common.json) {
    code = ids_json(t, ids, count, e);
  } else {
    for (size_t i = 0; i < count; i++)
      printf("%s%d", i ? " " : "", ids[i]);
    (void)putchar('\n');
  }
  free(ids);
  return code;
}

/* Ids with white space or commas between; brackets of a JSON list may stand around. */
static rd_code read_ids(const char *text, rd_ids *ids, rd_error *e) {
  static const char between[] = " \t\r\n,[]";
  for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
    char *end;
    errno = 0;
    long id = strtol(at, &end, 10);
    if (end == at || errno || id < 0 || id > INT32_MAX || (*end && !strchr(between, *end)))
      return rd_fail(e, RD_BAD_INPUT, "--decode: token ids expected, found \"%.20s\"", at);
    RD_TRY(rd_ids_add(ids, (int32_t)id, e));
    at = end;
  }
  return RD_OK;
}

static rd_code decode(const settings *s, const rd_tokenizer *t, rd_slice text, bool newline,
                      rd_error *e) {
  rd_ids ids = {0};
  rd_bytes copy = {0};
  char *made = NULL;
  size_t size = 0;
  unsigned flags = s->common.json ? RD_TOK_REPLACE : 0U;
  rd_code code = rd_bytes_add(&copy, text.data, text.size, e);
  if (code == RD_OK)
    code = rd_bytes_add(&copy, "", 1, e);
  if (code == RD_OK)
    code = read_ids(copy.data, &ids, e);
  if (code == RD_OK)
    code = rd_tokenizer_decode(t, ids.data, ids.size, flags, &made, &size, e);
  if (code == RD_OK && s->common.json) {
    code = print_json(json_pack("{s:o}", "text", json_stringn(made, size)), e);
  } else if (code == RD_OK) {
    (void)fwrite(made, 1, size, stdout);
    if (newline)
      (void)putchar('\n');
  }
  free(made);
  rd_ids_drop(&ids);
  rd_bytes_drop(&copy);
  return code;
}

static rd_code read_input(rd_bytes *out, rd_error *e) {
  char part[1 << 16];
  size_t size;
  while ((size = fread(part, 1, sizeof part, stdin)) > 0)
    RD_TRY(rd_bytes_add(out, part, size, e));
  return ferror(stdin) ? rd_fail(e, RD_IO, "standard input: %s", strerror(errno)) : RD_OK;
}

static rd_code run(const settings *s, const rd_tokenizer *t, rd_slice text, rd_error *e) {
  job work = s->decode ? decode : encode;
  if (!s->lines)
    return work(s, t, text, false, e);
  for (size_t number = 1; text.size; number++) {
    const char *end = memchr(text.data, '\n', text.size);
    rd_slice line = {text.data, end ? (size_t)(end - text.data) : text.size};
    rd_code code = work(s, t, line, true, e);
    if (code != RD_OK)
      return rd_prefix(e, code, "line %zu", number);
    text = (rd_slice){text.data + line.size + (end != NULL), text.size - line.size - (end != NULL)};
  }
  return RD_OK;
}

static rd_code open_tokenizer(rd_tokenizer **t, const rd_common *common, rd_error *e) {
  char *path = NULL;
  RD_TRY(rd_tool_model_path(&path, NULL, common, e));
  rd_code code = rd_tokenizer_open(t, path, e);
  free(path);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  const settings *s = context;
  rd_tokenizer *t = NULL;
  rd_bytes input = {0};
  if (!names[0] && isatty(STDIN_FILENO))
    return rd_fail(e, RD_USAGE, "no %s: give %s as an argument, or on standard input",
                   s->decode ? "ids" : "text", s->decode ? "them" : "it");
  if (s->decode)
    RD_TRY(rd_tool_refuse(&s->common, "bos special", "to --decode: it is for text", e));
  rd_code code = open_tokenizer(&t, &s->common, e);
  if (code == RD_OK && !names[0])
    code = read_input(&input, e);
  if (code == RD_OK)
    code = run(s, t, names[0] ? rd_slice_text(names[0]) : rd_slice_of(&input), e);
  rd_tokenizer_close(&t);
  rd_bytes_drop(&input);
  return code;
}

rd_code rd_cmd_tokenize(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 1, argc, argv, work, e);
}
