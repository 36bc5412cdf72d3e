/* SPDX-License-Identifier: MIT */
/* redraft.h: the public interface and its manual.
 *
 * redraft writes text by refining a whole draft at once until it converges. A model (rd_model) is
 * opened once, is read-only afterwards and may be shared by threads. A session (rd_session) holds
 * the working memory of one generation at a time and belongs to one thread; only rd_session_cancel
 * may be called from others. A whole program (examples/hello.c does a little more):
 *
 *   rd_error e;
 *   rd_model *model;
 *   rd_session *session;
 *   rd_result result;
 *   if (rd_model_load(&model, "models/tini", NULL, &e) ||
 *       rd_session_open(&session, model, "lad", &e) ||
 *       rd_session_set(session, "iterations", "16", &e) ||
 *       rd_generate(session, "What's the capital of France?", NULL, NULL, &result, &e))
 *     return puts(e.message);
 *   puts(result.text);
 *
 * Functions return RD_OK or a code, with one message in `e` (which may be NULL). What a function
 * opens is closed by its _close, what it fills by its _drop; both accept NULL and what failed.
 * Other pointers are NULL only where that is said, or where what they point at has no elements:
 * one that a function with an `e` reads is refused by its name, with RD_USAGE. */
#ifndef REDRAFT_H
#define REDRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RD_API __attribute__((visibility("default")))

/* What went wrong, in kinds: tools map them to exit and HTTP statuses (error.h has the table). */
typedef enum rd_code {
  RD_OK = 0,
  RD_USAGE = 1,       /* an option or argument that makes no sense */
  RD_BAD_INPUT = 2,   /* a file or request whose content is wrong */
  RD_IO = 3,          /* the operating system refused: open, read, write, disk full */
  RD_NO_MEMORY = 4,   /* an allocation failed */
  RD_UNSUPPORTED = 5, /* well-formed, but not something this build knows */
  RD_CANCELLED = 6,   /* the caller asked to stop */
  RD_BUSY = 7,        /* a limit is reached: try later */
  RD_NUMERIC = 8,     /* NaN or infinity where numbers were due */
} rd_code;

/* One message, written by the first place that failed; callers may prefix context. */
typedef struct rd_error {
  rd_code code;
  char message[1000];
} rd_error;

/* The library's version, "0.1.0". Never NULL; static storage. */
RD_API const char *rd_version(void);

/* --- models ------------------------------------------------------------------------------------
 */

typedef struct rd_model rd_model;

/* Open a Hugging Face folder, a file of weights in one, or a .gguf file, with the PEFT adapter in
 * the folder `adapter`. NULL: with the one in the model's own folder adapter/, where there is one;
 * "none": without any. On failure *out is NULL. RD_BAD_INPUT and RD_IO name file and place. */
RD_API rd_code rd_model_load(rd_model **out, const char *path, const char *adapter, rd_error *e);
/* Give a model back; no session may be using it. *model becomes NULL. */
RD_API void rd_model_close(rd_model **model);
/* What the model's files ask for and is not done, or is done in another way: a line for each, each
 * with its end; "" where there is nothing to say. A new string, freed with free(); NULL: no memory.
 */
RD_API char *rd_model_remarks(const rd_model *model);

/* --- words and scores --------------------------------------------------------------------------
 */

typedef struct rd_message {
  const char *role, *content; /* "system", "user", "assistant" */
} rd_message;

/* Rows of the output matrix: ids are below this number. */
RD_API int64_t rd_model_vocab(const rd_model *model);
/* Positions that a canvas may have, prompt and answer together. */
RD_API int64_t rd_model_positions(const rd_model *model);
/* Does a sampler from left to right write with it where none is named? */
RD_API bool rd_model_causal(const rd_model *model);
/* The id that ends an answer; -1: the files name none. */
RD_API int32_t rd_model_eos(const rd_model *model);
/* Token ids of a text of `size` bytes, in which special tokens may be written: a new array, freed
 * with free(). RD_USAGE: the model's files hold no tokenizer. */
RD_API rd_code rd_model_encode(const rd_model *model, const char *text, size_t size, int32_t **ids,
                               int64_t *count, rd_error *e);
/* The same of a conversation in the model's chat template, ready to be answered. */
RD_API rd_code rd_model_encode_messages(const rd_model *model, const rd_message *messages, size_t n,
                                        int32_t **ids, int64_t *count, rd_error *e);
/* The text of ids: new, with a NUL behind its `size` bytes. RD_BAD_INPUT: an id that there is not.
 */
RD_API rd_code rd_model_decode(const rd_model *model, const int32_t *ids, int64_t count,
                               char **text, size_t *size, rd_error *e);
/* One pass over `ids` (count); its logits are written to `out` (count, rd_model_vocab), which is
 * the caller's. `attention`: "causal", "bidirectional", "block:N", or NULL: as the model reads.
 * `gate`: the first id for which an adapter with a gate counts; -1: for none, all rows are the
 * base's own. RD_NUMERIC: scores that are no numbers, and the tensor that is to blame. */
RD_API rd_code rd_model_logits(const rd_model *model, const int32_t *ids, int64_t count,
                               const char *attention, int64_t gate, float *out, rd_error *e);

/* An answer whose likelihood is asked for: `ids` (count) of which the first `prompt` are given. */
typedef struct rd_scored {
  const int32_t *ids;
  int64_t prompt, count; /* 1 <= prompt < count */
  double nats;           /* to be filled: log p(answer | prompt) */
  bool greedy;           /* to be filled: would the best token at each place give it? With draws:
                            false */
} rd_scored;

/* How likely are `answers` (n)? With draws 0 from left to right, exactly; with more by that many
 * draws of masks for each answer, as denoisers are measured (an answer so short that all its masks
 * are no more is computed exactly). The draws depend on the seed and on the answer's number alone.
 * RD_USAGE: longer than the model's positions. RD_BAD_INPUT: draws, and no mask token. */
RD_API rd_code rd_model_likelihoods(const rd_model *model, rd_scored *answers, size_t n,
                                    int64_t draws, uint64_t seed, rd_error *e);

/* --- watching ----------------------------------------------------------------------------------
 */

typedef enum rd_event_kind {
  RD_EVENT_START, /* once, first */
  RD_EVENT_NOISE, /* masks were put in: iteration 0 the initial noise, i what was put on draft i */
  RD_EVENT_DRAFT, /* a pass was made and its draft stands: iterations from 1 */
  RD_EVENT_DONE,  /* once, last, unless an error ended it */
} rd_event_kind;

struct rd_speller; /* how ids become text: see rd_event_text */

/* What happened. Pointers are valid during the call only. ids and positions are those of the answer
 * region, positions from 0. Members not named for a kind are 0. */
typedef struct rd_event {
  rd_event_kind kind;
  /* start */
  const char *model, *sampler;
  uint64_t seed;
  int64_t window, iterations;
  const int32_t *prompt_ids; /* (prompt_count) */
  int64_t prompt_count;
  const int32_t *eos_ids; /* (eos_count) those that end an answer */
  int64_t eos_count;
  /* noise, draft, done */
  int64_t iteration;       /* done: how many drafts were made */
  const int32_t *ids;      /* (count) the region; done: the answer alone */
  int64_t count;           /* done: the answer's tokens */
  const float *confidence; /* draft: (count) probability of each token when it was chosen */
  const int32_t *masked;   /* noise: (masked_count) positions masked now */
  int64_t masked_count;
  const int32_t *changed; /* draft: (changed_count) positions that differ from the draft before */
  int64_t changed_count;
  /* noise, draft: what the options keep and retention settled so far */
  const int32_t *retained; /* (retained_count) not masked again; their tokens may change */
  int64_t retained_count;
  const int32_t *locked; /* (locked_count) their tokens stay too */
  int64_t locked_count;
  /* done */
  int64_t passes;
  /* draft and done, where the base checks what is drafted: of this pass, or of all */
  int64_t drafted, accepted, rejected; /* places that the adapter drafted; those of them that the
                                          base writes itself, and those that it does not */
  int64_t sure;        /* draft: leading places that are the base's own: they stay */
  const char *stopped; /* "converged": the draft does not change any more (patience; nothing left to
                          fill; EOS for ar). "iterations", "deadline", "cancelled". */
  double seconds;
  bool converged; /* false: the draft was still changing, or masks were left: do not trust it */
  const char *warning; /* what to know before trusting the answer, in words; NULL: nothing */
  /* for rd_event_text and rd_event_piece */
  const struct rd_speller *speller;
} rd_event;

/* Called on the session's thread for every event; the session itself is busy meanwhile (RD_BUSY),
 * other sessions are not. Returning other than RD_OK ends the generation
 * with that code; RD_CANCELLED ends it as rd_session_cancel does. */
typedef rd_code rd_observer(void *context, const rd_event *event);

/* The text of a draft or of the answer: up to the first EOS, without masks. A new string, freed
 * with free(); NULL when memory is out. */
RD_API char *rd_event_text(const rd_event *event);
/* The text of one token; a character that several tokens make stands with the first of them, and
 * the others have "". A new string, NULL when memory is out. */
RD_API char *rd_event_piece(const rd_event *event, int64_t position);

/* --- generating --------------------------------------------------------------------------------
 */

typedef struct rd_session rd_session;

typedef struct rd_result {
  char *text;   /* the answer, UTF-8 */
  int32_t *ids; /* (tokens) */
  int64_t tokens, iterations, passes;
  const char *stopped; /* as in rd_event */
  double seconds;
  uint64_t seed;     /* the one used: the same seed gives the same answer */
  bool converged;    /* as in rd_event */
  char warning[400]; /* as in rd_event; "": nothing */
} rd_result;

/* A session on `model` (which must outlive it) with the defaults of `sampler`. NULL: the sampler
 * that the model's files name; else what its family is published with; from left to right ("ar")
 * where it was never trained to refine drafts; else "lad". RD_USAGE lists the samplers. */
RD_API rd_code rd_session_open(rd_session **out, rd_model *model, const char *sampler, rd_error *e);
/* Set an option by its name on the command line ("top-k", "3"); NULL: back to its default, as if it
 * had not been set. RD_USAGE: unknown, out of range.
 * Options without meaning for the sampler are refused when generating. RD_BUSY: it is writing. */
RD_API rd_code rd_session_set(rd_session *session, const char *name, const char *value,
                              rd_error *e);
/* All options as JSON, a new string: an array of {"name", "kind" ("flag", "int", "real", "choice",
 * "text"), "default", "min", "max", "choices", "group", "help"}. NULL when memory is out. */
RD_API char *rd_session_options(void);
/* Answer `prompt` (UTF-8; set in the model's chat template, or as it is where it has none).
 * `observer` may be NULL. *result is to be dropped; on failure it is empty. RD_CANCELLED after
 * rd_session_cancel or when the observer says so: then *result holds the last draft, marked
 * "cancelled" unless it had ended already. RD_BUSY: the session is writing another answer. */
RD_API rd_code rd_generate(rd_session *session, const char *prompt, rd_observer *observer,
                           void *context, rd_result *result, rd_error *e);
/* The same for a conversation. RD_USAGE: it has no messages. */
RD_API rd_code rd_generate_messages(rd_session *session, const rd_message *messages, size_t count,
                                    rd_observer *observer, void *context, rd_result *result,
                                    rd_error *e);
/* The same for a prompt that is ids already (count): nothing is laid around them. A model that was
 * made so continues them from left to right, unless a sampler was asked for. */
RD_API rd_code rd_generate_ids(rd_session *session, const int32_t *ids, int64_t count,
                               rd_observer *observer, void *context, rd_result *result,
                               rd_error *e);
RD_API void rd_result_drop(rd_result *result);
/* Ask a running generation to stop at its next iteration; safe from any thread and from a signal
 * handler. Asked before one starts, it stops that one at once. */
RD_API void rd_session_cancel(rd_session *session);
RD_API void rd_session_close(rd_session **session);

#ifdef __cplusplus
}
#endif
#endif
