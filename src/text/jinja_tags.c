/* SPDX-License-Identifier: MIT */
/* Tags: a row each. A body runs up to the first tag that its own tag waits for. */
#include "jinja_parse.h"

#include <stdlib.h>
#include <string.h>

typedef rd_code (*parse_tag)(rd_jparser *p, rd_jnode **out);

static rd_code body_until(rd_jparser *p, const char *const *ends, const char **end,
                          rd_jnode **list);

static rd_code end_of_tag(rd_jparser *p) {
  if (p->at->kind != RD_J_BLOCK_END)
    return rd_jrefuse(p, RD_BAD_INPUT, "expected the end of the tag, found %.*s",
                      (int)(p->at->text.size < 40 ? p->at->text.size : 40), p->at->text.data);
  p->at++;
  return RD_OK;
}

/* A body with one end. */
static rd_code body(rd_jparser *p, const char *end, rd_jnode **list) {
  const char *const ends[] = {end, NULL};
  const char *found;
  RD_TRY(end_of_tag(p));
  return body_until(p, ends, &found, list);
}

static rd_code parse_if(rd_jparser *p, rd_jnode **out) {
  static const char *const ends[] = {"elif", "else", "endif", NULL}, *const last[] = {"endif",
                                                                                      NULL};
  const char *end = "elif";
  RD_TRY(rd_jnode_new(p, RD_JN_IF, out));
  rd_jnode **tail = &(*out)->list;
  p->conditions++;
  while (strcmp(end, "endif") != 0) {
    bool test = strcmp(end, "elif") == 0;
    RD_TRY(rd_jnode_new(p, RD_JN_BRANCH, tail));
    if (test)
      RD_TRY(rd_jexpressions(p, false, &(*tail)->a));
    RD_TRY(end_of_tag(p));
    RD_TRY(body_until(p, test ? ends : last, &end, &(*tail)->body));
    tail = &(*tail)->next;
  }
  p->conditions--;
  p->unknown = NULL;
  return RD_OK;
}

static rd_code parse_for(rd_jparser *p, rd_jnode **out) {
  static const char *const ends[] = {"else", "endfor", NULL};
  const char *end;
  RD_TRY(rd_jnode_new(p, RD_JN_FOR, out));
  RD_TRY(rd_jtarget(p, false, &(*out)->a));
  if (!rd_jtake_name(p, "in"))
    return rd_jrefuse(p, RD_BAD_INPUT, "for without in");
  RD_TRY(rd_jexpressions(p, false, &(*out)->b));
  if (rd_jtake_name(p, "if"))
    RD_TRY(rd_jexpression(p, true, &(*out)->c));
  if (rd_jis_name(p, "recursive"))
    return rd_jrefuse(p, RD_UNSUPPORTED, "recursive loops are not supported");
  RD_TRY(end_of_tag(p));
  p->loops++;
  RD_TRY(body_until(p, ends, &end, &(*out)->body));
  p->loops--;
  return strcmp(end, "else") == 0 ? body(p, "endfor", &(*out)->list) : RD_OK;
}

static rd_code parse_set(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_SET, out));
  RD_TRY(rd_jtarget(p, true, &(*out)->a));
  if (rd_jtake_operator(p, "="))
    return rd_jexpressions(p, true, &(*out)->b);
  (*out)->kind = RD_JN_SET_BLOCK;
  RD_TRY(rd_jnode_new(p, RD_JN_CAPTURED, &(*out)->b));
  RD_TRY(rd_jfilters(p, false, &(*out)->b));
  return body(p, "endset", &(*out)->body);
}

static rd_code parameters(rd_jparser *p, rd_jnode **list) {
  rd_jnode **tail = list;
  bool defaults = false;
  RD_TRY(rd_jexpect_operator(p, "("));
  while (!rd_jis_operator(p, ")")) {
    if (tail != list)
      RD_TRY(rd_jexpect_operator(p, ","));
    RD_TRY(rd_jnode_new(p, RD_JN_PARAMETER, tail));
    RD_TRY(rd_jexpect_name(p, &(*tail)->value));
    if (rd_jtake_operator(p, "=")) {
      RD_TRY(rd_jexpression(p, true, &(*tail)->a));
      defaults = true;
    } else if (defaults) {
      return rd_jrefuse(p, RD_BAD_INPUT, "a parameter without a default behind one with a default");
    }
    tail = &(*tail)->next;
  }
  return rd_jexpect_operator(p, ")");
}

/* A body that is a function to Python: loops around it cannot be left from inside. */
static rd_code function_body(rd_jparser *p, const char *end, rd_jnode *node) {
  unsigned uses = p->uses, loops = p->loops;
  p->uses = p->loops = 0;
  RD_TRY(body(p, end, &node->body));
  node->uses = p->uses;
  p->uses = uses;
  p->loops = loops;
  return RD_OK;
}

static rd_code parse_macro(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_MACRO, out));
  RD_TRY(rd_jexpect_name(p, &(*out)->value));
  RD_TRY(parameters(p, &(*out)->list));
  return function_body(p, "endmacro", *out);
}

static rd_code parse_call(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_CALL_BLOCK, out));
  RD_TRY(rd_jnode_new(p, RD_JN_MACRO, &(*out)->b));
  (*out)->b->value = rd_jtext_value(rd_jliteral("caller"));
  if (rd_jis_operator(p, "("))
    RD_TRY(parameters(p, &(*out)->b->list));
  RD_TRY(rd_jexpression(p, true, &(*out)->a));
  if ((*out)->a->kind != RD_JN_CALL)
    return rd_jrefuse(p, RD_BAD_INPUT, "{%% call %%} without a call");
  return function_body(p, "endcall", (*out)->b);
}

static rd_code parse_filter(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_FILTERED, out));
  RD_TRY(rd_jnode_new(p, RD_JN_CAPTURED, &(*out)->a));
  RD_TRY(rd_jfilters(p, true, &(*out)->a));
  return body(p, "endfilter", &(*out)->body);
}

static rd_code parse_with(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_WITH, out));
  rd_jnode **tail = &(*out)->list;
  while (p->at->kind != RD_J_BLOCK_END) {
    if (tail != &(*out)->list)
      RD_TRY(rd_jexpect_operator(p, ","));
    RD_TRY(rd_jnode_new(p, RD_JN_SET, tail));
    RD_TRY(rd_jtarget(p, false, &(*tail)->a));
    RD_TRY(rd_jexpect_operator(p, "="));
    RD_TRY(rd_jexpression(p, true, &(*tail)->b));
    tail = &(*tail)->next;
  }
  return body(p, "endwith", &(*out)->body);
}

static rd_code parse_generation(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_GENERATION, out));
  return function_body(p, "endgeneration", *out);
}

static rd_code leave(rd_jparser *p, rd_jnode_kind kind, rd_jnode **out) {
  return p->loops ? rd_jnode_new(p, kind, out)
                  : rd_jrefuse(p, RD_BAD_INPUT, "break or continue outside of a loop");
}
static rd_code parse_break(rd_jparser *p, rd_jnode **out) {
  return leave(p, RD_JN_BREAK, out);
}
static rd_code parse_continue(rd_jparser *p, rd_jnode **out) {
  return leave(p, RD_JN_CONTINUE, out);
}

static rd_code parse_print(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_PRINT, out));
  return rd_jexpressions(p, true, &(*out)->a);
}

static const struct tag_row {
  const char *name;
  parse_tag parse;
} tags[] = {{"if", parse_if},       {"for", parse_for},
            {"set", parse_set},     {"macro", parse_macro},
            {"call", parse_call},   {"filter", parse_filter},
            {"with", parse_with},   {"generation", parse_generation},
            {"break", parse_break}, {"continue", parse_continue},
            {"print", parse_print}};

static rd_code tag(rd_jparser *p, rd_jnode **out) {
  if (p->at->kind != RD_J_NAME)
    return rd_jrefuse(p, RD_BAD_INPUT, "a tag without a name");
  for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
    if (rd_jtake_name(p, tags[i].name)) {
      RD_TRY(tags[i].parse(p, out));
      return end_of_tag(p);
    }
  return rd_jrefuse(p, RD_UNSUPPORTED, "the tag %.*s is not supported", (int)p->at->text.size,
                    p->at->text.data);
}

static rd_code data(rd_jparser *p, rd_jnode **out) {
  rd_slice text = p->at->text;
  RD_TRY(rd_jnode_new(p, RD_JN_DATA, out));
  (*out)->value = rd_jtext_value(rd_jliteral(""));
  p->at++;
  return rd_jpool_text(&p->t->pool, (rd_jtext){text.data, NULL, text.size}, 0,
                       &(*out)->value.as.text, p->e);
}

static rd_code print(rd_jparser *p, rd_jnode **out) {
  RD_TRY(rd_jnode_new(p, RD_JN_PRINT, out));
  p->at++;
  RD_TRY(rd_jexpressions(p, true, &(*out)->a));
  if (p->at->kind != RD_J_PRINT_END)
    return rd_jrefuse(p, RD_BAD_INPUT, "expected }}, found %.*s",
                      (int)(p->at->text.size < 40 ? p->at->text.size : 40), p->at->text.data);
  p->at++;
  return RD_OK;
}

/* The end that the next tag is, or NULL. */
static const char *end_here(rd_jparser *p, const char *const *ends) {
  for (; *ends; ends++)
    if (rd_jtake_name(p, *ends))
      return *ends;
  return NULL;
}

static rd_code body_until(rd_jparser *p, const char *const *ends, const char **end,
                          rd_jnode **list) {
  RD_TRY(rd_jenter(p));
  for (; p->at->kind != RD_J_END; list = &(*list)->next) {
    if (p->at->kind == RD_J_BLOCK_BEGIN) {
      p->at++;
      *end = end_here(p, ends);
      if (*end) {
        p->depth--;
        return RD_OK;
      }
      RD_TRY(tag(p, list));
    } else {
      RD_TRY(p->at->kind == RD_J_DATA ? data(p, list) : print(p, list));
    }
    RD_TRY(rd_jcheck_known(p));
  }
  *end = NULL;
  p->depth--;
  return *ends ? rd_jrefuse(p, RD_BAD_INPUT, "the template ends before %s", ends[0]) : RD_OK;
}

rd_code rd_jparse(rd_jinja *t, rd_error *e) {
  static const char *const none[] = {NULL};
  const char *end;
  rd_jtokens tokens = {0};
  rd_code code = rd_jlex(rd_slice_of(&t->source), &tokens, e);
  if (code != RD_OK) {
    free(tokens.tokens);
    return rd_prefix(e, code, "line %u", tokens.line);
  }
  rd_jparser p = {.t = t, .at = tokens.tokens, .e = e};
  code = body_until(&p, none, &end, &t->body);
  free(tokens.tokens);
  return code;
}
