/* SPDX-License-Identifier: MIT */
/* The headers are walked once and counted; then a table of reasons, the first that holds. */
#include "entrance.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What one walk over the headers finds. */
typedef struct head {
  const rd_exchange *x;
  int hosts, lengths, codings, keys;
  const char *host, *origin, *coding, *key; /* values, or NULL */
  const char *end; /* the terminator of what was read last; NULL: not looked at */
  bool old;        /* HTTP/1.0 */
  bool bad_line, bad_name, bad_value;
} head;

/* --- lines -------------------------------------------------------------------------------------
 * libmicrohttpd before 0.9.77 takes lines that end in LF alone, lines that go on in the next one
 * (which it adds to the *name*), and text behind a NUL, and has no option against it. It parses in
 * place, with a NUL for each byte of a line's end, so that a value begins behind its name, and the
 * next name two bytes behind the value. Where that is not so, the line was none. Later versions are
 * told to be strict instead. */

#if MHD_VERSION < 0x00097701
/* Does `next` follow the text that ended at `end` by one CR LF? */
static bool next_line(const char *end, const char *next) {
  return !end || next == end + 2;
}

/* Nothing but the colon and blanks between them? */
static bool one_line(const char *name, const char *value) {
  const char *p = name + strlen(name) + 1;
  while (p < value && (*p == ' ' || *p == '\t'))
    p++;
  return p == value;
}

/* An empty line, CR LF as the last header's, behind the terminator of that. */
static bool last_line(const char *end) {
  return !end || (end[0] == 0 && end[1] == 0 && end[2] == 0 && end[3] == 0);
}

/* The version begins behind the blank that ends the address. */
static bool whole_address(const char *end, const char *version) {
  return !end || end + 1 == version;
}
#else
static bool next_line(const char *end, const char *next) {
  return !end || next;
}

static bool one_line(const char *name, const char *value) {
  return name && value;
}

static bool last_line(const char *end) {
  (void)end;
  return true;
}

static bool whole_address(const char *end, const char *version) {
  return !end || version;
}
#endif

static bool token(const char *text) {
  for (const char *p = text; *p; p++)
    if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
      return false;
  return *text != '\0';
}

/* No control characters but tabs. */
static bool printable(const char *text) {
  for (const char *p = text; *p; p++)
    if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7F)
      return false;
  return true;
}

static void note(head *h, const char *name, const char *value) {
  const struct {
    const char *name, **value;
    int *count;
  } wanted[] = {
      {"Host", &h->host, &h->hosts},
      {"Content-Length", NULL, &h->lengths},
      {"Transfer-Encoding", &h->coding, &h->codings},
      {"Authorization", &h->key, &h->keys},
      {"Origin", &h->origin, NULL},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    if (strcasecmp(wanted[i].name, name) != 0)
      continue;
    if (wanted[i].value)
      *wanted[i].value = value;
    if (wanted[i].count)
      ++*wanted[i].count;
  }
}

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name,
                            const char *value) {
  head *h = context;
  (void)kind;
  value = value ? value : "";
  h->bad_name = h->bad_name || !token(name);
  h->bad_value = h->bad_value || !printable(value);
  h->bad_line = h->bad_line || !next_line(h->end, name) || !one_line(name, value);
  h->end = value + strlen(value);
  note(h, name, value);
  return MHD_YES;
}

/* --- the key -----------------------------------------------------------------------------------
 */

/* Takes the same time wherever the first difference is. */
static bool same_key(const char *key, const char *given) {
  size_t n = strlen(key), m = strlen(given);
  unsigned difference = n != m;
  for (size_t i = 0; i < m; i++)
    difference |= (unsigned)(unsigned char)key[n ? i % n : 0] ^ (unsigned char)given[i];
  return difference == 0;
}

/* --- who asks ----------------------------------------------------------------------------------
 */

/* Is the host of a Host header, `size` bytes, a name of the machine itself? */
static bool of_loopback(const char *host, size_t size, const char *listening) {
  static const char local[] = "localhost";
  enum { LOCAL = sizeof local - 1 };
  char name[64];
  struct in_addr four;
  if (size > 0 && host[size - 1] == '.')
    size--;
  if (size == strlen(listening) && strncasecmp(host, listening, size) == 0)
    return true;
  if (size >= LOCAL && strncasecmp(host + size - LOCAL, local, LOCAL) == 0)
    return size == LOCAL || host[size - LOCAL - 1] == '.';
  if (size >= sizeof name)
    return false;
  memcpy(name, host, size);
  name[size] = '\0';
  return strcmp(name, "[::1]") == 0 ||
         (inet_pton(AF_INET, name, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

/* --- reasons -----------------------------------------------------------------------------------
 */

static bool unreadable(const head *h) {
  return h->bad_line || !last_line(h->end);
}

static bool misnamed(const head *h) {
  return h->bad_name;
}

static bool unprintable(const head *h) {
  return h->bad_value;
}

static bool two_lengths(const head *h) {
  return h->lengths + h->codings > 1 || (h->old && h->codings > 0);
}

static bool many_hosts(const head *h) {
  return h->hosts > 1 || (h->hosts == 0 && !h->old) || h->keys > 1;
}

static bool unknown_coding(const head *h) {
  return h->coding && strcasecmp(h->coding, "chunked") != 0;
}

/* A page of another site whose name was made to lead here asks in that name; without a key nothing
 * else tells it from the user. */
static bool rebound(const head *h) {
  const rd_server *s = h->x->server;
  if (s->key || !s->loopback || !h->host)
    return false;
  size_t size = h->host[0] == '[' ? strcspn(h->host, "]") + 1 : strcspn(h->host, ":");
  size = size < strlen(h->host) ? size : strlen(h->host);
  return !of_loopback(h->host, size, s->setup.host);
}

/* A page of another site can send what a form can, and a browser says whose page it is. */
static bool foreign(const head *h) {
  const rd_server *s = h->x->server;
  if (s->key || !h->origin || (s->origin && strcmp(s->origin, "*") == 0) ||
      (s->origin && strcasecmp(s->origin, h->origin) == 0))
    return false;
  const char *site = strstr(h->origin, "://");
  return !site || !h->host || strcasecmp(site + 3, h->host) != 0;
}

static bool without_key(const head *h) {
  const rd_exchange *x = h->x;
  const char *key = x->server->key;
  if (!key || !x->route || !x->route->needs_key)
    return false;
  return !h->key || strncasecmp(h->key, "Bearer ", 7) != 0 || !same_key(key, h->key + 7);
}

static const struct reason {
  bool (*holds)(const head *h);
  rd_refusal refusal;
} reasons[] = {
    {unreadable,
     {400, "invalid_request_error", "bad_line",
      "a line of the head does not end in CR LF, goes on in the next, or holds a NUL", true}},
    {misnamed,
     {400, "invalid_request_error", "bad_header_name",
      "a header's name holds a blank or another character that names have not", true}},
    {unprintable,
     {400, "invalid_request_error", "bad_header", "a header holds a control character", true}},
    {two_lengths,
     {400, "invalid_request_error", "two_lengths",
      "one Content-Length or one Transfer-Encoding says where the body ends, not two of them",
      true}},
    {many_hosts,
     {400, "invalid_request_error", "bad_host",
      "a request has one Host and one Authorization at most", true}},
    {unknown_coding,
     {501, "invalid_request_error", "unknown_coding",
      "of the transfer codings only chunked is understood here", true}},
    {rebound,
     {403, "permission_error", "host_not_allowed",
      "Host is no name of this machine: without a key (--api-key) this server answers requests "
      "for localhost, 127.0.0.1, [::1] and its --host",
      false}},
    {foreign,
     {403, "permission_error", "origin_not_allowed",
      "a page of another site asked: without a key (--api-key) only this server's own page may, "
      "and the site of --cors",
      false}},
    {without_key,
     {401, "authentication_error", "invalid_api_key",
      "this server needs an API key: Authorization: Bearer KEY", false}},
};

const rd_refusal *rd_entrance_refusal(const rd_exchange *x, const char *version) {
  head h = {.x = x, .end = version + strlen(version), .old = strcmp(version, "HTTP/1.1") != 0};
  h.bad_line = !whole_address(rd_visit_address(x->visit), version);
  rd_mhd.MHD_get_connection_values(x->connection, MHD_HEADER_KIND, look, &h);
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].holds(&h))
      return &reasons[i].refusal;
  return NULL;
}

/* --- addresses ---------------------------------------------------------------------------------
 */

void *rd_entrance_see(void *context, const char *address, struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *visit =
      rd_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  (void)context;
  if (visit)
    rd_visit_see(visit->socket_context, address + strcspn(address, " "));
  return NULL; /* the request has no state yet */
}

size_t rd_entrance_unescape(void *context, struct MHD_Connection *connection, char *text) {
  char *to = text;
  (void)context;
  (void)connection;
  for (const char *p = text; *p; p++) {
    const char pair[3] = {p[0] == '%' ? p[1] : '\0', p[0] == '%' && p[1] ? p[2] : '\0', '\0'};
    char byte = '\0';
    if (isxdigit((unsigned char)pair[0]) && isxdigit((unsigned char)pair[1]))
      byte = (char)strtoul(pair, NULL, 16);
    *to++ = byte ? byte : *p;
    p += byte ? 2 : 0;
  }
  *to = '\0';
  return (size_t)(to - text);
}

/* --- the setup ---------------------------------------------------------------------------------
 */

static rd_code check_origin(const char *origin, rd_error *e) {
  const char *site = strstr(origin, "://");
  bool plain = site && site > origin && site[3];
  for (const char *p = origin; plain && p < site; p++)
    plain = isalnum((unsigned char)*p) || strchr("+-.", *p);
  for (const char *p = site ? site + 3 : ""; plain && *p; p++)
    plain = *p > ' ' && *p < 0x7F && !strchr("/?#@,*\"\\", *p);
  if (plain || strcmp(origin, "*") == 0)
    return RD_OK;
  return rd_fail(e, RD_USAGE,
                 "--cors \"%s\": expected a site as browsers name it, https://example.org or "
                 "http://localhost:3000 without a path, or *",
                 origin);
}

rd_code rd_entrance_check(const rd_server_setup *setup, rd_error *e) {
  const char *key = setup->key;
  if (key && !*key)
    return rd_fail(e, RD_USAGE,
                   "the API key is empty: give one with --api-key or $REDRAFT_API_KEY, or leave "
                   "both out to serve everybody");
  if (key && (!printable(key) || isspace((unsigned char)key[0]) ||
              isspace((unsigned char)key[strlen(key) - 1])))
    return rd_fail(e, RD_USAGE,
                   "the API key begins or ends with a blank, or holds a control character: no "
                   "header can carry it");
  return setup->origin ? check_origin(setup->origin, e) : RD_OK;
}
