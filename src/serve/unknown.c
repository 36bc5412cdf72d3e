/* SPDX-License-Identifier: MIT */
/* Names of strangers go into a header: what is no plain character is shown as a question mark, and
 * where there are too many the list ends in dots. */
#include "unknown.h"

#include "fields.h"
#include "idle.h"

#include <stdio.h>
#include <string.h>

void rd_unknown_add(rd_unknown *u, const char *name) {
  static const char more[] = ", ..";
  size_t used = strlen(u->names), room = sizeof u->names - (sizeof more - 1);
  if (u->cut)
    return;
  u->cut = used + strlen(", ") + strnlen(name, 40) >= room;
  if (u->cut) {
    strcpy(u->names + used, more);
    return;
  }
  snprintf(u->names + used, room - used, "%s%.40s", used ? ", " : "", *name ? name : "?");
  for (char *p = u->names + used; *p; p++)
    if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
      *p = '?';
}

void rd_unknown_see(rd_unknown *u, const char *name, const json_t *value) {
  if (!json_is_null(value) && !rd_idle_field(name, value))
    rd_unknown_add(u, name);
}

static bool is_listed(const char *keys, const char *name) {
  bool must;
  for (const rd_field *row; (row = rd_field_next(&keys, &must));)
    if (strcmp(rd_field_name(row), name) == 0)
      return true;
  return false;
}

void rd_unknown_read(rd_unknown *u, const json_t *body, const char *keys) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)body, name, value)
    if (!is_listed(keys, name))
      rd_unknown_see(u, name, value);
}
