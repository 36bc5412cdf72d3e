/* SPDX-License-Identifier: MIT */
/* Rows of a file: read one after another, bad ones counted, named and left out, and the reading
 * stopped when they are more than a hundredth. */
#ifndef RD_ROWS_H
#define RD_ROWS_H

#include "error.h"
#include "json.h"

/* Is this what the task needs? RD_BAD_INPUT says what is wrong with it. */
typedef rd_code rd_row_check(const json_t *row, rd_error *e);

typedef struct rd_row_rules {
  rd_row_check *check; /* of rd_rows_read */
  size_t limit;        /* good rows at most; 0: all */
  bool allow_bad;      /* more than 1% bad rows are fine */
  /* "prompt=Question,answer=Best reply": these keys are read from those of the file; NULL: each is
   * called what it is. `found` (or NULL): bits of those that a row had are set. */
  const char *columns;
  unsigned long long *found;
  /* Where the file is a table without names, or plain lines: the names of a row's parts, comma
   * separated; and how many lines of plain text are a row's parts, one each (0: it is a table). */
  const char *header;
  size_t lines;
  /* Make of a row what the task knows, before it is checked; or NULL. */
  rd_code (*mend)(json_t *row, rd_error *e);
  /* Told of each bad row, the first 20 of them ("data.jsonl:12: ..."); may be NULL. */
  void (*note)(void *context, const char *message);
  void *context;
} rd_row_rules;

/* A file whose rows are being judged. */
typedef struct rd_row_count {
  const char *path;
  size_t good, bad;
} rd_row_count;

/* Is given one row; RD_BAD_INPUT says what is wrong with it. */
typedef rd_code rd_row_sink(void *context, const json_t *row, size_t line, rd_error *e);

/* What a zstd file holds, as *text and *size; *unpacked is to be freed, and NULL where the content
 * is none. RD_BAD_INPUT: damaged, or more than a GiB. */
rd_code rd_rows_unpack(const char *path, const char **text, size_t *size, char **unpacked,
                       rd_error *e);
/* Step over a byte order mark. RD_BAD_INPUT where the content is no text (Parquet, archives,
 * UTF-16,
 * ..), with the kind's name and how to make rows of it. */
rd_code rd_rows_plain(const char *path, const char **text, size_t *size, rd_error *e);
/* RD_USAGE: not of the form that `columns` above has, a key that no reader knows, or one twice.
 * NULL is fine. */
rd_code rd_row_columns_check(const char *columns, rd_error *e);
/* Call the row's keys what readers call them. Of those that say the same as one that is named (what
 * was asked, what was answered) it alone stays. */
rd_code rd_row_columns_put(json_t *row, const char *columns, unsigned long long *found,
                           rd_error *e);
/* RD_USAGE: of these columns one was in no row. */
rd_code rd_row_columns_found(const char *columns, unsigned long long found, rd_error *e);
/* Does the name end so (".csv"), whether the file is packed (.zst) or not? */
bool rd_rows_end_in(const char *path, const char *end);
/* Is a file of this name read row by row (.jsonl, .json, .csv, .tsv, or such a name and .zst)? */
bool rd_rows_named(const char *path);
/* Give every row of plain text to `sink`, as an object; judge each. A row is a line that the header
 * names the columns of, where the path ends in .csv or .tsv; an element, where the text is one JSON
 * array; else a line of JSON. */
rd_code rd_rows_each(rd_row_count *count, const char *text, size_t size, const rd_row_rules *rules,
                     rd_row_sink *sink, void *context, rd_error *e);
/* Count the row at `line`, of which taking it said `code` and `why`: a bad one is named; another
 * failure is returned, with its place. */
rd_code rd_row_judge(rd_row_count *count, const rd_row_rules *rules, size_t line, rd_code code,
                     const rd_error *why, rd_error *e);
/* After the last row. RD_BAD_INPUT: too many bad rows, or none at all. */
rd_code rd_rows_finish(const rd_row_count *count, const rd_row_rules *rules, rd_error *e);

typedef struct rd_rows {
  json_t **items; /* (count) objects that passed the check; owned */
  size_t *lines;  /* (count) where they stand in the file, from 1 */
  size_t count, bad;
} rd_rows;

/* A whole file of rows. RD_BAD_INPUT: too many bad rows, or no good one. */
rd_code rd_rows_read(rd_rows *rows, const char *path, const rd_row_rules *rules, rd_error *e);
void rd_rows_drop(rd_rows *rows);
/* Forget the rows that do not fit; they count with the bad ones. */
void rd_rows_keep(rd_rows *rows, const bool *fits);

/* Tell rules.note of the nth row (from 1) with which something is wrong, the way bad ones are told:
 * "data.jsonl:12: why; outcome", and of no more than 20. */
void rd_row_note(const rd_row_rules *rules, const char *path, size_t line, size_t nth,
                 const char *why, const char *outcome);

/* Does the text hold nothing but white space? */
bool rd_text_blank(const char *text, size_t size);
/* A key that must hold text that is not blank. */
rd_code rd_row_text(const json_t *row, const char *key, const char **out, rd_error *e);
/* The same for what is asked: `prompt`, `question`, `query` or `context`. */
rd_code rd_row_prompt(const json_t *row, const char **out, rd_error *e);
/* The answer of that number from 0, of several right ones perhaps: `answer`, `answers`,
 * `completion`, `response`, `output` or `continuation`, each text, a list of texts, {"text": [..]}
 * as SQuAD's, or
 * {"value": .., "aliases": [..]} as TriviaQA's. *out is NULL behind the last one; number 0 is
 * always there. */
rd_code rd_row_answer(const json_t *row, size_t number, const char **out, rd_error *e);

#endif
