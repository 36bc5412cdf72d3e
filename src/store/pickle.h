/* SPDX-License-Identifier: MIT */
/* Python pickles, protocols 2 to 5, as inert data. A pickle is a program; here it builds nothing
 * but records of what it asked for: "call this function with these arguments" becomes a value that
 * says so, and nothing is ever called. Which names may be asked for at all is the reader's table.
 */
#ifndef RD_PICKLE_H
#define RD_PICKLE_H

#include "error.h"

typedef enum rd_pickle_kind {
  RD_PICKLE_NONE,
  RD_PICKLE_BOOL,
  RD_PICKLE_INT,
  RD_PICKLE_REAL, /* also whole numbers beyond 64 bits */
  RD_PICKLE_TEXT, /* and bytes */
  RD_PICKLE_LIST, /* and tuples and sets */
  RD_PICKLE_DICT,
  RD_PICKLE_NAME,   /* a class or function of the table */
  RD_PICKLE_RECORD, /* what calling a name would have made */
  RD_PICKLE_PLACE,  /* a persistent id: something that lies outside of the pickle */
} rd_pickle_kind;

/* A name that may occur. */
typedef struct rd_pickle_name {
  const char *module;   /* with a dot at its end: this module and all below it */
  const char *name;     /* NULL: whatever the module holds */
  rd_pickle_kind makes; /* what calling it gives: RD_PICKLE_RECORD, or an empty _DICT, or the _LIST
                           that is its argument */
  const void *role;     /* the reader's own */
} rd_pickle_name;

typedef struct rd_pickle_value rd_pickle_value;
struct rd_pickle_value {
  rd_pickle_kind kind;
  union {
    int64_t integer;     /* BOOL, INT */
    double real;         /* REAL */
    size_t size;         /* TEXT, NAME ("module.name"): bytes of `text` */
    rd_pickle_value *of; /* RECORD: the NAME; PLACE: the id */
  };
  union {
    const char *text;           /* TEXT, NAME: not closed by a NUL, and anything may be in it */
    rd_pickle_value *arguments; /* RECORD: a LIST */
  };
  union {
    const rd_pickle_name *row; /* NAME: where it stands in the table */
    rd_pickle_value *state;    /* RECORD: what was set after it was made, or NULL */
  };
  rd_pickle_value **items; /* LIST: items; DICT, RECORD: keys and values in turn */
  size_t count, room;      /* pointers in `items` */
};

typedef struct rd_pickle {
  const rd_pickle_value *root; /* may hold the same value in many places, and itself */
  void *memory;                /* all values */
} rd_pickle;

/* Run the pickle that is the whole of `data`; texts point into it. Refused: other protocols and
 * instructions, names that no row has, more than 16 MB, what uses more memory than a small multiple
 * of `size`, stacks and memos that do not fit. */
rd_code rd_pickle_parse(rd_pickle *p, const unsigned char *data, size_t size,
                        const rd_pickle_name *names, size_t count, rd_error *e);
void rd_pickle_drop(rd_pickle *p);

bool rd_pickle_equal(const char *text, size_t size, const char *name);
/* Is this TEXT (or the name of this NAME) equal to `text`? */
bool rd_pickle_is(const rd_pickle_value *v, const char *text);
/* The value of a key in a DICT (the last one, as in Python), or NULL; also for NULL. */
const rd_pickle_value *rd_pickle_find(const rd_pickle_value *dict, const char *key);
/* "a dict", "the class torch.nn.Linear", ... into buffer, which is returned. */
const char *rd_pickle_describe(char *buffer, size_t size, const rd_pickle_value *v);

#endif
