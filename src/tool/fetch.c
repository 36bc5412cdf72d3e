/* SPDX-License-Identifier: MIT */
/* One handle of libcurl, which keeps the connection. An attempt asks for what is missing (Range);
 * whether the server gives that (206) or all of it (200), the answer's own head says, and the file
 * is cut to where it begins. */
#include "fetch.h"

#include "late.h"

#define CURL_DISABLE_TYPECHECK /* its macros want functions of their own name */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#define FUNCTIONS(F) \
  F(curl_easy_cleanup) F(curl_easy_getinfo) F(curl_easy_init) F(curl_easy_perform) \
  F(curl_easy_setopt) F(curl_easy_strerror) F(curl_free) F(curl_url) F(curl_url_cleanup) \
  F(curl_url_get) F(curl_url_set)
/* clang-format on */
static struct { FUNCTIONS(RD_LATE_MEMBER) } lib;
static rd_late curl = RD_LATE(RD_LATE_CURL, "libcurl3-gnutls", "fetching a model", FUNCTIONS, &lib);

enum { IDLE_SECONDS = 60, MOST_REDIRECTS = 5, FRUITLESS = 3 };

struct rd_fetch {
  CURL *curl;
  const rd_fetch_options *options;
  char scheme[8], why[CURL_ERROR_SIZE];
  /* of the attempt under way */
  int fd;          /* -1: into text */
  int64_t at;      /* where the next bytes go */
  int64_t size;    /* of the whole; -1: unknown */
  int64_t claimed; /* where the answer says that it begins; -1: it does not */
  size_t limit;
  char *text;
  bool begun;
  rd_error *e; /* what a callback found wrong; its code RD_OK: nothing */
};

static rd_code check_base(rd_fetch *f, const char *base, rd_error *e) {
  CURLU *url = lib.curl_url();
  char *scheme = NULL, *host = NULL, *user = NULL;
  rd_code code = url ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: an address");
  bool fine = code == RD_OK && lib.curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
              lib.curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              lib.curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
  if (code == RD_OK && !fine)
    code = rd_fail(e, RD_USAGE, "%.200s: expected https://HOST or http://HOST", base);
  if (code == RD_OK && lib.curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
    code = rd_fail(e, RD_USAGE,
                   "%s: a name or password in an address is not used; a token is "
                   "taken from the environment",
                   host);
  if (code == RD_OK)
    snprintf(f->scheme, sizeof f->scheme, "%s", scheme);
  lib.curl_free(scheme);
  lib.curl_free(host);
  lib.curl_free(user);
  lib.curl_url_cleanup(url);
  return code;
}

/* The head of an answer: of the last one, when others redirected to it. */
static size_t head(char *line, size_t one, size_t size, void *context) {
  static const char range[] = "content-range: bytes ";
  rd_fetch *f = context;
  (void)one;
  if (size >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
    f->claimed = -1;
  if (size > sizeof range && strncasecmp(line, range, sizeof range - 1) == 0)
    f->claimed = strtoll(line + sizeof range - 1, NULL, 10);
  return size;
}

/* The first bytes of a body say where it stands in the file. */
static rd_code begin(rd_fetch *f, long status) {
  f->begun = true;
  if (f->fd < 0) {
    f->at = 0;
    return RD_OK;
  }
  if (status == 206 && f->claimed != f->at)
    return rd_fail(f->e, RD_IO, "the server was asked from byte %lld on, and sends from %lld on",
                   (long long)f->at, (long long)f->claimed);
  if (status != 206)
    f->at = 0;
  return ftruncate(f->fd, f->at) == 0 && lseek(f->fd, f->at, SEEK_SET) == f->at
           ? RD_OK
           : rd_fail(f->e, RD_IO, "cannot write: %s", strerror(errno));
}

static rd_code put(rd_fetch *f, const char *data, size_t size) {
  if (f->fd < 0) {
    if (size > f->limit - (size_t)f->at)
      return rd_fail(f->e, RD_BAD_INPUT, "more than %zu bytes", f->limit);
    memcpy(f->text + f->at, data, size);
    f->at += (int64_t)size;
    return RD_OK;
  }
  if (f->size >= 0 && (int64_t)size > f->size - f->at)
    return rd_fail(f->e, RD_BAD_INPUT, "the server sends more than the %lld bytes that it lists",
                   (long long)f->size);
  while (size > 0) {
    ssize_t n = write(f->fd, data, size);
    if (n < 0 && errno != EINTR)
      return rd_fail(f->e, RD_IO,
                     "cannot write: %s; what came is kept, so make room and run it again",
                     strerror(errno));
    size_t written = n > 0 ? (size_t)n : 0;
    data += written;
    size -= written;
    f->at += (int64_t)written;
  }
  if (f->options->progress)
    f->options->progress(f->options->context, f->at, f->size);
  return RD_OK;
}

static size_t body(char *data, size_t one, size_t size, void *context) {
  rd_fetch *f = context;
  long status = 0;
  (void)one;
  lib.curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300)
    return size; /* what a page says of an error is not the file */
  if (!f->begun && begin(f, status) != RD_OK)
    return 0;
  return put(f, data, size) == RD_OK ? size : 0;
}

/* Where a Linux keeps the authorities that it trusts is not the same everywhere. */
static const char *authorities(void) {
  static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
                                       "/etc/ssl/ca-bundle.pem"};
  const char *named = getenv("SSL_CERT_FILE");
  for (size_t i = 0; !named && i < sizeof places / sizeof *places; i++)
    if (access(places[i], R_OK) == 0)
      return places[i];
  return named;
}

rd_code rd_fetch_open(rd_fetch **out, const rd_fetch_options *options, rd_error *e) {
  *out = NULL;
  RD_TRY(rd_late_open(&curl, e));
  rd_fetch *f = rd_calloc(1, sizeof *f, "a connection", e);
  if (!f)
    return RD_NO_MEMORY;
  f->options = options;
  rd_code code = check_base(f, options->base, e);
  f->curl = code == RD_OK ? lib.curl_easy_init() : NULL;
  if (code == RD_OK && !f->curl)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: a connection");
  if (code != RD_OK) {
    rd_fetch_close(&f);
    return code;
  }
  CURL *c = f->curl;
  lib.curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, f->scheme);
  lib.curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, f->scheme);
  lib.curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  lib.curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
  lib.curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  lib.curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 30L);
  lib.curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  lib.curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)IDLE_SECONDS);
  lib.curl_easy_setopt(c, CURLOPT_USERAGENT, "redraft/" RD_VERSION);
  lib.curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->why);
  lib.curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, head);
  lib.curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
  lib.curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body);
  lib.curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
  if (authorities())
    lib.curl_easy_setopt(c, CURLOPT_CAINFO, authorities());
  if (options->token) { /* of this host: libcurl sends it to no other that an answer names */
    lib.curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    lib.curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, options->token);
  }
  *out = f;
  return RD_OK;
}

void rd_fetch_close(rd_fetch **fetch) {
  if (!fetch || !*fetch)
    return;
  lib.curl_easy_cleanup((*fetch)->curl);
  free(*fetch);
  *fetch = NULL;
}

/* What a status means to who asked. */
static const struct meaning {
  long status;
  bool passes; /* another attempt may do better */
  rd_code code;
  const char *words;
} meanings[] = {
    {401, false, RD_BAD_INPUT, "no such model, or one for which a token is needed: set HF_TOKEN"},
    {403, false, RD_BAD_INPUT,
     "not for everybody: its terms are accepted at the hub, and HF_TOKEN says who asks"},
    {404, false, RD_BAD_INPUT, "the hub has no such model, revision or file"},
    {429, true, RD_BUSY, "the hub has had too many requests: try later"},
};

typedef enum attempt { DONE, AGAIN, FAILED } attempt;

static attempt refused(rd_fetch *f, const char *url, long status) {
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
    if (meanings[i].status == status) {
      rd_fail(f->e, meanings[i].code, "%s (HTTP %ld): %s", url, status, meanings[i].words);
      return meanings[i].passes ? AGAIN : FAILED;
    }
  rd_fail(f->e, RD_IO, "%s: the server answers HTTP %ld", url, status);
  return status >= 500 ? AGAIN : FAILED;
}

/* One request, from f->at on. */
static attempt try_once(rd_fetch *f, const char *url, rd_error *e) {
  char from[40] = "";
  long status = 0;
  f->begun = false;
  f->claimed = -1;
  f->why[0] = '\0';
  f->e = e;
  e->code = RD_OK;
  if (f->fd >= 0 && f->at > 0)
    snprintf(from, sizeof from, "%lld-", (long long)f->at);
  lib.curl_easy_setopt(f->curl, CURLOPT_URL, url);
  lib.curl_easy_setopt(f->curl, CURLOPT_RANGE, *from ? from : NULL);
  CURLcode result = lib.curl_easy_perform(f->curl);
  lib.curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
  if (e->code != RD_OK) {
    rd_prefix(e, e->code, "%s", url);
    return FAILED;
  }
  if (result != CURLE_OK) {
    rd_fail(e, RD_IO, "%s: %s", url, *f->why ? f->why : lib.curl_easy_strerror(result));
    return result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_TOO_MANY_REDIRECTS ? FAILED
                                                                                      : AGAIN;
  }
  if (status == 416 && f->at > 0) { /* there is no such part: what is here is of another file */
    f->at = 0;
    rd_fail(e, RD_IO, "%s: the server has no bytes %s", url, from);
    return ftruncate(f->fd, 0) == 0 ? AGAIN : FAILED;
  }
  return status < 300 ? DONE : refused(f, url, status);
}

/* Attempts, until one is done or some in a row have come no further than others before. */
static rd_code try_all(rd_fetch *f, const char *path, rd_error *e) {
  rd_error own = {0};
  attempt last = AGAIN;
  char *url = rd_print("%s/%s", f->options->base, path);
  if (!url)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an address");
  int64_t furthest = f->at;
  for (int fruitless = 0; last == AGAIN && fruitless < FRUITLESS;) {
    if (fruitless > 0)
      nanosleep(&(struct timespec){.tv_nsec = 200000000L * fruitless}, NULL);
    last = try_once(f, url, &own);
    if (last == DONE && f->size >= 0 && f->at < f->size) { /* an end that is none */
      rd_fail(&own, RD_IO, "%s: %lld of %lld bytes came", url, (long long)f->at,
              (long long)f->size);
      last = AGAIN;
    }
    fruitless = f->at > furthest ? 1 : fruitless + 1;
    furthest = f->at > furthest ? f->at : furthest;
  }
  free(url);
  return last == DONE ? RD_OK : rd_fail(e, own.code, "%s", own.message);
}

rd_code rd_fetch_text(rd_fetch *f, const char *path, size_t limit, char **text, size_t *size,
                      rd_error *e) {
  *text = NULL;
  f->fd = -1;
  f->at = 0;
  f->size = -1;
  f->limit = limit;
  f->text = rd_calloc(limit + 1, 1, "an answer", e);
  if (!f->text)
    return RD_NO_MEMORY;
  rd_code code = try_all(f, path, e);
  f->text[code == RD_OK ? f->at : 0] = '\0';
  *text = code == RD_OK ? f->text : NULL;
  *size = (size_t)f->at;
  if (code != RD_OK)
    free(f->text);
  return code;
}

rd_code rd_fetch_file(rd_fetch *f, const char *path, const char *to, int64_t size, rd_error *e) {
  struct stat st;
  f->fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (f->fd < 0 || fstat(f->fd, &st) != 0) {
    int why = errno;
    if (f->fd >= 0)
      close(f->fd);
    return rd_fail(e, RD_IO, "%s: cannot write: %s", to, strerror(why));
  }
  f->size = size;
  f->at = size >= 0 && st.st_size > size ? 0 : st.st_size;
  rd_code code = f->at == size ? RD_OK : try_all(f, path, e);
  if (code == RD_OK && fsync(f->fd) != 0)
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", to, strerror(errno));
  if (close(f->fd) != 0 && code == RD_OK)
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", to, strerror(errno));
  return code;
}
