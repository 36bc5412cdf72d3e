/* SPDX-License-Identifier: MIT */
/* Ids are sorted by their text; the tree is written while one goes through them, by what a word has
 * in common with the one before. */
#include "word_tree.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

const char *rd_words_text(const rd_words *w, int32_t id, size_t *size) {
  return rd_tokenizer_piece(w->tokenizer, id, size);
}

bool rd_words_ends(const rd_words *w, int32_t id) {
  for (int i = 0; i < w->end_count; i++)
    if (w->ends[i] == id)
      return true;
  return false;
}

/* --- the tree --------------------------------------------------------------------------------- */

typedef struct spelled {
  const char *text;
  uint32_t size;
  int32_t id;
} spelled;

static int by_text(const void *a, const void *b) {
  const spelled *x = a, *y = b;
  int d = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
  if (d != 0 || x->size == y->size)
    return d != 0 ? d : (x->id > y->id) - (x->id < y->id);
  return x->size < y->size ? -1 : 1;
}

/* Usable ids, sorted by text; returns their number. */
static size_t gather(const rd_words *w, int32_t mask, spelled *list) {
  size_t count = 0;
  for (int32_t id = 0; id < (int32_t)w->vocab; id++) {
    size_t size = 0;
    if (id == mask || rd_words_ends(w, id) || !rd_tokenizer_writes(w->tokenizer, id))
      continue;
    const char *text = rd_words_text(w, id, &size);
    if (size > 0 && size <= RD_LONGEST_WORD)
      list[count++] = (spelled){text, (uint32_t)size, id};
  }
  qsort(list, count, sizeof *list, by_text);
  return count;
}

static uint32_t shared(const spelled *a, const spelled *b) {
  uint32_t n = 0;
  while (n < a->size && n < b->size && a->text[n] == b->text[n])
    n++;
  return n;
}

static void plant(rd_words *w, const spelled *list, size_t count) {
  uint32_t open[RD_LONGEST_WORD + 1] = {0}, depth = 0; /* nodes on the way to the last word */
  w->nodes[0] = (rd_word_node){.word = -1};
  w->count = 1;
  for (size_t i = 0; i < count; i++) {
    const spelled *s = &list[i];
    uint32_t common = i > 0 ? shared(s, &list[i - 1]) : 0;
    for (; depth > common; depth--)
      w->nodes[open[depth]].end = (uint32_t)w->count;
    w->longest = (int32_t)s->size > w->longest ? (int32_t)s->size : w->longest;
    w->writes[s->id] = true;
    if (i > 0 && common == s->size) { /* spelled like the one before */
      w->twins[list[i - 1].id] = s->id;
      continue;
    }
    for (; depth < s->size; depth++) {
      open[depth + 1] = (uint32_t)w->count;
      w->nodes[w->count++] = (rd_word_node){
          .word = -1, .depth = (uint16_t)(depth + 1), .byte = (uint8_t)s->text[depth]};
    }
    w->nodes[w->count - 1].word = s->id;
  }
  for (; depth > 0; depth--)
    w->nodes[open[depth]].end = (uint32_t)w->count;
  w->nodes[0].end = (uint32_t)w->count;
}

static rd_code make_tree(rd_words *w, int32_t mask, rd_error *e) {
  spelled *list = rd_calloc((size_t)w->vocab, sizeof *list, "a tree of words", e);
  if (!list)
    return RD_NO_MEMORY;
  size_t count = gather(w, mask, list), nodes = 1;
  for (size_t i = 0; i < count; i++)
    nodes += list[i].size - (i > 0 ? shared(&list[i], &list[i - 1]) : 0);
  w->nodes = rd_calloc(nodes, sizeof *w->nodes, "a tree of words", e);
  if (w->nodes)
    plant(w, list, count);
  free(list);
  return w->nodes ? RD_OK : RD_NO_MEMORY;
}

/* --- the inside of strings -------------------------------------------------------------------- */

/* Where a word leads, as it is met; sorted into groups afterwards. */
typedef struct arrival {
  int32_t place, characters, id;
} arrival;

typedef struct arrivals {
  arrival *list;
  size_t count, capacity;
  rd_word_exit *exits;
  size_t exit_count, exit_capacity;
} arrivals;

static rd_code arrive(const rd_words *w, arrivals *a, uint32_t node, int place, int32_t characters,
                      rd_error *e) {
  for (int32_t id = w->nodes[node].word; id >= 0; id = w->twins[id]) {
    RD_TRY(rd_grow((void **)&a->list, &a->capacity, a->count + 1, sizeof *a->list, e));
    a->list[a->count++] = (arrival){place, characters, id};
  }
  return RD_OK;
}

/* Go through the tree from one place of the inside. */
static rd_code go_through(const rd_words *w, const rd_inside *in, int32_t from, arrivals *a,
                          size_t *steps, rd_error *e) {
  int16_t places[RD_LONGEST_WORD + 1] = {(int16_t)from};
  int32_t counts[RD_LONGEST_WORD + 1] = {0};
  for (uint32_t i = 1; i < w->count;) {
    const rd_word_node *x = &w->nodes[i];
    int16_t to = in->next[places[x->depth - 1]][x->byte];
    ++*steps;
    places[x->depth] = to;
    counts[x->depth] = counts[x->depth - 1] + (to >= 0 && in->between[to]);
    if (to >= 0) {
      RD_TRY(arrive(w, a, i, to, counts[x->depth], e));
      i++;
      continue;
    }
    if (to == RD_INSIDE_SHUT) {
      RD_TRY(arrive(w, a, i, RD_INSIDE_SHUT, counts[x->depth], e));
      RD_TRY(
          rd_grow((void **)&a->exits, &a->exit_capacity, a->exit_count + 1, sizeof *a->exits, e));
      a->exits[a->exit_count++] = (rd_word_exit){i, counts[x->depth]};
    }
    i = x->end;
  }
  return RD_OK;
}

static int32_t characters_of(const arrival *a) {
  return a->characters;
}
static int32_t place_of(const arrival *a) {
  return a->place - RD_INSIDE_SHUT;
}

/* By a key below `most`; those of one key stay as they were. */
static rd_code sort_by(arrivals *a, int32_t (*key)(const arrival *a), int32_t most, rd_error *e) {
  size_t *firsts = rd_calloc((size_t)most + 1, sizeof *firsts, "a tree of words", e);
  arrival *list = rd_calloc(a->count + 1, sizeof *list, "a tree of words", e);
  if (!firsts || !list) {
    free(firsts);
    free(list);
    return RD_NO_MEMORY;
  }
  for (size_t i = 0; i < a->count; i++)
    firsts[key(&a->list[i]) + 1]++;
  for (int32_t k = 0; k < most; k++)
    firsts[k + 1] += firsts[k];
  for (size_t i = 0; i < a->count; i++)
    list[firsts[key(&a->list[i])]++] = a->list[i];
  free(firsts);
  free(a->list);
  a->list = list;
  a->capacity = a->count + 1;
  return RD_OK;
}

static bool same_group(const arrival *a, const arrival *b) {
  return a->place == b->place && a->characters == b->characters;
}

static rd_code group(rd_word_fan *fan, arrivals *a, rd_error *e) {
  size_t groups = 0, wholes = 0;
  for (size_t i = 0; i < a->count; i++) {
    groups += i == 0 || !same_group(&a->list[i], &a->list[i - 1]);
    wholes += i == 0 || a->list[i].place != a->list[i - 1].place;
  }
  fan->ids = rd_calloc(a->count + 1, sizeof *fan->ids, "a tree of words", e);
  fan->groups = rd_calloc(groups + 1, sizeof *fan->groups, "a tree of words", e);
  fan->wholes = rd_calloc(wholes + 1, sizeof *fan->wholes, "a tree of words", e);
  if (!fan->ids || !fan->groups || !fan->wholes)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < a->count; i++) {
    if (i == 0 || !same_group(&a->list[i], &a->list[i - 1]))
      fan->groups[fan->group_count++] =
          (rd_word_group){a->list[i].place, a->list[i].characters, (uint32_t)i, 0};
    if (i == 0 || a->list[i].place != a->list[i - 1].place)
      fan->wholes[fan->whole_count++] = (rd_word_group){a->list[i].place, 0, (uint32_t)i, 0};
    fan->groups[fan->group_count - 1].count++;
    fan->wholes[fan->whole_count - 1].count++;
    fan->ids[i] = a->list[i].id;
  }
  fan->exits = a->exits;
  fan->exit_count = a->exit_count;
  a->exits = NULL;
  return RD_OK;
}

rd_code rd_words_fan(rd_word_fan *out, const rd_words *w, const rd_inside *in, int32_t place,
                     size_t *steps, rd_error *e) {
  arrivals a = {0};
  *out = (rd_word_fan){0};
  rd_code code = go_through(w, in, place, &a, steps, e);
  if (code == RD_OK)
    code = sort_by(&a, characters_of, RD_LONGEST_WORD + 1, e);
  if (code == RD_OK)
    code = sort_by(&a, place_of, in->places - RD_INSIDE_SHUT, e);
  if (code == RD_OK)
    code = group(out, &a, e);
  free(a.list);
  free(a.exits);
  return code;
}

void rd_word_fan_drop(rd_word_fan *fan) {
  free(fan->groups);
  free(fan->wholes);
  free(fan->ids);
  free(fan->exits);
  *fan = (rd_word_fan){0};
}

static int by_number(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Of any string, each group in the order of its ids. */
static rd_code make_inside(rd_words *w, rd_error *e) {
  rd_inside plain;
  size_t steps = 0;
  RD_TRY(rd_inside_plain(&plain, e));
  rd_code code = RD_OK;
  for (int32_t place = 0; place < plain.places && code == RD_OK; place++) {
    rd_word_fan *fan = &w->inside[place];
    code = rd_words_fan(fan, w, &plain, place, &steps, e);
    for (size_t i = 0; i < fan->group_count; i++)
      qsort(fan->ids + fan->groups[i].first, fan->groups[i].count, sizeof *fan->ids, by_number);
  }
  rd_inside_drop(&plain);
  return code;
}

/* --- all of it -------------------------------------------------------------------------------- */

rd_code rd_words_open(rd_words **out, const rd_tokenizer *tokenizer, int64_t vocab,
                      const int32_t *ends, int end_count, int32_t mask, rd_error *e) {
  *out = NULL;
  if (!tokenizer)
    return rd_fail(e, RD_USAGE, "a form of the answer: the model has no tokenizer");
  if (!rd_tokenizer_joins(tokenizer))
    return rd_fail(e, RD_UNSUPPORTED,
                   "a form of the answer: the text of this tokenizer's words is not what they are "
                   "one after the other, so that none can be promised");
  rd_words *w = rd_calloc(1, sizeof *w, "a tree of words", e);
  if (!w)
    return RD_NO_MEMORY;
  w->tokenizer = tokenizer;
  w->vocab = vocab;
  w->drops_space = rd_tokenizer_drops_space(tokenizer);
  for (; w->end_count < end_count && w->end_count < RD_MOST_WORD_ENDS; w->end_count++)
    w->ends[w->end_count] = ends[w->end_count];
  w->twins = rd_calloc((size_t)vocab, sizeof *w->twins, "a tree of words", e);
  w->writes = rd_calloc((size_t)vocab, sizeof *w->writes, "a tree of words", e);
  rd_code code = w->twins && w->writes ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK) {
    memset(w->twins, 0xFF, (size_t)vocab * sizeof *w->twins);
    code = make_tree(w, mask, e);
  }
  if (code == RD_OK)
    code = make_inside(w, e);
  if (code != RD_OK)
    rd_words_close(&w);
  *out = w;
  return code;
}

void rd_words_close(rd_words **words) {
  rd_words *w = words ? *words : NULL;
  if (!w)
    return;
  for (int place = 0; place < RD_PLAIN_PLACES; place++)
    rd_word_fan_drop(&w->inside[place]);
  free(w->nodes);
  free(w->twins);
  free(w->writes);
  free(w);
  *words = NULL;
}
