/* SPDX-License-Identifier: MIT */
/* Strings: any text of so many characters, a pattern, or a format that is one. */
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
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?"

static const struct format {
  const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
    {"email", "[A-Za-z0-9_+-]{1,24}(\\.[A-Za-z0-9_+-]{1,24}){0,2}@" LABEL "(\\." LABEL
              "){0,2}\\.[A-Za-z]{2,6}"},
    {"ipv4", OCTET "(\\." OCTET "){3}"},
};
static const rd_table format_table = RD_TABLE("format", formats);

static int32_t build_pattern(rd_schema_reader *r, const char *text, const char *what, bool search,
                             int32_t next) {
  const rd_pattern_use use = {.what = what, .quoted = true, .search = search};
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

int32_t rd_schema_string(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *pattern = json_object_get(schema, "pattern");
  const json_t *format = json_object_get(schema, "format");
  int64_t least = rd_schema_count(r, schema, "minLength", 0);
  int64_t most = rd_schema_count(r, schema, "maxLength", -1);
  rd_error why = {0};
  if (r->code != RD_OK)
    return -1;
  if ((pattern && !json_is_string(pattern)) || (format && !json_is_string(format)))
    return rd_schema_fail(r, RD_BAD_INPUT, "pattern and format are texts");
  if ((pattern && format) || ((pattern || format) && (least > 0 || most >= 0)))
    return rd_schema_fail(r, RD_UNSUPPORTED,
                          "one of pattern, format, and bounds of the length at a time is "
                          "supported; a pattern can say its length: \"^.{2,8}$\"");
  if (pattern)
    return build_pattern(r, json_string_value(pattern), "pattern", true, next);
  if (format) {
    const struct format *row = rd_table_find(&format_table, json_string_value(format), &why);
    return row ? build_pattern(r, row->pattern, "format", false, next)
               : rd_schema_fail(r, RD_UNSUPPORTED, "%s", why.message);
  }
  if (most >= 0 && most < least)
    return rd_schema_fail(r, RD_BAD_INPUT, "at least %lld characters and at most %lld: none can be",
                          (long long)least, (long long)most);
  return rd_nfa_text(r->nfa, "\"", 1,
                     rd_nfa_string_body(r->nfa, (int32_t)least, (int32_t)most, next));
}
