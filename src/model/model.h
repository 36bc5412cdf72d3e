/* SPDX-License-Identifier: MIT */
/* A model opened for use: configuration, weights, tokenizer, chat template, adapter. Read-only
 * after opening, so that threads may share it. */
#ifndef RD_MODEL_H
#define RD_MODEL_H

#include "config.h"
#include "factors.h"
#include "prompt.h"
#include "remembered.h"
#include "weights.h"

typedef struct rd_model_options {
  const char *path;      /* a folder or a file: model_file.h */
  const char *adapter;   /* a PEFT folder, or NULL */
  const char *precision; /* a row's name (precision.h); NULL: auto */
  const char *engine;    /* what runs it: a row's name (engine.h); NULL: the first that is able */
  rd_adapter_use use;    /* of the adapter */
  bool halves;           /* rotated heads have their pairs in halves, as folders do, also where a
                            GGUF has them side by side: what training writes */
  bool apart;            /* bind weights.plain, as a gated adapter does */
  const char *chat_template; /* a row's name, a Jinja file, or NULL: the model's own */
  const char *mask_token;    /* a word to use as mask, or NULL: from the model's own files */
  const char *system;        /* system message of conversations without one, or NULL */
  rd_weights_made *made;     /* told as matrices are made that are not used in place; or NULL */
  void *context;             /* of it */
} rd_model_options;

typedef struct rd_precision rd_precision; /* precision.h: what products run in */

struct rd_model {
  rd_config config;
  rd_weights weights;
  rd_weights plain;              /* what weights.plain is, where it is set */
  bool adapted;                  /* weights have an adapter */
  const rd_precision *precision; /* never auto; NULL: trained from nothing */
  const char *precision_why;     /* a few words */
  char *engine;                  /* as asked for; NULL: the first that is able */
  rd_tokenizer *tokenizer;       /* NULL: the files hold none */
  int32_t *wordless;             /* (wordless_count): rows for which the tokenizer has no token */
  int64_t wordless_count;
  rd_chat_template *chat_template; /* NULL: none; render raw or ask for one */
  char *system;                    /* of conversations that have none; or NULL */
  rd_remembered remembered;        /* what was chosen, by an option or when it was trained */
  bool head_apart; /* the settings tie the head; the file stores one, which counts */
  const struct rd_sampler_head *sampler_head; /* of the adapter (sampler_head.h); or NULL */
  char *name;                                 /* last part of the path */
  int64_t tight, loose;            /* matrices in 12 bits; such as would not fit (tighten.h) */
  size_t file_bytes, memory_bytes; /* mapped; allocated at opening */
  struct rd_model_store *store;    /* what close gives back: maps, arena, ... */
  struct rd_words_shelf *shelf;    /* the words of the tokenizer, for forms of answers */
};
typedef struct rd_model rd_model;

/* Open; on failure *out is NULL and e names the file, the tensor or the key, and what was expected.
 */
rd_code rd_model_open(rd_model **out, const rd_model_options *options, rd_error *e);
/* random.c: a model of this configuration with random weights (normal, sd 0.02, norms 1) made in
 * memory, without a tokenizer: for measuring. `precision` as in the options; q4: as if a file had
 * random blocks of Q4_0. */
rd_code rd_model_random(rd_model **out, const rd_config *config, const char *precision,
                        uint64_t seed, rd_error *e);
void rd_model_close(rd_model **model);

/* How the model is sampled where nothing is named; NULL: as LAD's models are. An adapter makes a
 * denoiser of its own of a model. */
const struct rd_preference *rd_model_preference(const rd_model *m);
/* The folder `adapter` in a model's folder, where it holds a PEFT adapter: what belongs to the
 * model and is opened with it unless the user says otherwise. A new string, or NULL for none. */
rd_code rd_model_adapter_beside(char **out, const char *path, rd_error *e);
/* Was it trained to refine drafts? So say its files; where they are silent, a model from left to
 * right is so only with an adapter. */
bool rd_model_denoises(const rd_model *model);

/* What lays out this model's prompts: borrows from it. */
static inline rd_prompter rd_model_prompter(const rd_model *m) {
  return (rd_prompter){m->name, m->tokenizer, m->chat_template, m->system};
}
/* rd_prompt_encode for this model. */
static inline rd_code rd_model_prompt(int32_t **ids, int64_t *count, const rd_model *m,
                                      const rd_message *messages, size_t n, bool raw, rd_error *e) {
  const rd_prompter prompter = rd_model_prompter(m);
  return rd_prompt_encode(ids, count, &prompter, messages, n, raw, e);
}

#endif
