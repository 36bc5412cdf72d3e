/* SPDX-License-Identifier: MIT */
/* A parsed template: a tree of nodes of one kind of struct, in the program's pool. */
#ifndef RD_JINJA_NODE_H
#define RD_JINJA_NODE_H

#include "jinja_call.h"

typedef enum rd_jnode_kind {
  /* statements; `body` is what stands between a tag and its end */
  RD_JN_DATA,       /* value */
  RD_JN_PRINT,      /* a */
  RD_JN_IF,         /* list: BRANCHes */
  RD_JN_BRANCH,     /* a: the test, NULL for else; body */
  RD_JN_FOR,        /* a: target, b: what is walked, c: the condition or NULL; body; list: else */
  RD_JN_SET,        /* a: target, b: value */
  RD_JN_SET_BLOCK,  /* a: target, b: filters over CAPTURED, or NULL; body */
  RD_JN_MACRO,      /* value: name; list: PARAMETERs; body; uses */
  RD_JN_PARAMETER,  /* value: name; a: default or NULL */
  RD_JN_CALL_BLOCK, /* a: the CALL; b: MACRO of the body */
  RD_JN_FILTERED,   /* a: filters over CAPTURED; body */
  RD_JN_WITH,       /* list: SETs; body */
  RD_JN_GENERATION, /* body: the assistant's, for who trains; here it only scopes */
  RD_JN_BREAK,
  RD_JN_CONTINUE,
  /* expressions */
  RD_JN_CONST,    /* value */
  RD_JN_NAME,     /* value */
  RD_JN_SPACE,    /* a target: value: namespace, b: CONST attribute */
  RD_JN_CAPTURED, /* the text of the block around it */
  RD_JN_TUPLE,    /* list */
  RD_JN_LIST,     /* list */
  RD_JN_DICT,     /* list: PAIRs */
  RD_JN_PAIR,     /* a: key, b: value */
  RD_JN_GET,      /* a; value: attribute */
  RD_JN_ITEM,     /* a, b */
  RD_JN_CUT,      /* a; list: three, each CONST none where left out */
  RD_JN_CALL,     /* a: callee; list: ARGUMENTs */
  RD_JN_FILTER,   /* a; row; list: ARGUMENTs */
  RD_JN_TEST,     /* a; row; list: ARGUMENTs */
  RD_JN_ARGUMENT, /* a; value: its name, UNSET for none */
  RD_JN_NOT,      /* a */
  RD_JN_SIGN,     /* operator, a */
  RD_JN_AND,      /* a, b */
  RD_JN_OR,       /* a, b */
  RD_JN_COMPARE,  /* a; list: OPERANDs */
  RD_JN_OPERAND,  /* operator, a */
  RD_JN_MATHS,    /* operator, a, b */
  RD_JN_CONCAT,   /* list */
  RD_JN_CHOICE,   /* a: test, b: then, c: else or NULL */
  RD_JN_KINDS
} rd_jnode_kind;

enum { RD_J_USES_REST = 1, RD_J_USES_NAMED = 2, RD_J_USES_CALLER = 4 }; /* of a macro's body */

typedef struct rd_jnode {
  rd_jnode_kind kind;
  unsigned line;
  unsigned uses;
  const char *op;
  const rd_jfunction *row;
  rd_jvalue value;
  struct rd_jnode *a, *b, *c, *list, *body;
  struct rd_jnode *next; /* in the list that this is in */
} rd_jnode;

struct rd_jinja {
  rd_bytes source; /* tokens and nodes point into it */
  rd_jpool pool;
  rd_jnode *body;
};

typedef struct rd_jmacro {
  const rd_jnode *node;
  struct rd_jscope *scope; /* where it was defined */
} rd_jmacro;

/* Parse t->source into t->body; RD_BAD_INPUT or RD_UNSUPPORTED with the line. */
rd_code rd_jparse(rd_jinja *t, rd_error *e);

#endif
