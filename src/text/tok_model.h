/* SPDX-License-Identifier: MIT */
/* A tokenizer's parts, as the format readers fill them and the encoder uses them. */
#ifndef RD_TOK_MODEL_H
#define RD_TOK_MODEL_H

#include "json.h"
#include "tok_added.h"
#include "tok_normal.h"
#include "tok_split.h"
#include "tok_unigram.h"
#include "tok_vocab.h"
#include "tokenizer.h"

/* A part of a word during merging; `text` bytes are contiguous between neighbours. */
typedef struct rd_symbol {
  const char *text;
  uint32_t size;
  int32_t previous, next; /* -1 at the ends */
  int32_t id;             /* -1: not in the vocabulary */
  uint32_t rank;          /* of joining with the next one */
  int32_t joined;         /* id of the two together, -1 when they do not join */
} rd_symbol;

/* Whether two neighbours join, into what, and how early. Byte-pair files list the pairs;
 * SentencePiece and tiktoken join whatever together is a piece, the best piece first. */
typedef bool (*rd_join)(const rd_vocab *v, const rd_symbol *left, const rd_symbol *right,
                        uint32_t *rank, int32_t *id);
bool rd_join_listed(const rd_vocab *v, const rd_symbol *left, const rd_symbol *right,
                    uint32_t *rank, int32_t *id);
bool rd_join_text(const rd_vocab *v, const rd_symbol *left, const rd_symbol *right, uint32_t *rank,
                  int32_t *id);

/* How a word becomes ids: merged, or one of the ways of tok_spell.c. */
struct rd_merger;
typedef rd_code (*rd_speller)(struct rd_merger *m, rd_slice word, rd_error *e);

struct rd_tokenizer {
  const char *format; /* name of the format row */
  rd_vocab vocab;
  rd_added added;           /* all; those that are found later are only named here */
  rd_normaliser normaliser; /* runs over what lies between added tokens */
  rd_added later;           /* found in what it made; in normalised form */
  rd_added kept;            /* SentencePiece's user-defined, which its rules leave as they are */
  rd_normaliser spacer;     /* what is done to the rest: spaces put, replaced */
  rd_splitter splitter;
  rd_splitter
      after_bytes; /* cuts what ByteLevel made of a word: the letters that stand for bytes */
  rd_speller speller;
  rd_join join;
  rd_unigram unigram;
  size_t longest_word;       /* WordPiece: a word of more characters is unknown */
  char continuing[16];       /* WordPiece: in front of pieces that go on a word */
  bool spaced;               /* decoding: a space in front of every token but the first ... */
  char joint[16];            /* ... unless it begins with this, which is left out */
  bool cleaned;              /* decoding: no space before signs and English endings */
  bool byte_level;           /* symbols are bytes, not characters */
  bool whole_words;          /* a word that is itself a piece is taken whole */
  bool byte_fallback;        /* characters without a piece are written as BYTE pieces */
  bool fuse_unknown;         /* neighbouring unknown characters are one token */
  int32_t byte_ids[256];     /* the one-byte pieces of a byte-level vocabulary; -1: none */
  int32_t fallback_ids[256]; /* pieces for bytes, of the model's own; -1: none */
  bool bytes_found;          /* they are known */
  int32_t unknown;           /* -1: none */

  int32_t bos, pad, mask; /* -1: none */
  rd_ids eos;             /* the first is the one that pads an answer */
  bool add_bos;
  struct rd_named_tokens { /* as tokenizer_config.json names them, -1: it names none */
    bool known;            /* there is such a file */
    int32_t bos, eos, pad, unknown, mask;
    json_t *others; /* {"sep_token": "<sep>", ..}, or NULL */
  } named;
  char *lost_mask;      /* what files say of a mask that is no piece; NULL: nothing */
  bool splits_special;  /* "split_special_tokens": special ones are text everywhere */
  char *chat_template;  /* NULL: none */
  char *tool_template;  /* of conversations with tools, where it is another; NULL: none */
  char *template_names; /* of others than the usual one; NULL: none */
  char *class_name;     /* tokenizer_class, NULL: not given */
  struct rd_asked {     /* of a space in front, by tokenizer_config.json */
    bool at_start;      /* "legacy": false */
    bool always, never; /* "add_prefix_space" */
  } asked;

  bool at_spaces;                       /* the first pattern is that of WhitespaceSplit */
  const struct rd_pattern_row *pattern; /* words are cut by this row; NULL: by the file's own */
  bool squeezed;                        /* SentencePiece: runs of spaces become one */
  bool prefixed;                        /* the normaliser puts a space in front of each gap, ... */
  bool prefix_at_start;                 /* ... or only of one that starts the text */
  rd_bytes texts;                       /* decoded text of all pieces, one after another */
  uint32_t *text_ends;                  /* (vocab.count) end of each piece's text in `texts` */
};

/* One call's working memory. */
typedef struct rd_merger {
  const rd_tokenizer *t;
  rd_ids *out;
  rd_symbol *symbols;
  size_t symbol_capacity;
  uint64_t *heap; /* rank << 32 | symbol */
  size_t heap_size, heap_capacity;
  rd_bytes text;          /* of a piece that is looked up */
  rd_unigram_node *nodes; /* (node_capacity) */
  size_t node_capacity;
  struct rd_known *cache; /* words of this gap already merged, or NULL */
  uint32_t generation;
} rd_merger;

/* The spellers: merges in the order of their ranks; the longest piece again and again; the word
 * itself; the most probable pieces. */
rd_code rd_spell_merges(rd_merger *m, rd_slice word, rd_error *e);
rd_code rd_spell_pieces(rd_merger *m, rd_slice word, rd_error *e);
rd_code rd_spell_word(rd_merger *m, rd_slice word, rd_error *e);
rd_code rd_spell_unigram(rd_merger *m, rd_slice word, rd_error *e);
/* Append the pieces of a text's bytes; nothing, where one is not in the vocabulary. */
rd_code rd_write_bytes(rd_merger *m, rd_slice text, bool *written, rd_error *e);
/* Are all of them there? */
bool rd_has_bytes(const rd_tokenizer *t, rd_slice text);
/* Spell one word and append its ids: an rd_emit whose context is an rd_merger. */
rd_code rd_merge_word(void *merger, rd_slice word, rd_error *e);
/* A new gap of `size` bytes: words cached so far are forgotten. */
rd_code rd_merger_gap(rd_merger *m, size_t size, rd_error *e);
void rd_merger_drop(rd_merger *m);

/* The same without the files around it, for readers: an empty tokenizer, and the last step, which
 * indexes what was read and works out the decoded texts. */
rd_code rd_tokenizer_new(rd_tokenizer **out, const char *format, rd_error *e);
rd_code rd_tokenizer_seal(rd_tokenizer *t, rd_error *e);
/* A text as files write pieces, and the bytes that its letters stand for where the vocabulary is
 * byte-level; the caller drops them. Is a piece written so? */
typedef struct rd_written {
  rd_slice text;
  rd_bytes bytes;
} rd_written;
rd_code rd_written_of(rd_written *w, const rd_tokenizer *t, rd_slice text, rd_error *e);
bool rd_written_is(const rd_written *w, const rd_tokenizer *t, int32_t id);
/* Find the pieces for bytes: of the vocabulary's own, before any token is added to it. */
void rd_tok_find_bytes(rd_tokenizer *t);
/* Add a token that is matched in the text; after the vocabulary's own pieces. */
rd_code rd_tokenizer_add(rd_tokenizer *t, int64_t id, rd_slice text, unsigned flags, rd_error *e);

/* Readers: (data, size) into a new, empty tokenizer; rd_tokenizer_seal is left to the caller. */
rd_code rd_tok_read_json(rd_tokenizer *t, rd_slice data, rd_error *e);
rd_code rd_tok_read_pairs(rd_tokenizer *t, rd_slice vocab, rd_slice merges, rd_error *e);
rd_code rd_tok_read_spm(rd_tokenizer *t, rd_slice data, rd_error *e);
rd_code rd_tok_read_tiktoken(rd_tokenizer *t, rd_slice data, rd_error *e);
rd_code rd_tok_read_gguf(rd_tokenizer *t, rd_slice data, rd_error *e);
rd_code rd_tok_read_llama2c(rd_tokenizer *t, rd_slice data, rd_error *e);

/* Parts that several readers share. A piece, or the two sides of a merge, are turned from the
 * byte-level alphabet to bytes where t is byte-level; the buffers are the caller's. */
rd_code rd_tok_set_mapped(rd_tokenizer *t, int64_t id, rd_slice piece, rd_bytes *scratch,
                          rd_error *e);
rd_code rd_tok_add_merge(rd_tokenizer *t, rd_slice left, rd_slice right, uint32_t rank,
                         rd_bytes scratch[2], rd_error *e);
/* "left right" cut at its space. */
rd_code rd_tok_split_merge(rd_slice line, rd_slice *left, rd_slice *right, uint32_t rank,
                           rd_error *e);
/* {"piece": id, ..}, then indexed. */
rd_code rd_tok_scan_vocab(rd_tokenizer *t, rd_slice object, rd_error *e);
/* Cut a JSON object into the texts of the members named in `keys` (count); what is not there stays
 * as it was. */
rd_code rd_tok_cut(rd_slice object, const char *const *keys, size_t count, rd_slice *values,
                   rd_error *e);
/* tokenizer.json's models but for BPE: the text of the object "model". */
rd_code rd_tok_read_wordpiece(rd_tokenizer *t, rd_slice model, rd_error *e);
rd_code rd_tok_read_wordlevel(rd_tokenizer *t, rd_slice model, rd_error *e);
rd_code rd_tok_read_unigram(rd_tokenizer *t, rd_slice model, rd_error *e);

/* Kinds by SentencePiece's and GGUF's piece types: 1 normal, 2 unknown, 3 control, 4 user-defined,
 * 5 unused, 6 byte. */
enum { RD_PIECE_TYPES = 7 };
extern const rd_piece_kind rd_piece_types[RD_PIECE_TYPES];
int32_t rd_piece_type(rd_piece_kind kind); /* and back, 0: none */
/* A text behind what is in `out`, its spaces as SentencePiece writes them (U+2581). */
rd_code rd_mark_spaces(rd_bytes *out, rd_slice text, rd_error *e);

/* SentencePiece's rules for a filled vocabulary: spaces become U+2581, one is put in front if
 * `prefix`; words are cut where no piece crosses. Scores are turned to ranks by rd_score_rank. */
rd_code rd_tok_use_sentencepiece(rd_tokenizer *t, bool prefix, bool squeeze, rd_error *e);
uint32_t rd_score_rank(float score);
float rd_rank_score(uint32_t rank);
/* "<0x0A>": the byte; -1 when the piece is not written so. */
int rd_byte_piece(rd_slice piece);

/* Patterns by name: "gpt-2", "llama-bpe", "qwen2" (with what else belongs to them: form C, whole
 * words), or by tokenizer_class. */
enum { RD_MOST_PATTERNS = 6, RD_MOST_LETTER_PATTERNS = 2 };
typedef struct rd_pattern_row {
  const char *name;
  const char *classes; /* space-separated tokenizer_class names, without "Fast" */
  const char *aliases; /* space-separated names in GGUF files */
  const char *patterns[RD_MOST_PATTERNS]; /* one after another, each match a word; NULL: no more */
  const char *letters[RD_MOST_LETTER_PATTERNS]; /* then of the letters that stand for bytes */
  /* the row that others' programs know, and whose words make the same tokens of any vocabulary
   * without two numbers (digits) in a piece; NULL: `name` itself */
  const char *known_as;
  bool form_c, whole_words;
  bool bos; /* in front of every text, where a GGUF file does not say */
} rd_pattern_row;
extern const rd_pattern_row rd_patterns[];
extern const size_t rd_patterns_count;
/* NULL when no row has that name, alias or class. */
const rd_pattern_row *rd_pattern_find(const char *name);
const rd_pattern_row *rd_pattern_of_class(const char *class_name);
/* The rows' names, separated by commas, cut at `size`. */
void rd_pattern_names(char *text, size_t size);
/* Make t byte-level with that row's patterns. */
rd_code rd_tok_use_pattern(rd_tokenizer *t, const rd_pattern_row *row, rd_error *e);

/* The files beside a vocabulary: tokenizer_config.json and the like in `folder`. The first is for
 * what a reader of the vocabulary must know. */
rd_code rd_tok_read_class(rd_tokenizer *t, const char *folder, rd_error *e);
rd_code rd_tok_read_added(rd_tokenizer *t, const char *folder, rd_error *e);
/* {"id", "content", "special", ..} as tokenizer.json and tokenizer_config.json describe a token;
 * its own id is used when `id` is -1. */
rd_code rd_tok_add_described(rd_tokenizer *t, const json_t *token, int64_t id, rd_error *e);
rd_code rd_tok_read_settings(rd_tokenizer *t, const char *folder, rd_error *e);
/* The folder's chat templates; `config`: its tokenizer_config.json, or NULL. */
rd_code rd_tok_read_templates(rd_tokenizer *t, const char *folder, const json_t *config,
                              rd_error *e);
/* RD_BAD_INPUT: a template that holds a NUL, which would end it. */
rd_code rd_template_check(const char *text, size_t size, const char *name, rd_error *e);
/* The template that a file of at most `limit` bytes is: a new string, NULL on failure. */
rd_code rd_template_read(char **out, const char *path, size_t limit, rd_error *e);
/* A file of the folder as JSON, or NULL when there is none. */
rd_code rd_tok_open_beside(const char *folder, const char *name, json_t **out, rd_error *e);

#endif
