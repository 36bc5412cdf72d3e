/* SPDX-License-Identifier: MIT */
/* The pool of examples: cutting documents, dropping or truncating what is too long, holding out. */
#include "examples.h"

#include "examples_rows.h"
#include "file.h"
#include "rng.h"
#include "seal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rd_code rd_id_list_add(rd_id_list *list, const int32_t *ids, size_t count, rd_error *e) {
  RD_TRY(rd_grow((void **)&list->data, &list->capacity, list->count + count, sizeof *ids, e));
  memcpy(list->data + list->count, ids, count * sizeof *ids);
  list->count += count;
  return RD_OK;
}

static rd_code add_example(rd_examples *x, rd_example example, float weight, rd_error *e) {
  size_t need = (size_t)x->count + 1, capacity = x->capacity;
  RD_TRY(rd_grow((void **)&x->items, &capacity, need, sizeof example, e));
  RD_TRY(rd_grow((void **)&x->weights, &x->capacity, need, sizeof weight, e));
  x->items[x->count] = example;
  x->weights[x->count++] = weight;
  return RD_OK;
}

/* Pieces of at most a window; the last may end in EOS. */
static rd_code cut_document(rd_examples *x, int64_t offset, int64_t ids, int64_t window,
                            float weight, rd_error *e) {
  for (int64_t at = 0; at < ids; at += window) {
    int64_t piece = ids - at < window ? ids - at : window;
    rd_example example = {.offset = offset + at,
                          .answer = (int32_t)piece,
                          .open = at + piece < ids || piece == window,
                          .later = at > 0};
    RD_TRY(add_example(x, example, weight, e));
  }
  return RD_OK;
}

/* One file on its way into the pool. */
typedef struct filling {
  rd_examples *pool;
  const rd_read_rules *rules;
  const rd_text_coder *coder;
  rd_file_report *report;
  float weight;
  int64_t first; /* example of the row under way */
} filling;

/* Make an example of the ids from `begin` to the pool's end, of which the first `prompt` are the
 * prompt (0: a plain document), with the spans from `said` on; `cut`: it breaks off there. */
static rd_code add_ids(filling *f, size_t begin, int64_t prompt, size_t said, bool cut,
                       rd_error *e) {
  const rd_read_rules *rules = f->rules;
  rd_examples *x = f->pool;
  int64_t ids = (int64_t)(x->list.count - begin), room = rules->window - rules->room_for_eos;
  bool document = prompt == 0, long_row = ids > room && (!rules->truncate || prompt >= room);
  if (!document && (long_row || (cut && !rules->take_cut))) {
    x->list.count = begin;
    x->said_count = said;
    f->report->too_long++;
    return RD_OK;
  }
  RD_TRY(rd_id_list_add(&x->list, &f->coder->eos, 1, e));
  f->report->ids += ids;
  int64_t before = x->count;
  if (document) {
    RD_TRY(cut_document(x, (int64_t)begin, ids, rules->window, f->weight, e));
  } else {
    bool over = ids > room;
    f->report->too_long += over;
    int64_t kept = over ? rules->window : ids;
    rd_example example = {.offset = (int64_t)begin,
                          .prompt = (int32_t)prompt,
                          .answer = (int32_t)(kept - prompt),
                          .said = (int32_t)said,
                          .said_count = (int32_t)(x->said_count - said),
                          .open = over || cut,
                          .later = x->count > f->first};
    RD_TRY(add_example(x, example, f->weight, e));
  }
  f->report->examples += x->count - before;
  return RD_OK;
}

static rd_code add_said(rd_examples *x, rd_said span, rd_error *e) {
  RD_TRY(rd_grow((void **)&x->said, &x->said_capacity, x->said_count + 1, sizeof span, e));
  x->said[x->said_count++] = span;
  return RD_OK;
}

/* Where turn `nth` stands in the ids of a prompt (count): behind the prompt that asks for it, word
 * for word. What closes it is the template's next token. Both are laid out at the pool's end, and
 * taken back from there. */
static rd_code find_answer(filling *f, const rd_message *turns, size_t nth, size_t begin,
                           int64_t count, rd_error *e) {
  rd_id_list *list = &f->pool->list;
  const rd_text_coder *coder = f->coder;
  size_t end = list->count;
  rd_code code = coder->prompt(coder->context, turns, nth, list, e);
  int64_t first = (int64_t)(list->count - end);
  if (code == RD_OK)
    code = coder->text(coder->context, turns[nth].content, strlen(turns[nth].content), list, e);
  int64_t last = (int64_t)(list->count - end);
  list->count = end;
  RD_TRY(code);
  const int32_t *whole = list->data + begin, *part = list->data + end;
  if (last >= count || memcmp(whole, part, (size_t)last * sizeof *part) != 0)
    return rd_fail(
        e, RD_BAD_INPUT,
        "turn %zu does not stand in the prompt as it was asked for and answered, so that "
        "loss_on assistant cannot find it (the chat template changes what went before?)",
        nth + 1);
  return add_said(f->pool, (rd_said){(int32_t)first, (int32_t)last + 1}, e);
}

/* The answer that is turn `at`, behind all before it. */
static rd_code encode_answer(filling *f, const rd_parsed_row *row, size_t at, rd_error *e) {
  rd_id_list *list = &f->pool->list;
  const rd_text_coder *coder = f->coder;
  const char *answer = row->turns[at].content;
  size_t begin = list->count;
  RD_TRY(coder->prompt(coder->context, row->turns, at, list, e));
  int64_t prompt = (int64_t)(list->count - begin);
  size_t said = f->pool->said_count;
  for (size_t i = 0; f->rules->find_answers && i < at; i++)
    if (strcmp(row->turns[i].role, "assistant") == 0 && !row->silent[i])
      RD_TRY(find_answer(f, row->turns, i, begin, prompt, e));
  RD_TRY(coder->text(coder->context, answer, strlen(answer), list, e));
  return add_ids(f, begin, prompt, said, row->cut && at + 1 == row->count, e);
}

/* An answer to something, which the row wants learnt. */
static bool wanted(const rd_parsed_row *row, size_t at) {
  const rd_message *turn = &row->turns[at];
  return at > 0 && at < row->count && strcmp(turn->role, "assistant") == 0 && !row->silent[at] &&
         !rd_text_blank(turn->content, strlen(turn->content));
}

/* The last answer of a row is an example, and those before it are examples too unless they are
 * found in its prompt; then it is the last one that is wanted, whatever comes behind it. */
static bool learnt(const filling *f, const rd_parsed_row *row, size_t at) {
  bool last = at + 1 == row->count;
  if (!wanted(row, at))
    return false;
  if (!f->rules->find_answers)
    return last || !f->rules->last_turn;
  for (size_t later = at + 1; later < row->count; later++)
    if (wanted(row, later))
      return false;
  return true;
}

static rd_code encode(filling *f, const rd_parsed_row *row, rd_error *e) {
  rd_id_list *list = &f->pool->list;
  size_t begin = list->count;
  if (row->text) {
    RD_TRY(f->coder->text(f->coder->context, row->text, row->size, list, e));
    return add_ids(f, begin, 0, f->pool->said_count, false, e);
  }
  for (size_t at = 0; at < row->count; at++)
    if (learnt(f, row, at))
      RD_TRY(encode_answer(f, row, at, e));
  return RD_OK;
}

/* One row into ids; what a bad one left is taken back. */
static rd_code add_row(void *context, const rd_parsed_row *row, rd_error *e) {
  filling *f = context;
  size_t begin = f->pool->list.count, said = f->pool->said_count;
  rd_file_report before = *f->report;
  f->first = f->pool->count;
  rd_code code = encode(f, row, e);
  if (code != RD_OK) {
    f->pool->list.count = begin;
    f->pool->said_count = said;
    f->pool->count = f->first;
    *f->report = before;
  }
  return code;
}

static rd_code read_file(filling *f, rd_error *e) {
  const rd_row_rules rules = {.allow_bad = f->rules->allow_bad,
                              .columns = f->rules->columns,
                              .found = f->rules->found,
                              .note = f->rules->note,
                              .context = f->rules->context};
  rd_file_report *report = f->report;
  rd_row_count count = {.path = report->path};
  rd_map map;
  RD_TRY(rd_map_open(&map, report->path, e));
  report->size = map.size;
  report->hash = rd_hash(&map);
  rd_code code =
      rd_example_rows_read(&count, (const char *)map.data, map.size, &rules, add_row, f, e);
  rd_map_close(&map);
  report->rows = (int64_t)(count.good + count.bad);
  report->bad = (int64_t)count.bad;
  return code;
}

rd_code rd_examples_read(rd_examples *x, const rd_data_sources *sources, const rd_text_coder *coder,
                         const rd_read_rules *rules, rd_error *e) {
  *x = (rd_examples){0};
  x->reports = rd_calloc(sources->count + 1, sizeof *x->reports, "reports of data files", e);
  if (!x->reports)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < sources->count; i++) {
    rd_file_report *report = &x->reports[x->report_count++];
    filling f = {x, rules, coder, report, (float)sources->items[i].weight, 0};
    report->path = sources->items[i].path;
    RD_TRY(read_file(&f, e));
  }
  x->pool = x->list.data;
  x->pool_count = x->list.count;
  return RD_OK;
}

/* Examples of the row that begins at `first`. */
static int64_t row_length(const rd_examples *x, int64_t first) {
  int64_t n = 1;
  while (first + n < x->count && x->items[first + n].later)
    n++;
  return n;
}

/* A document that is long enough gives its last pieces; every other row is drawn, and stays or goes
 * as a whole. The last row is not taken where no other is left. */
rd_code rd_examples_hold_out(rd_examples *x, rd_examples *held, double share, int64_t most,
                             uint64_t seed, rd_error *e) {
  *held = (rd_examples){.pool = x->pool, .pool_count = x->pool_count, .said = x->said};
  const int64_t count = x->count;
  const double wanted = share * (double)count;
  const double chance = wanted > (double)most ? (double)most / (double)count : share;
  int64_t kept = 0;
  for (int64_t i = 0, n; i < count; i += n) {
    n = row_length(x, i);
    rd_rng rng = rd_rng_at(seed, RD_STREAM_SHUFFLE, UINT32_MAX, (uint32_t)i);
    const int64_t room = most - held->count;
    int64_t goes = x->items[i].prompt == 0 ? (int64_t)(chance * (double)n + 1e-6) : 0;
    if (goes == 0 && room > 0 && rd_rng_uniform(&rng) < chance && (kept > 0 || i + n < count))
      goes = n;
    else if (goes > room)
      goes = room;
    for (int64_t k = i; k < i + n; k++) {
      if (k >= i + n - goes) {
        RD_TRY(add_example(held, x->items[k], x->weights[k], e));
        continue;
      }
      x->items[kept] = x->items[k];
      x->weights[kept++] = x->weights[k];
    }
  }
  x->count = kept;
  return RD_OK;
}

bool rd_example_said(const rd_examples *x, const rd_example *example, int64_t i) {
  for (int32_t s = 0; s < example->said_count; s++) {
    const rd_said *span = &x->said[example->said + s];
    if (i >= span->first && i < span->end)
      return true;
  }
  return false;
}

void rd_examples_drop(rd_examples *x) {
  free(x->said);
  free(x->items);
  free(x->weights);
  free(x->list.data);
  free(x->reports);
  *x = (rd_examples){0};
}

void rd_examples_drop_held(rd_examples *held) {
  free(held->items);
  free(held->weights);
  *held = (rd_examples){0};
}
