/* SPDX-License-Identifier: MIT */
/* Training examples: rows of JSONL and text files, read and tokenised once at the start and kept as
 * ids in one pool. Bad rows are counted and named, not fatal up to a limit. */
#ifndef RD_EXAMPLES_H
#define RD_EXAMPLES_H

#include "prompt.h"

/* One data file; `weight` is how often each of its rows is seen in an epoch, on average. */
typedef struct rd_data_source {
  char *path;
  double weight;
} rd_data_source;

typedef struct rd_data_sources {
  rd_data_source *items; /* (count) */
  size_t count;
} rd_data_sources;

/* A growing list of ids. */
typedef struct rd_id_list {
  int32_t *data; /* (count) */
  size_t count, capacity;
} rd_id_list;
rd_code rd_id_list_add(rd_id_list *list, const int32_t *ids, size_t count, rd_error *e);

/* What turns text into ids: a tokenizer with its chat template, or a test's stand-in. */
typedef struct rd_text_coder {
  const void *context;
  /* Append the ids of plain text; special tokens written in it are text. */
  rd_code (*text)(const void *context, const char *text, size_t size, rd_id_list *ids, rd_error *e);
  /* Append the ids of a conversation up to where the assistant's answer begins. */
  rd_code (*prompt)(const void *context, const rd_message *turns, size_t count, rd_id_list *ids,
                    rd_error *e);
  int32_t eos;
} rd_text_coder;
/* A coder over a model's tokenizer and template; `prompter` is borrowed. RD_BAD_INPUT: no EOS. */
rd_code rd_text_coder_of(rd_text_coder *coder, const rd_prompter *prompter, rd_error *e);

/* pool[offset ..]: `prompt` ids, `answer` ids, then EOS, or the next piece of a cut document. */
typedef struct rd_example {
  int64_t offset;
  int32_t prompt, answer;
  int32_t said, said_count; /* spans of the prompt that are earlier answers, from said[] on */
  bool open;                /* cut off: what follows is not EOS */
  bool later;               /* of the same row as the example before it */
} rd_example;

/* Ids first .. end - 1 of a prompt: an earlier answer and the token that closes it. */
typedef struct rd_said {
  int32_t first, end;
} rd_said;

/* What a file's rows became. */
typedef struct rd_file_report {
  const char *path;    /* the source's */
  uint64_t size, hash; /* bytes; FNV-1a of the content */
  int64_t rows, bad, too_long, examples, ids;
} rd_file_report;

typedef struct rd_examples {
  rd_example *items; /* (count) */
  float *weights;    /* (count) */
  int64_t count;
  size_t capacity;
  int32_t *pool; /* (pool_count) */
  size_t pool_count;
  rd_said *said; /* (said_count) of all examples in turn */
  size_t said_count, said_capacity;
  rd_id_list list;         /* the pool's storage */
  rd_file_report *reports; /* (report_count) one per source */
  size_t report_count;
} rd_examples;

typedef struct rd_read_rules {
  int64_t window;
  bool room_for_eos;   /* denoising: an answer needs one EOS behind it within the window */
  bool truncate;       /* long rows are cut, else dropped */
  bool take_cut;       /* answers that break off ("finish_reason": "length") are learnt without an
                          end behind them, else dropped as too long */
  bool find_answers;   /* fill `said`: a row is one example of its last answer that counts, its
                          earlier ones are found or it is bad */
  bool allow_bad;      /* more than 1% bad rows are fine */
  bool last_turn;      /* of a conversation's answers only the last is an example, else each */
  const char *columns; /* as of rd_row_rules, and `found` */
  unsigned long long *found;
  /* Told of each bad row, the first 20 of a file ("data.jsonl:12: ..."); may be NULL. */
  void (*note)(void *context, const char *message);
  void *context;
} rd_read_rules;

/* Read all sources. A row is a conversation ({"messages"} of role and content, {"conversations"} of
 * from and value), {"instruction", "input", "output"}, a question with an answer ({"prompt",
 * "question" or "query"; "answer", "completion", "response" or "chosen"}), or {"text"};
 * doc/COMMANDS.md has all forms. A file not called .jsonl, .json, .csv or .tsv is text, documents
 * ended by lines
 * <|endoftext|>. RD_BAD_INPUT when more than 1% of a file's rows are bad. */
rd_code rd_examples_read(rd_examples *x, const rd_data_sources *sources, const rd_text_coder *coder,
                         const rd_read_rules *rules, rd_error *e);
/* Put a share of the examples, drawn by `seed` (those of one row together; of a long document its
 * end), about `most` at most, into `held` (which shares pool and `said` of `x`: drop it with
 * rd_examples_drop_held) and out of `x`, which keeps some. */
rd_code rd_examples_hold_out(rd_examples *x, rd_examples *held, double share, int64_t most,
                             uint64_t seed, rd_error *e);
/* Is id i of the example's prompt an earlier answer's? */
bool rd_example_said(const rd_examples *x, const rd_example *example, int64_t i);
void rd_examples_drop(rd_examples *x);
void rd_examples_drop_held(rd_examples *held);
#endif
