/* SPDX-License-Identifier: MIT */
/* Opening and rendering: the parts put together, within bounds. */
#include "jinja_eval.h"
#include "jinja_lex.h"
#include "jinja_text.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20 };
static const size_t program_limit = (size_t)1 << 28, state_limit = (size_t)1 << 28;

static rd_code open_clean(rd_jinja *t, rd_slice text, rd_error *e) {
  if (text.size > LARGEST)
    return rd_fail(e, RD_BAD_INPUT, "the chat template has %zu bytes; at most %d are read",
                   text.size, LARGEST);
  RD_TRY(rd_utf8_check(text.data, text.size, "the chat template", e));
  RD_TRY(rd_jclean(text, &t->source, e));
  rd_code code = rd_jparse(t, e);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "the chat template");
}

rd_code rd_jinja_open(rd_jinja **out, const char *text, size_t size, rd_error *e) {
  rd_error own = {0};
  e = e ? e : &own;
  *out = rd_calloc(1, sizeof **out, "a chat template", e);
  if (!*out)
    return RD_NO_MEMORY;
  (*out)->pool.limit = program_limit;
  rd_code code = open_clean(*out, (rd_slice){text, size}, e);
  if (code != RD_OK)
    rd_jinja_close(out);
  return code;
}

void rd_jinja_close(rd_jinja **t) {
  if (!*t)
    return;
  rd_bytes_drop(&(*t)->source);
  rd_jpool_drop(&(*t)->pool);
  free(*t);
  *t = NULL;
}

void rd_rendered_drop(rd_rendered *r) {
  free(r->text);
  free(r->from_data);
  *r = (rd_rendered){0};
}

/* The members of a JSON object as names of j->scope. */
static rd_code bind_all(rd_jstate *j, const json_t *object, char origin) {
  const char *name;
  json_t *item;
  json_object_foreach((json_t *)(uintptr_t)object, name, item) {
    rd_jvalue v;
    rd_jtext own = {name, NULL, strlen(name)};
    RD_TRY(rd_jvalue_of_json(j, item, origin, NULL, &v));
    RD_TRY(rd_jpool_text(&j->pool, own, origin, &own, j->e));
    RD_TRY(rd_jbind(j, own, v));
  }
  return RD_OK;
}

static rd_code render(rd_jstate *j) {
  RD_TRY(rd_jscope_new(j, NULL, &j->scope));
  RD_TRY(bind_all(j, j->input->data, 1));
  RD_TRY(bind_all(j, j->input->own, 0));
  RD_TRY(rd_jscope_new(j, j->scope, &j->scope));
  RD_TRY(rd_jexecute(j, j->program->body));
  RD_TRY(rd_bytes_add(&j->out, "", 1, j->e));
  return rd_bytes_add(&j->origin, "", 1, j->e);
}

rd_code rd_jinja_render(rd_rendered *out, const rd_jinja *t, const rd_jinja_input *input,
                        rd_error *e) {
  rd_error own = {0};
  rd_jstate j = {.program = t, .input = input, .e = e ? e : &own, .pool.limit = state_limit};
  *out = (rd_rendered){0};
  rd_code code = render(&j);
  rd_jpool_drop(&j.pool);
  if (code != RD_OK) {
    rd_bytes_drop(&j.out);
    rd_bytes_drop(&j.origin);
    return rd_prefix(e, code, "the chat template, line %u", j.line);
  }
  *out = (rd_rendered){j.out.data, j.origin.data, j.out.size - 1};
  return RD_OK;
}
