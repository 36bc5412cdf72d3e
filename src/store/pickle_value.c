/* SPDX-License-Identifier: MIT */
/* Looking at what a pickle made. */
#include "pickle.h"

#include <stdio.h>
#include <string.h>

bool rd_pickle_equal(const char *text, size_t size, const char *name) {
  return strlen(name) == size && memcmp(text, name, size) == 0;
}

bool rd_pickle_is(const rd_pickle_value *v, const char *text) {
  return (v->kind == RD_PICKLE_TEXT || v->kind == RD_PICKLE_NAME) &&
         rd_pickle_equal(v->text, v->size, text);
}

const rd_pickle_value *rd_pickle_find(const rd_pickle_value *dict, const char *key) {
  for (size_t i = dict && dict->kind == RD_PICKLE_DICT ? dict->count : 0; i >= 2; i -= 2)
    if (rd_pickle_is(dict->items[i - 2], key))
      return dict->items[i - 1];
  return NULL;
}

const char *rd_pickle_describe(char *buffer, size_t size, const rd_pickle_value *v) {
  static const char *const kinds[] = {[RD_PICKLE_NONE] = "None",
                                      [RD_PICKLE_BOOL] = "a truth value",
                                      [RD_PICKLE_INT] = "an integer",
                                      [RD_PICKLE_REAL] = "a number",
                                      [RD_PICKLE_TEXT] = "a text",
                                      [RD_PICKLE_LIST] = "a list",
                                      [RD_PICKLE_DICT] = "a dict",
                                      [RD_PICKLE_NAME] = "the class ",
                                      [RD_PICKLE_RECORD] = "an object of class ",
                                      [RD_PICKLE_PLACE] = "a storage"};
  const rd_pickle_value *name = v->kind == RD_PICKLE_RECORD ? v->of : v;
  char text[120] = "";
  if (name->kind == RD_PICKLE_NAME)
    rd_printable(text, sizeof text, name->text, name->size);
  snprintf(buffer, size, "%s%s", kinds[v->kind], text);
  return buffer;
}
