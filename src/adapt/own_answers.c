/* SPDX-License-Identifier: MIT */
/* Conversations of one or two turns, RD_TOGETHER at a time, in the order of their numbers: how many
 * lines there are says where to go on. */
#include "own_answers.h"

#include "asked.h"
#include "author.h"
#include "file.h"
#include "json.h"
#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELD_EVERY = 16, PROMPT_ROOM = 160, SELF_TOKENS = 40 };

int64_t rd_answers_window(const rd_adapt_settings *s, const rd_model *model) {
  int64_t window = 2 * s->tokens + PROMPT_ROOM, positions = model->config.positions;
  return window < positions ? window : positions;
}

/* --- files --------------------------------------------------------------------------------------
 */

typedef struct line_file {
  FILE *file;
  char *path;
  int64_t lines;
  char *first; /* what its first conversation begins with; NULL: it has none yet */
} line_file;

static const char *first_asked(const json_t *row) {
  const json_t *turn = json_array_get(json_object_get(row, "messages"), 0);
  return json_string_value(turn ? json_object_get(turn, "content")
                                : json_object_get(row, "prompt"));
}

static rd_code read_first(line_file *f, rd_error *e) {
  char *line = NULL;
  size_t room = 0;
  json_t *row = NULL;
  rewind(f->file);
  ssize_t size = getline(&line, &room, f->file);
  rd_code code = size > 0 ? rd_json_parse(&row, line, (size_t)size, f->path, e)
                          : rd_fail(e, RD_IO, "%s: %s", f->path, strerror(errno));
  const char *asked = first_asked(row);
  if (code == RD_OK)
    code = asked ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: line 1 has no prompt", f->path);
  if (code == RD_OK)
    code = (f->first = rd_strdup(asked, e)) ? RD_OK : RD_NO_MEMORY;
  json_decref(row);
  free(line);
  fseek(f->file, 0, SEEK_END);
  return code;
}

/* Open for appending behind the last whole line. */
static rd_code open_lines(line_file *f, const char *folder, const char *name, rd_error *e) {
  f->path = rd_path_join(folder, name);
  if (!f->path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the name of %s", name);
  f->file = fopen(f->path, "a+e");
  if (!f->file)
    return rd_fail(e, RD_IO, "%s: %s", f->path, strerror(errno));
  long whole = 0, at = 0;
  for (int c; (c = getc(f->file)) != EOF;) {
    at++;
    whole = c == '\n' ? at : whole;
    f->lines += c == '\n';
  }
  if (at > whole && ftruncate(fileno(f->file), whole) != 0)
    return rd_fail(e, RD_IO, "%s: %s", f->path, strerror(errno));
  return f->lines > 0 ? read_first(f, e) : RD_OK;
}

static void close_lines(line_file *f) {
  if (f->file)
    fclose(f->file);
  free(f->path);
  free(f->first);
}

static rd_code put_line(line_file *f, json_t *row, rd_error *e) {
  char *text = row ? rd_json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
  json_decref(row);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  bool written = fprintf(f->file, "%s\n", text) > 0 && fflush(f->file) == 0;
  free(text);
  f->lines++;
  return written ? RD_OK : rd_fail(e, RD_IO, "%s: %s", f->path, strerror(errno));
}

/* --- conversations ------------------------------------------------------------------------------
 */

typedef struct conversation {
  char *asked, *answer, *second; /* the second answer */
  const char *then;
  bool finished; /* the last answer */
} conversation;

typedef struct writer {
  const rd_adapt_settings *settings;
  const rd_model *model;
  const rd_adapt_watch *watch;
  rd_asked asked;
  rd_author author, asker; /* the asker: of questions that the model writes itself */
  int32_t *header;         /* (header_count) ids before a user's words */
  int64_t header_count;
  line_file answers, held;
  int64_t skipped;
} writer;

static bool asks_itself(const rd_adapt_settings *s) {
  return strcmp(s->prompts, "self") == 0;
}

/* What stands before a user's words, whatever they are: two prompts are alike so far. */
static rd_code find_header(writer *w, rd_error *e) {
  static const rd_message ones[] = {{"user", "A"}}, others[] = {{"user", "7"}};
  int32_t *other = NULL;
  int64_t count = 0, other_count = 0;
  rd_code code = rd_model_prompt(&w->header, &count, w->model, ones, 1, false, e);
  if (code == RD_OK)
    code = rd_model_prompt(&other, &other_count, w->model, others, 1, false, e);
  if (code == RD_OK) {
    int64_t least = count < other_count ? count : other_count;
    while (w->header_count < least && w->header[w->header_count] == other[w->header_count])
      w->header_count++;
  }
  free(other);
  if (code == RD_OK && (w->header_count == 0 || w->header_count == count))
    return rd_fail(e, RD_USAGE,
                   "--prompts self: this chat template has no place where a user's words begin");
  return code;
}

/* Numbers first .. first + count - 1 of what is asked. */
static rd_code ask(writer *w, conversation *c, size_t count, int64_t first, rd_error *e) {
  uint64_t seed = (uint64_t)w->settings->seed;
  rd_authored texts[RD_TOGETHER] = {0};
  for (size_t i = 0; i < count; i++)
    texts[i] = (rd_authored){.prompt = w->header,
                             .prompt_count = w->header_count,
                             .seed = w->settings->seed + first + (int64_t)i};
  rd_code code = w->header ? rd_author_write(&w->asker, texts, count, w->watch->stop, e) : RD_OK;
  for (size_t i = 0; i < count; i++) {
    int64_t number = first + (int64_t)i;
    bool good = texts[i].finished && !rd_prompt_blank(texts[i].text);
    c[i].asked = good ? texts[i].text : rd_asked_at(&w->asked, seed, number);
    c[i].then = rd_asked_then(seed, number);
    if (!good)
      free(texts[i].text);
    if (code == RD_OK && !c[i].asked)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: a prompt");
  }
  return code;
}

/* One turn of the conversations that have it. */
static rd_code answer(writer *w, conversation *c, size_t count, int64_t first, bool second,
                      rd_error *e) {
  rd_authored texts[RD_TOGETHER] = {0};
  conversation *whose[RD_TOGETHER];
  size_t n = 0;
  rd_code code = RD_OK;
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    const rd_message turns[] = {
        {"user", c[i].asked}, {"assistant", c[i].answer}, {"user", c[i].then}};
    if (second && (!c[i].then || !c[i].answer || !c[i].finished))
      continue;
    texts[n].seed = w->settings->seed + first + (int64_t)i;
    code = rd_model_prompt(&texts[n].prompt, &texts[n].prompt_count, w->model, turns,
                           second ? 3 : 1, false, e);
    whose[n++] = &c[i];
  }
  if (code == RD_OK && n > 0)
    code = rd_author_write(&w->author, texts, n, w->watch->stop, e);
  for (size_t i = 0; i < n; i++) {
    free(texts[i].prompt);
    *(second ? &whose[i]->second : &whose[i]->answer) = texts[i].text;
    if (!second || texts[i].text) /* without room for a second, the first is as it was */
      whose[i]->finished = texts[i].finished;
  }
  return code;
}

static json_t *row_of(const conversation *c) {
  json_t *row = json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "messages", "role", "user", "content",
                          c->asked, "role", "assistant", "content", c->answer);
  json_t *turns = json_object_get(row, "messages");
  if (c->second) {
    json_array_append_new(turns, json_pack("{s:s,s:s}", "role", "user", "content", c->then));
    json_array_append_new(turns, json_pack("{s:s,s:s}", "role", "assistant", "content", c->second));
  }
  if (!c->finished)
    json_object_set_new(row, "finish_reason", json_string("length"));
  return row;
}

/* The file of a prompt's conversations. A prompt has one alone, so that nothing is validated on
 * that was learnt: the first one is held out and the next other one is not, so that neither file is
 * empty; of the rest what they hash to decides. The files' first lines say what these two were. */
static rd_code file_of(line_file **out, writer *w, const char *asked, rd_error *e) {
  line_file *const files[] = {&w->held, &w->answers};
  for (size_t i = 0; i < 2; i++) {
    *out = files[i];
    if (files[i]->first && strcmp(files[i]->first, asked) == 0)
      return RD_OK;
  }
  for (size_t i = 0; i < 2; i++) {
    *out = files[i];
    if (!files[i]->first)
      return (files[i]->first = rd_strdup(asked, e)) ? RD_OK : RD_NO_MEMORY;
  }
  const uint64_t hash = rd_hash_more(RD_HASH_NONE, asked, strlen(asked));
  *out = (hash ^ hash >> 32) % HELD_EVERY == 0 ? &w->held : &w->answers;
  return RD_OK;
}

/* An answer without a word teaches nothing, and is no row of the trainer's: it keeps its line, so
 * that lines can be counted. */
static rd_code keep(writer *w, conversation *c, rd_error *e) {
  line_file *file = NULL;
  RD_TRY(file_of(&file, w, c->asked, e));
  if (c->second && rd_prompt_blank(c->second)) {
    free(c->second);
    c->second = NULL;
    c->finished = true;
  }
  bool blank = !c->answer || rd_prompt_blank(c->answer);
  w->skipped += blank;
  json_t *row = blank ? json_pack("{s:s,s:s}", "prompt", c->asked, "answer", "-") : row_of(c);
  if (blank && row)
    json_object_set_new(row, "finish_reason", json_string("length"));
  return put_line(file, row, e);
}

static void drop(conversation *c, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(c[i].asked);
    free(c[i].answer);
    free(c[i].second);
  }
}

static rd_code write_some(writer *w, int64_t first, size_t count, rd_error *e) {
  conversation c[RD_TOGETHER] = {0};
  rd_code code = ask(w, c, count, first, e);
  if (code == RD_OK)
    code = answer(w, c, count, first, false, e);
  if (code == RD_OK)
    code = answer(w, c, count, first, true, e);
  for (size_t i = 0; i < count && code == RD_OK; i++)
    code = keep(w, &c[i], e);
  drop(c, count);
  return code;
}

rd_code rd_answers_asked(rd_asked *asked, const rd_adapt_settings *s, rd_error *e) {
  return strcmp(s->prompts, "built-in") == 0 || asks_itself(s)
           ? RD_OK
           : rd_asked_read(asked, s->prompts, e);
}

static rd_code open_writer(writer *w, rd_error *e) {
  const rd_adapt_settings *s = w->settings;
  int64_t window = rd_answers_window(s, w->model);
  RD_TRY(rd_answers_asked(&w->asked, s, e));
  RD_TRY(open_lines(&w->answers, s->out, RD_ANSWERS_FILE, e));
  RD_TRY(open_lines(&w->held, s->out, RD_HELD_FILE, e));
  RD_TRY(rd_author_open(&w->author, w->model, s->tokens, s->temperature, window, e));
  if (!asks_itself(s))
    return RD_OK;
  RD_TRY(find_header(w, e));
  return rd_author_open(&w->asker, w->model, SELF_TOKENS, 1, window, e);
}

static rd_code write_all(writer *w, rd_error *e) {
  const rd_adapt_watch *watch = w->watch;
  int64_t of = w->settings->answers;
  RD_TRY(open_writer(w, e));
  for (int64_t done; (done = w->answers.lines + w->held.lines) < of;) {
    int64_t left = of - done;
    RD_TRY(write_some(w, done, (size_t)(left < RD_TOGETHER ? left : RD_TOGETHER), e));
    if (watch->answered)
      watch->answered(watch->context, w->answers.lines + w->held.lines, of);
  }
  return w->answers.lines > 0
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "%s: all %lld conversations begin alike, and nothing is left to learn from "
                     "beside what is held out: take other --prompts",
                     w->held.path, (long long)of);
}

rd_code rd_answers_write(const rd_adapt_settings *s, const rd_model *model,
                         const rd_adapt_watch *watch, rd_error *e) {
  writer w = {.settings = s, .model = model, .watch = watch};
  rd_code code = write_all(&w, e);
  rd_author_close(&w.author);
  rd_author_close(&w.asker);
  rd_asked_drop(&w.asked);
  free(w.header);
  close_lines(&w.answers);
  close_lines(&w.held);
  return code;
}
