/* SPDX-License-Identifier: MIT */
/* Strings: any text of so many characters, a pattern, or a format that is one. Where there is more
 * than one of these, and where a pattern begins with what it looks ahead to, the texts are those
 * that all of them have. */
#include "schema_reader.h"

#include "pattern.h"
#include "table.h"

#include <string.h>

#define TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
/* February has 29 days in years that 4 divides; full centuries are left out. */
#define DATE                                                                                       \
  "([1-9]\\d{3}-((0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|"                   \
  "(0[13578]|1[02])-31)|[1-9]\\d(0[48]|[2468][048]|[13579][26])-02-29)"
#define OCTET "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define BASE64 "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
#define NAME "[A-Za-z0-9_+-]+"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"

/* The texts of a format, and how many characters they have: bounds of the length beyond these say
 * nothing new. `counted`: the pattern has longer ones too, which are left out. */
static const struct format {
  const char *name, *pattern;
  int64_t least, most; /* -1: any number */
  bool counted;
} formats[] = {
    {"date", DATE, 10, 10, false},
    {"time", TIME, 9, 21, false},
    {"date-time", DATE "T" TIME, 20, 32, false},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 36, 36, false},
    {"email", NAME "(\\." NAME ")*@(" LABEL "\\.)+[A-Za-z]{2,6}", 6, 64, true},
    {"ipv4", OCTET "(\\." OCTET "){3}", 7, 15, false},
    {"ipv6", "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}", 15, 39, false},
    {"hostname", LABEL "(\\." LABEL ")*", 1, 63, true},
    {"uri", "https?://" LABEL "(\\." LABEL ")*(:[1-9]\\d{0,3})?(/[A-Za-z0-9._~+-]*)*", 8, 160,
     true},
    {"duration",
     "P(\\d{1,4}D|(\\d{1,3}D)?T(\\d{1,4}H|(\\d{1,2}H)?(\\d{1,4}M|(\\d{1,2}M)?\\d{1,4}S)))", 3, 17,
     false},
    {"json-pointer", "(/[A-Za-z0-9_]*)*", 0, 64, true},
    {"relative-json-pointer", "\\d(/[A-Za-z0-9_]*)*", 1, 64, true},
    {"uri-reference", "(/[A-Za-z0-9._~+-]+)+", 2, 64, true},
    {"uri-template", "(/[A-Za-z0-9._~+-]+|/\\{[a-z]+\\})+", 2, 64, true},
    {"regex", "[A-Za-z0-9_ -]*", 0, 64, true},
    {"byte", BASE64, 0, -1, false},
    {"base64", BASE64, 0, -1, false},
};
/* Formats some of whose texts are those of another one. */
static const char *const narrower[][2] = {
    {"idn-email", "email"},
    {"idn-hostname", "hostname"},
    {"iri", "uri"},
    {"iri-reference", "uri-reference"},
    {"ipvanyaddress", "ipv4"},
};

static const rd_table format_table = RD_TABLE("format", formats);

/* Formats that say what a text is for, or how it is shown, and not which texts there are. */
static const char any_text[] = "password binary path file-path directory-path";

static int32_t build_pattern(rd_schema_reader *r, const char *text, const char *what,
                             int32_t next) {
  const rd_pattern_use use = {.what = what, .whole = r->whole, .quoted = true, .search = true};
  rd_error why = {0};
  int32_t start = -1;
  next = rd_nfa_text(r->nfa, "\"", 1, next);
  if (next < 0)
    return -1;
  rd_code code = rd_pattern_build(&start, r->nfa, text, strlen(text), &use, next, &why);
  if (code != RD_OK)
    return rd_schema_fail(r, code, "%s", why.message);
  return rd_nfa_text(r->nfa, "\"", 1, start);
}

static int32_t build_length(rd_schema_reader *r, int64_t least, int64_t most, int32_t next) {
  if (most >= 0 && most < least)
    return rd_schema_none(r, "at least %lld characters and at most %lld: none can be",
                          (long long)least, (long long)most);
  return rd_nfa_text(r->nfa, "\"", 1,
                     rd_nfa_string_body(r->nfa, (int32_t)least, (int32_t)most, next));
}

/* --- several restrictions --------------------------------------------------------------------- */

/* Restrictions of one string: bounds of its length, and a schema for each of the others. */
typedef struct terms {
  rd_schema_reader *r;
  json_t *owned; /* an array */
  rd_schema_term list[RD_MOST_TERMS];
  size_t count;
  int64_t least, most; /* -1: any number */
  bool negated;
} terms;

static void add(terms *t, bool negated, json_t *schema) {
  bool kept = schema && json_array_append_new(t->owned, schema) == 0;
  if (!kept)
    rd_schema_fail(t->r, RD_NO_MEMORY, "no memory for its restrictions");
  else if (t->count == RD_MOST_TERMS)
    rd_schema_fail(t->r, RD_UNSUPPORTED, "more than %d restrictions of one string", RD_MOST_TERMS);
  else
    t->list[t->count++] = (rd_schema_term){schema, negated};
  t->negated = t->negated || negated;
}

/* Behind the bracket that closes the group at `text`; NULL: none does. */
static const char *group_end(const char *text) {
  int deep = 0;
  bool class = false;
  for (; *text; text++) {
    if (*text == '\\' && text[1])
      text++;
    else if (class)
      class = *text != ']';
    else if (*text == '[')
      class = true;
    else if (*text == '(')
      deep++;
    else if (*text == ')' && --deep == 0)
      return text + 1;
  }
  return NULL;
}

/* Is there an alternative outside of all groups? */
static bool has_alternatives(const char *text) {
  while (text && *text && *text != '|')
    text = *text == '(' ? group_end(text) : text + (text[0] == '\\' && text[1] ? 2 : 1);
  return text && *text;
}

/* What comes behind the groups that only look ahead, with which a pattern begins; NULL: it does
 * not, or they are not of all of it. */
static const char *behind_looks(const char *text) {
  const char *rest = text + 1, *end;
  while (text[0] == '^' && (strncmp(rest, "(?!", 3) == 0 || strncmp(rest, "(?=", 3) == 0) &&
         (end = group_end(rest)) != NULL)
    rest = end;
  return text[0] != '^' || rest == text + 1 || has_alternatives(rest) ? NULL : rest;
}

/* "^(?!a)(?=b)c" is c of which b, but not a, is a beginning: each is a pattern of its own. */
static void add_pattern(terms *t, const char *text) {
  const char *rest = behind_looks(text), *end;
  for (const char *at = text + 1; rest && at < rest; at = end) {
    end = group_end(at);
    add(t, at[2] == '!', json_pack("{s:s+%}", "pattern", "^(?:", at + 3, (size_t)(end - at - 3)));
  }
  add(t, false, json_pack("{s:s+}", "pattern", rest ? "^" : "", rest ? rest : text));
}

static void bound(terms *t, int64_t least, int64_t most) {
  t->least = least > t->least ? least : t->least;
  t->most = most >= 0 && (t->most < 0 || most < t->most) ? most : t->most;
}

/* A format: its pattern, and its own bounds where the pattern does not keep to them. */
static void add_format(terms *t, const struct format *f) {
  add(t, false, json_pack("{s:s++}", "pattern", "^(?:", f->pattern, ")$"));
  if (f->counted)
    bound(t, f->least, f->most);
}

/* What a schema says of a string, and what it says in allOf. A format whose texts are not known
 * says nothing where a pattern does. */
static void gather(terms *t, const json_t *schema, bool pattern) {
  const json_t *list = json_object_get(schema, "allOf"), *negation = json_object_get(schema, "not");
  const char *text = json_string_value(json_object_get(schema, "pattern"));
  const char *name = json_string_value(json_object_get(schema, "format"));
  rd_error why = {0};
  for (size_t i = 0; name && i < sizeof narrower / sizeof *narrower; i++)
    name = strcmp(name, narrower[i][0]) == 0 ? narrower[i][1] : name;
  bool known = name && rd_table_row(&format_table, name),
       any = name && rd_name_listed(any_text, name);
  pattern = pattern || text;
  bound(t, rd_schema_count(t->r, schema, "minLength", 0),
        rd_schema_count(t->r, schema, "maxLength", -1));
  if (text)
    add_pattern(t, text);
  if (known || (name && !any && !pattern)) {
    const struct format *row = rd_table_find(&format_table, name, &why);
    if (row)
      add_format(t, row);
    else
      rd_schema_fail(t->r, RD_UNSUPPORTED, "%s", why.message);
  }
  if (negation)
    add(t, true, json_incref((json_t *)(uintptr_t)negation));
  for (size_t i = 0; i < json_array_size(list) && t->r->code == RD_OK; i++)
    gather(t, json_array_get(list, i), pattern);
}

/* A pattern with nothing in it that looks ahead, and nothing beside it. */
static bool alone(const terms *t, const json_t *schema) {
  const char *text = json_string_value(json_object_get(schema, "pattern"));
  return t->count == 1 && t->least == 0 && t->most < 0 && !t->negated && text &&
         !behind_looks(text);
}

static int32_t build_terms(terms *t, const json_t *schema, int32_t next) {
  static const char any_spelled_once[] = "^[^\\u0000]*$";
  rd_schema_reader *r = t->r;
  if (t->negated)
    add(t, false, json_pack("{s:s}", "pattern", any_spelled_once));
  if (r->code != RD_OK)
    return -1;
  if (t->count == 0 || (t->most >= 0 && t->most < t->least))
    return build_length(r, t->least, t->most, next);
  if (r->written && alone(t, schema))
    return build_pattern(r, json_string_value(json_object_get(schema, "pattern")), "pattern", next);
  return rd_schema_meet(r, t->list, t->count, t->least, t->most, next);
}

int32_t rd_schema_string(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *pattern = json_object_get(schema, "pattern");
  const json_t *format = json_object_get(schema, "format");
  terms t = {.r = r, .owned = json_array(), .most = -1};
  if ((pattern && !json_is_string(pattern)) || (format && !json_is_string(format)))
    rd_schema_fail(r, RD_BAD_INPUT, "pattern and format are texts");
  else
    gather(&t, schema, false);
  next = r->code == RD_OK ? build_terms(&t, schema, next) : -1;
  json_decref(t.owned);
  return r->code == RD_OK ? next : -1;
}
