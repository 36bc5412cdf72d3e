/* SPDX-License-Identifier: MIT */
/* Paths as clients write them: some put a base URL that ends in a slash before a path that begins
 * with one, or end a path with one, and one that takes this server for a proxy writes the whole
 * address (RFC 9112, 3.2.2). */
#include "exchange.h"

#include <string.h>
#include <strings.h>

/* Behind the scheme and the host of a whole address. */
static const char *behind_host(const char *path) {
  size_t scheme = strncasecmp(path, "http://", 7) == 0 ? 7 : 0;
  const char *slash = scheme ? strchr(path + scheme, '/') : path;
  return slash ? slash : "/";
}

char *rd_path_plain(const char *path) {
  path = behind_host(path);
  char *plain = rd_strdup(path, NULL), *to = plain;
  for (const char *from = path; plain && *from; from++)
    if (*from != '/' || to == plain || to[-1] != '/')
      *to++ = *from;
  if (plain && to > plain + 1 && to[-1] == '/')
    to--;
  if (plain)
    *to = '\0';
  return plain;
}

static bool leads_to(const rd_route *route, const char *path) {
  size_t n = strlen(route->path);
  bool open = n > 1 && route->path[n - 1] == '/';
  return open ? strncmp(route->path, path, n) == 0 && path[n] : strcmp(route->path, path) == 0;
}

const rd_route *rd_route_find(const char *method, const char *path) {
  const char *as = strcmp(method, "HEAD") == 0 ? "GET" : method;
  for (size_t i = 0; i < rd_route_count; i++)
    if (leads_to(&rd_routes[i], path) && strcmp(rd_routes[i].method, as) == 0)
      return &rd_routes[i];
  return NULL;
}

const char *rd_route_method(const char *path) {
  for (size_t i = 0; i < rd_route_count; i++)
    if (leads_to(&rd_routes[i], path))
      return rd_routes[i].method;
  return NULL;
}
