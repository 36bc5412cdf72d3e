/* SPDX-License-Identifier: MIT */
/* Functions that every template has. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <string.h>

static rd_code range(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  enum { MOST = 100000 }; /* the sandbox's own limit */
  int64_t start = 0, stop = 0, step = 1;
  bool two = c->given[1].kind != RD_J_UNSET;
  RD_TRY(rd_jgiven_int(j, c, 0, two ? &start : &stop));
  RD_TRY(rd_jgiven_int(j, c, 1, &stop));
  RD_TRY(rd_jgiven_int(j, c, 2, &step));
  if (step == 0)
    return rd_jfail(j, "a range of step 0");
  RD_TRY(rd_jlist_new(j, RD_J_RANGE, out));
  for (int64_t n = start; step > 0 ? n < stop : n > stop; n += step) {
    if (out->as.list->count == MOST)
      return rd_jfail(j, "a range of more than %d numbers", MOST);
    RD_TRY(rd_jlist_add(j, out->as.list, rd_jint(n)));
    if (step > 0 ? n > INT64_MAX - step : n < INT64_MIN - step)
      break;
  }
  return RD_OK;
}

/* dict(..) and namespace(..): of a dict, of pairs, of names. */
static rd_code fill(rd_jstate *j, const rd_jcall *c, rd_jdict *dict) {
  if (c->rest_count > 1)
    return rd_jfail(j, "a dict is made of one value and of names");
  if (c->rest_count && c->rest[0].kind == RD_J_DICT) {
    const rd_jdict *from = c->rest[0].as.dict;
    for (size_t i = 0; i < from->count; i++)
      RD_TRY(rd_jdict_set(j, dict, from->keys[i], from->values[i]));
  } else if (c->rest_count) {
    rd_jvalue *pairs, *pair;
    size_t count, sides;
    RD_TRY(rd_jwalk(j, &c->rest[0], &pairs, &count));
    for (size_t i = 0; i < count; i++) {
      RD_TRY(rd_jwalk(j, &pairs[i], &pair, &sides));
      if (sides != 2)
        return rd_jfail(j, "a dict is made of pairs, not of %zu", sides);
      RD_TRY(rd_jdict_set(j, dict, pair[0], pair[1]));
    }
  }
  for (size_t i = 0; i < c->named->count; i++)
    RD_TRY(rd_jdict_set(j, dict, c->named->keys[i], c->named->values[i]));
  return RD_OK;
}

static rd_code dict(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(rd_jdict_new(j, RD_J_DICT, out));
  return fill(j, c, out->as.dict);
}

static rd_code space(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(rd_jdict_new(j, RD_J_SPACE, out));
  return fill(j, c, out->as.dict);
}

static rd_code raise_exception(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue text;
  (void)out;
  RD_TRY(rd_jstr(j, &c->given[0], &text));
  return rd_jfail(j, "%.*s", (int)(text.as.text.size < 400 ? text.as.text.size : 400),
                  text.as.text.data);
}

static rd_code strftime_now(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  char format[128], text[512];
  static const char zeros[sizeof text];
  rd_jtext wanted = rd_jliteral("");
  time_t now = time(NULL);
  struct tm local;
  RD_TRY(rd_jgiven_text(j, c, 0, &wanted));
  if (wanted.size >= sizeof format - 1)
    return rd_jfail(j, "a format of %zu bytes; at most %zu are taken", wanted.size,
                    sizeof format - 2);
  localtime_r(&now, &local);
  memcpy(format, wanted.data, wanted.size);
  memcpy(format + wanted.size, ".", 2); /* so that an empty date is told from one too long */
  size_t size = strftime(text, sizeof text, format, j->input->now ? j->input->now : &local);
  if (size == 0)
    return rd_jfail(j, "a date of more than %zu bytes", sizeof text);
  *out = rd_jtext_value(rd_jliteral(""));
  return rd_jpool_text(&j->pool, (rd_jtext){text, zeros, size - 1}, 0, &out->as.text, j->e);
}

static const rd_jfunction globals[] = {
    {"dict", "**", dict, 0},
    {"namespace", "**", space, 0},
    {"raise_exception", "message!", raise_exception, 0},
    {"range", "start! stop step", range, 0},
    {"strftime_now", "format!", strftime_now, 0},
};

const rd_jfunction *rd_jglobal(rd_slice name) {
  return rd_jrow(globals, sizeof globals / sizeof *globals, name, 0);
}
