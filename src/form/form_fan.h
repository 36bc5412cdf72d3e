/* SPDX-License-Identifier: MIT */
/* What a form is made of, and where words lead in it. */
#ifndef RD_FORM_FAN_H
#define RD_FORM_FAN_H

#include "dfa.h"
#include "word_tree.h"

typedef struct rd_form rd_form;

typedef struct rd_form_group {
  int32_t target;
  uint32_t first, count; /* of ids */
} rd_form_group;

/* A word that closes a string and goes on behind it. */
typedef struct rd_form_through {
  int32_t target, id, characters;
} rd_form_through;

typedef struct rd_form_part {
  size_t first, count;
  bool made;
} rd_form_part;

/* What words make of a place of an inside. */
typedef struct rd_form_place {
  const rd_word_fan *fan; /* NULL: not made */
  rd_word_fan own;
  int32_t keys;       /* where the key of its first group stands in key_of */
  int32_t whole_keys; /* and that of its first group without regard to characters */
} rd_form_place;

/* Ids that lead from one state to another, whichever those are. */
typedef struct rd_form_list {
  const int32_t *ids;
  const uint64_t *has; /* (ceil(V / 64)) bits of the ids, of lists that have many; else NULL */
  uint32_t count;
} rd_form_list;

struct rd_form {
  const rd_words *words;
  rd_dfa dfa;
  int32_t begin, ended; /* behind the automaton's states; begin: where a space is dropped */
  rd_form_part *fans;   /* (table_count + 1) groups of the rows, then of `begin` */
  rd_form_group *groups;
  size_t group_count, group_capacity;
  int32_t *ids;
  size_t id_count, id_capacity;
  rd_form_part *exits; /* (body_places) of throughs */
  rd_form_through *throughs;
  size_t through_count, through_capacity;
  rd_form_place *places; /* (inside_places) */
  int32_t *key_of;       /* the keys of groups, then of the groups of places */
  rd_form_list *lists;   /* (keys) */
  uint64_t *bits;        /* of the lists that have them */
  int32_t keys;
  int32_t *least, *reach; /* (states) */
};

/* Make what rd_form_each gives for a state, unless it is there. *steps counts nodes of the tree.
 * RD_BAD_INPUT: too large. */
rd_code rd_form_make_fan(rd_form *f, int32_t state, size_t *steps, rd_error *e);

/* Once all are made: lists with the same ids get one key, wherever they lead. */
rd_code rd_form_number_lists(rd_form *f, rd_error *e);

/* Called for all words that lead from one state to another: `ids` (count), or of several such lists
 * that together are all. `key` numbers lists of two words and more (rd_form_keys of them); -1: it
 * is one word, or the lists are not numbered yet. End words are not among them. */
typedef void rd_form_visit(void *context, int32_t to, const int32_t *ids, uint32_t count,
                           int32_t key);
static inline void rd_form_each(const rd_form *f, int32_t state, rd_form_visit *visit,
                                void *context);
int32_t rd_form_keys(const rd_form *f);

/* --- written out here, so that it becomes one loop with what is called -------------------------
 */

/* What rd_form_accepts says. */
static inline bool rd_form_may_end(const rd_form *f, int32_t state) {
  return rd_dfa_accepts(&f->dfa, state == f->begin ? f->dfa.start : state);
}

static inline int32_t rd_form_key(const rd_form *f, int32_t list) {
  return f->key_of ? f->key_of[list] : -1;
}

static inline void rd_form_each_inside(const rd_form *f, int32_t state, rd_form_visit *visit,
                                       void *context) {
  const rd_dfa_body *b = rd_dfa_body_of(&f->dfa, state);
  int place;
  int32_t count;
  rd_dfa_where(b, state, &place, &count);
  const rd_form_place *here = &f->places[b->inside_places + place];
  const rd_word_fan *fan = here->fan;
  const rd_form_part *part = &f->exits[b->body_places + place];
  /* where there are enough characters, and may be any number, words of one place are one list */
  bool whole = b->most < 0 && count == b->cap;
  const rd_word_group *groups = whole ? fan->wholes : fan->groups;
  size_t group_count = whole ? fan->whole_count : fan->group_count;
  int32_t keys = whole ? here->whole_keys : here->keys;
  for (size_t i = 0; i < group_count; i++) {
    const rd_word_group *g = &groups[i];
    int64_t characters = (int64_t)count + g->characters;
    int32_t to = g->place == RD_INSIDE_SHUT ? rd_dfa_exit(b, characters)
                                            : rd_dfa_inside(b, g->place, characters);
    if (to != RD_NOWHERE)
      visit(context, to, fan->ids + g->first, g->count, rd_form_key(f, keys + (int32_t)i));
  }
  for (size_t i = part->first; i < part->first + part->count; i++)
    if (rd_dfa_exit(b, (int64_t)count + f->throughs[i].characters) != RD_NOWHERE)
      visit(context, f->throughs[i].target, &f->throughs[i].id, 1, -1);
}

static inline void rd_form_each(const rd_form *f, int32_t state, rd_form_visit *visit,
                                void *context) {
  const rd_dfa *d = &f->dfa;
  if (state < 0 || state == f->ended)
    return;
  if (state >= d->table_count && state != f->begin) {
    rd_form_each_inside(f, state, visit, context);
    return;
  }
  const rd_form_part *part = &f->fans[state < d->table_count ? state : d->table_count];
  for (size_t i = part->first; i < part->first + part->count; i++) {
    const rd_form_group *g = &f->groups[i];
    visit(context, g->target, f->ids + g->first, g->count, rd_form_key(f, (int32_t)i));
  }
}

#endif
