/* SPDX-License-Identifier: MIT */
/* The pickle machine: a stack, marks, a memo, and one function for each instruction that torch.save
 * makes Python write. Every instruction takes a byte at least and allocates a bounded amount, so
 * the size of the pickle bounds time and memory; nothing recurses. */
#include "pickle.h"

#include "file.h"

#include <stdlib.h>
#include <string.h>

typedef rd_pickle_value value;

enum { MOST_BYTES = 16 << 20, CHUNK = 1 << 16 };

/* Memory is taken and never given back before the end. */
typedef struct chunk {
  struct chunk *next;
  size_t used, room;
  void *data[]; /* nothing taken is aligned more than a pointer, or a double */
} chunk;

typedef struct machine {
  rd_cursor c;
  size_t size; /* of the pickle */
  const rd_pickle_name *names;
  size_t name_count;
  chunk *chunks;
  size_t taken, limit; /* bytes */
  value **stack;
  size_t height, stack_room;
  size_t *marks; /* heights of the stack */
  size_t mark_count, mark_room;
  value **memo; /* NULL: not filled */
  size_t memo_room, memo_count;
  value *none, *truth[2];
  bool stopped;
  rd_error *e;
} machine;

typedef struct instruction {
  const char *name;
  rd_code (*run)(machine *m, int argument);
  int argument; /* bytes of a length, a number or an index; items of a tuple; a kind */
} instruction;

static rd_code broken(machine *m, const char *what) {
  return rd_fail(m->e, RD_BAD_INPUT, "pickle: at byte %zu: %s", rd_cursor_position(&m->c), what);
}

static rd_code take(machine *m, size_t size, void **out) {
  size_t whole = (size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
  chunk *c = m->chunks;
  if (!c || c->room - c->used < whole) {
    size_t room = whole > CHUNK ? whole : CHUNK;
    if (m->taken + room > m->limit)
      return rd_fail(
          m->e, RD_BAD_INPUT,
          "pickle: its %zu bytes ask for more than %zu of memory; no list of weights does", m->size,
          m->limit);
    c = calloc(1, sizeof *c + room);
    if (!c)
      return rd_fail(m->e, RD_NO_MEMORY, "out of memory: a pickle's values");
    c->room = room;
    c->next = m->chunks;
    m->chunks = c;
    m->taken += room;
  }
  *out = (char *)c->data + c->used;
  c->used += whole;
  return RD_OK;
}

/* Room for item `count` of an array. */
static rd_code grow(machine *m, void **array, size_t *room, size_t count, size_t item) {
  if (count < *room)
    return RD_OK;
  size_t more = count < 4 ? 4 : 2 * count;
  void *grown = NULL;
  RD_TRY(take(m, more * item, &grown));
  if (*array)
    memcpy(grown, *array, *room * item);
  *array = grown;
  *room = more;
  return RD_OK;
}

static rd_code new_value(machine *m, rd_pickle_kind kind, value **out) {
  void *room = NULL;
  RD_TRY(take(m, sizeof(value), &room));
  *out = room;
  (*out)->kind = kind;
  return RD_OK;
}

static rd_code push(machine *m, value *v) {
  void *stack = m->stack;
  RD_TRY(grow(m, &stack, &m->stack_room, m->height, sizeof(value *)));
  m->stack = stack;
  m->stack[m->height++] = v;
  return RD_OK;
}

static rd_code push_new(machine *m, rd_pickle_kind kind, value **out) {
  RD_TRY(new_value(m, kind, out));
  return push(m, *out);
}

/* What lies above the last mark is within reach. */
static size_t reach(const machine *m) {
  return m->height - (m->mark_count > 0 ? m->marks[m->mark_count - 1] : 0);
}

static rd_code top(machine *m, value **out) {
  if (reach(m) == 0)
    return broken(m, "an instruction finds nothing on the stack");
  *out = m->stack[m->height - 1];
  return RD_OK;
}

static rd_code pop(machine *m, value **out) {
  RD_TRY(top(m, out));
  m->height--;
  return RD_OK;
}

/* The `count` values above the last mark, which goes: they stay where they are until the next push.
 */
static rd_code pop_marked(machine *m, value ***items, size_t *count) {
  if (m->mark_count == 0)
    return broken(m, "an instruction finds no mark");
  *count = reach(m);
  m->height = m->marks[--m->mark_count];
  *items = m->stack + m->height;
  return RD_OK;
}

static rd_code add(machine *m, value *to, value *v) {
  void *items = to->items;
  RD_TRY(grow(m, &items, &to->room, to->count, sizeof(value *)));
  to->items = items;
  to->items[to->count++] = v;
  return RD_OK;
}

static rd_code add_all(machine *m, value *to, value **items, size_t count) {
  for (size_t i = 0; i < count; i++)
    RD_TRY(add(m, to, items[i]));
  return RD_OK;
}

static uint64_t number_of(machine *m, int bytes) {
  return bytes == 1 ? rd_cursor_u8(&m->c)
       : bytes == 2 ? rd_cursor_u16(&m->c)
       : bytes == 4 ? rd_cursor_u32(&m->c)
                    : rd_cursor_u64(&m->c);
}

static rd_code run_protocol(machine *m, int bytes) {
  uint64_t version = number_of(m, bytes);
  return version >= 2 && version <= 5
           ? RD_OK
           : rd_fail(m->e, RD_UNSUPPORTED, "pickle: protocol %llu; 2 to 5 are read",
                     (unsigned long long)version);
}

static rd_code run_frame(machine *m, int bytes) {
  if (number_of(m, bytes) > rd_cursor_left(&m->c))
    m->c.failed = true;
  return RD_OK;
}

static rd_code run_stop(machine *m, int none) {
  (void)none;
  m->stopped = true;
  return reach(m) == 1 && m->mark_count == 0 ? RD_OK : broken(m, "STOP with a stack of not one");
}

static rd_code run_none(machine *m, int none) {
  (void)none;
  return push(m, m->none);
}

static rd_code run_bool(machine *m, int which) {
  return push(m, m->truth[which]);
}

static rd_code push_int(machine *m, int64_t n) {
  value *v = NULL;
  RD_TRY(push_new(m, RD_PICKLE_INT, &v));
  v->integer = n;
  return RD_OK;
}

/* Four bytes have a sign, fewer have none. */
static rd_code run_int(machine *m, int bytes) {
  uint64_t n = number_of(m, bytes);
  return push_int(m, bytes == 4 ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n);
}

/* Two's complement of any length, the lowest byte first. */
static rd_code run_long(machine *m, int bytes) {
  uint64_t size = number_of(m, bytes);
  const unsigned char *p = rd_cursor_bytes(&m->c, size);
  if (!p)
    return RD_OK;
  uint64_t bits = size > 0 && p[size - 1] >> 7 ? UINT64_MAX : 0;
  double large = bits ? -1 : 0;
  value *v = NULL;
  if (size <= 8) {
    for (uint64_t i = size; i-- > 0;)
      bits = bits << 8 | p[i];
    return push_int(m, (int64_t)bits);
  }
  for (uint64_t i = size; i-- > 0;)
    large = large * 256 + (double)p[i];
  RD_TRY(push_new(m, RD_PICKLE_REAL, &v));
  v->real = large;
  return RD_OK;
}

/* The one number that has its highest byte first. */
static rd_code run_real(machine *m, int bytes) {
  uint64_t bits = __builtin_bswap64(number_of(m, bytes));
  value *v = NULL;
  RD_TRY(push_new(m, RD_PICKLE_REAL, &v));
  memcpy(&v->real, &bits, sizeof v->real);
  return RD_OK;
}

static rd_code run_text(machine *m, int bytes) {
  uint64_t size = number_of(m, bytes);
  const unsigned char *p = rd_cursor_bytes(&m->c, size);
  value *v = NULL;
  RD_TRY(push_new(m, RD_PICKLE_TEXT, &v));
  v->text = (const char *)p;
  v->size = p ? (size_t)size : 0;
  return RD_OK;
}

static rd_code run_empty(machine *m, int kind) {
  value *v = NULL;
  return push_new(m, (rd_pickle_kind)kind, &v);
}

static rd_code run_collect(machine *m, int kind) {
  value **items = NULL, *v = NULL;
  size_t count = 0;
  RD_TRY(pop_marked(m, &items, &count));
  RD_TRY(new_value(m, (rd_pickle_kind)kind, &v));
  if (kind == RD_PICKLE_DICT && count % 2)
    return broken(m, "a key without a value");
  RD_TRY(add_all(m, v, items, count));
  return push(m, v);
}

static rd_code run_tuple(machine *m, int count) {
  value *v = NULL;
  if (reach(m) < (size_t)count)
    return broken(m, "a tuple of more than the stack holds");
  m->height -= (size_t)count;
  RD_TRY(new_value(m, RD_PICKLE_LIST, &v));
  RD_TRY(add_all(m, v, m->stack + m->height, (size_t)count));
  return push(m, v);
}

/* What takes items: a list (a set), or keys and values: a dict, and an object that is one. */
static rd_code add_to_top(machine *m, value **items, size_t count, bool pairs) {
  value *to = NULL;
  RD_TRY(top(m, &to));
  bool fits = pairs ? to->kind == RD_PICKLE_DICT || to->kind == RD_PICKLE_RECORD
                    : to->kind == RD_PICKLE_LIST;
  if (!fits || (pairs && count % 2))
    return broken(m, pairs ? "keys and values for what takes none" : "items for what is no list");
  return add_all(m, to, items, count);
}

static rd_code run_append(machine *m, int count) {
  if (reach(m) < (size_t)count)
    return broken(m, "an instruction finds nothing on the stack");
  m->height -= (size_t)count;
  return add_to_top(m, m->stack + m->height, (size_t)count, count == 2);
}

static rd_code run_append_all(machine *m, int step) {
  value **items = NULL;
  size_t count = 0;
  RD_TRY(pop_marked(m, &items, &count));
  return add_to_top(m, items, count, step == 2);
}

static rd_code run_mark(machine *m, int none) {
  (void)none;
  void *marks = m->marks;
  RD_TRY(grow(m, &marks, &m->mark_room, m->mark_count, sizeof *m->marks));
  m->marks = marks;
  m->marks[m->mark_count++] = m->height;
  return RD_OK;
}

static rd_code run_pop(machine *m, int none) {
  (void)none;
  value *v = NULL;
  if (reach(m) == 0 && m->mark_count > 0) { /* then it takes the mark, as Python's does */
    m->mark_count--;
    return RD_OK;
  }
  return pop(m, &v);
}

static rd_code run_pop_mark(machine *m, int none) {
  (void)none;
  value **items = NULL;
  size_t count = 0;
  return pop_marked(m, &items, &count);
}

static rd_code run_dup(machine *m, int none) {
  (void)none;
  value *v = NULL;
  RD_TRY(top(m, &v));
  return push(m, v);
}

static rd_code put(machine *m, uint64_t index) {
  value *v = NULL;
  RD_TRY(top(m, &v));
  if (index >= m->size) /* each entry costs two bytes at least, and they are numbered from 0 */
    return rd_fail(m->e, RD_BAD_INPUT, "pickle: memo entry %llu of a pickle of %zu bytes",
                   (unsigned long long)index, m->size);
  void *memo = m->memo;
  RD_TRY(grow(m, &memo, &m->memo_room, (size_t)index, sizeof(value *)));
  m->memo = memo;
  m->memo_count += !m->memo[index];
  m->memo[index] = v;
  return RD_OK;
}

static rd_code run_put(machine *m, int bytes) {
  return put(m, number_of(m, bytes));
}

static rd_code run_memoize(machine *m, int none) {
  (void)none;
  return put(m, m->memo_count);
}

static rd_code run_get(machine *m, int bytes) {
  uint64_t index = number_of(m, bytes);
  if (index >= m->memo_room || !m->memo[index])
    return m->c.failed ? RD_OK : broken(m, "a memo entry that was never written");
  return push(m, m->memo[index]);
}

static bool in_module(const char *module, size_t size, const char *row) {
  size_t n = strlen(row);
  if (n == 0 || row[n - 1] != '.')
    return rd_pickle_equal(module, size, row);
  return (size >= n && memcmp(module, row, n) == 0) ||
         (size == n - 1 && memcmp(module, row, n - 1) == 0);
}

static rd_code push_name(machine *m, const char *module, size_t module_size, const char *name,
                         size_t name_size) {
  char first[100], last[100];
  value *v = NULL;
  for (size_t i = 0; i < m->name_count; i++) {
    const rd_pickle_name *row = &m->names[i];
    if (!in_module(module, module_size, row->module) ||
        (row->name && !rd_pickle_equal(name, name_size, row->name)))
      continue;
    void *text = NULL;
    RD_TRY(push_new(m, RD_PICKLE_NAME, &v));
    RD_TRY(take(m, module_size + 1 + name_size, &text));
    memcpy(text, module, module_size);
    ((char *)text)[module_size] = '.';
    memcpy((char *)text + module_size + 1, name, name_size);
    v->text = text;
    v->size = module_size + 1 + name_size;
    v->row = row;
    return RD_OK;
  }
  return rd_fail(m->e, RD_UNSUPPORTED,
                 "pickle: class %s.%s is not one that holds weights; nothing was executed",
                 rd_printable(first, sizeof first, module, module_size),
                 rd_printable(last, sizeof last, name, name_size));
}

/* Up to the end of the line. */
static rd_code line(machine *m, const char **text, size_t *size) {
  const unsigned char *at = m->c.at, *end = memchr(at, '\n', rd_cursor_left(&m->c));
  *text = (const char *)at;
  *size = end ? (size_t)(end - at) : 0;
  if (!rd_cursor_bytes(&m->c, end ? *size + 1 : UINT64_MAX))
    return broken(m, "a name without an end");
  return RD_OK;
}

static rd_code run_global(machine *m, int none) {
  (void)none;
  const char *module = NULL, *name = NULL;
  size_t module_size = 0, name_size = 0;
  RD_TRY(line(m, &module, &module_size));
  RD_TRY(line(m, &name, &name_size));
  return push_name(m, module, module_size, name, name_size);
}

static rd_code run_stack_global(machine *m, int none) {
  (void)none;
  value *module = NULL, *name = NULL;
  RD_TRY(pop(m, &name));
  RD_TRY(pop(m, &module));
  if (name->kind != RD_PICKLE_TEXT || module->kind != RD_PICKLE_TEXT)
    return broken(m, "a class whose name is no text");
  return push_name(m, module->text, module->size, name->text, name->size);
}

/* A call, or an object made of a class: a record of it. */
static rd_code run_call(machine *m, int none) {
  (void)none;
  value *arguments = NULL, *of = NULL, *v = NULL;
  RD_TRY(pop(m, &arguments));
  RD_TRY(pop(m, &of));
  if (of->kind != RD_PICKLE_NAME || arguments->kind != RD_PICKLE_LIST)
    return broken(m, "a call of what is no class, or without arguments");
  rd_pickle_kind makes = of->row->makes;
  if (makes == RD_PICKLE_LIST && arguments->count == 1 &&
      arguments->items[0]->kind == RD_PICKLE_LIST)
    return push(m, arguments->items[0]);
  if (makes != RD_PICKLE_RECORD && arguments->count > 0)
    return broken(m, "a container made with arguments");
  RD_TRY(push_new(m, makes, &v));
  if (makes == RD_PICKLE_RECORD) {
    v->of = of;
    v->arguments = arguments;
  }
  return RD_OK;
}

/* What Python would hand to __setstate__, or put into __dict__. Of a dict it is attributes that
 * nobody reads (state_dict's _metadata). */
static rd_code run_build(machine *m, int none) {
  (void)none;
  value *state = NULL, *of = NULL;
  RD_TRY(pop(m, &state));
  RD_TRY(top(m, &of));
  if (of->kind == RD_PICKLE_RECORD)
    of->state = state;
  return of->kind == RD_PICKLE_RECORD || of->kind == RD_PICKLE_DICT
           ? RD_OK
           : broken(m, "a state for what is no object");
}

static rd_code run_place(machine *m, int none) {
  (void)none;
  value *id = NULL, *v = NULL;
  RD_TRY(pop(m, &id));
  RD_TRY(push_new(m, RD_PICKLE_PLACE, &v));
  v->of = id;
  return RD_OK;
}

/* By the byte that stands for it (CPython's Lib/pickletools.py describes them all). */
static const instruction instructions[256] = {
    [0x80] = {"PROTO", run_protocol, 1},
    [0x95] = {"FRAME", run_frame, 8},
    ['.'] = {"STOP", run_stop, 0},
    ['N'] = {"NONE", run_none, 0},
    [0x88] = {"NEWTRUE", run_bool, 1},
    [0x89] = {"NEWFALSE", run_bool, 0},
    ['J'] = {"BININT", run_int, 4},
    ['K'] = {"BININT1", run_int, 1},
    ['M'] = {"BININT2", run_int, 2},
    [0x8a] = {"LONG1", run_long, 1},
    [0x8b] = {"LONG4", run_long, 4},
    ['G'] = {"BINFLOAT", run_real, 8},
    ['X'] = {"BINUNICODE", run_text, 4},
    [0x8c] = {"SHORT_BINUNICODE", run_text, 1},
    [0x8d] = {"BINUNICODE8", run_text, 8},
    ['B'] = {"BINBYTES", run_text, 4},
    ['C'] = {"SHORT_BINBYTES", run_text, 1},
    [0x8e] = {"BINBYTES8", run_text, 8},
    [0x96] = {"BYTEARRAY8", run_text, 8},
    [']'] = {"EMPTY_LIST", run_empty, RD_PICKLE_LIST},
    [')'] = {"EMPTY_TUPLE", run_empty, RD_PICKLE_LIST},
    [0x8f] = {"EMPTY_SET", run_empty, RD_PICKLE_LIST},
    ['}'] = {"EMPTY_DICT", run_empty, RD_PICKLE_DICT},
    ['l'] = {"LIST", run_collect, RD_PICKLE_LIST},
    ['t'] = {"TUPLE", run_collect, RD_PICKLE_LIST},
    [0x91] = {"FROZENSET", run_collect, RD_PICKLE_LIST},
    ['d'] = {"DICT", run_collect, RD_PICKLE_DICT},
    [0x85] = {"TUPLE1", run_tuple, 1},
    [0x86] = {"TUPLE2", run_tuple, 2},
    [0x87] = {"TUPLE3", run_tuple, 3},
    ['a'] = {"APPEND", run_append, 1},
    ['s'] = {"SETITEM", run_append, 2},
    ['e'] = {"APPENDS", run_append_all, 1},
    [0x90] = {"ADDITEMS", run_append_all, 1},
    ['u'] = {"SETITEMS", run_append_all, 2},
    ['('] = {"MARK", run_mark, 0},
    ['0'] = {"POP", run_pop, 0},
    ['1'] = {"POP_MARK", run_pop_mark, 0},
    ['2'] = {"DUP", run_dup, 0},
    ['q'] = {"BINPUT", run_put, 1},
    ['r'] = {"LONG_BINPUT", run_put, 4},
    [0x94] = {"MEMOIZE", run_memoize, 0},
    ['h'] = {"BINGET", run_get, 1},
    ['j'] = {"LONG_BINGET", run_get, 4},
    ['c'] = {"GLOBAL", run_global, 0},
    [0x93] = {"STACK_GLOBAL", run_stack_global, 0},
    ['R'] = {"REDUCE", run_call, 0},
    [0x81] = {"NEWOBJ", run_call, 0},
    ['b'] = {"BUILD", run_build, 0},
    ['Q'] = {"BINPERSID", run_place, 0},
};

static rd_code run(machine *m) {
  void *stack = NULL;
  RD_TRY(grow(m, &stack, &m->stack_room, 0, sizeof(value *)));
  m->stack = stack;
  RD_TRY(new_value(m, RD_PICKLE_NONE, &m->none));
  for (int i = 0; i < 2; i++) {
    RD_TRY(new_value(m, RD_PICKLE_BOOL, &m->truth[i]));
    m->truth[i]->integer = i;
  }
  while (!m->stopped) {
    if (rd_cursor_left(&m->c) == 0)
      return broken(m, "it ends before STOP");
    uint8_t code = rd_cursor_u8(&m->c);
    const instruction *i = &instructions[code];
    if (!i->run)
      return rd_fail(m->e, RD_UNSUPPORTED,
                     "pickle: instruction 0x%02x at byte %zu is not one that torch.save writes; "
                     "nothing was executed",
                     code, rd_cursor_position(&m->c) - 1);
    RD_TRY(i->run(m, i->argument));
    if (m->c.failed)
      return rd_fail(m->e, RD_BAD_INPUT, "pickle: it ends inside of %s, at byte %zu of %zu",
                     i->name, rd_cursor_position(&m->c), m->size);
  }
  return rd_cursor_left(&m->c) == 0 ? RD_OK : broken(m, "more follows behind STOP");
}

static void free_chunks(chunk *c) {
  while (c) {
    chunk *next = c->next;
    free(c);
    c = next;
  }
}

rd_code rd_pickle_parse(rd_pickle *p, const unsigned char *data, size_t size,
                        const rd_pickle_name *names, size_t count, rd_error *e) {
  *p = (rd_pickle){0};
  if (size > MOST_BYTES)
    return rd_fail(e, RD_UNSUPPORTED, "pickle: %zu bytes; at most %d are read", size, MOST_BYTES);
  machine m = {.c = rd_cursor_of(data, size),
               .size = size,
               .names = names,
               .name_count = count,
               .limit = ((size_t)16 << 20) + 64 * size,
               .e = e};
  rd_code code = run(&m);
  if (code != RD_OK) {
    free_chunks(m.chunks);
    return code;
  }
  p->root = m.stack[0];
  p->memory = m.chunks;
  return RD_OK;
}

void rd_pickle_drop(rd_pickle *p) {
  free_chunks(p->memory);
  *p = (rd_pickle){0};
}
