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

/* `left` counts down from the document's nodes: one that is reached again came through an alias,
 * and a few lines of aliases to aliases are more than any memory holds. */
static json_t *convert(yaml_document_t *doc, yaml_node_t *node, int depth, ptrdiff_t *left) {
  if (!node || depth > MAX_DEPTH || --*left < 0)
    return NULL;
  if (node->type == YAML_SCALAR_NODE) {
    const char *text = (const char *)node->data.scalar.value;
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_scalar(text)
                                                              : json_string(text);
  }
  if (node->type == YAML_SEQUENCE_NODE) {
    json_t *array = json_array();
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++)
      if (json_array_append_new(array,
                                convert(doc, yaml_document_get_node(doc, *i), depth + 1, left))) {
        json_decref(array);
        return NULL;
      }
    return array;
  }
  json_t *object = json_object();
  for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
       p++) {
    yaml_node_t *key = yaml_document_get_node(doc, p->key);
    bool text = key && key->type == YAML_SCALAR_NODE;
    --*left; /* the key */
    json_t *value =
        text ? convert(doc, yaml_document_get_node(doc, p->value), depth + 1, left) : NULL;
    bool twice = text && json_object_get(object, (const char *)key->data.scalar.value);
    if (!text || twice) {
      json_decref(value);
      value = NULL;
    }
    if (!text || json_object_set_new(object, (const char *)key->data.scalar.value, value)) {
      json_decref(object);
      return NULL;
    }
  }
  return object;
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
    ptrdiff_t nodes = doc.nodes.top - doc.nodes.start;
    *out = convert(&doc, yaml_document_get_root_node(&doc), 0, &nodes);
    yaml_document_delete(&doc);
    if (!*out)
      code = rd_fail(e, RD_BAD_INPUT,
                     "%s: empty, nested over %d deep, with an alias, a key that is there twice, or "
                     "one that is no text",
                     name, MAX_DEPTH);
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
