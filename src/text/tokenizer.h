/* SPDX-License-Identifier: MIT */
/* Tokenizers: text to ids and back, from every file format that models come with. Immutable after
 * opening and shared freely by threads.
 *
 * Decoding what was encoded gives the text back, byte for byte, for byte-level vocabularies (GPT-2,
 * LLaMA 3, Qwen2, tini), text that is not UTF-8 included; where the file asks for NFC the text
 * comes back in NFC. SentencePiece vocabularies with byte tokens give it back too, but for U+2581,
 * which comes back as a space, and for what the file says to drop (repeated spaces); without byte
 * tokens what is not in the vocabulary comes back as the unknown token. */
#ifndef RD_TOKENIZER_H
#define RD_TOKENIZER_H

#include "error.h"

typedef struct rd_tokenizer rd_tokenizer;

enum {
  RD_TOK_BOS = 1,      /* encode: put BOS first (RD_UNSUPPORTED without one) */
  RD_TOK_SPECIAL = 2,  /* encode: special tokens written in the text are those tokens */
  RD_TOK_CONTINUE = 4, /* both: the text goes on from earlier text: no space is put or dropped */
  RD_TOK_SKIP = 8,     /* decode: leave special tokens out */
  RD_TOK_REPLACE = 16, /* decode: what is not UTF-8 becomes U+FFFD */
};

/* Open a Hugging Face folder (tokenizer.json; or vocab.json + merges.txt; or tokenizer.model, be it
 * SentencePiece or tiktoken ranks; or llama2.c's tokenizer.bin), one of these files itself, or a
 * .gguf. Special ids come from the files: tokenizer_config.json, special_tokens_map.json,
 * added_tokens.json, generation_config.json, config.json, GGUF's tokenizer.ggml keys. */
rd_code rd_tokenizer_open(rd_tokenizer **out, const char *path, rd_error *e);
/* The same from memory, by format name (rd_tokenizer_format_name). "pairs" takes vocab.json, a NUL
 * byte, merges.txt. Only what the data itself says is known. The data may go afterwards. */
rd_code rd_tokenizer_open_memory(rd_tokenizer **out, const char *format, const void *data,
                                 size_t size, rd_error *e);
/* Write the files from which a folder opens as the same tokenizer: tokenizer.json or, for
 * SentencePiece, tokenizer.model; and tokenizer_config.json. For tokenizers from inside a GGUF;
 * others have files to copy (RD_UNSUPPORTED). EOS ids after the first are left to
 * generation_config.json. */
rd_code rd_tokenizer_write(const rd_tokenizer *t, const char *folder, rd_error *e);
/* The vocabulary as keys of a GGUF file (tokenizer.ggml.*), from which it opens again: byte-level
 * ones whose words are cut as a pre-tokenizer that such files name cuts them, and SentencePiece's.
 * `rows`: of the embedding; ids beyond the vocabulary get a token that nothing becomes. BOS, EOS
 * and the like, and the chat template, are left to the caller, who may know better. RD_UNSUPPORTED:
 * what the keys cannot say. */
struct rd_gguf_writer;
rd_code rd_tokenizer_put(const rd_tokenizer *t, struct rd_gguf_writer *w, int64_t rows,
                         rd_error *e);
/* Give the folder `to` what the tokenizer was opened from, so that it opens there as the same one:
 * a folder's files are copied, generation_config.json with them; what lies inside a GGUF is
 * written. `t` may be NULL: then a folder's files are copied where there are any. *found: is there
 * a vocabulary in `to` now? */
rd_code rd_tokenizer_copy(const rd_tokenizer *t, const char *from, const char *to, bool *found,
                          rd_error *e);
/* NULL is fine; *t becomes NULL. */
void rd_tokenizer_close(rd_tokenizer **t);

/* Names of the formats, NULL after the last: "tokenizer.json", "pairs", "sentencepiece", .. */
const char *rd_tokenizer_format_name(size_t index);
const char *rd_tokenizer_format(const rd_tokenizer *t);

/* *ids is a new array (free it), never NULL on success. Text of at most 1 GiB, of any bytes. */
rd_code rd_tokenizer_encode(const rd_tokenizer *t, const char *text, size_t size, unsigned flags,
                            int32_t **ids, size_t *count, rd_error *e);
/* The same of a text from a template: special tokens are tokens only where none of their bytes is
 * marked with 1 in `plain` (size); elsewhere they are plain text. */
rd_code rd_tokenizer_encode_marked(const rd_tokenizer *t, const char *text, size_t size,
                                   const char *plain, int32_t **ids, size_t *count, rd_error *e);
/* *text is new (free it), with a NUL after `size` bytes. An id outside the vocabulary is
 * RD_BAD_INPUT. */
rd_code rd_tokenizer_decode(const rd_tokenizer *t, const int32_t *ids, size_t count, unsigned flags,
                            char **text, size_t *size, rd_error *e);

/* Ids; -1 where there is none. */
int32_t rd_tokenizer_bos(const rd_tokenizer *t);
int32_t rd_tokenizer_pad(const rd_tokenizer *t);
int32_t rd_tokenizer_mask(const rd_tokenizer *t);
/* What the files say of a mask that is no word of theirs, as a sentence; NULL: nothing. */
const char *rd_tokenizer_lost_mask(const rd_tokenizer *t);
/* All ids that end an answer; the first is the tokenizer's own EOS. */
const int32_t *rd_tokenizer_eos(const rd_tokenizer *t, size_t *count);
bool rd_tokenizer_is_eos(const rd_tokenizer *t, int32_t id);
bool rd_tokenizer_is_special(const rd_tokenizer *t, int32_t id);
/* Whether the files ask for BOS before a text. */
bool rd_tokenizer_adds_bos(const rd_tokenizer *t);
/* Is there a token of this id? Embeddings may have more rows than there are, and ids may be left
 * out. */
bool rd_tokenizer_has(const rd_tokenizer *t, int32_t id);
/* The highest id + 1. */
size_t rd_tokenizer_size(const rd_tokenizer *t);
/* The Jinja text of the model's chat template, or NULL. */
const char *rd_tokenizer_chat_template(const rd_tokenizer *t);
/* The one named tool_use, for conversations with tools, or NULL. */
const char *rd_tokenizer_tool_template(const rd_tokenizer *t);
/* Is there a chat template, be it one that has to be chosen among several by name? */
bool rd_tokenizer_has_template(const rd_tokenizer *t);

/* The id of the one token written `piece` ("MASK", " the", "<|mask|>"), or -1. */
int32_t rd_tokenizer_id(const rd_tokenizer *t, const char *piece);
/* The same, failing with a message that says into how many tokens the word falls. */
rd_code rd_tokenizer_word(const rd_tokenizer *t, const char *word, int32_t *id, rd_error *e);
/* What a token adds to decoded text (bytes, perhaps part of a character; not NUL-terminated). */
const char *rd_tokenizer_piece(const rd_tokenizer *t, int32_t id, size_t *size);

/* Is a text what its tokens' pieces are one after the other (but for a space in front)? */
bool rd_tokenizer_joins(const rd_tokenizer *t);
/* Does the first token of a text lose a space in front? */
bool rd_tokenizer_drops_space(const rd_tokenizer *t);
/* May a text be made with this token, so that its piece is what it adds wherever it stands behind
 * others? Not with special ones, nor with the unknown token. */
bool rd_tokenizer_writes(const rd_tokenizer *t, int32_t id);

#endif
