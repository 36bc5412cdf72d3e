/* SPDX-License-Identifier: MIT */
/* PCRE2's own \s takes U+180E too, its \w no marks, its scripts what they share with others: sets
 * are written out as the properties that are meant (tok_property.h). */
#include "tok_ruby.h"

#include "tok_property.h"
#include "utf8.h"

#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

#define WORD "[" RD_WORD_SET RD_WORD_LATIN "]"

/* Escapes that are sets, outside of [] and inside, and what else is called otherwise. */
static const struct set_row {
  char letter;
  const char *outside, *inside;
  bool negated;
} set_escapes[] = {
    {'s', "\\p{wspace}", "\\p{wspace}", false},
    {'S', "\\p{wspace}", "\\p{wspace}", true},
    {'w', RD_WORD_SET RD_WORD_LATIN, RD_WORD_SET, false},
    {'W', RD_WORD_SET RD_WORD_LATIN, RD_WORD_SET, true},
    {'h', "0-9A-Fa-f", "0-9A-Fa-f", false},
    {'H', "0-9A-Fa-f", "0-9A-Fa-f", true},
};
static const struct escape_row {
  char letter;
  const char *text;
  bool inside; /* of [] too */
} escapes[] = {
    {'b', "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))", false},
    {'B', "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))", false},
    {'O', "(?s:.)", false},
    {'v', "\\x0B", true},
};

/* Escapes that are the letter itself, unless this stands behind them; or only within []. */
static const struct letter_row {
  const char *letters;
  char unless;
  bool only_inside;
} letter_escapes[] = {{"ijlmquEFIJLQTUV", '\0', false},
                      {"gk", '<', false},
                      {"opP", '{', false},
                      {"gkyzABGKNORXYZ", '\0', true}};

/* A pattern on its way into PCRE2's words. */
enum { MOST_GROUPS = 250 };
typedef struct reader {
  const char *at, *end;
  unsigned depth;  /* of [] */
  bool caseless;   /* (?i) */
  uint32_t letter; /* the last one, where it stands for itself and is not repeated; or 0 */
  bool atom;       /* there is something to repeat, ... */
  size_t start;    /* ... which begins here in what is made, ... */
  bool repeated;   /* ... and which is repeated already */
  size_t groups;
  struct group {
    size_t start;
    bool caseless;
  } group[MOST_GROUPS];
} reader;

static bool among(char c, const char *set) {
  return c && strchr(set, c);
}

static rd_code put(rd_bytes *out, const char *text, rd_error *e) {
  return rd_bytes_add(out, text, strlen(text), e);
}

/* The set at r->at, which is stepped over; false, and nothing is, where there is none. */
static bool take_set(reader *r, rd_set *set) {
  const char *at = r->at, *end = NULL;
  const size_t left = (size_t)(r->end - at);
  *set = (rd_set){.negated = false};
  if (r->depth && left > 3 && memcmp(at, "[:", 2) == 0) {
    end = memmem(at, left, ":]", 2);
    if (!end || !rd_set_named(set, at + 2, (size_t)(end - at) - 2, true))
      return false;
    r->at = end + 2;
    return true;
  }
  if (left < 2 || *at != '\\')
    return false;
  for (size_t i = 0; i < sizeof set_escapes / sizeof *set_escapes; i++)
    if (set_escapes[i].letter == at[1]) {
      const char *text = r->depth ? set_escapes[i].inside : set_escapes[i].outside;
      memcpy(set->members, text, strlen(text));
      set->negated = set_escapes[i].negated;
      r->at += 2;
      return true;
    }
  if ((at[1] != 'p' && at[1] != 'P') || left < 4 || at[2] != '{')
    return false;
  end = memchr(at, '}', left);
  if (!end || !rd_set_named(set, at + 3, (size_t)(end - at) - 3, false))
    return false;
  set->negated = set->negated != (at[1] == 'P');
  r->at = end + 1;
  return true;
}

/* One property may be negated within a class. */
static bool is_property(const rd_set *set) {
  const char *end = strchr(set->members, '}');
  return memcmp(set->members, "\\p{", 3) == 0 && end && end[1] == '\0';
}

static rd_code put_property(const rd_set *set, rd_bytes *out, rd_error *e) {
  RD_TRY(put(out, set->negated ? "\\P" : "\\p", e));
  return put(out, set->members + 2, e);
}

static rd_code put_set(const rd_set *set, rd_bytes *out, rd_error *e) {
  if (is_property(set))
    return put_property(set, out, e);
  RD_TRY(put(out, set->negated ? "[^" : "[", e));
  RD_TRY(put(out, set->members, e));
  return put(out, "]", e);
}

/* Is the escape at `at` (of `size` bytes and what follows) a letter? */
static bool is_letter(const reader *r, const char *at) {
  const char next = r->end - at > 2 ? at[2] : '\0';
  for (size_t i = 0; i < sizeof letter_escapes / sizeof *letter_escapes; i++) {
    const struct letter_row *row = &letter_escapes[i];
    if (among(at[1], row->letters) && (!row->unless || next != row->unless) &&
        (r->depth || !row->only_inside))
      return true;
  }
  return false;
}

/* How many bytes an escape has: \x41, \x{41}, \12, \cA are one. */
static size_t escape_size(const reader *r) {
  const char *at = r->at + 2, *close;
  if (r->end - r->at < 3)
    return (size_t)(r->end - r->at);
  if (among(r->at[1], "xopP") && *at == '{' && (close = memchr(at, '}', (size_t)(r->end - at))))
    return (size_t)(close - r->at) + 1;
  if (r->at[1] == 'x')
    while (at < r->end && at - r->at < 4 && isxdigit((unsigned char)*at))
      at++;
  else if (isdigit((unsigned char)r->at[1]))
    while (at < r->end && at - r->at < 4 && isdigit((unsigned char)*at))
      at++;
  else if (r->at[1] == 'c')
    at++;
  return (size_t)(at - r->at);
}

/* The escape at r->at; behind the pattern's last backslash there is nothing. */
static rd_code take_escape(reader *r, rd_bytes *out, rd_error *e) {
  const char *at = r->at;
  const size_t left = (size_t)(r->end - at), size = escape_size(r);
  rd_set set;
  if (!r->depth && take_set(r, &set))
    return put_set(&set, out, e);
  if (left > 5 && at[1] == 'u' && strspn(at + 2, "0123456789abcdefABCDEF") >= 4) {
    RD_TRY(put(out, "\\x{", e));
    RD_TRY(rd_bytes_add(out, at + 2, 4, e));
    r->at += 6;
    return put(out, "}", e);
  }
  if (left > 1 && is_letter(r, at)) {
    r->at += 2;
    return rd_bytes_add(out, at + 1, 1, e);
  }
  r->at += size;
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes && size == 2; i++)
    if (escapes[i].letter == at[1] && (!r->depth || escapes[i].inside))
      return put(out, escapes[i].text, e);
  return rd_bytes_add(out, at, size, e);
}

/* The sets of one class: `simple` is what PCRE2's classes hold too, `nested` are classes within it,
 * `others` are (?=..) of what && stands behind. */
typedef struct class_parts {
  rd_bytes simple, nested, others;
} class_parts;

static rd_code put_union(const class_parts *p, rd_bytes *out, rd_error *e) {
  bool both = p->simple.size && p->nested.size;
  RD_TRY(put(out, "(?=", e));
  if (p->simple.size) {
    RD_TRY(put(out, "[", e));
    RD_TRY(rd_bytes_add(out, p->simple.data, p->simple.size, e));
    RD_TRY(put(out, both ? "]|" : "]", e));
  }
  RD_TRY(rd_bytes_add(out, p->nested.data, p->nested.size, e));
  return put(out, ")", e);
}

/* Do two letters begin what some letter is without regard to case, as ss and \u00DF? `second` 0: is
 * the first itself such a letter? */
static bool folds(uint32_t first, uint32_t second) {
  static const uint32_t ranges[][2] = {{0xDF, 0x587}, {0x1E96, 0x1FFC}, {0xFB00, 0xFB17}};
  utf8proc_int32_t made[8];
  int boundary = 0;
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    for (uint32_t point = ranges[i][0]; point <= ranges[i][1]; point++)
      if ((second || point == first) &&
          utf8proc_decompose_char((utf8proc_int32_t)point, made, 8, UTF8PROC_CASEFOLD, &boundary) >
              1 &&
          (!second || (made[0] == utf8proc_tolower((utf8proc_int32_t)first) &&
                       made[1] == utf8proc_tolower((utf8proc_int32_t)second))))
        return true;
  return false;
}

/* The bytes of a quantifier at `at`, with what makes it lazy or possessive; 0: there is none. An
 * interval is never possessive, and one of a single number never lazy. */
static size_t quantifier_size(const reader *r, const char *at) {
  const size_t left = (size_t)(r->end - at);
  size_t size = 1, digits = 0;
  if (left && among(*at, "*+?"))
    return left > 1 && among(at[1], "?+") ? 2 : 1;
  if (!left || *at != '{')
    return 0;
  bool range = false;
  for (; size < left && (isdigit((unsigned char)at[size]) || (at[size] == ',' && !range)); size++) {
    range = range || at[size] == ',';
    digits += at[size] != ',';
  }
  if (!digits || size == left || at[size] != '}')
    return 0;
  return size + 1 + (range && size + 1 < left && at[size + 1] == '?');
}

/* One character that stands for itself. */
static rd_code take_letter(reader *r, rd_bytes *out, rd_error *e) {
  const rd_utf8 c = rd_utf8_read(r->at, (size_t)(r->end - r->at));
  const char *at = r->at;
  const bool one = c.kind == RD_UTF8_GOOD;
  r->at += one ? c.size : 1;
  const bool alone = r->depth || quantifier_size(r, r->at);
  if (r->caseless && one &&
      (folds(c.point, 0) || (!alone && r->letter && folds(r->letter, c.point))))
    return rd_fail(e, RD_UNSUPPORTED,
                   "a pattern with (?i) over letters of which two are one elsewhere, as ss and "
                   "\u00DF, at \"%.*s\", is not computed here; write out what it is to match",
                   (int)(r->end - at < 40 ? r->end - at : 40), at);
  r->letter = one && !alone ? c.point : 0;
  return rd_bytes_add(out, at, (size_t)(r->at - at), e);
}

static rd_code take_class(reader *r, rd_bytes *out, rd_error *e);

static rd_code take_member(reader *r, class_parts *p, rd_error *e) {
  const bool pair = r->end - r->at > 1;
  rd_set set;
  if (take_set(r, &set)) {
    if (!set.negated)
      return put(&p->simple, set.members, e);
    if (is_property(&set))
      return put_property(&set, &p->simple, e);
    if (p->nested.size)
      RD_TRY(put(&p->nested, "|", e));
    return put_set(&set, &p->nested, e);
  }
  if (*r->at == '\\')
    return take_escape(r, &p->simple, e);
  if (*r->at == '[' && !(pair && r->at[1] == ':')) {
    if (p->nested.size)
      RD_TRY(put(&p->nested, "|", e));
    return take_class(r, &p->nested, e);
  }
  if (pair && memcmp(r->at, "&&", 2) == 0) {
    RD_TRY(put_union(p, &p->others, e));
    p->simple.size = p->nested.size = 0;
    r->at += 2;
    return RD_OK;
  }
  return take_letter(r, &p->simple, e);
}

static rd_code put_class(const class_parts *p, bool negated, rd_bytes *out, rd_error *e) {
  if (!p->nested.size && !p->others.size) {
    RD_TRY(put(out, negated ? "[^" : "[", e));
    RD_TRY(rd_bytes_add(out, p->simple.data, p->simple.size, e));
    return put(out, "]", e);
  }
  RD_TRY(put(out, negated ? "(?:(?!" : "(?:", e));
  RD_TRY(rd_bytes_add(out, p->others.data, p->others.size, e));
  RD_TRY(put_union(p, out, e));
  return put(out, negated ? ")(?s:.))" : "(?s:.))", e);
}

/* One class. Oniguruma's may hold classes and intersections, which PCRE2 would read as brackets and
 * ampersands: they become what is seen ahead of one character. */
static rd_code take_class(reader *r, rd_bytes *out, rd_error *e) {
  enum { DEEPEST = 8 };
  class_parts p = {0};
  rd_code code = RD_OK;
  if (++r->depth > DEEPEST)
    return rd_fail(e, RD_UNSUPPORTED, "a pattern with classes within each other, more than %d",
                   DEEPEST);
  r->at++;
  bool negated = r->at < r->end && *r->at == '^', first = true;
  r->at += negated;
  for (; code == RD_OK && r->at < r->end && (*r->at != ']' || first); first = false)
    code = take_member(r, &p, e);
  if (code == RD_OK && r->at == r->end)
    code = rd_fail(e, RD_BAD_INPUT, "a pattern with a class that is not closed");
  if (code == RD_OK)
    code = put_class(&p, negated, out, e);
  r->at++;
  r->depth--;
  rd_bytes_drop(&p.simple);
  rd_bytes_drop(&p.nested);
  rd_bytes_drop(&p.others);
  return code;
}

/* A quantifier. One that stands behind another repeats the whole, which PCRE2 reads otherwise: as
 * possessive or lazy, or not at all. */
static rd_code take_quantifier(reader *r, size_t size, rd_bytes *out, rd_error *e) {
  static const char open[] = "(?:";
  const char *at = r->at;
  enum { OPEN = sizeof open - 1 };
  if (r->atom && r->repeated) {
    RD_TRY(put(out, "(?:)", e)); /* room for both */
    memmove(out->data + r->start + OPEN, out->data + r->start, out->size - r->start - OPEN - 1);
    memcpy(out->data + r->start, open, OPEN);
    out->data[out->size - 1] = ')';
  }
  r->repeated = true;
  r->at += size;
  if (size > 2 && at[1] == ',') { /* {,2}: PCRE2 takes it for text */
    RD_TRY(put(out, "{0", e));
    return rd_bytes_add(out, at + 1, size - 1, e);
  }
  return rd_bytes_add(out, at, size, e);
}

static rd_code open_group(reader *r, const rd_bytes *out, rd_error *e) {
  if (r->groups == MOST_GROUPS)
    return rd_fail(e, RD_UNSUPPORTED, "a pattern with groups within each other, more than %d",
                   MOST_GROUPS);
  r->group[r->groups++] = (struct group){out->size, r->caseless};
  r->atom = false;
  return RD_OK;
}

static void close_group(reader *r) {
  if (r->groups == 0)
    return; /* PCRE2 says so */
  const struct group g = r->group[--r->groups];
  r->caseless = g.caseless;
  r->start = g.start;
  r->atom = true;
}

/* A group's beginning, with the letters of (?imx-imx) or (?imx: where it has some: what Oniguruma
 * calls m lets a dot be a line end. The first kind is no group. */
static rd_code take_open(reader *r, rd_bytes *out, rd_error *e) {
  const bool special = r->end - r->at > 2 && r->at[1] == '?';
  const char *at = special ? r->at + 2 : r->at + 1;
  while (special && at < r->end && among(*at, "imx-"))
    at++;
  const bool options = special && at < r->end && at > r->at + 2 && (*at == ')' || *at == ':');
  if (!options || *at == ':')
    RD_TRY(open_group(r, out, e));
  const char *end = options ? at + 1 : special ? r->at + 2 : r->at + 1;
  for (bool on = true; r->at < end; r->at++) {
    on = on && *r->at != '-';
    r->caseless = options && *r->at == 'i' ? on : r->caseless;
    RD_TRY(rd_bytes_add(out, options && *r->at == 'm' ? "s" : r->at, 1, e));
  }
  return RD_OK;
}

static rd_code take_atom(reader *r, rd_bytes *out, rd_error *e) {
  r->start = out->size;
  r->atom = true;
  r->repeated = false;
  if (*r->at == '\\' || *r->at == '[')
    r->letter = 0;
  return *r->at == '\\' ? take_escape(r, out, e)
       : *r->at == '['  ? take_class(r, out, e)
                        : take_letter(r, out, e);
}

rd_code rd_ruby_pattern(rd_bytes *out, rd_slice pattern, rd_error *e) {
  reader r = {.at = pattern.data, .end = pattern.data + pattern.size};
  while (r.at < r.end) {
    const size_t size = quantifier_size(&r, r.at);
    if (!size && !among(*r.at, "()|")) {
      RD_TRY(take_atom(&r, out, e));
      continue;
    }
    r.letter = 0;
    if (size) {
      RD_TRY(take_quantifier(&r, size, out, e));
    } else if (*r.at == '(') {
      RD_TRY(take_open(&r, out, e));
    } else {
      r.atom = false;
      if (*r.at == ')')
        close_group(&r);
      r.repeated = false;
      RD_TRY(rd_bytes_add(out, r.at++, 1, e));
    }
  }
  return RD_OK;
}
