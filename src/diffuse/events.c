/* SPDX-License-Identifier: MIT */
/* Events as JSON, and the text of drafts. One row says which keys a kind of event has. */
#include "events.h"

#include "draft.h"
#include "json.h"
#include "whole.h"

#include <stdlib.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------- */

static bool is_end(const rd_speller *s, int32_t id) {
  for (int i = 0; i < s->end_count; i++)
    if (s->ends[i] == id)
      return true;
  return false;
}

char *rd_event_text(const rd_event *event) {
  const rd_speller *s = event->speller;
  int32_t *kept = malloc(((size_t)event->count + 1) * sizeof *kept);
  if (!kept)
    return NULL;
  int64_t n = 0;
  for (int64_t i = 0; s && i < event->count && !is_end(s, event->ids[i]); i++)
    if (event->ids[i] != s->mask)
      kept[n++] = event->ids[i];
  char *text = n > 0 ? s->text(s->context, kept, n) : strdup("");
  free(kept);
  return text;
}

enum { LONGEST_RUN = 16 }; /* tokens that make characters together */

/* Does a token, or do some, begin or end inside of a character? */
static bool is_half(const char *text) {
  return text && strstr(text, "\xEF\xBF\xBD");
}

int64_t rd_event_run(const rd_speller *s, const int32_t *ids, int64_t n, char **text) {
  char *first = s->piece(s->context, ids[0]), *next = NULL;
  *text = first;
  n = is_half(first) ? rd_least(n, LONGEST_RUN) : 1;
  for (int64_t k = 1; k < n; k++) {
    free(next);
    next = s->piece(s->context, ids[k]);
    if (!is_half(next))
      break;
    char *whole = s->text(s->context, ids, k + 1);
    if (whole && !is_half(whole)) {
      free(next);
      free(first);
      *text = whole;
      return k + 1;
    }
    free(whole);
  }
  free(next);
  return 1;
}

char **rd_event_pieces(const rd_event *event) {
  const rd_speller *s = event->speller;
  char **pieces = calloc((size_t)event->count + 1, sizeof *pieces);
  bool whole = pieces != NULL;
  for (int64_t i = 0; whole && i < event->count;) {
    int64_t n = s ? rd_event_run(s, event->ids + i, event->count - i, &pieces[i]) : 1;
    for (int64_t k = s ? 1 : 0; k < n; k++)
      pieces[i + k] = strdup("");
    for (int64_t k = 0; k < n; k++)
      whole = whole && pieces[i + k];
    i += n;
  }
  if (!whole)
    rd_event_pieces_free(&pieces, event->count);
  return pieces;
}

void rd_event_pieces_free(char ***pieces, int64_t count) {
  for (int64_t i = 0; *pieces && i < count; i++)
    free((*pieces)[i]);
  free(*pieces);
  *pieces = NULL;
}

char *rd_event_piece(const rd_event *event, int64_t position) {
  const rd_speller *s = event->speller;
  if (!s || position < 0 || position >= event->count)
    return strdup("");
  for (int64_t i = 0;;) {
    char *text = NULL;
    const int64_t n = rd_event_run(s, event->ids + i, event->count - i, &text);
    if (i == position)
      return text;
    free(text);
    i += n;
    if (i > position)
      return strdup("");
  }
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Add a value, or give the whole array up: NULL then, and from then on. */
static json_t *with(json_t *array, json_t *value) {
  if (json_array_append_new(array, value) == 0)
    return array;
  json_decref(array);
  return NULL;
}

static json_t *ids_of(const int32_t *ids, int64_t n) {
  json_t *array = json_array();
  for (int64_t i = 0; i < n; i++)
    array = with(array, json_integer(ids[i]));
  return array;
}

static json_t *confidence_of(const rd_event *event) {
  json_t *array = json_array();
  for (int64_t i = 0; i < event->count; i++)
    array = with(array, json_real((double)event->confidence[i]));
  return array;
}

/* Bytes that are no UTF-8 become U+FFFD, so that every event is valid JSON. */
static json_t *text_value(char *text) {
  json_t *value = rd_json_said(text);
  free(text);
  return value;
}

static json_t *pieces_of(const rd_event *event) {
  char **pieces = rd_event_pieces(event);
  json_t *array = pieces ? json_array() : NULL;
  for (int64_t i = 0; pieces && i < event->count; i++)
    array = with(array, rd_json_said(pieces[i]));
  rd_event_pieces_free(&pieces, event->count);
  return array;
}

static json_t *start_value(const rd_event *event) {
  return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o}", "event", "start", "model",
                   event->model ? event->model : "", "sampler", event->sampler, "seed",
                   (json_int_t)event->seed, "window", (json_int_t)event->window, "iterations",
                   (json_int_t)event->iterations, "prompt_ids",
                   ids_of(event->prompt_ids, event->prompt_count), "eos_ids",
                   ids_of(event->eos_ids, event->eos_count));
}

/* Only samplers that settle positions have these keys. */
static json_t *with_settled(json_t *value, const rd_event *event) {
  if (value && event->retained_count > 0)
    json_object_set_new(value, "retained", ids_of(event->retained, event->retained_count));
  if (value && event->locked_count > 0)
    json_object_set_new(value, "locked", ids_of(event->locked, event->locked_count));
  return value;
}

static json_t *noise_value(const rd_event *event) {
  json_t *value = json_pack("{s:s, s:I, s:o, s:o}", "event", "noise", "iteration",
                            (json_int_t)event->iteration, "ids", ids_of(event->ids, event->count),
                            "masked", ids_of(event->masked, event->masked_count));
  return with_settled(value, event);
}

/* Where the base checks, what became of drafts. */
static json_t *with_checks(json_t *value, const rd_event *event) {
  if (value && event->drafted + event->accepted + event->rejected > 0)
    json_object_update_new(
        value, json_pack("{s:I, s:I, s:I}", "drafted", (json_int_t)event->drafted, "accepted",
                         (json_int_t)event->accepted, "rejected", (json_int_t)event->rejected));
  if (value && event->sure > 0)
    json_object_set_new(value, "sure", json_integer((json_int_t)event->sure));
  return value;
}

static json_t *draft_value(const rd_event *event) {
  json_t *value = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "event", "draft", "iteration",
                            (json_int_t)event->iteration, "ids", ids_of(event->ids, event->count),
                            "pieces", pieces_of(event), "confidence", confidence_of(event),
                            "changed", ids_of(event->changed, event->changed_count), "text",
                            text_value(rd_event_text(event)));
  return with_settled(value, event);
}

static json_t *done_value(const rd_event *event) {
  return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:f, s:b, s:s*}", "event", "done", "text",
                   text_value(rd_event_text(event)), "ids", ids_of(event->ids, event->count),
                   "tokens", (json_int_t)event->count, "iterations", (json_int_t)event->iteration,
                   "passes", (json_int_t)event->passes, "stopped", event->stopped, "seconds",
                   event->seconds, "converged", event->converged, "warning", event->warning);
}

json_t *rd_event_value(const rd_event *event) {
  static json_t *(*const kinds[])(const rd_event *) = {[RD_EVENT_START] = start_value,
                                                       [RD_EVENT_NOISE] = noise_value,
                                                       [RD_EVENT_DRAFT] = draft_value,
                                                       [RD_EVENT_DONE] = done_value};
  return with_checks(kinds[event->kind](event), event);
}

char *rd_event_json(const rd_event *event) {
  json_t *value = rd_event_value(event);
  char *text = value ? rd_json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(value);
  return text;
}
