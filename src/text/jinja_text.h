/* SPDX-License-Identifier: MIT */
/* Texts of a template: writing them, what values look like as text, and their characters. */
#ifndef RD_JINJA_TEXT_H
#define RD_JINJA_TEXT_H

#include "jinja_value.h"

/* Writing: everything is appended to the state's output; what was written since a mark is taken
 * back out of it as a value. Marks nest. */
static inline size_t rd_jmark(const rd_jstate *j) {
  return j->out.size;
}
rd_code rd_jput(rd_jstate *j, rd_jtext text);
/* C text of ours. */
rd_code rd_jput_word(rd_jstate *j, const char *text);
rd_code rd_jtake(rd_jstate *j, size_t mark, rd_jvalue *out);

/* Append str(v), repr(v). */
rd_code rd_jput_str(rd_jstate *j, const rd_jvalue *v);
rd_code rd_jput_repr(rd_jstate *j, const rd_jvalue *v);
/* str(v) as a text value. */
rd_code rd_jstr(rd_jstate *j, const rd_jvalue *v, rd_jvalue *out);
/* Python's repr of a real; returns the bytes written. */
size_t rd_jreal_text(double x, char out[40]);

/* json.dumps with transformers' defaults. */
typedef struct rd_jdump {
  bool ascii, sorted;
  const rd_jvalue *indent;               /* an int, a text, or none */
  const rd_jvalue *item_mark, *key_mark; /* separators, or NULL */
} rd_jdump;
rd_code rd_jput_json(rd_jstate *j, const rd_jvalue *v, const rd_jdump *how, unsigned level);

/* Bytes of the character at `at`. */
size_t rd_jchar_size(rd_jtext t, size_t at);
uint32_t rd_jchar(rd_jtext t, size_t at);
/* The place where the character before `at` begins. */
size_t rd_jchar_before(rd_jtext t, size_t at);
size_t rd_jchars(rd_jtext t);
static inline rd_jtext rd_jpart(rd_jtext t, size_t from, size_t to) {
  return (rd_jtext){t.data + from, t.origin + from, to - from};
}
/* str.isspace of one character. */
bool rd_jspace(uint32_t point);
/* str.isprintable of one character. */
bool rd_jprintable(uint32_t point);
/* Without characters of `set` at the ends asked for; white space where set is NULL. */
rd_jtext rd_jstrip(rd_jtext t, const rd_jtext *set, bool left, bool right);
/* The first `what` at or after `from`, or SIZE_MAX. */
size_t rd_jfind(rd_jtext t, rd_jtext what, size_t from);
/* Append with every `old` replaced by `new`, `most` times at most (-1: all). */
rd_code rd_jput_replaced(rd_jstate *j, rd_jtext t, rd_jtext old, rd_jtext new, int64_t most);
/* The next line of a text by str.splitlines, without its end, which is stepped over. */
rd_jtext rd_jline(rd_jtext t, size_t *at);

/* Append in another case. TITLE: the first letter of each word, the rest small. */
typedef enum rd_jcase { RD_J_UPPER, RD_J_LOWER, RD_J_CAPITAL, RD_J_TITLE } rd_jcase;
rd_code rd_jput_case(rd_jstate *j, rd_jtext t, rd_jcase how);
/* The same as a new text. */
rd_code rd_jcased(rd_jstate *j, rd_jtext t, rd_jcase how, rd_jvalue *out);
/* Append with &, <, >, ', " as HTML entities. */
rd_code rd_jput_escaped(rd_jstate *j, rd_jtext t);

#endif
