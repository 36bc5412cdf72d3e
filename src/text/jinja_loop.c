/* SPDX-License-Identifier: MIT */
/* What a loop says of itself: loop.index, loop.last, .. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <string.h>

static rd_code index0(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  *out = rd_jint((int64_t)loop->index);
  return RD_OK;
}
static rd_code index1(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  *out = rd_jint((int64_t)loop->index + 1);
  return RD_OK;
}
static rd_code first(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  *out = rd_jbool(loop->index == 0);
  return RD_OK;
}
static rd_code last(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  RD_TRY(rd_jloop_know(j, loop, loop->index + 2));
  *out = rd_jbool(loop->index + 1 == loop->passed.count);
  return RD_OK;
}
static rd_code length(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  RD_TRY(rd_jloop_know(j, loop, SIZE_MAX));
  *out = rd_jint((int64_t)loop->passed.count);
  return RD_OK;
}
static rd_code from_end(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  RD_TRY(length(j, loop, out));
  *out = rd_jint(out->as.number - (int64_t)loop->index);
  return RD_OK;
}
static rd_code from_end0(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  RD_TRY(from_end(j, loop, out));
  *out = rd_jint(out->as.number - 1);
  return RD_OK;
}
static rd_code previous(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  if (loop->index)
    *out = loop->passed.items[loop->index - 1];
  return RD_OK;
}
static rd_code following(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  RD_TRY(rd_jloop_know(j, loop, loop->index + 2));
  if (loop->index + 1 < loop->passed.count)
    *out = loop->passed.items[loop->index + 1];
  return RD_OK;
}
static rd_code depth(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  (void)loop;
  *out = rd_jint(1); /* recursive loops are refused */
  return RD_OK;
}
static rd_code depth0(rd_jstate *j, rd_jloop *loop, rd_jvalue *out) {
  (void)j;
  (void)loop;
  *out = rd_jint(0);
  return RD_OK;
}

static const struct loop_row {
  const char *name;
  rd_code (*get)(rd_jstate *j, rd_jloop *loop, rd_jvalue *out);
} rows[] = {{"index", index1},        {"index0", index0},     {"first", first},
            {"last", last},           {"length", length},     {"revindex", from_end},
            {"revindex0", from_end0}, {"previtem", previous}, {"nextitem", following},
            {"depth", depth},         {"depth0", depth0}};

static rd_code cycle(rd_jstate *j, const rd_jcall *call, rd_jvalue *out) {
  if (call->rest_count == 0)
    return rd_jfail(j, "loop.cycle without items");
  *out = call->rest[call->self.as.loop->index % call->rest_count];
  return RD_OK;
}

static rd_code changed(rd_jstate *j, const rd_jcall *call, rd_jvalue *out) {
  rd_jloop *loop = call->self.as.loop;
  rd_jvalue now;
  bool same;
  RD_TRY(rd_jlist_new(j, RD_J_TUPLE, &now));
  for (size_t i = 0; i < call->rest_count; i++)
    RD_TRY(rd_jlist_add(j, now.as.list, call->rest[i]));
  RD_TRY(rd_jequal(j, &now, &loop->changed, &same));
  loop->changed = now;
  *out = rd_jbool(!same);
  return RD_OK;
}

static const rd_jfunction functions[] = {{"cycle", "*", cycle, 0}, {"changed", "*", changed, 0}};

rd_code rd_jloop_attribute(rd_jstate *j, rd_jloop *loop, rd_jtext name, rd_jvalue *out) {
  rd_slice word = {name.data, name.size};
  *out = rd_jundefined(name);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rd_slice_same(word, rd_slice_text(rows[i].name)))
      return rows[i].get(j, loop, out);
  const rd_jfunction *row = rd_jrow(functions, sizeof functions / sizeof *functions, word, 0);
  if (!row)
    return RD_OK;
  rd_jbound *bound = rd_jpool_take(&j->pool, sizeof *bound, j->e);
  if (!bound)
    return j->e->code;
  *bound = (rd_jbound){row, {.kind = RD_J_LOOP, .as.loop = loop}};
  *out = (rd_jvalue){.kind = RD_J_NATIVE, .as.bound = bound};
  return RD_OK;
}
