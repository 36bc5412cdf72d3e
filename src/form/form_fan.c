/* SPDX-License-Identifier: MIT */
/* From a state the tree of words is walked with the automaton: what cannot be read is passed over
 * with all below it. Inside of strings that was done once for all forms (word_tree.h); here only
 * words that leave a string are looked at. */
#include "form_fan.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 1 << 28, MOST_IDS = 1 << 24 };

typedef struct arrival {
  int32_t target, id;
} arrival;

typedef struct arrivals {
  arrival *list;
  size_t count, capacity;
} arrivals;

static rd_code too_large(rd_error *e) {
  return rd_fail(
      e, RD_BAD_INPUT,
      "the form is too large for this vocabulary: too many of its states may be followed "
      "by nearly every word; bound its repetitions lower");
}

/* Walk what lies below node `top`, at which `state` stands; `drops`: a space in front is nothing.
 */
static rd_code walk(const rd_form *f, uint32_t top, int32_t state, bool drops, arrivals *a,
                    size_t *steps, rd_error *e) {
  const rd_words *w = f->words;
  int32_t states[RD_LONGEST_WORD + 1];
  uint32_t base = w->nodes[top].depth;
  states[base] = state;
  for (uint32_t i = top + 1; i < w->nodes[top].end;) {
    const rd_word_node *x = &w->nodes[i];
    bool dropped = drops && x->depth == 1 && x->byte == ' ';
    int32_t to = dropped ? state : rd_dfa_next(&f->dfa, states[x->depth - 1], x->byte);
    if (++*steps > MOST_STEPS)
      return too_large(e);
    if (to == RD_NOWHERE) {
      i = x->end;
      continue;
    }
    states[x->depth] = to;
    for (int32_t id = x->word; id >= 0; id = w->twins[id]) {
      RD_TRY(rd_grow((void **)&a->list, &a->capacity, a->count + 1, sizeof *a->list, e));
      a->list[a->count++] = (arrival){to, id};
    }
    i++;
  }
  return RD_OK;
}

/* Ids with one target become neighbours, in the order of their texts. Which group a target has is
 * noted in `least`, which is not known yet. */
static rd_code keep_groups(rd_form *f, rd_form_part *part, const arrivals *a, rd_error *e) {
  int32_t *group_of = f->least;
  rd_code code = RD_OK;
  if (f->id_count + a->count > MOST_IDS)
    return too_large(e);
  RD_TRY(rd_grow((void **)&f->ids, &f->id_capacity, f->id_count + a->count, sizeof *f->ids, e));
  part->first = f->group_count;
  for (size_t i = 0; i < a->count && code == RD_OK; i++) {
    int32_t *group = &group_of[a->list[i].target];
    if (*group == RD_FORM_NEVER) {
      code = rd_grow((void **)&f->groups, &f->group_capacity, f->group_count + 1, sizeof *f->groups,
                     e);
      if (code != RD_OK)
        break;
      *group = (int32_t)f->group_count;
      f->groups[f->group_count++] = (rd_form_group){.target = a->list[i].target};
    }
    f->groups[*group].count++;
  }
  part->count = f->group_count - part->first;
  uint32_t first = (uint32_t)f->id_count;
  for (size_t g = part->first; g < f->group_count; g++) {
    f->groups[g].first = first;
    first += f->groups[g].count;
    f->groups[g].count = 0;
  }
  for (size_t i = 0; i < a->count && code == RD_OK; i++) {
    rd_form_group *g = &f->groups[group_of[a->list[i].target]];
    f->ids[g->first + g->count++] = a->list[i].id;
  }
  for (size_t g = part->first; g < f->group_count; g++)
    group_of[f->groups[g].target] = RD_FORM_NEVER;
  f->id_count = first;
  part->made = true;
  return code;
}

static rd_code make_groups(rd_form *f, rd_form_part *part, int32_t state, bool drops, size_t *steps,
                           rd_error *e) {
  arrivals a = {0};
  rd_code code = walk(f, 0, state, drops, &a, steps, e);
  if (code == RD_OK)
    code = keep_groups(f, part, &a, e);
  free(a.list);
  return code;
}

/* Words that leave a body from one of its places and go on behind it. */
static rd_code make_throughs(rd_form *f, const rd_dfa_body *b, int place, rd_form_part *part,
                             size_t *steps, rd_error *e) {
  const rd_word_fan *fan = f->places[b->inside_places + place].fan;
  arrivals a = {0};
  rd_code code = RD_OK;
  part->first = f->through_count;
  for (size_t i = 0; i < fan->exit_count && b->exit != RD_NOWHERE && code == RD_OK; i++) {
    a.count = 0;
    code = walk(f, fan->exits[i].node, b->exit, false, &a, steps, e);
    if (code == RD_OK)
      code = rd_grow((void **)&f->throughs, &f->through_capacity, f->through_count + a.count,
                     sizeof *f->throughs, e);
    for (size_t k = 0; k < a.count && code == RD_OK; k++)
      f->throughs[f->through_count++] =
          (rd_form_through){a.list[k].target, a.list[k].id, fan->exits[i].characters};
  }
  part->count = f->through_count - part->first;
  part->made = true;
  free(a.list);
  return code;
}

rd_code rd_form_make_fan(rd_form *f, int32_t state, size_t *steps, rd_error *e) {
  const rd_dfa *d = &f->dfa;
  int place;
  int32_t count;
  if (state == f->ended)
    return RD_OK;
  if (state < d->table_count || state == f->begin) {
    bool drops = state >= d->table_count;
    rd_form_part *part = &f->fans[drops ? d->table_count : state];
    return part->made ? RD_OK : make_groups(f, part, drops ? d->start : state, drops, steps, e);
  }
  const rd_dfa_body *b = rd_dfa_body_of(d, state);
  rd_dfa_where(b, state, &place, &count);
  rd_form_place *here = &f->places[b->inside_places + place];
  if (!here->fan) {
    RD_TRY(rd_words_fan(&here->own, f->words, b->in, place, steps, e));
    here->fan = &here->own;
    if (*steps > MOST_STEPS)
      return too_large(e);
  }
  rd_form_part *part = &f->exits[b->body_places + place];
  return part->made ? RD_OK : make_throughs(f, b, place, part, steps, e);
}

/* --- lists that are the same ------------------------------------------------------------------ */

enum { MANY = 8 /* a list has many words when they are so small a part of all, or more */ };

/* Lists seen so far, found by a hash of their ids. */
typedef struct numbering {
  rd_form *f;
  int32_t *slots; /* (mask + 1) keys; -1: none */
  size_t mask;
} numbering;

static size_t hash_of(const int32_t *ids, uint32_t count) {
  uint64_t h = count;
  for (uint32_t i = 0; i < count; i++)
    h = (h ^ (uint32_t)ids[i]) * 0x9E3779B97F4A7C15U;
  return (size_t)(h >> 16);
}

static int32_t number_list(numbering *n, const int32_t *ids, uint32_t count) {
  rd_form *f = n->f;
  if (count < 2)
    return -1;
  for (size_t slot = hash_of(ids, count);; slot++) {
    int32_t *key = &n->slots[slot & n->mask];
    if (*key < 0) {
      *key = f->keys;
      f->lists[f->keys] = (rd_form_list){.ids = ids, .count = count};
      return f->keys++;
    }
    const rd_form_list *known = &f->lists[*key];
    if (known->count == count && memcmp(known->ids, ids, count * sizeof *ids) == 0)
      return *key;
  }
}

static void number_groups(numbering *n, int32_t *at, const rd_word_fan *fan,
                          const rd_word_group *groups, size_t count) {
  for (size_t i = 0; i < count; i++)
    n->f->key_of[(*at)++] = number_list(n, fan->ids + groups[i].first, groups[i].count);
}

static rd_code mark_long_lists(rd_form *f, rd_error *e) {
  const size_t V = (size_t)f->words->vocab, width = (V + 63) / 64;
  size_t many = 0;
  for (int32_t k = 0; k < f->keys; k++)
    many += (size_t)f->lists[k].count * MANY >= V;
  f->bits = rd_calloc(many * width + 1, sizeof *f->bits, "a form", e);
  if (!f->bits)
    return RD_NO_MEMORY;
  uint64_t *next = f->bits;
  for (int32_t k = 0; k < f->keys; k++) {
    rd_form_list *list = &f->lists[k];
    if ((size_t)list->count * MANY < V)
      continue;
    for (uint32_t i = 0; i < list->count; i++)
      next[list->ids[i] / 64] |= (uint64_t)1 << list->ids[i] % 64;
    list->has = next;
    next += width;
  }
  return RD_OK;
}

rd_code rd_form_number_lists(rd_form *f, rd_error *e) {
  size_t all = f->group_count;
  for (size_t p = 0; p < f->dfa.inside_places; p++)
    all += f->places[p].fan ? f->places[p].fan->group_count + f->places[p].fan->whole_count : 0;
  numbering n = {.f = f, .mask = 1};
  while (n.mask < 2 * all)
    n.mask = 2 * n.mask + 1;
  int32_t at = (int32_t)f->group_count;
  f->key_of = rd_calloc(all + 1, sizeof *f->key_of, "a form", e);
  f->lists = rd_calloc(all + 1, sizeof *f->lists, "a form", e);
  n.slots = rd_calloc(n.mask + 1, sizeof *n.slots, "a form", e);
  if (!f->key_of || !f->lists || !n.slots) {
    free(n.slots);
    return RD_NO_MEMORY;
  }
  memset(n.slots, 0xFF, (n.mask + 1) * sizeof *n.slots);
  for (size_t i = 0; i < f->group_count; i++)
    f->key_of[i] = number_list(&n, f->ids + f->groups[i].first, f->groups[i].count);
  for (size_t p = 0; p < f->dfa.inside_places; p++) {
    rd_form_place *here = &f->places[p];
    if (!here->fan)
      continue;
    here->keys = at;
    number_groups(&n, &at, here->fan, here->fan->groups, here->fan->group_count);
    here->whole_keys = at;
    number_groups(&n, &at, here->fan, here->fan->wholes, here->fan->whole_count);
  }
  free(n.slots);
  return mark_long_lists(f, e);
}
