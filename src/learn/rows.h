/* SPDX-License-Identifier: MIT */
/* Rows of a JSONL file as a task wants them: bad ones are counted and named, and stop the reading
 * when they are more than a hundredth. */
#ifndef RD_ROWS_H
#define RD_ROWS_H

#include "error.h"
#include "json.h"

/* Is this what the task needs? RD_BAD_INPUT says what is wrong with it. */
typedef rd_code rd_row_check(const json_t *row, rd_error *e);

typedef struct rd_row_rules {
  rd_row_check *check;
  size_t limit;   /* good rows at most; 0: all */
  bool allow_bad; /* more than 1% bad rows are fine */
  /* Told of each bad row, the first 20 of them ("data.jsonl:12: ..."); may be NULL. */
  void (*note)(void *context, const char *message);
  void *context;
} rd_row_rules;

typedef struct rd_rows {
  json_t **items; /* (count) objects that passed the check; owned */
  size_t *lines;  /* (count) where they stand in the file, from 1 */
  size_t count, bad;
} rd_rows;

/* RD_BAD_INPUT: too many bad rows, or no good one. Blank lines are no rows. */
rd_code rd_rows_read(rd_rows *rows, const char *path, const rd_row_rules *rules, rd_error *e);
void rd_rows_drop(rd_rows *rows);

/* Tell rules.note of the nth row (from 1) with which something is wrong, the way bad ones are told:
 * "data.jsonl:12: why; outcome", and of no more than 20. */
void rd_row_note(const rd_row_rules *rules, const char *path, size_t line, size_t nth,
                 const char *why, const char *outcome);

/* A key that must hold text that is not blank. */
rd_code rd_row_text(const json_t *row, const char *key, const char **out, rd_error *e);
/* The same for what is asked: `prompt`, `question` or `query`. */
rd_code rd_row_prompt(const json_t *row, const char **out, rd_error *e);

#endif
