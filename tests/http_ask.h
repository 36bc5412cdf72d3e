/* SPDX-License-Identifier: MIT */
/* One HTTP request on a connection of its own. */
#ifndef HTTP_ASK_H
#define HTTP_ASK_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* All that a server on the loopback address says, good until the next request; "" when it hangs up
 * at once. */
static inline const char *ask(const char *url, const char *method, const char *path,
                              const char *body, const char *headers) {
  enum { MOST = 1 << 20 };
  static char request[4096], answer[MOST];
  struct sockaddr_in at = {.sin_family = AF_INET};
  at.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  int n = snprintf(request, sizeof request,
                   "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: "
                   "%zu\r\n\r\n%s",
                   method, path, headers, strlen(body), body);
  assert_true(s >= 0 && n > 0 && (size_t)n < sizeof request);
  assert_int_equal(connect(s, (const struct sockaddr *)&at, sizeof at), 0);
  send(s, request, (size_t)n, MSG_NOSIGNAL);
  size_t size = 0;
  for (ssize_t got; size < MOST - 1 && (got = recv(s, answer + size, MOST - 1 - size, 0)) > 0;)
    size += (size_t)got;
  close(s);
  answer[size] = '\0';
  return answer;
}

/* The status of an answer, 0: it has none. */
static inline int status_of(const char *answer) {
  int status = 0;
  return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

#endif
