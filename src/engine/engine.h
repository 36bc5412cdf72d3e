/* SPDX-License-Identifier: MIT */
/* An engine runs a model: needs in, proposals out. Above this line nobody sees a tensor.
 *
 * A need speaks of one canvas, by positions. What an engine remembers of a canvas between passes is
 * a lane: keys and values by position, with the ids that they were computed from. A need says which
 * range is to be computed; every other position that is looked at is read from the lane, as it was
 * left there.
 *
 *   rd_engine *engine;
 *   RD_TRY(rd_engine_open(&engine, NULL, model, rows, longest, e));
 *   rd_code code = engine->propose(engine, needs, n, e);
 *   rd_engine_close(&engine);
 *
 * An engine belongs to one thread at a time; lanes may be opened and closed by others meanwhile. */
#ifndef RD_ENGINE_H
#define RD_ENGINE_H

#include "model.h"
#include "pace.h"
#include "propose.h"
#include "row_query.h"
#include "table.h"

typedef struct rd_engine rd_engine;

/* What a position sees: everything, nothing behind itself, or (N > 1) nothing behind its block of
 * N. As in rd_config.block. */
enum { RD_BIDIRECTIONAL = 0, RD_CAUSAL = 1 };

/* What an engine remembers of one canvas. Engines put it first in their own. */
typedef struct rd_lane {
  rd_engine *engine;
  int64_t positions;       /* of room */
  int32_t *ids;            /* (positions) the id that a position was computed from; -1: not known */
  const rd_config *config; /* the model's, or NULL: positions are positions */
  bool beyond; /* computed in sequences whose length their angles go by (rd_rope_by_length) */
} rd_lane;

/* A position whose token is wanted. */
typedef struct rd_wanted {
  int64_t position;          /* of the canvas */
  rd_propose_row draw;       /* rule and counters of the choice; not for scores */
  const uint64_t *allowed;   /* (ceil(V / 64)) bits of the ids that may be chosen; NULL: all */
  const rd_row_query *query; /* how likely words are, of all that may be chosen without `allowed`;
                                or NULL. Not for scores */
  double base_weight;        /* where a row of what the base reads predicts it: that row's share of
                                its logits. 0: the canvas's alone; 1: the reading's alone */
} rd_wanted;

/* Called with the logits (V) that a proposal was drawn from, for wanted[index]. */
typedef void rd_see_row(void *context, int64_t index, const float *logits,
                        const rd_proposal *proposal);

/* Called once wanted[0 .. index) have their proposals: the word that stands before the place of
 * wanted[index] then, to be told to the row's sampler head; -1: none is. */
typedef int32_t rd_word_before(void *context, int64_t index);

/* Words ahead of a canvas whose last words are not settled, in the pass that settles them. Behind
 * each of its last `count` positions stands a branch: `masks` rows that have the adapter, see what
 * is clean up to that position and one another, and are remembered by nobody. Of the branches the
 * one behind the last word that stands proposes, that is the first position whose wanted word is
 * not the one of the canvas: its first row the word behind the wanted one, and so on. */
typedef struct rd_branches {
  int64_t count, masks;
  const int32_t *ids;  /* (masks) that stand in a branch's rows: the mask, as often */
  rd_propose_row draw; /* of the first word of the first branch; both counters rise by one with each
                          position */
  rd_proposal *out;    /* (masks) to be filled by propose */
  int64_t taken;       /* set by propose: the branch that they are of */
} rd_branches;

/* What a pass must compute of one canvas. */
typedef struct rd_need {
  rd_lane *lane;         /* or NULL: nothing is remembered */
  const int32_t *canvas; /* (length) all of it, always */
  int64_t length;
  int64_t first, end; /* to be computed; others that are seen must be known to the lane */
  /* The adapter counts from this position on; 0: everywhere. Positions before it are the base's own
   * and causal, and what a lane knows; those behind it have the attention below, and are computed
   * at every pass. */
  int64_t gated;
  int64_t attention; /* RD_BIDIRECTIONAL, RD_CAUSAL, or N: blocks of N positions */
  /* Where each place of the canvas has its position in the text; NULL: there. For attention that
   * looks back, without gate, guidance or branches: places are seen in their order, and turned by
   * their positions. A lane knows what stands in its own place, up to the first that does not. */
  const int32_t *positions; /* (length) or NULL */
  int64_t origin;           /* blocks are counted from this position, forwards and backwards */
  bool led; /* positions before the origin see none behind themselves, and what is computed
               from it on counts for this pass alone */
  /* Rows from this position on that look back have the bits that they have one at a time, however
   * many are computed; 0: those that a pass over many gives. Needs a lane. */
  int64_t stepwise;
  bool shift;              /* the row before a position predicts it */
  const int32_t *unguided; /* (length) the canvas without its prompt, for guidance; or NULL */
  rd_lane *unguided_lane;  /* its own lane, where the other has one */
  double guidance;         /* logits = u + (guidance + 1) (c - u) */
  /* The base's reading of a draft, for a gate without guidance: the rows [read_first, read_end) of
   * `read` (length) are computed without the adapter and look back alone; logits of a wanted
   * position that one of them predicts are 1 - its base_weight times the canvas's and base_weight
   * times that row's. What lies before read_first is known to read_lane, or to `lane` by the same
   * ids, from which it is copied. */
  const int32_t *read; /* or NULL */
  rd_lane *read_lane;
  int64_t read_first, read_end;
  const rd_wanted *wanted; /* (count) rising; their rows lie in [first, end), but for those that are
                              the reading's alone, which may come before, rising too */
  int64_t count;
  rd_proposal *out; /* (count) to be filled by propose */
  /* Or NULL. With them all of the canvas is before the gate, there is a lane with room for what
   * stands ahead, and what is wanted are the words behind the last positions, one for each branch.
   */
  rd_branches *branches;
  rd_word_before *before; /* or NULL. For rows that are no pair; an engine may leave it unasked */
  rd_see_row *see;        /* of propose, from the first wanted position to the last; or NULL */
  void *context;          /* of both */
} rd_need;

/* Called with logits (count, V) of wanted[first .. first + count) of needs[need]; may write into
 * them. A need comes in one piece or in several, first to last. */
typedef rd_code rd_scores_sink(void *context, int64_t need, int64_t first, int64_t count,
                               float *logits, rd_error *e);

/* Called with the state (D) behind the last norm of the row that wanted[index] of needs[need] is
 * made of. */
typedef rd_code rd_states_sink(void *context, int64_t need, int64_t index, const float *state,
                               rd_error *e);

struct rd_engine {
  rd_pace pace; /* what drafting in passes that check has been worth, one answer after the other */
  /* Fill needs[i].out for all i; more than fit in a pass are run in several. A need's results do
   * not depend on the others, but for rounding where the engine's row says so. Never allocates.
   * After an error the ranges of the needs' lanes are forgotten. RD_USAGE: a need that fits in no
   * pass, or that sees what its lane does not know. RD_UNSUPPORTED: a gate in front of an adapter
   * that was opened without one. RD_NUMERIC: scores that are no numbers. */
  rd_code (*propose)(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e);
  /* The logits themselves, before any rule: eval and `logits` look at them. */
  rd_code (*scores)(rd_engine *self, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                    void *context, rd_error *e);
  /* The states that scores are made of, of needs without guidance; NULL: this engine gives none. */
  rd_code (*states)(rd_engine *self, const rd_need *needs, int64_t n, rd_states_sink *sink,
                    void *context, rd_error *e);
  /* Room for a canvas of `positions`; nothing is known yet. Closed before its engine. */
  rd_code (*lane_open)(rd_engine *self, rd_lane **out, int64_t positions, rd_error *e);
  void (*lane_close)(rd_lane *lane);
  /* Passes of `rows` positions from now on, if they were of fewer; lanes stay. RD_NO_MEMORY leaves
   * it as it was. NULL: what it was opened for must do. */
  rd_code (*widen)(rd_engine *self, int64_t rows, rd_error *e);
  void (*close)(rd_engine *self);
};

/* A row of the table of engines. */
typedef struct rd_engine_kind {
  const char *name, *help;
  bool (*able)(void); /* can this machine run it? */
  bool asked;         /* it is taken only where it is named */
  bool device;        /* its memory and its speed are not the processor's */
  bool rounds;        /* the last bits of a row depend on how many share its pass */
  rd_code (*open)(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                  rd_error *e);
  size_t (*memory)(const rd_model *model, int64_t rows, int64_t longest);
  /* Lay weights out as it runs them fastest; or NULL. */
  rd_code (*lay_out)(rd_model *model, rd_weights_made *made, void *context, rd_error *e);
} rd_engine_kind;

extern const rd_engine_kind rd_engines[];
extern const size_t rd_engine_count;
extern const rd_table rd_engine_table; /* the same */

/* For passes of at most `rows` positions together (guided ones count twice) and canvases of at most
 * `longest`; `name` NULL: what the model was opened for, and where that is nothing the first row
 * that is able and knows the model's arithmetic. The model is borrowed. Uses the number of threads
 * set when it is opened. RD_USAGE lists the engines; RD_UNSUPPORTED: not on this machine, or not
 * this model; RD_NO_MEMORY: the device has less than it takes. */
rd_code rd_engine_open(rd_engine **out, const char *name, const rd_model *model, int64_t rows,
                       int64_t longest, rd_error *e);
void rd_engine_close(rd_engine **engine);
/* For who opens a model to run it, and for nothing else: lay its weights out for the engine that
 * rd_engine_open(NULL) takes, before that. Results keep their bits. `made` is told how much is
 * done; or NULL. Errors: those of rd_model_make. */
rd_code rd_engine_lay_out(rd_model *model, rd_weights_made *made, void *context, rd_error *e);
/* The row that a model was opened for, else the first that is able; NULL: it was opened for one
 * that there is not. */
const rd_engine_kind *rd_engine_kind_of(const rd_model *model);
/* Bytes that the engine of rd_engine_open(NULL) takes. */
size_t rd_engine_memory(const rd_model *model, int64_t rows, int64_t longest);

/* The model's own attention for drafts that are written in any order: blocks where it was made for
 * them, else both ways (a causal base that was adapted sees everything). */
int64_t rd_engine_attention(const rd_model *model);

/* Rows that a need takes of a pass. */
int64_t rd_need_rows(const rd_need *need);
/* The position whose row predicts wanted[i]: the one before it with a shift, but not below 0. */
int64_t rd_wanted_row(const rd_need *need, int64_t i);
/* Places before the first whose position is another; INT64_MAX: all have their own. */
int64_t rd_need_in_place(const rd_need *need);
/* Positions that one at `position` sees: those before this number. */
int64_t rd_need_sees(const rd_need *need, int64_t position);

rd_code rd_lane_open(rd_lane **out, rd_engine *engine, int64_t positions, rd_error *e);
void rd_lane_close(rd_lane **lane);
/* What lies in [first, end) is not known any more. */
void rd_lane_forget(rd_lane *lane, int64_t first, int64_t end);
/* For a sequence of this length: where angles are of two kinds (longrope) and the lane's are of the
 * other one, nothing of it is known any more. */
void rd_lane_suit(rd_lane *lane, int64_t length);
/* For a text of its own, which may get this long: what was computed at another text's length would
 * not be what the text alone gets (dynamic). */
void rd_lane_renew(rd_lane *lane, int64_t longest);
/* The first position of the canvas (length) that the lane does not know, or knows from another id;
 * `length` where there is none. */
int64_t rd_lane_changed(const rd_lane *lane, const int32_t *canvas, int64_t length);

/* --- for engines ------------------------------------------------------------------------------ */

/* What a need must be, whoever runs it; `longest` as opened. RD_USAGE, RD_UNSUPPORTED: a gate that
 * the model has not. */
rd_code rd_need_check(const rd_need *need, const rd_model *model, int64_t longest, rd_error *e);
/* Is wanted[i] mixed with what the base reads? */
bool rd_need_reads(const rd_need *need, int64_t i);
/* Rows of a need's branches, all of them. */
int64_t rd_need_branch_rows(const rd_need *need);
/* The branch behind the words that stand, once what is wanted is in `out`. */
int64_t rd_need_branch(const rd_need *need);
/* Where the need's clean rows end, in [first, end]: with a gate, what lies before it. */
int64_t rd_need_clean(const rd_need *need);
/* Before a pass the lanes forget the need's range, after it they know it. */
void rd_need_forget(const rd_need *need);
void rd_need_keep(const rd_need *need);
/* The common part of a lane, knowing nothing. */
rd_code rd_lane_init(rd_lane *lane, rd_engine *engine, int64_t positions, rd_error *e);
void rd_lane_drop(rd_lane *lane);
/* The row `cpu`. */
rd_code rd_engine_cpu_open(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                           rd_error *e);
size_t rd_engine_cpu_memory(const rd_model *model, int64_t rows, int64_t longest);
/* The rows `cuda` and `emulated`, which share what they count as memory: the device's. */
rd_code rd_engine_cuda_open(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                            rd_error *e);
rd_code rd_engine_emulated_open(rd_engine **out, const rd_model *model, int64_t rows,
                                int64_t longest, rd_error *e);
size_t rd_engine_cuda_memory(const rd_model *model, int64_t rows, int64_t longest);

#endif
