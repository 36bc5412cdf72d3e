/* SPDX-License-Identifier: MIT */
/* Blocks in a list, the newest first, filled from the front. A text block has its origins behind
 * its bytes, so that both grow at the same place. */
#include "jinja_pool.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 15, ALIGNMENT = 16 };

struct rd_jblock {
  struct rd_jblock *next;
  char *data; /* (size), and as many origins behind them in a text block */
  size_t used, size;
};

static void drop_list(struct rd_jblock *b) {
  while (b) {
    struct rd_jblock *next = b->next;
    free(b);
    b = next;
  }
}

void rd_jpool_drop(rd_jpool *p) {
  drop_list(p->things);
  drop_list(p->texts);
  *p = (rd_jpool){0};
}

/* A block with room for `size` bytes at the front of the list. */
static struct rd_jblock *room(rd_jpool *p, struct rd_jblock **list, size_t size, size_t copies,
                              rd_error *e) {
  struct rd_jblock *b = *list;
  if (b && b->size - b->used >= size)
    return b;
  size_t head = (sizeof *b + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  size_t wanted = size > BLOCK ? size : BLOCK;
  if (size > p->limit || head + wanted * copies > p->limit - p->used) {
    rd_fail(e, RD_BAD_INPUT, "it needs more than %zu MiB of memory", p->limit >> 20);
    return NULL;
  }
  b = rd_calloc(head + wanted * copies, 1, "a chat template", e);
  if (!b)
    return NULL;
  *b = (struct rd_jblock){*list, (char *)b + head, 0, wanted};
  p->used += head + wanted * copies;
  *list = b;
  return b;
}

void *rd_jpool_take(rd_jpool *p, size_t size, rd_error *e) {
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  struct rd_jblock *b = room(p, &p->things, size, 1, e);
  if (!b)
    return NULL;
  void *at = b->data + b->used;
  b->used += size;
  return at;
}

static void fill(struct rd_jblock *b, rd_jtext text, char origin) {
  if (text.size == 0)
    return;
  memcpy(b->data + b->used, text.data, text.size);
  if (text.origin)
    memcpy(b->data + b->size + b->used, text.origin, text.size);
  else
    memset(b->data + b->size + b->used, origin, text.size);
  b->used += text.size;
}

rd_code rd_jpool_text(rd_jpool *p, rd_jtext text, char origin, rd_jtext *out, rd_error *e) {
  struct rd_jblock *b = room(p, &p->texts, text.size, 2, e);
  if (!b)
    return e ? e->code : RD_NO_MEMORY;
  *out = (rd_jtext){b->data + b->used, b->data + b->size + b->used, text.size};
  fill(b, text, origin);
  return RD_OK;
}

rd_code rd_jpool_join(rd_jpool *p, rd_jtext left, rd_jtext right, rd_jtext *out, rd_error *e) {
  struct rd_jblock *b = p->texts;
  bool last = b && left.size && left.data + left.size == b->data + b->used &&
              b->size - b->used >= right.size;
  if (!last) {
    b = room(p, &p->texts, left.size + right.size, 2, e);
    if (!b)
      return e ? e->code : RD_NO_MEMORY;
    RD_TRY(rd_jpool_text(p, left, 0, &left, e));
  }
  fill(b, right, 0);
  *out = (rd_jtext){left.data, left.origin, left.size + right.size};
  return RD_OK;
}
