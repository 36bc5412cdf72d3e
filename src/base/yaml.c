/* SPDX-License-Identifier: MIT */
/* YAML through libyaml's document API, turned into the same values as JSON. */
#include "file.h"
#include "json.h"
#include "number.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 32 };

/* A plain scalar as in YAML's core schema: null, a boolean, a number where all of it reads as one,
 * else text. */
static json_t *plain_scalar(const char *text) {
  if (!*text || rd_name_listed("~ null Null NULL", text))
    return json_null();
  if (rd_name_listed("true True TRUE false False FALSE", text))
    return json_boolean(text[0] == 't' || text[0] == 'T');
  char *end = NULL;
  errno = 0;
  long long integer = strtoll(text, &end, 10);
  if (*end == '\0' && errno == 0)
    return json_integer(integer);
  double real = rd_number_read(text, &end);
  if (*end == '\0' && strpbrk(text, "0123456789"))
    return json_real(real);
  return json_string(text);
}

/* One document on its way into JSON. */
typedef struct reader {
  yaml_document_t *doc;
  const char *name;
  /* Counts down from the document's nodes: one that is reached again came through an alias, and a
   * few lines of aliases to aliases are more than any memory holds. */
  ptrdiff_t left;
} reader;

static rd_code refuse(const reader *r, const yaml_node_t *node, const char *why, rd_error *e) {
  return rd_fail(e, RD_BAD_INPUT, "%s: line %zu: %s", r->name, node->start_mark.line + 1, why);
}

static rd_code no_memory(const reader *r, rd_error *e) {
  return rd_fail(e, RD_NO_MEMORY, "out of memory: reading %s", r->name);
}

static rd_code convert(json_t **out, reader *r, const yaml_node_t *node, int depth, rd_error *e);

static rd_code convert_scalar(json_t **out, const reader *r, const yaml_node_t *node, rd_error *e) {
  const char *text = (const char *)node->data.scalar.value;
  bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  *out = plain ? plain_scalar(text) : json_string(text);
  return *out ? RD_OK : no_memory(r, e);
}

static rd_code convert_list(json_t *list, reader *r, const yaml_node_t *node, int depth,
                            rd_error *e) {
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    json_t *value = NULL;
    RD_TRY(convert(&value, r, yaml_document_get_node(r->doc, *i), depth + 1, e));
    if (json_array_append_new(list, value) != 0)
      return no_memory(r, e);
  }
  return RD_OK;
}

static rd_code convert_pair(json_t *object, reader *r, const yaml_node_pair_t *pair, int depth,
                            rd_error *e) {
  const yaml_node_t *key = yaml_document_get_node(r->doc, pair->key);
  json_t *value = NULL;
  r->left--;
  if (key->type != YAML_SCALAR_NODE)
    return refuse(r, key, "a key that is no text", e);
  const char *name = (const char *)key->data.scalar.value;
  if (json_object_get(object, name))
    return rd_fail(e, RD_BAD_INPUT, "%s: line %zu: the key %.60s is there twice", r->name,
                   key->start_mark.line + 1, name);
  RD_TRY(convert(&value, r, yaml_document_get_node(r->doc, pair->value), depth + 1, e));
  return json_object_set_new(object, name, value) == 0 ? RD_OK : no_memory(r, e);
}

static rd_code convert_object(json_t *object, reader *r, const yaml_node_t *node, int depth,
                              rd_error *e) {
  for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
       p++)
    RD_TRY(convert_pair(object, r, p, depth, e));
  return RD_OK;
}

static rd_code convert(json_t **out, reader *r, const yaml_node_t *node, int depth, rd_error *e) {
  *out = NULL;
  if (--r->left < 0)
    return refuse(r, node, "a part that an alias (*NAME) repeats: write it out", e);
  if (depth > MAX_DEPTH)
    return rd_fail(e, RD_BAD_INPUT, "%s: line %zu: nested over %d deep", r->name,
                   node->start_mark.line + 1, MAX_DEPTH);
  if (node->type == YAML_SCALAR_NODE)
    return convert_scalar(out, r, node, e);
  bool list = node->type == YAML_SEQUENCE_NODE;
  *out = list ? json_array() : json_object();
  rd_code code = !*out ? no_memory(r, e)
               : list  ? convert_list(*out, r, node, depth, e)
                       : convert_object(*out, r, node, depth, e);
  if (code == RD_OK)
    return RD_OK;
  json_decref(*out);
  *out = NULL;
  return code;
}

static rd_code convert_document(json_t **out, yaml_document_t *doc, const char *name, rd_error *e) {
  const yaml_node_t *root = yaml_document_get_root_node(doc);
  reader r = {doc, name, doc->nodes.top - doc->nodes.start};
  return root ? convert(out, &r, root, 0, e) : rd_fail(e, RD_BAD_INPUT, "%s: empty", name);
}

/* Does anything but the end follow a document? What cannot be read does too. */
static bool has_more(yaml_parser_t *parser) {
  yaml_document_t next;
  if (!yaml_parser_load(parser, &next))
    return true;
  bool more = yaml_document_get_root_node(&next) != NULL;
  yaml_document_delete(&next);
  return more;
}

rd_code rd_yaml_parse(json_t **out, const char *text, size_t size, const char *name, rd_error *e) {
  *out = NULL;
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return rd_fail(e, RD_NO_MEMORY, "out of memory: reading %s", name);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  yaml_document_t doc;
  rd_code code = RD_OK;
  if (!yaml_parser_load(&parser, &doc)) {
    code = rd_fail(e, RD_BAD_INPUT, "%s: not valid YAML: line %zu: %s", name,
                   parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
  } else if (has_more(&parser)) {
    yaml_document_delete(&doc);
    code = rd_fail(e, RD_BAD_INPUT, "%s: more than one YAML document (---); one is read", name);
  } else {
    code = convert_document(out, &doc, name, e);
    yaml_document_delete(&doc);
  }
  yaml_parser_delete(&parser);
  return code;
}

rd_code rd_yaml_open(json_t **out, const char *path, rd_error *e) {
  char *text = NULL;
  size_t size = 0;
  *out = NULL;
  RD_TRY(rd_file_read(path, (size_t)16 << 20, &text, &size, e));
  rd_code code = rd_yaml_parse(out, text, size, path, e);
  free(text);
  return code;
}
