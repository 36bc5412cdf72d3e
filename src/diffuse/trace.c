/* SPDX-License-Identifier: MIT */
/* Traces read back: every line one event, every key checked before it is used. */
#include "events.h"

#include "file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IDS = 1 << 20 };

/* One line being read; storage is one block for all the arrays of the event. */
typedef struct reader {
  const json_t *line;
  rd_traced *to;
  unsigned char *free; /* next unused byte of to->arrays */
} reader;

static rd_code array_of(const reader *r, const char *key, const json_t **out, rd_error *e) {
  *out = json_object_get(r->line, key);
  if (!json_is_array(*out))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected an array", key);
  if (json_array_size(*out) > MOST_IDS)
    return rd_fail(e, RD_BAD_INPUT, "%s: %zu entries, at most %d", key, json_array_size(*out),
                   MOST_IDS);
  return RD_OK;
}

/* Integers in [0, below) into the event's storage. */
static rd_code read_ids(reader *r, const char *key, int64_t below, const int32_t **out,
                        int64_t *count, rd_error *e) {
  const json_t *array;
  RD_TRY(array_of(r, key, &array, e));
  int32_t *to = (int32_t *)(void *)r->free;
  *count = (int64_t)json_array_size(array);
  for (int64_t i = 0; i < *count; i++) {
    const json_t *value = json_array_get(array, (size_t)i);
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id >= below)
      return rd_fail(e, RD_BAD_INPUT, "%s: entry %lld is not an integer in 0..%lld", key,
                     (long long)i, (long long)below - 1);
    to[i] = (int32_t)id;
  }
  *out = to;
  r->free += (size_t)*count * sizeof *to;
  return RD_OK;
}

/* The same where the key may be missing. */
static rd_code read_settled(reader *r, rd_error *e) {
  rd_event *event = &r->to->event;
  if (json_object_get(r->line, "retained"))
    RD_TRY(read_ids(r, "retained", event->count, &event->retained, &event->retained_count, e));
  if (json_object_get(r->line, "locked"))
    RD_TRY(read_ids(r, "locked", event->count, &event->locked, &event->locked_count, e));
  return RD_OK;
}

static rd_code read_confidence(reader *r, rd_error *e) {
  const json_t *array;
  rd_event *event = &r->to->event;
  RD_TRY(array_of(r, "confidence", &array, e));
  if ((int64_t)json_array_size(array) != event->count)
    return rd_fail(e, RD_BAD_INPUT, "confidence: %zu entries for %lld ids", json_array_size(array),
                   (long long)event->count);
  float *to = (float *)(void *)r->free;
  for (int64_t i = 0; i < event->count; i++) {
    const json_t *value = json_array_get(array, (size_t)i);
    to[i] = (float)json_number_value(value);
    if (!json_is_number(value) || !isfinite(to[i]))
      return rd_fail(e, RD_BAD_INPUT, "confidence: entry %lld is not a number", (long long)i);
  }
  event->confidence = to;
  r->free += (size_t)event->count * sizeof *to;
  return RD_OK;
}

static rd_code read_text(const reader *r, const char *key, char **out, rd_error *e) {
  const char *text = NULL;
  RD_TRY(rd_json_text(r->line, key, &text, e));
  if (!text)
    return rd_fail(e, RD_BAD_INPUT, "%s: missing", key);
  *out = rd_strdup(text, e);
  return *out ? RD_OK : RD_NO_MEMORY;
}

static rd_code read_pieces(reader *r, rd_error *e) {
  const json_t *array;
  int64_t count = r->to->event.count;
  RD_TRY(array_of(r, "pieces", &array, e));
  if ((int64_t)json_array_size(array) != count)
    return rd_fail(e, RD_BAD_INPUT, "pieces: %zu entries for %lld ids", json_array_size(array),
                   (long long)count);
  r->to->pieces = rd_calloc((size_t)count + 1, sizeof *r->to->pieces, "pieces", e);
  if (!r->to->pieces)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < count; i++) {
    const char *piece = json_string_value(json_array_get(array, (size_t)i));
    if (!piece)
      return rd_fail(e, RD_BAD_INPUT, "pieces: entry %lld is not a string", (long long)i);
    r->to->pieces[i] = rd_strdup(piece, e);
    if (!r->to->pieces[i])
      return RD_NO_MEMORY;
  }
  return RD_OK;
}

static rd_code read_count(const reader *r, const char *key, int64_t *out, rd_error *e) {
  *out = -1;
  RD_TRY(rd_json_int(r->line, key, 0, INT64_MAX, out, e));
  return *out < 0 ? rd_fail(e, RD_BAD_INPUT, "%s: missing", key) : RD_OK;
}

static rd_code read_start(reader *r, rd_error *e) {
  rd_event *event = &r->to->event;
  const char *model = NULL, *sampler = NULL;
  int64_t seed;
  RD_TRY(rd_json_text(r->line, "model", &model, e));
  RD_TRY(rd_json_text(r->line, "sampler", &sampler, e));
  if (!model || !sampler)
    return rd_fail(e, RD_BAD_INPUT, "%s: missing", model ? "sampler" : "model");
  RD_TRY(read_count(r, "seed", &seed, e));
  RD_TRY(read_count(r, "window", &event->window, e));
  RD_TRY(read_count(r, "iterations", &event->iterations, e));
  event->seed = (uint64_t)seed;
  r->to->names = rd_calloc(strlen(model) + strlen(sampler) + 2, 1, "names", e);
  if (!r->to->names)
    return RD_NO_MEMORY;
  event->model = strcpy(r->to->names, model);
  event->sampler = strcpy(r->to->names + strlen(model) + 1, sampler);
  RD_TRY(read_ids(r, "prompt_ids", INT32_MAX, &event->prompt_ids, &event->prompt_count, e));
  return json_object_get(r->line, "eos_ids") /* older traces have none */
           ? read_ids(r, "eos_ids", INT32_MAX, &event->eos_ids, &event->eos_count, e)
           : RD_OK;
}

static rd_code read_noise(reader *r, rd_error *e) {
  rd_event *event = &r->to->event;
  RD_TRY(read_count(r, "iteration", &event->iteration, e));
  RD_TRY(read_ids(r, "ids", INT32_MAX, &event->ids, &event->count, e));
  RD_TRY(read_ids(r, "masked", event->count, &event->masked, &event->masked_count, e));
  return read_settled(r, e);
}

/* Only where the base checked drafts. */
static rd_code read_checks(reader *r, rd_error *e) {
  rd_event *event = &r->to->event;
  RD_TRY(rd_json_int(r->line, "drafted", 0, INT32_MAX, &event->drafted, e));
  RD_TRY(rd_json_int(r->line, "accepted", 0, INT32_MAX, &event->accepted, e));
  RD_TRY(rd_json_int(r->line, "rejected", 0, INT32_MAX, &event->rejected, e));
  return rd_json_int(r->line, "sure", 0, event->count, &event->sure, e);
}

static rd_code read_draft(reader *r, rd_error *e) {
  rd_event *event = &r->to->event;
  RD_TRY(read_count(r, "iteration", &event->iteration, e));
  RD_TRY(read_ids(r, "ids", INT32_MAX, &event->ids, &event->count, e));
  RD_TRY(read_ids(r, "changed", event->count, &event->changed, &event->changed_count, e));
  RD_TRY(read_checks(r, e));
  RD_TRY(read_settled(r, e));
  RD_TRY(read_confidence(r, e));
  RD_TRY(read_pieces(r, e));
  return read_text(r, "text", &r->to->text, e);
}

static rd_code read_done(reader *r, rd_error *e) {
  static const char *const reasons[] = {"converged", "iterations", "deadline", "cancelled"};
  rd_event *event = &r->to->event;
  const char *why = NULL, *warning = NULL;
  int64_t tokens;
  RD_TRY(read_count(r, "iterations", &event->iteration, e));
  RD_TRY(read_count(r, "passes", &event->passes, e));
  RD_TRY(read_count(r, "tokens", &tokens, e));
  RD_TRY(read_ids(r, "ids", INT32_MAX, &event->ids, &event->count, e));
  if (tokens != event->count)
    return rd_fail(e, RD_BAD_INPUT, "tokens: %lld, but there are %lld ids", (long long)tokens,
                   (long long)event->count);
  RD_TRY(read_checks(r, e));
  RD_TRY(rd_json_real(r->line, "seconds", 0, 1e12, &event->seconds, e));
  RD_TRY(rd_json_text(r->line, "stopped", &why, e));
  event->converged = true; /* older traces do not say */
  RD_TRY(rd_json_bool(r->line, "converged", &event->converged, e));
  RD_TRY(rd_json_text(r->line, "warning", &warning, e));
  if (warning && !(r->to->names = rd_strdup(warning, e)))
    return RD_NO_MEMORY;
  event->warning = r->to->names;
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (why && strcmp(why, reasons[i]) == 0)
      event->stopped = reasons[i];
  if (!event->stopped)
    return rd_fail(e, RD_BAD_INPUT,
                   "stopped: expected converged, iterations, deadline or cancelled, found %s",
                   why ? why : "nothing");
  return read_text(r, "text", &r->to->text, e);
}

static const struct {
  const char *name;
  rd_event_kind kind;
  rd_code (*read)(reader *r, rd_error *e);
} kinds[] = {{"start", RD_EVENT_START, read_start},
             {"noise", RD_EVENT_NOISE, read_noise},
             {"draft", RD_EVENT_DRAFT, read_draft},
             {"done", RD_EVENT_DONE, read_done}};

/* Numbers in all arrays of the line: what its storage must hold. */
static size_t numbers_in(const json_t *line) {
  static const char *const keys[] = {"ids",        "masked",  "changed",  "confidence",
                                     "prompt_ids", "eos_ids", "retained", "locked"};
  size_t n = 1;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    n += json_array_size(json_object_get(line, keys[i]));
  return n;
}

static rd_code read_event(rd_traced *to, const json_t *line, bool first, rd_error *e) {
  const char *name = json_string_value(json_object_get(line, "event"));
  for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(name, kinds[i].name) != 0)
      continue;
    if (first != (kinds[i].kind == RD_EVENT_START))
      return rd_fail(e, RD_BAD_INPUT, "event: %s",
                     first ? "the first must be \"start\"" : "a second \"start\"");
    to->event.kind = kinds[i].kind;
    to->arrays = rd_calloc(numbers_in(line), sizeof(int32_t), "a trace", e);
    if (!to->arrays)
      return RD_NO_MEMORY;
    reader r = {line, to, to->arrays};
    return kinds[i].read(&r, e);
  }
  return rd_fail(e, RD_BAD_INPUT, "event: expected start, noise, draft or done, found %s",
                 name ? name : "nothing");
}

static rd_code read_line(rd_trace *out, const char *line, size_t size, const char *name,
                         size_t number, rd_error *e) {
  json_t *value;
  rd_code code = rd_json_parse(&value, line, size, "event", e);
  if (code == RD_OK)
    code = rd_grow_one((void **)&out->events, out->count, sizeof *out->events, e);
  if (code == RD_OK) {
    rd_traced *to = &out->events[out->count++];
    memset(to, 0, sizeof *to);
    code = read_event(to, value, out->count == 1, e);
  }
  json_decref(value);
  return code == RD_OK ? code : rd_prefix(e, code, "%s: line %zu", name, number);
}

const char *rd_trace_line(const char **at, const char *end, size_t *size) {
  while (*at < end && **at == '\n')
    ++*at;
  const char *line = *at, *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
  *at = stop ? stop : end;
  *size = (size_t)(*at - line);
  return line < end ? line : NULL;
}

rd_code rd_trace_parse(rd_trace *out, const char *text, size_t size, const char *name,
                       rd_error *e) {
  *out = (rd_trace){NULL, 0};
  const char *at = text, *counted = text, *line;
  size_t number = 1, length;
  while ((line = rd_trace_line(&at, text + size, &length))) {
    for (; counted < line; counted++)
      number += *counted == '\n';
    rd_code code = read_line(out, line, length, name, number, e);
    if (code != RD_OK) {
      rd_trace_drop(out);
      return code;
    }
  }
  return out->count ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: no event in it", name);
}

rd_code rd_trace_read(rd_trace *out, const char *path, rd_error *e) {
  rd_map map;
  *out = (rd_trace){NULL, 0};
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code = rd_trace_parse(out, (const char *)map.data, map.size, path, e);
  rd_map_close(&map);
  return code;
}

void rd_trace_drop(rd_trace *trace) {
  for (size_t i = 0; trace && i < trace->count; i++) {
    rd_traced *t = &trace->events[i];
    for (int64_t k = 0; t->pieces && k < t->event.count; k++)
      free(t->pieces[k]);
    free(t->pieces);
    free(t->text);
    free(t->arrays);
    free(t->names);
  }
  if (trace) {
    free(trace->events);
    *trace = (rd_trace){NULL, 0};
  }
}
