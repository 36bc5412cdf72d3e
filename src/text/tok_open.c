/* SPDX-License-Identifier: MIT */
/* Opening: which file of a folder holds the vocabulary, and which reader it gets. */
#include "file.h"
#include "model_folder.h"
#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

static rd_code read_joined_pairs(rd_tokenizer *t, rd_slice data, rd_error *e) {
  const char *nul = data.size ? memchr(data.data, '\0', data.size) : NULL;
  if (!nul)
    return rd_fail(e, RD_BAD_INPUT, "vocab.json, a NUL byte and merges.txt are expected");
  size_t first = (size_t)(nul - data.data);
  return rd_tok_read_pairs(t, (rd_slice){data.data, first},
                           (rd_slice){nul + 1, data.size - first - 1}, e);
}

static bool starts(rd_slice data, const char *bytes) {
  size_t size = strlen(bytes);
  return data.size >= size && memcmp(data.data, bytes, size) == 0;
}

static bool is_gguf(rd_slice data) {
  return starts(data, "GGUF");
}
static bool is_json(rd_slice data) {
  return starts(data, "{");
}
static bool is_spm(rd_slice data) {
  return starts(data, "\n");
}
static bool is_llama2c(rd_slice data) {
  return data.size > 4 && memchr(data.data, 0, 4);
}
static bool is_other(rd_slice data) {
  return data.size > 0;
}

static const struct format_row {
  const char *name;
  bool (*sniff)(rd_slice data); /* does a file of unknown name look like it? */
  rd_code (*read)(rd_tokenizer *t, rd_slice data, rd_error *e);
} formats[] = {
    {"tokenizer.json", is_json, rd_tok_read_json}, {"pairs", NULL, read_joined_pairs},
    {"sentencepiece", is_spm, rd_tok_read_spm},    {"gguf", is_gguf, rd_tok_read_gguf},
    {"llama2.c", is_llama2c, rd_tok_read_llama2c}, {"tiktoken", is_other, rd_tok_read_tiktoken},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const char *rd_tokenizer_format_name(size_t index) {
  return index < FORMATS ? formats[index].name : NULL;
}

rd_code rd_tokenizer_open_memory(rd_tokenizer **out, const char *format, const void *data,
                                 size_t size, rd_error *e) {
  *out = NULL;
  for (int i = 0; i < FORMATS; i++) {
    if (strcmp(formats[i].name, format) != 0)
      continue;
    RD_TRY(rd_tokenizer_new(out, formats[i].name, e));
    rd_code code = formats[i].read(*out, (rd_slice){data, size}, e);
    if (code == RD_OK)
      code = rd_tokenizer_seal(*out, e);
    if (code != RD_OK)
      rd_tokenizer_close(out);
    return code;
  }
  return rd_fail(e, RD_USAGE, "tokenizer format \"%s\" is not known", format);
}

static const struct format_row *format_of(rd_slice data) {
  for (int i = 0; i < FORMATS; i++)
    if (formats[i].sniff && formats[i].sniff(data))
      return &formats[i];
  return NULL;
}

/* vocab.json and merges.txt beside it. */
static rd_code read_two(rd_tokenizer *t, const char *folder, rd_error *e) {
  rd_map vocab = {0}, merges = {0};
  const rd_path first = rd_path_in(folder, "vocab.json"), second = rd_path_in(folder, "merges.txt");
  rd_code code = rd_map_open(&vocab, first.text, e);
  if (code == RD_OK)
    code = rd_map_open(&merges, second.text, e);
  if (code == RD_OK)
    code = rd_tok_read_pairs(t, (rd_slice){(const char *)vocab.data, vocab.size},
                             (rd_slice){(const char *)merges.data, merges.size}, e);
  rd_map_close(&vocab);
  rd_map_close(&merges);
  return code;
}

/* A file by what it holds. */
static rd_code read_one(rd_tokenizer *t, const char *path, rd_error *e) {
  rd_map map = {0};
  RD_TRY(rd_map_open(&map, path, e));
  rd_slice data = {(const char *)map.data, map.size};
  if (data.size > 3 && memcmp(data.data, "\xef\xbb\xbf{", 4) == 0) /* a byte order mark */
    data = (rd_slice){data.data + 3, data.size - 3};
  const struct format_row *row = format_of(data);
  rd_code code = row ? RD_OK : rd_fail(e, RD_BAD_INPUT, "the file is empty");
  if (row) {
    t->format = row->name;
    code = row->read(t, data, e);
  }
  rd_map_close(&map);
  return code;
}

static bool named(const char *path, const char *name) {
  const char *slash = strrchr(path, '/');
  return strcmp(slash ? slash + 1 : path, name) == 0;
}

/* The vocabulary's file in a folder: a new string. */
static rd_code find_file(char **out, const char *folder, rd_error *e) {
  RD_TRY(rd_model_folder_find(out, folder, RD_FILE_VOCABULARY, e));
  if (!*out)
    RD_TRY(rd_model_folder_gguf(out, folder, e));
  return *out ? RD_OK
              : rd_fail(e, RD_BAD_INPUT,
                        "no tokenizer in this folder: tokenizer.json, vocab.json with merges.txt, "
                        "tokenizer.model, tokenizer.bin or one GGUF file is needed");
}

static rd_code read_all(rd_tokenizer *t, const char *path, const char *folder, rd_error *e) {
  bool two = named(path, "vocab.json") || named(path, "merges.txt");
  RD_TRY(rd_tok_read_class(t, folder, e));
  if (two)
    t->format = "pairs";
  RD_TRY(two ? read_two(t, folder, e) : read_one(t, path, e));
  bool alone = strcmp(t->format, "gguf") == 0; /* states everything itself */
  if (!alone)
    RD_TRY(rd_tok_read_added(t, folder, e));
  RD_TRY(rd_tokenizer_seal(t, e));
  return alone ? RD_OK : rd_tok_read_settings(t, folder, e);
}

rd_code rd_tokenizer_open(rd_tokenizer **out, const char *path, rd_error *e) {
  *out = NULL;
  char *folder = rd_strdup(path, e);
  if (!folder)
    return RD_NO_MEMORY;
  char *file = NULL;
  rd_code code = RD_OK;
  if (rd_path_is_folder(path)) {
    code = find_file(&file, folder, e);
  } else {
    char *slash = strrchr(folder, '/');
    file = rd_strdup(path, e);
    code = file ? RD_OK : RD_NO_MEMORY;
    if (slash)
      slash[slash == folder] = '\0';
    else
      strcpy(folder, *folder ? "." : "");
  }
  if (code == RD_OK)
    code = rd_tokenizer_new(out, "", e);
  if (code == RD_OK)
    code = read_all(*out, file, folder, e);
  free(file);
  free(folder);
  if (code == RD_OK)
    return RD_OK;
  rd_tokenizer_close(out);
  return rd_prefix(e, code, "tokenizer %s", path);
}
