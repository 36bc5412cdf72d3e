/* SPDX-License-Identifier: MIT */
/* What a training run is told: option rows for the plain keys (YAML and command line alike), a
 * nested `init` mapping with rows of its own, and lists of data files with weights. */
#ifndef RD_SETTINGS_H
#define RD_SETTINGS_H

#include "examples.h"
#include "option.h"

#define RD_MOST_SEED 9007199254740992 /* 2^53: beyond it a double has gaps */

/* The architecture of a model trained from nothing. */
typedef struct rd_train_init {
  int64_t width, layers, heads, kv_heads, head_dim, ff, positions;
  double norm_eps, rope_theta;
  bool tied;
  char *tokenizer;
} rd_train_init;

/* What is trained. */
typedef struct rd_trainable {
  const char *name;
  bool all; /* every weight; else low-rank factors */
} rd_trainable;

/* How much EOS stands behind an answer. */
typedef struct rd_pad {
  const char *name;
  bool to_window; /* all up to the window; else a log-uniform number, ... */
  bool small;     /* ... in most examples a small one */
} rd_pad;

/* What becomes of rows that are longer than the window. */
typedef struct rd_long_rows {
  const char *name;
  bool truncate; /* cut; else left out */
} rd_long_rows;

/* Which answers of a conversation are learnt. */
typedef struct rd_turns {
  const char *name;
  bool last; /* one alone */
} rd_turns;

/* Where an adapter counts. */
typedef struct rd_gate_choice {
  const char *name;
  bool answer; /* in answers alone: prompts are the base's own */
} rd_gate_choice;

extern const rd_table rd_gate_table;
extern const rd_table rd_trainable_table, rd_pad_table, rd_long_rows_table, rd_turns_table;

typedef struct rd_train_settings {
  char *model, *adapter, *out, *data, *validation;
  char *gate, *objective, *loss_on, *trainable, *lora_targets, *schedule, *precision, *pad,
      *long_rows;
  char *columns, *turns;
  char *engine; /* of step.h; NULL: the first that this machine can run */
  int64_t lora_rank, draft_top_k, window, batch, accumulate, updates, warmup, seed, threads;
  int64_t validate_every, validate_rows, checkpoint_every, keep, log_every;
  char *block_lengths;
  double align, branches, lora_alpha, epochs, learning_rate, weight_decay, clip, beta1, beta2,
      held_out, mask_all, mix_answers, stutter, first_wrong, own_drafts, draft_temperature,
      draft_drawn;
  bool block_shift, train_norms, eos_padding_loss, recompute, allow_bad, resume, overwrite, dry_run,
      quiet, json;
  rd_prompt_choice prompt;
  bool has_init;
  rd_train_init init;
  rd_data_sources sources, validation_sources; /* what `data` and `validation` say */
} rd_train_settings;

/* The rows of rd_train_settings, and those of rd_train_init. */
extern const rd_option_part rd_train_parts[], rd_train_init_parts[];

/* All defaults. The struct must be zeroed before the first call. */
rd_code rd_train_settings_default(rd_train_settings *s, rd_error *e);
void rd_train_settings_drop(rd_train_settings *s);
/* Take the keys of a configuration. Unknown ones are RD_USAGE naming the nearest known one. */
rd_code rd_train_settings_read(rd_train_settings *s, const json_t *object, rd_error *e);
/* One "key=value": keys of the rows, and "init.KEY". */
rd_code rd_train_settings_set(rd_train_settings *s, const char *assignment, rd_error *e);
/* The share of the examples that a corruption gets by the key of its name; 0: there is no such key.
 */
double rd_train_settings_share(const rd_train_settings *s, const char *corruption);
/* Are all weights trained? */
bool rd_train_settings_all(const rd_train_settings *s);
/* After the last change: parse the data lists and check what single rows cannot. */
rd_code rd_train_settings_finish(rd_train_settings *s, rd_error *e);
/* All keys with their values (the resolved configuration), but for those that say how one start
 * treats its folder and its terminal (resume, overwrite, dry_run, json, quiet). New reference; NULL
 * when memory is out. */
json_t *rd_train_settings_json(const rd_train_settings *s);
/* The same as YAML text, freed by the caller; NULL when memory is out. */
char *rd_train_settings_yaml(const rd_train_settings *s);
/* A run may be resumed only with the settings that its numbers depend on: compares against the
 * resolved configuration of the checkpoint and names the first key that differs. */
rd_code rd_train_settings_same(const rd_train_settings *s, const json_t *before, rd_error *e);

#endif
