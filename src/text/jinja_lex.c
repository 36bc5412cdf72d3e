/* SPDX-License-Identifier: MIT */
/* Jinja's lexer has two states, outside and inside of a tag; a tag ends at the first end mark that
 * is not within brackets. */
#include "jinja_lex.h"

#include "jinja_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct lexer {
  rd_slice source;
  size_t at;
  unsigned line; /* of `at` */
  rd_jtokens *out;
  char brackets[64]; /* open ones */
  size_t open;
  rd_error *e;
} lexer;

rd_code rd_jclean(rd_slice source, rd_bytes *clean, rd_error *e) {
  size_t from = 0;
  for (size_t at = 0; at < source.size; at++)
    if (source.data[at] == '\r') {
      RD_TRY(rd_bytes_add(clean, source.data + from, at - from, e));
      RD_TRY(rd_bytes_add(clean, "\n", 1, e));
      at += at + 1 < source.size && source.data[at + 1] == '\n';
      from = at + 1;
    }
  RD_TRY(rd_bytes_add(clean, source.data + from, source.size - from, e));
  clean->size -= clean->size && clean->data[clean->size - 1] == '\n';
  return RD_OK;
}

static rd_code add(lexer *x, rd_jtoken_kind kind, size_t from, size_t to) {
  rd_jtokens *t = x->out;
  RD_TRY(rd_grow((void **)&t->tokens, &t->capacity, t->count + 1, sizeof *t->tokens, x->e));
  t->tokens[t->count++] = (rd_jtoken){kind, x->line, {x->source.data + from, to - from}};
  return RD_OK;
}

/* Go on to `to`, counting lines. */
static void go(lexer *x, size_t to) {
  for (; x->at < to; x->at++)
    x->line += x->source.data[x->at] == '\n';
}

static bool here(const lexer *x, size_t at, const char *text) {
  size_t size = strlen(text);
  return at <= x->source.size && x->source.size - at >= size &&
         memcmp(x->source.data + at, text, size) == 0;
}

static size_t after_spaces(const lexer *x, size_t at) {
  while (at < x->source.size) {
    rd_utf8 c = rd_utf8_read(x->source.data + at, x->source.size - at);
    if (!rd_jspace(c.point))
      break;
    at += c.size;
  }
  return at;
}

/* The place of `text` at or after `at`, or the source's size. */
static size_t find(const lexer *x, size_t at, const char *text) {
  const char *found = at < x->source.size
                        ? memmem(x->source.data + at, x->source.size - at, text, strlen(text))
                        : NULL;
  return found ? (size_t)(found - x->source.data) : x->source.size;
}

/* Where the text goes on behind an end mark ("%}") at `at`, a sign before it included: "+%}" leaves
 * all, "-%}" drops white space, "%}" drops one line end (not `print`). SIZE_MAX: no mark there. */
static size_t past_mark(const lexer *x, size_t at, const char *mark, bool print) {
  char sign = at < x->source.size ? x->source.data[at] : '\0';
  size_t size = strlen(mark);
  if (sign == '-' && here(x, at + 1, mark))
    return after_spaces(x, at + 1 + size);
  if (sign == '+' && !print && here(x, at + 1, mark))
    return at + 1 + size;
  if (!here(x, at, mark))
    return SIZE_MAX;
  return at + size + (!print && here(x, at + size, "\n"));
}

/* Text outside of tags from x->at to `end`, where a tag of that sign begins. */
static rd_code add_data(lexer *x, size_t end, char sign, bool print) {
  size_t start = x->at, last = end;
  rd_jtext text = {x->source.data + start, x->source.data + start, end - start};
  if (sign == '-') {
    last = start + rd_jstrip(text, NULL, false, true).size;
  } else if (sign != '+' && !print) {
    size_t line = end;
    while (line > start && x->source.data[line - 1] != '\n')
      line--;
    bool starts = line == 0 || x->source.data[line - 1] == '\n';
    if (starts && rd_jstrip(rd_jpart(text, line - start, text.size), NULL, true, false).size == 0)
      last = line;
  }
  if (last > start)
    RD_TRY(add(x, RD_J_DATA, start, last));
  go(x, end);
  return RD_OK;
}

static bool is_sign(char c) {
  return c == '-' || c == '+';
}

/* "{% raw %}" at `at`: where its content starts; SIZE_MAX when it is another tag. */
static size_t past_raw(const lexer *x, size_t at) {
  at += 2;
  at += at < x->source.size && is_sign(x->source.data[at]);
  at = after_spaces(x, at);
  if (!here(x, at, "raw"))
    return SIZE_MAX;
  at = after_spaces(x, at + 3);
  if (here(x, at, "-%}"))
    return after_spaces(x, at + 3);
  return here(x, at, "%}") ? at + 2 : SIZE_MAX;
}

static rd_code fail(lexer *x, const char *what) {
  x->out->line = x->line;
  return rd_fail(x->e, RD_BAD_INPUT, "%s", what);
}

static rd_code lex_raw(lexer *x, size_t content) {
  go(x, content);
  for (size_t tag = find(x, x->at, "{%"); tag < x->source.size; tag = find(x, tag + 2, "{%")) {
    size_t at = tag + 2;
    char sign = at < x->source.size && is_sign(x->source.data[at]) ? x->source.data[at++] : '\0';
    at = after_spaces(x, at);
    if (!here(x, at, "endraw"))
      continue;
    size_t past = past_mark(x, after_spaces(x, at + 6), "%}", false);
    if (past == SIZE_MAX)
      continue;
    RD_TRY(add_data(x, tag, sign, false));
    go(x, past);
    return RD_OK;
  }
  return fail(x, "raw without endraw");
}

static rd_code lex_comment(lexer *x) {
  size_t end = find(x, x->at, "#}");
  if (end == x->source.size)
    return fail(x, "a comment without its end");
  end -= end > x->at && is_sign(x->source.data[end - 1]);
  go(x, past_mark(x, end, "#}", false));
  return RD_OK;
}

/* Digits with single underscores between them. */
static size_t past_digits(const lexer *x, size_t at) {
  const char *s = x->source.data;
  while (at < x->source.size && ((s[at] >= '0' && s[at] <= '9') ||
                                 (s[at] == '_' && s[at - 1] != '_' && at + 1 < x->source.size &&
                                  s[at + 1] >= '0' && s[at + 1] <= '9')))
    at++;
  return at;
}

static bool digit(const lexer *x, size_t at) {
  return at < x->source.size && x->source.data[at] >= '0' && x->source.data[at] <= '9';
}

/* A number: decimal digits, a fraction, an exponent. After a dot only digits: a.0.1 */
static rd_code lex_number(lexer *x) {
  size_t from = x->at, at = past_digits(x, from + 1);
  bool real = false;
  if (from == 0 || x->source.data[from - 1] != '.') {
    if (at < x->source.size && x->source.data[at] == '.' && digit(x, at + 1)) {
      at = past_digits(x, at + 2);
      real = true;
    }
    if (at < x->source.size && (x->source.data[at] | 32) == 'e') {
      size_t power = at + 1;
      power += power < x->source.size && is_sign(x->source.data[power]);
      if (digit(x, power)) {
        at = past_digits(x, power + 1);
        real = true;
      }
    }
  }
  RD_TRY(add(x, real ? RD_J_DECIMAL : RD_J_DIGITS, from, at));
  go(x, at);
  return RD_OK;
}

static bool name_byte(unsigned char c) {
  return c == '_' || c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static rd_code lex_name(lexer *x) {
  size_t at = x->at;
  while (at < x->source.size && name_byte((unsigned char)x->source.data[at]))
    at++;
  RD_TRY(add(x, RD_J_NAME, x->at, at));
  go(x, at);
  return RD_OK;
}

static rd_code lex_string(lexer *x) {
  size_t at = x->at + 1;
  while (at < x->source.size && x->source.data[at] != x->source.data[x->at])
    at += x->source.data[at] == '\\' ? 2 : 1;
  if (at >= x->source.size)
    return fail(x, "a string without its end");
  RD_TRY(add(x, RD_J_STRING, x->at, at + 1));
  go(x, at + 1);
  return RD_OK;
}

static rd_code bracket(lexer *x, char c) {
  static const char pairs[] = "(){}[]";
  const char *found = strchr(pairs, c);
  if (!found)
    return RD_OK;
  if ((found - pairs) % 2 == 0) {
    if (x->open == sizeof x->brackets)
      return fail(x, "brackets within brackets, more than 64 deep");
    x->brackets[x->open++] = found[1];
    return RD_OK;
  }
  if (x->open == 0 || x->brackets[--x->open] != c)
    return fail(x, "a closing bracket that was not opened");
  return RD_OK;
}

static rd_code lex_operator(lexer *x) {
  static const char *const operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (here(x, x->at, operators[i])) {
      size_t end = x->at + strlen(operators[i]);
      RD_TRY(bracket(x, *operators[i]));
      RD_TRY(add(x, RD_J_OPERATOR, x->at, end));
      go(x, end);
      return RD_OK;
    }
  return fail(x, "a character that is not part of any expression");
}

/* Inside of a tag, up to and with its end. */
static rd_code lex_tag(lexer *x, bool print) {
  x->open = 0;
  for (;;) {
    size_t past = x->open ? SIZE_MAX : past_mark(x, x->at, print ? "}}" : "%}", print);
    if (past != SIZE_MAX) {
      RD_TRY(add(x, print ? RD_J_PRINT_END : RD_J_BLOCK_END, x->at, x->at));
      go(x, past);
      return RD_OK;
    }
    go(x, after_spaces(x, x->at));
    if (x->at >= x->source.size)
      return fail(x, "a tag without its end");
    unsigned char c = (unsigned char)x->source.data[x->at];
    if (!x->open && past_mark(x, x->at, print ? "}}" : "%}", print) != SIZE_MAX)
      continue;
    RD_TRY(c >= '0' && c <= '9'    ? lex_number(x)
           : name_byte(c)          ? lex_name(x)
           : c == '\'' || c == '"' ? lex_string(x)
                                   : lex_operator(x));
  }
}

/* The next tag at or after x->at. */
static size_t next_tag(const lexer *x) {
  size_t at = x->at;
  for (; at < x->source.size; at++) {
    const char *brace = memchr(x->source.data + at, '{', x->source.size - at);
    at = brace ? (size_t)(brace - x->source.data) : x->source.size;
    if (at + 1 < x->source.size && strchr("{%#", x->source.data[at + 1]) && x->source.data[at + 1])
      return at;
  }
  return x->source.size;
}

rd_code rd_jlex(rd_slice source, rd_jtokens *out, rd_error *e) {
  lexer x = {.source = source, .line = 1, .out = out, .e = e};
  while (x.at < source.size) {
    size_t tag = next_tag(&x);
    if (tag == source.size) {
      RD_TRY(add_data(&x, tag, '+', true));
      break;
    }
    char kind = source.data[tag + 1];
    char sign = tag + 2 < source.size ? source.data[tag + 2] : '\0';
    size_t raw = kind == '%' ? past_raw(&x, tag) : SIZE_MAX;
    RD_TRY(add_data(&x, tag, sign, kind == '{'));
    if (raw != SIZE_MAX) {
      RD_TRY(lex_raw(&x, raw));
      continue;
    }
    size_t inside = tag + 2 + is_sign(sign);
    if (kind != '#')
      RD_TRY(add(&x, kind == '{' ? RD_J_PRINT_BEGIN : RD_J_BLOCK_BEGIN, tag, inside));
    go(&x, inside);
    RD_TRY(kind == '#' ? lex_comment(&x) : lex_tag(&x, kind == '{'));
  }
  return add(&x, RD_J_END, source.size, source.size);
}
