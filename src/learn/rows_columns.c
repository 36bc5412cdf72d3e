/* SPDX-License-Identifier: MIT */
/* How the keys of a row are called in a file: a row of the table for each key that a reader knows.
 * A key that is named goes before those that say the same, whatever the file has of them. */
#include "rows.h"

#include "table.h"

#include <stdio.h>
#include <string.h>

enum { ASKED = 1, ANSWERED = 2, LONGEST = 40 };

typedef struct row_key {
  const char *name;
  unsigned says; /* ASKED, ANSWERED */
} row_key;

static const row_key keys[] = {
    {"messages", ASKED | ANSWERED},
    {"conversations", ASKED | ANSWERED},
    {"conversation", ASKED | ANSWERED},
    {"text", ASKED | ANSWERED},
    {"instruction", ASKED},
    {"prompt", ASKED},
    {"question", ASKED},
    {"query", ASKED},
    {"chosen", ANSWERED},
    {"answer", ANSWERED},
    {"answers", ANSWERED},
    {"completion", ANSWERED},
    {"response", ANSWERED},
    {"output", ANSWERED},
    {"continuation", ANSWERED},
    {"gold", ANSWERED},
    {"input", 0},
    {"context", 0},
    {"history", 0},
    {"system", 0},
    {"rejected", 0},
    {"label", 0},
    {"finish_reason", 0},
    {"options", 0},
    {"choices", 0},
    /* of datasets, which make the others of them */
    {"prompts", 0},
    {"context_options", 0},
    {"task_id", 0},
    {"canonical_solution", 0},
    {"code", 0},
    {"a", 0},
    {"b", 0},
    {"c", 0},
    {"d", 0},
};
enum { KEYS = sizeof keys / sizeof *keys };
_Static_assert(KEYS <= 64, "a bit for each");
static const rd_table table = RD_TABLE("key", keys);

/* The bit of a key among those that were found. */
static unsigned long long bit(const row_key *key) {
  return 1ull << (key - keys);
}

/* One KEY=NAME of the list. */
typedef struct column {
  const row_key *key; /* NULL: there is none of that name */
  const char *name;   /* (size) */
  size_t size;
  char called[LONGEST];
} column;

/* The one at *at, which moves behind it. False: the list is at its end, or this is none. */
static bool next(column *c, const char **at) {
  const size_t n = strcspn(*at, ","), key = strcspn(*at, "=");
  if (key == 0 || key + 1 >= n)
    return false;
  snprintf(c->called, sizeof c->called, "%.*s", (int)(key < LONGEST ? key : LONGEST), *at);
  c->key = key < LONGEST ? rd_table_row(&table, c->called) : NULL;
  c->name = *at + key + 1;
  c->size = n - key - 1;
  *at += n + ((*at)[n] == ',');
  return true;
}

/* Bytes of a text that a message has room for. */
static int shown(size_t size) {
  return size < 60 ? (int)size : 60;
}

static rd_code check_one(const column *c, unsigned long long *seen, rd_error *e) {
  if (!c->key) {
    const char *near = rd_table_nearest(&table, c->called);
    return rd_fail(e, RD_USAGE, "columns: %s=%.*s: rows have no key %s%s%s%s", c->called,
                   shown(c->size), c->name, c->called,
                   near ? "; did you mean " : "; as in prompt=Question,answer=Reply",
                   near ? near : "", near ? "?" : "");
  }
  if (*seen & bit(c->key))
    return rd_fail(e, RD_USAGE, "columns: %s is named twice", c->called);
  *seen |= bit(c->key);
  return RD_OK;
}

rd_code rd_row_columns_check(const char *columns, rd_error *e) {
  unsigned long long seen = 0;
  column c;
  for (const char *at = columns; at && *at;) {
    const char *this = at;
    if (!next(&c, &at))
      return rd_fail(e, RD_USAGE, "columns: %.*s: expected KEY=NAME, as in prompt=Question",
                     shown(strcspn(this, ",")), this);
    RD_TRY(check_one(&c, &seen, e));
  }
  return RD_OK;
}

/* All are taken before any is put, so that two keys can change places. */
rd_code rd_row_columns_put(json_t *row, const char *columns, unsigned long long *found,
                           rd_error *e) {
  json_t *taken = json_object();
  unsigned said = 0;
  bool room = taken != NULL;
  column c;
  for (const char *at = columns; room && next(&c, &at);) {
    json_t *value = c.key ? json_object_getn(row, c.name, c.size) : NULL;
    if (!value)
      continue;
    room = json_object_set(taken, c.key->name, value) == 0;
    said |= c.key->says;
    if (found)
      *found |= bit(c.key);
  }
  for (const char *at = columns; room && next(&c, &at);)
    json_object_deln(row, c.name, c.size);
  for (size_t i = 0; room && i < KEYS; i++)
    if (keys[i].says & said)
      json_object_del(row, keys[i].name);
  room = room && json_object_update(row, taken) == 0;
  json_decref(taken);
  return room ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: a row");
}

rd_code rd_row_columns_found(const char *columns, unsigned long long found, rd_error *e) {
  column c;
  for (const char *at = columns; at && next(&c, &at);)
    if (c.key && !(found & bit(c.key)))
      return rd_fail(e, RD_USAGE, "columns: %s=%.*s: no row has %.*s", c.called, shown(c.size),
                     c.name, shown(c.size), c.name);
  return RD_OK;
}
